"""What a session learns from events beyond counts, and the bounds of it."""

from typing import Any

import pytest

from schemas.items import Item
from schemas.limits import (
    FEATURES_MAX,
    MINUTE_MS,
    SECOND_MS,
    SESSION_NAMES_MAX,
    SESSION_TIMES_MAX,
    SESSION_TOPICS_MAX,
    STATEMENT_LENGTH_MAX,
    STATEMENTS_MAX,
    TOPIC_LENGTH_MAX,
)
from schemas.state.session import SessionContext
from tests.builders import NOON, make_event, make_knowledge
from udfs.facts.rooms import fold_context
from udfs.facts.statements import state_facts

KNOWLEDGE = make_knowledge(
    Item("cloud", 0, "Cloud", "Shoes", tags=("Running", "cushioned"), price=90.0),
    Item("rail", 0, "Rail", "Shoes", tags=("running", "stability", "arch support"), price=150.0),
    Item("mud", 0, "Mud", "Shoes", tags=("trail",), price=60.0),
    Item("pan", 0, "Pan", "Pans", tags=("stability",)),
)
Step = tuple[str, dict[str, Any]]


def fold(*steps: Step, apart_ms: int = SECOND_MS) -> SessionContext:
    """The session after these events, each `apart_ms` after the one before."""
    context = SessionContext(1, NOON, NOON)
    for n, (event_type, fields) in enumerate(steps):
        event = make_event(
            event_id=f"e{n}", event_type=event_type, event_time_ms=NOON + n * apart_ms, **fields
        )
        fold_context(context, event, KNOWLEDGE)
    return context


def of_items(event_type: str, *item_ids: str) -> list[Step]:
    return [(event_type, {"item_ids": [one]}) for one in item_ids]


# --- topics -------------------------------------------------------------------------------------


def test_topics_count_items_not_touches() -> None:
    context = fold(*of_items("product_viewed", "cloud", "cloud", "rail"))
    assert context.topics == {"cushioned": 1, "running": 2, "stability": 1, "arch support": 1}


def test_a_topic_touched_again_is_the_newest() -> None:
    context = fold(*of_items("product_viewed", "cloud", "mud", "cloud"))
    assert list(context.topics) == ["trail", "running", "cushioned"]


def test_topics_of_skipped_items_are_kept_apart() -> None:
    context = fold(*of_items("product_viewed", "cloud"), *of_items("item_skipped", "rail", "rail"))
    assert context.topics == {"running": 1, "cushioned": 1}
    assert context.skipped_topics == {"running": 1, "stability": 1, "arch support": 1}
    assert context.skipped == {"rail": 2}


def test_what_leaves_the_cart_is_no_topic() -> None:
    assert fold(*of_items("product_removed_from_cart", "cloud")).topics == {}


@pytest.mark.parametrize(
    "said",
    [
        {"properties": {"text": "After an hour I missed some arch support."}},
        {"value": "Arch support"},
        {"query": "arch support"},
        {"properties": {"topic": " Arch support "}},
        {"properties": {"topics": "Arch support,"}},
        {"value": "arch support", "properties": {"text": "arch support! arch support!"}},
    ],
)
def test_a_review_names_topics_once(said: dict[str, Any]) -> None:
    """The item reviewed lacks the tag; another one of its category has it."""
    context = fold(("review_read", {"item_ids": ["cloud"]} | said))
    assert context.named_topics == {"arch support": 1}
    assert context.topics == {"running": 1, "cushioned": 1, "arch support": 1}


def test_a_review_is_read_with_the_tags_of_its_items_category() -> None:
    text = {"properties": {"text": "stands with great stability on the trail"}}
    assert list(fold(("review_read", {"item_ids": ["pan"]} | text)).named_topics) == ["stability"]
    assert list(fold(("review_read", text)).named_topics) == ["stability", "trail"]


def test_a_query_names_topics_of_the_whole_catalogue() -> None:
    context = fold(("search_performed", {"query": "Trail shoes with stability"}))
    assert list(context.named_topics) == ["trail", "stability"]


