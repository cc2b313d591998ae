"""One sentence per item that says no more than was known."""

from schemas.items import Item
from schemas.state.person import PersonState
from schemas.state.session import ItemTouch, SessionContext
from tests.builders import NOON, make_event, make_knowledge
from udfs.explain.explain_items import explain_items
from udfs.items.retrieve_candidates import LAST_SLATE, SHARES, Retrieved
from udfs.knowledge.knowledge import Knowledge
from udfs.language.sentences import LANGUAGES, SENTENCES, say
from udfs.moment import Moment

KNOWLEDGE = make_knowledge(
    Item("shoe", 0, "Red Shoe", "Shop/Shoes"), Item("boot", 0, "Boot", "Shop/Shoes"),
    Item("pan", 0, "Pan", "Shop/Pans"), Item("bare", 0, "Bare"), Item("nameless", 0, None, "Shop/Shoes"),
)  # fmt: skip


def context(*touches: tuple[str, str | None, int]) -> SessionContext:
    """A session that touched items (id, category, carts)."""
    found = SessionContext(1, NOON, NOON)
    for order, (item_id, category, carts) in enumerate(touches):
        found.items[item_id] = ItemTouch(category, None, None, NOON, NOON, order, carts=carts)
    return found


def moment_of(session: SessionContext, knowledge: Knowledge = KNOWLEDGE) -> Moment:
    return Moment(PersonState(NOON, NOON), session, make_event(), knowledge, knowledge.at(NOON))


def sentence(
    item_id: str, source: str, session: SessionContext, knowledge: Knowledge = KNOWLEDGE
) -> str:
    candidate = Retrieved(item_id, source, knowledge.item_at(item_id, NOON), None)
    return explain_items([candidate], moment_of(session, knowledge))[0]


def test_what_was_in_the_cart_is_said_first() -> None:
    assert (
        sentence("shoe", "caller", context(("shoe", "Shop/Shoes", 1)))
        == "You had this in your cart"
    )


def test_what_was_touched_or_viewed_before() -> None:
    session = context(("shoe", "Shop/Shoes", 0))
    assert sentence("shoe", "trending", session) == "You looked at this recently"
    for source in ("recently_viewed", "viewed_before"):
        assert sentence("pan", source, session) == "You looked at this recently"


def test_the_same_category_names_what_was_viewed() -> None:
    session = context(("shoe", "Shop/Shoes", 0))
    assert sentence("boot", "similar", session) == "Because you viewed Red Shoe"


def test_the_same_category_names_itself_where_what_was_viewed_has_no_name() -> None:
    for viewed in ("nameless", "not in the catalogue"):
        session = context((viewed, "Shop/Shoes", 0))
        assert sentence("boot", "similar", session) == "Because you looked at Shoes"


def test_the_name_is_of_the_item_that_the_category_is_from() -> None:
    session = context(("shoe", "Shop/Shoes", 0), ("bare", None, 0))
    assert sentence("boot", "similar", session) == "Because you viewed Red Shoe"


def test_other_sources_say_what_they_are() -> None:
    for session in (context(), context(("shoe", "Shop/Shoes", 0))):
        assert sentence("pan", "trending", session) == "Popular with other people"
        assert sentence("pan", "caller", session) == "From your list"
        assert sentence("pan", "nearest_sessions", session).startswith("People on a visit")
        assert sentence("pan", "alike", session) == "Like what you looked at"
        assert sentence("pan", "bought_together", session) == "Often bought together"
        assert sentence("pan", "catalogue", session) == "From our catalogue"
        assert sentence("unknown", "caller", session) == "From your list"


def test_names_are_those_of_the_moment() -> None:
    knowledge = make_knowledge(
        Item("shoe", 0, "Old Name", "Shop/Shoes"), Item("shoe", NOON + 1, "New Name", "Shop/Shoes"),
        Item("boot", 0, "Boot", "Shop/Shoes"),
    )  # fmt: skip
    session = context(("shoe", "Shop/Shoes", 0))
    assert sentence("boot", "trending", session, knowledge) == "Because you viewed Old Name"


def test_every_source_has_a_sentence_and_no_sentence_is_of_none() -> None:
    sources = {source for source, _ in SHARES} | {"caller", LAST_SLATE}
    others = {
        "silence",
        "in_cart",
        "viewed",
        "because_item",
        "because_category",
        "pinned",
        "other",
        "objected",
        "stated",
        "stated_price",
    }
    assert set(SENTENCES) - others < sources
    assert all(sentence("pan", source, context()) for source in sources)


def test_every_sentence_is_there_in_every_language_with_the_same_places() -> None:
    for texts in SENTENCES.values():
        assert texts.keys() == set(LANGUAGES)
        assert len({text.count("{what}") for text in texts.values()}) == 1
    assert say("in_cart", "", "de") == "Das hatten Sie im Warenkorb"
    assert say("because_item", "Schuh", "de") == "Weil Sie Schuh angesehen haben"
    assert say("in_cart", "", "xx") == say("in_cart", "", "en")


def test_no_candidates_need_no_sentence() -> None:
    assert explain_items([], moment_of(context())) == []
