"""The ladder of answers as a table: what was found out, and which rung that gives."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.api.answers import Answerer
from channels.api.compose_answer import Found, Setting, Wanted
from channels.api.knowledge import NO_ITEMS, first_available
from channels.api.ladder import choose
from channels.api.services import Services
from schemas.actions import Action, Treatment
from schemas.decisions import Decision, DecisionItem, Versions
from schemas.experiments import Arm, Experiment
from schemas.items import Item
from schemas.policy import Placement, Policy, Suppression
from schemas.rests_on import RestsOn
from scripts.ops.serve_api import read_policy
from udfs.language.sentences import say

NOW: Final = 1_700_000_000_000
POLICY: Final = Policy(
    placements=(
        Placement("list", size=3),
        Placement("hero", size=1, actions=(), fallback="nothing"),
        Placement("bar", size=1, actions=(), fallback="greeting"),
        Placement("rerank", event_types=("ranking_requested",), size=1_000, suppress=False),
        Placement("letter", size=1, actions=(), channel="email", fallback="greeting"),
        Placement("ad", size=1, actions=(), fallback="promotion"),
    ),
    actions=(
        Action(
            "greeting",
            "content",
            treatments=(
                Treatment("plain", content={"title": {"en": "Hello", "de": "Hallo"}, "text": {"en": "Hi {person.name}"}}),
            ),
        ),
        Action("quiz", "content", placements=("hero",)),
        Action("past", "content", ends_ms=NOW),
        Action("promotion", "content", treatments=(Treatment("plain"),), purposes=("advertising",)),
    ),
)  # fmt: skip
ITEMS: Final = {
    one.item_id: one
    for one in (
        Item("i1"),
        Item("i2", stock=0),
        Item("i3", stock=5),
        Item("i4", is_gone=True),
        Item("i5"),
        Item("i6"),
    )
}


def first_items(count: int, passed: Iterable[str]) -> list[Item]:
    there = [one for one in ITEMS.values() if not one.is_gone and one.stock != 0]
    return [one for one in there if one.item_id not in set(passed)][:count]


def setting(**overrides: Any) -> Setting:
    found = Setting(NOW, POLICY, "p1", 7, ITEMS.get, first_items, say)
    return found._replace(**overrides)


def decision(*item_ids: str, **overrides: Any) -> Decision:
    """A decision of a minute ago, valid for another."""
    fields: dict[str, Any] = {
        "decision_id": "d", "kind": "decided", "person": "a", "session_id": "s", "event_id": "e",
        "event_time_ms": NOW - 60_000, "placement": "list", "channel": "web",
        "action_id": "recommend_items", "treatment_id": "slate",
        "items": tuple(DecisionItem(one, 1.0, "why") for one in item_ids), "priority": 1.0,
        "response_propensity": 0.1, "action_probability": 1.0, "arm": {}, "is_holdout": False,
        "is_merging": False, "explanation": "because", "versions": Versions("p1", "m", 1, 2, "c"),
        "sequence": 1, "sent_at_ms": None, "valid_until_ms": NOW + 60_000,
    }  # fmt: skip
    return Decision(**fields | overrides)


def telling(item_id: str, **said: str) -> Decision:
    """A decision whose text tells this of an item."""
    told = RestsOn(item_id, {f"item.{name}": value for name, value in said.items()})
    return decision(placement="hero", action_id="quiz", rests_on=(told,))


EXPIRED: Final = {"valid_until_ms": NOW}
LIST: Final = Wanted("list")
SHOWN: Final = Wanted("list", 8, must_have_items=True)
RERANK: Final = Wanted("rerank", None, ("x", "i2", "y"))
TRENDING: Final = ("i3", "i1", "i5", "i6")

TABLE: Final[list[tuple[str, Wanted, dict[str, Any], str, str]]] = [
    ("the engine decided", LIST, {"fresh": decision("i1")}, "fresh", "i1"),
    ("fresh before recent", LIST, {"fresh": decision("i1"), "recent": decision("i5")}, "fresh", "i1"),
    ("silence is a decision", Wanted("hero"), {"fresh": decision(action_id="nothing", placement="hero")}, "fresh", ""),
    ("a product list is never silent", SHOWN, {"fresh": decision(action_id="nothing"), "trending": TRENDING}, "trending", "i3 i1 i5 i6"),
    ("expired when it came", LIST, {"fresh": decision("i1", **EXPIRED), "trending": TRENDING}, "trending", "i3 i1 i5"),
    ("the last one", LIST, {"recent": decision("i1", "i5")}, "recent", "i1 i5"),
    ("sold out and gone are left out", LIST, {"recent": decision("i1", "i2", "i4", "i5")}, "recent", "i1 i5"),
    ("an item nobody has heard of stays", LIST, {"recent": decision("new")}, "recent", "new"),
    ("nothing left of it", LIST, {"recent": decision("i2", "i4"), "trending": TRENDING}, "trending", "i3 i1 i5"),
    ("not wanted by the person", LIST, {"recent": decision("i1", "i5"), "avoid": frozenset({"i1"})}, "recent", "i5"),
    ("the last one has expired", LIST, {"recent": decision("i1", **EXPIRED), "trending": TRENDING}, "trending", "i3 i1 i5"),
    ("its action was taken out of the policy", Wanted("hero"), {"recent": decision(placement="hero", action_id="old")}, "default", ""),
    ("its action's time is over", Wanted("hero"), {"recent": decision(placement="hero", action_id="past")}, "default", ""),
    ("its action is there", Wanted("hero"), {"recent": decision(placement="hero", action_id="quiz")}, "recent", ""),
    ("the category before all", LIST, {"category": "Shoes", "trending_in_category": ("i5",), "trending": TRENDING}, "trending", "i5"),
    ("a category where nothing may be shown", LIST, {"category": "Shoes", "trending_in_category": ("i2", "i4"), "trending": TRENDING}, "trending", "i3 i1 i5"),
    ("not what is being looked at", LIST, {"trending": TRENDING, "seen": "i3"}, "trending", "i1 i5 i6"),
    ("nothing trends", LIST, {}, "default", "i1 i3 i5"),
    ("nothing trends, and some is not wanted", LIST, {"avoid": frozenset({"i1"}), "seen": "i3"}, "default", "i5 i6"),
    ("the policy's default is silence", Wanted("hero"), {"trending": TRENDING}, "default", ""),
    ("the policy's default is an action", Wanted("bar"), {"trending": TRENDING}, "default", ""),
    ("a product list where the policy says silence", Wanted("hero", 8, must_have_items=True), {"trending": TRENDING}, "trending", "i3 i1 i5 i6"),
    ("the caller's list, decided", RERANK, {"fresh": decision("y", "x", "i2", placement="rerank")}, "fresh", "y x i2"),
    ("the caller's list, not decided", RERANK, {"recent": decision("i1"), "trending": TRENDING}, "default", "x i2 y"),
    ("its text tells what is still so", Wanted("hero"), {"recent": telling("i3", stock="5")}, "recent", ""),
    ("its text tells of stock that is gone", Wanted("hero"), {"recent": telling("i3", stock="6")}, "default", ""),
    ("its text tells of an item that is gone", Wanted("hero"), {"recent": telling("i4", is_in_stock="True")}, "default", ""),
    ("its text tells what this version cannot check", Wanted("hero"), {"recent": telling("i3", colour="red")}, "default", ""),
    ("its text tells of an item nobody has heard of", Wanted("hero"), {"recent": telling("new", stock="5")}, "default", ""),
    ("a placement nobody knows", Wanted("no_such"), {"trending": TRENDING}, "trending", "i3 i1 i5 i6"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wanted", "found", "source", "items"), TABLE, ids=[one[0] for one in TABLE]
)
def test_the_rung(
    name: str, wanted: Wanted, found: dict[str, Any], source: str, items: str
) -> None:
    answer = choose(wanted, Found(**found), setting())
    assert (answer.source, " ".join(one.item_id for one in answer.items)) == (source, items)
    assert answer.why
    assert answer.decision_id
    assert answer.placement == wanted.placement
    assert answer.valid_until_ms > NOW


EMPTY: Final = Wanted("rerank", None, ())


@pytest.mark.parametrize(
    "found",
    [
        Found(),
        Found(fresh=decision(action_id="nothing", placement="rerank")),
        Found(recent=decision("i1"), trending=TRENDING, trending_in_category=TRENDING),
    ],
    ids=["nothing", "decided", "others"],
)
@pytest.mark.parametrize("policy", [POLICY, None], ids=["policy", "none"])
def test_of_an_empty_list_nothing_is_shown_and_that_is_fresh(
    found: Found, policy: Policy | None
) -> None:
    answer = choose(EMPTY, found, setting(policy=policy))
    assert (answer.source, answer.items, answer.action_id) == ("fresh", (), "nothing")


def test_without_policy_catalogue_or_store_the_list_is_empty_and_no_error() -> None:
    nothing = setting(
        policy=None, policy_version="none", item=lambda _: None, first_items=lambda *_: []
    )
    answer = choose(SHOWN, Found(why_not_fresh="Kafka is down."), nothing)
    assert (answer.source, answer.items, answer.kind) == ("default", (), "nothing")
    assert answer.why.startswith("Kafka is down.")


def test_why_tells_the_way_down() -> None:
    found = Found(why_not_fresh="No time.", recent=decision("i1", **EXPIRED), trending=("i1",))
    answer = choose(LIST, found, setting())
    assert answer.why == (
        "No time. The last decision has expired. These items are wanted most everywhere at the moment."
    )
    assert {one.reason for one in answer.items} == {"Popular with other people"}


def test_the_default_actions_texts_are_in_the_persons_language_and_never_half_a_sentence() -> None:
    german = choose(Wanted("bar"), Found(language="de"), setting())
    assert (german.action_id, german.content) == ("greeting", {"title": "Hallo"})
    assert choose(Wanted("bar"), Found(language="fr"), setting()).content == {"title": "Hello"}


@pytest.mark.parametrize(
    ("wanted", "needs"),
    [
        (Wanted("letter"), "A message by email needs the person's consent."),
        (Wanted("letter", 8, must_have_items=True), "A message by email needs the person's consent."),
        (Wanted("ad"), "promotion needs the person's consent."),
    ],
)  # fmt: skip
def test_what_needs_consent_is_decided_by_the_engine_or_not_at_all(
    wanted: Wanted, needs: str
) -> None:
    found = Found(why_not_fresh="No time.", trending=TRENDING)
    answer = choose(wanted, found, setting())
    assert (answer.source, answer.action_id, answer.items) == ("default", "nothing", ())
    assert (answer.content, answer.why.endswith(needs)) == ({}, True)
    sent = decision(placement=wanted.placement, action_id="greeting")
    if not wanted.must_have_items:
        assert choose(wanted, Found(fresh=sent), setting()).action_id == "greeting"


ADDED: Final = {"kind": "offer", "treatments": [{"id": "plain"}], "placements": ["hero"]}
ARMS: Final[list[tuple[str, dict[str, Any], dict[str, str], str]]] = [
    ("its arm adds it", {"actions": {"added": ADDED}}, {"x": "b"}, "recent"),
    ("another arm adds it", {"actions": {"added": ADDED}}, {"x": "a"}, "default"),
    ("of an arm that there is no more", {"actions": {"added": ADDED}}, {"x": "c"}, "default"),
    ("of an experiment that there is no more", {"actions": {"added": ADDED}}, {"y": "b"}, "default"),
    ("its arm ends it", {"actions": {"added": {**ADDED, "ends_ms": NOW}}}, {"x": "b"}, "default"),
    ("its arm changes others only", {"actions": {"quiz": {"value": 2.0}}}, {"x": "b"}, "default"),
    ("its arm changes no actions", {"placements": {"hero": {"size": 2}}}, {"x": "b"}, "default"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "arms", "source"), ARMS, ids=[one[0] for one in ARMS])
def test_an_action_is_there_where_the_arm_of_the_decision_has_it(
    name: str, changes: dict[str, Any], arms: dict[str, str], source: str
) -> None:
    """As after a rollback, when decisions of the version before are still valid."""
    policy = Policy(
        placements=(Placement("hero", actions=(), fallback="nothing"),),
        actions=(
            Action("quiz", "content", treatments=(Treatment("plain"),), placements=("hero",)),
        ),
        experiments=(Experiment("x", (Arm("a", 0.5), Arm("b", 0.5, changes))),),
    )
    read, in_arms = read_policy(msgspec.json.encode(policy))
    found = Found(recent=decision(placement="hero", action_id="added", arm=arms))
    answer = choose(Wanted("hero"), found, setting(policy=read, in_arms=in_arms))
    assert answer.source == source
    assert answer.kind == ("offer" if source == "recent" else "nothing")


DECISIONS: Final = st.none() | st.builds(
    lambda ids, valid_ms, action_id: decision(
        *ids, valid_until_ms=NOW + valid_ms, action_id=action_id
    ),
    st.lists(st.sampled_from(sorted(ITEMS)), unique=True, max_size=4),
    st.sampled_from((-1, 0, 1, 60_000)),
    st.sampled_from(("recommend_items", "nothing", "quiz", "old")),
)
IDS: Final = st.lists(st.sampled_from(sorted(ITEMS)), unique=True, max_size=6)


@settings(max_examples=300)
@given(
    st.sampled_from((LIST, SHOWN, RERANK, Wanted("hero"), Wanted("bar"), Wanted("no_such"))),
    DECISIONS, DECISIONS, IDS, IDS, st.frozensets(st.sampled_from(sorted(ITEMS)), max_size=3),
)  # fmt: skip
def test_there_is_always_an_answer_and_it_shows_nothing_that_may_not_be_shown(
    wanted: Wanted,
    fresh: Decision | None,
    recent: Decision | None,
    in_category: list[str],
    everywhere: list[str],
    avoid: frozenset[str],
) -> None:
    found = Found(
        fresh=fresh, recent=recent, category="Shoes", trending_in_category=in_category,
        trending=everywhere, avoid=avoid,
    )  # fmt: skip
    answer = choose(wanted, found, setting())
    shown = {one.item_id for one in answer.items}
    if answer.source in ("recent", "trending"):
        assert not shown & ({"i2", "i4"} | avoid)
    if answer.source in ("fresh", "recent"):
        assert answer.valid_until_ms > NOW
        assert shown or not wanted.must_have_items
    assert wanted.size is None or len(answer.items) <= wanted.size


def test_a_reason_that_is_not_so_any_more_goes_and_its_item_stays() -> None:
    told = (RestsOn("i3", {"item.stock": "9"}, True), RestsOn("i1", {"item.stock": "None"}, True))
    made = decision("i3", "i1", rests_on=told, explanation="why")
    found = Found(
        recent=msgspec.structs.replace(
            made, items=(made.items[0], msgspec.structs.replace(made.items[1], reason="still"))
        )
    )
    answer = choose(LIST, found, setting())
    assert [(one.item_id, one.reason) for one in answer.items] == [("i3", ""), ("i1", "still")]
    assert answer.explanation == ""
    fresh = choose(LIST, Found(fresh=found.recent), setting())
    assert fresh.items[0].reason == "why"


PRIVATE: Final = {"p1": Item("p1", category="health"), "p2": Item("p2", category="running")}


def with_sensitive(*categories: str) -> Setting:
    policy = msgspec.structs.replace(POLICY, suppression=Suppression(sensitive=categories))
    return setting(policy=policy, item=PRIVATE.get)


@pytest.mark.parametrize(
    ("category", "session_id", "shown"),
    [("", "s2", ["p2"]), ("running", "s2", ["p2"]), ("health", "s2", ["p1", "p2"])],
)
def test_what_is_sensitive_trends_for_those_only_whose_visit_is_about_it(
    category: str, session_id: str, shown: list[str]
) -> None:
    found = Found(category=category, trending=("p1", "p2"), session_id=session_id)
    answer = choose(Wanted("list"), found, with_sensitive("health"))
    assert [one.item_id for one in answer.items] == shown
    assert len(choose(Wanted("list"), found, with_sensitive()).items) == 2


def test_a_last_decision_shows_it_in_its_own_visit_only() -> None:
    last = decision("p1", "p2")
    for session_id, shown in ((last.session_id, ["p1", "p2"]), ("another", ["p2"])):
        found = Found(recent=last, session_id=session_id)
        answer = choose(Wanted("list"), found, with_sensitive("health"))
        assert [one.item_id for one in answer.items] == shown
        assert answer.source == "recent"


def test_the_first_items_of_the_catalogue_hold_nothing_sensitive() -> None:
    snapshot = NO_ITEMS._replace(items=PRIVATE)
    assert [one.item_id for one in first_available(snapshot, 9, (), ("health",))] == ["p2"]
    assert len(first_available(snapshot, 9)) == 2
    policy = msgspec.structs.replace(POLICY, suppression=Suppression(sensitive=("health",)))
    version = SimpleNamespace(policy=policy, version="p1", in_arms=None)
    knowledge = SimpleNamespace(policy_at=lambda _: version, snapshot=snapshot, item_at=None)
    answerer = object.__new__(Answerer)
    answerer._services = cast("Services", SimpleNamespace(knowledge=knowledge, say=say))
    found = answerer._setting(NOW).first_items(9, frozenset())
    assert [one.item_id for one in found] == ["p2"]


def test_a_category_that_is_not_wanted_is_shown_on_no_rung() -> None:
    items = {
        "t1": Item("t1", category="tea/pots"),
        "t2": Item("t2", category="tea"),
        "k": Item("k", category="teak"),
    }
    shop = setting(item=items.get)
    for found in (
        Found(recent=decision(*items), refused=frozenset({"tea"})),
        Found(trending=tuple(items), refused=frozenset({"tea"})),
        Found(trending_in_category=tuple(items), category="tea", refused=frozenset({"tea"})),
    ):
        assert [one.item_id for one in choose(LIST, found, shop).items] == ["k"]
    catalogue = NO_ITEMS._replace(items=items)
    assert [one.item_id for one in first_available(catalogue, 9, (), (), {"tea"})] == ["k"]