def test_a_value_that_is_a_text_is_no_topic() -> None:
    context = fold(("review_read", {"item_ids": ["cloud"], "value": "x" * (TOPIC_LENGTH_MAX + 1)}))
    assert context.named_topics == {}


def test_topics_are_bounded_and_the_one_that_came_up_longest_ago_goes() -> None:
    reviews = [("review_read", {"value": f"t{n}"}) for n in range(SESSION_TOPICS_MAX + 5)]
    context = fold(*of_items("product_viewed", "mud"), *reviews)
    assert list(context.topics) == [f"t{n}" for n in range(5, SESSION_TOPICS_MAX + 5)]
    assert len(context.named_topics) == SESSION_NAMES_MAX


def test_a_flood_of_topics_is_cut() -> None:
    many = ",".join(f"t{n}" for n in range(400))
    context = fold(("review_read", {"properties": {"topics": many}}))
    assert len(context.named_topics) <= SESSION_NAMES_MAX


# --- queries, filters, pages --------------------------------------------------------------------


def test_the_newest_query_or_message_says_what_it_is_after() -> None:
    search = ("search_performed", {"query": "cheapest  Shoes under 50 €"})
    context = fold(search)
    assert (context.last_query, context.text_intent) == (
        "cheapest shoes under 50 €",
        "price_sensitive",
    )
    context = fold(search, ("support_message", {"value": "I want my money back, refund please"}))
    assert (context.text_intent, context.text_ms) == ("returning", NOON + SECOND_MS)
    assert context.last_query == "cheapest shoes under 50 €"


@pytest.mark.parametrize("event_type", ["search_performed", "support_message"])
def test_a_query_or_message_without_words_says_nothing(event_type: str) -> None:
    context = fold((event_type, {"query": " "}))
    assert (context.last_query, context.text_intent) == ("", "") or event_type == "support_message"
    assert fold((event_type, {})).text_intent == ""


def test_a_search_repeats_only_the_one_before() -> None:
    queries = ["tent", "Tent ", "pan", "tent", "tent"]
    context = fold(*(("search_performed", {"query": one}) for one in queries))
    assert context.repeat_ms == [NOON + SECOND_MS, NOON + 4 * SECOND_MS]


def test_a_filter_has_the_value_chosen_last_until_it_is_taken_back() -> None:
    steps = [
        ("filter_applied", {"attribute": name, "value": value})
        for name, value in (("size", "9"), ("colour", "red"), ("size", "10"), ("size", "9"))
    ]
    context = fold(*steps)
    assert context.filter_values == {"colour": "red", "size": "9"}
    assert context.last_filter == "size=9"
    assert context.filters == {"size=9": 2, "colour=red": 1, "size=10": 1}
    context = fold(*steps, ("filter_applied", {"attribute": "size"}), ("filter_applied", {}))
    assert context.filter_values == {"colour": "red"}
    assert context.last_filter == "size="


def test_the_open_page_and_since_when() -> None:
    pages = ["/a", "/b", "/b", "/a", "/a"]
    context = fold(*(("page_viewed", {"page": one}) for one in pages), ("page_scrolled", {}))
    assert (context.pages[-1], context.page_since_ms) == ("/a", NOON + 3 * SECOND_MS)
    assert context.page_opens == 2
    assert context.back_ms == [NOON + 3 * SECOND_MS]
    assert context.pause_ms == SECOND_MS


def test_a_late_event_comes_after_no_pause() -> None:
    context = fold(("page_viewed", {}), ("page_viewed", {}), apart_ms=-MINUTE_MS)
    assert context.pause_ms == 0


def test_help_pages_have_address_and_title() -> None:
    context = fold(
        ("help_viewed", {"page": "/help/Shipping", "value": "Shipping & returns"}),
        ("help_viewed", {"value": "Sizes"}),
        ("help_viewed", {}),
    )
    assert context.help_pages == {"/help/shipping": 1, "sizes": 1}
    assert context.help_topics == {"shipping & returns": 1, "sizes": 1}


