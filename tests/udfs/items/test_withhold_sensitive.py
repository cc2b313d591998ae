"""What is of a sensitive category is offered only within the visit that asked for it, whatever a person did before."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS, SESSION_GAP_MS
from schemas.policy import Holdout, Placement, Policy, Suppression
from schemas.state.person import PERSON_STATE
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import NOON, make_event, make_record
from udfs.items.withhold_sensitive import without_sensitive
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

ITEMS = (
    Item("shoe", category="running", name="Red Shoe"),
    Item("sock", category="running", name="Warm Socks"),
    Item("pill", category="health", name="Calm Pills", tags=("sleep",)),
    Item("test", category="health", name="Pregnancy Test"),
)
HEALTH = {"pill", "test"}


def folded(sensitive: tuple[str, ...], events: Iterable[Event]) -> tuple[Fold, list[set[str]]]:
    """The fold, and the items of each decision."""
    policy = Policy(
        (Placement("list"),),
        Suppression(current_item=False, sensitive=sensitive),
        holdout=Holdout(0.0),
    )
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    for at, item in enumerate(ITEMS):
        knowledge.add_item(item, at)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = (make_record(event, at) for at, event in enumerate(events))
    return fold, [
        {one.item_id for one in decision.items}
        for step in fold.run(log)
        for decision, _ in step.decisions
        if decision.kind == "decided"
    ]


def decided(sensitive: tuple[str, ...], events: Iterable[Event]) -> list[set[str]]:
    return folded(sensitive, events)[1]


def event(number: int, event_type: str, **fields: Any) -> Event:
    time_ms = fields.pop("event_time_ms", NOON) + number
    return make_event(event_id=f"e{number}", event_type=event_type, event_time_ms=time_ms, **fields)


def asking(number: int, **fields: Any) -> Event:
    return event(number, "page_viewed", placements=("list",), **fields)


@pytest.mark.parametrize(
    "before",
    [
        ("page_viewed", {}),
        ("product_viewed", {"item_ids": ("shoe",)}),
        ("search_performed", {"query": "red shoe"}),
        ("search_performed", {"query": "calm shoes"}),
    ],
)
def test_nobody_is_offered_it_who_has_not_asked(before: tuple[str, dict[str, Any]]) -> None:
    kind, fields = before
    (items,) = decided(("health",), [event(0, kind, **fields), asking(1)])
    assert not items & HEALTH
    assert "sock" in items
    (items,) = decided((), [event(0, kind, **fields), asking(1)])
    assert items & HEALTH, "without the declaration it is an item like any other"


@pytest.mark.parametrize(
    "before",
    [
        ("product_viewed", {"item_ids": ("test",)}),
        ("search_performed", {"query": "Health"}),
        ("search_performed", {"query": "calm pills"}),
        ("search_performed", {"query": "sleep"}),
    ],
)
def test_the_visit_that_asked_is_offered_it(before: tuple[str, dict[str, Any]]) -> None:
    kind, fields = before
    (items,) = decided(("health",), [event(0, kind, **fields), asking(1)])
    assert "pill" in items


def test_the_next_visit_of_the_same_person_is_not() -> None:
    later = NOON + SESSION_GAP_MS + DAY_MS
    first, second, other = decided(
        ("health",),
        [
            event(0, "product_viewed", item_ids=("pill",)),
            asking(1),
            asking(2, event_time_ms=later),
            asking(3, event_time_ms=later + 1_000, session_id="another", anonymous_id="a1"),
        ],
    )
    assert first & HEALTH
    assert not second & HEALTH
    assert not other & HEALTH


def test_of_a_page_about_the_category_it_is_offered() -> None:
    (items,) = decided(("health",), [asking(0, category="health")])
    assert items & HEALTH


VISIT: list[tuple[str, dict[str, Any]]] = [
    ("product_viewed", {"item_ids": ("pill", "shoe")}),
    ("product_viewed", {"item_ids": ("test",), "category": "health"}),
    ("product_viewed", {"item_ids": ("unlisted-remedy",), "category": "health"}),
    ("product_added_to_cart", {"item_ids": ("pill",), "price": 9.0}),
    ("decision_exposed", {"item_ids": ("pill", "sock")}),
    ("decision_dismissed", {"item_ids": ("test",)}),
    ("item_rated", {"item_ids": ("pill",), "value": "5"}),
    ("purchase_completed", {"item_ids": ("pill", "shoe"), "value_amount": 59.0}),
    ("page_viewed", {"category": "health"}),
]


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_nothing_of_it_is_in_a_persons_state(is_signed_in: bool) -> None:
    """Whether told event by event, or all at once by who signs in at the end."""
    person = {"person_id": "anna"}
    events = [
        event(at, kind, **fields | (person if is_signed_in else {}))
        for at, (kind, fields) in enumerate(VISIT)
    ]
    events.append(event(len(VISIT), "identified", **person))
    named = (b"pill", b"test", b"health", b"unlisted-remedy", b"shoe", b"running")
    found = {}
    for sensitive in (("health",), ()):
        fold, _ = folded(sensitive, events)
        state = PERSON_STATE.encode(fold.persons["anna"])
        found[sensitive] = {one for one in named if one in state}
    assert found[("health",)] == {b"shoe", b"running"}
    assert {b"pill", b"health", b"shoe", b"running"} <= found[()]


def test_what_a_profile_is_told_is_the_news_itself_where_there_is_nothing_to_leave_out() -> None:
    policy = Policy(suppression=Suppression(sensitive=("health",)))
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    context = SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))
    told = event(0, "product_viewed", item_ids=("shoe",))
    news = SessionNews("event", "a1", NOON, "s1", 1, told, context)
    assert without_sensitive(news, Knowledge()) is news
    assert without_sensitive(news, knowledge).event is told


def test_a_policy_without_it_reads_as_before() -> None:
    policy = msgspec.json.decode(b'{"suppression": {"bought_ms": 0}}', type=Policy)
    assert policy.suppression.sensitive == ()


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_no_profile_keeps_that_it_is_wished_for(is_signed_in: bool) -> None:
    person = {"person_id": "anna"} if is_signed_in else {}
    value = "running, Health, -health/sleep"
    events = [
        event(0, "identified", **person) if is_signed_in else event(0, "page_viewed"),
        event(1, "preference_stated", attribute="category", value=value),
        event(2, "preference_stated", properties={"category": value, "colour": "red"}),
        event(3, "identified", person_id="anna"),
    ]
    fold, _ = folded(("health",), events)
    assert fold.persons["anna"].preferences == {"category": "running", "colour": "red"}