@pytest.mark.parametrize(
    ("event_type", "said", "is_leaving"),
    [
        ("page_scrolled", {"value": "exit_intent"}, True),
        ("element_clicked", {"attribute": "exit"}, True),
        ("page_scrolled", {"attribute": "exit_intent", "value": "pointer"}, True),
        ("page_scrolled", {"value": "75 %"}, False),
        ("page_viewed", {"value": "exit_intent"}, False),
    ],
)
def test_the_way_out_is_noticed(event_type: str, said: dict[str, Any], is_leaving: bool) -> None:
    assert fold((event_type, said)).exit_ms == (NOON if is_leaving else 0)


def test_what_the_client_tells_of_going_back_counts_once_with_the_pages_own_word() -> None:
    """As kairos-capture.js tells it, after the page or before it."""
    told = ("page_viewed", {"page": "/a", "attribute": "back_and_forth"})
    own = ("product_viewed", {"page": "/a", "item_ids": ["cloud"]})
    before = (own, ("page_viewed", {"page": "/b"}))
    for again in ((own, told), (told, own), (told,)):
        assert fold(*before, *again).back_navigations == 1


def test_three_clicks_that_the_client_tells_are_one_rage_and_dead_ones_between_are_none() -> None:
    rage = ("element_clicked", {"attribute": "rage_click", "value": "main/button"})
    dead = ("element_clicked", {"attribute": "dead_click", "value": "main/a"})
    assert fold(*[rage] * 3, apart_ms=200).rage_clicks == 1
    assert fold(*[rage] * 6, apart_ms=200).rage_clicks == 2
    assert fold(rage, dead, rage, dead, rage, apart_ms=200).rage_clicks == 0


def test_times_of_signs_are_bounded_and_the_newest_stay() -> None:
    pages = [("page_viewed", {"page": f"/{n % 2}"}) for n in range(40)]
    context = fold(*pages)
    assert context.back_navigations == 38
    assert context.back_ms == [NOON + n * SECOND_MS for n in range(40 - SESSION_TIMES_MAX, 40)]


# --- features and statements --------------------------------------------------------------------


def test_features_are_counted_by_their_name() -> None:
    context = fold(
        ("feature_opened", {"attribute": "forecast"}),
        ("feature_opened", {"attribute": "forecast", "value": "menu"}),
        ("feature_opened", {"value": "export"}),
        ("feature_opened", {}),
        ("feature_activated", {"attribute": "export"}),
    )
    assert context.features_opened == {"forecast": 2, "export": 1}
    assert context.features_activated == {"export": 1}


def test_features_are_bounded_and_the_one_opened_longest_ago_goes() -> None:
    context = fold(*(("feature_opened", {"value": f"f{n}"}) for n in range(FEATURES_MAX + 2)))
    assert list(context.features_opened) == [f"f{n}" for n in range(2, FEATURES_MAX + 2)]
    assert fold(("feature_opened", {"value": "f" * 65})).features_opened == {}


def test_what_a_profile_or_preference_states_is_kept_apart() -> None:
    context = fold(
        ("profile_updated", {"attribute": "role", "value": "buyer", "properties": {"tier": "g"}}),
        ("preference_stated", {"attribute": "style", "value": "plain"}),
    )
    assert context.statements == {"tier": "g", "role": "buyer"}
    assert context.preferences == {"style": "plain"}


def test_statements_are_bounded_and_cut_and_can_be_taken_back() -> None:
    facts: dict[str, str] = {}
    state_facts(facts, [(f"n{n}", "v" * 999) for n in range(STATEMENTS_MAX + 1)])
    assert list(facts) == [f"n{n}" for n in range(1, STATEMENTS_MAX + 1)]
    assert {len(value) for value in facts.values()} == {STATEMENT_LENGTH_MAX}
    state_facts(facts, [("n1", "new"), ("n2", ""), (None, "x"), ("n3", None), ("", "x")])
    state_facts(facts, [("x" * (TOPIC_LENGTH_MAX + 1), "x")])
    assert list(facts) == [*(f"n{n}" for n in range(3, STATEMENTS_MAX + 1)), "n1"]
    assert facts["n1"] == "new"
