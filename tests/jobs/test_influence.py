"""One visitor with the public key against all others, through the whole core: what the log teaches, and who is offered what."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.items import Item, Uncatalogued
from schemas.knowledge import ActionKnowledge, ItemKnowledge, KnowledgeRecord, PastSession
from schemas.limits import DAY_MS, DECISIONS_KNOWN_MAX, MINUTE_MS, TOUCHES_PER_DAY_MAX
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from udfs.draw import identify_decision
from udfs.session.limit_rate import USUAL_RATE, Rate

EVIL = [f"Buy at evil.example {n}" for n in range(40)]


class Listening(Learner):
    """A learner that keeps what it has taught."""

    def __init__(self) -> None:
        super().__init__()
        self.taught: list[KnowledgeRecord] = []

    def close(self, now_ms: int) -> Any:
        for record in super().close(now_ms):
            self.taught.append(record)
            yield record


def run(
    events: Iterable[Event],
    *items: Item,
    uncatalogued: Uncatalogued = "when_empty",
    rate: Rate = USUAL_RATE,
) -> tuple[list[Decision], list[KnowledgeRecord], list[str]]:
    """All decisions, all that was taught, and what was counted."""
    learner = Listening()
    knowledge = make_knowledge(*items, uncatalogued=uncatalogued)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed", rate=rate), learner)
    decisions: list[Decision] = []
    counts: list[str] = []
    # an epoch is closed by what comes after it
    last = make_event(event_id="last", event_type="page_scrolled", event_time_ms=NOON + 2 * DAY_MS)
    for one in fold.run(make_record(event, n) for n, event in enumerate([*events, last])):
        decisions += [decision for decision, _ in one.decisions]
        counts += one.counts
    return decisions, learner.taught, counts


def of(session: str, number: int, event_type: str, time_ms: int = NOON, **fields: Any) -> Event:
    return make_event(
        event_id=f"{session}-{number}", event_type=event_type, session_id=session,
        anonymous_id=session, event_time_ms=time_ms + 100 * number, **fields,
    )  # fmt: skip


def stranger(placement: str = "home", **fields: Any) -> Event:
    """A new visitor, ten minutes later."""
    return make_event(
        event_id="new", session_id="new", anonymous_id="new", placements=[placement],
        event_time_ms=NOON + 10 * MINUTE_MS, **fields,
    )  # fmt: skip


def attack(*, is_unproven: bool) -> list[Event]:
    """Made-up purchases of made-up items, and looks at them."""
    kinds = ["purchase_completed", "product_viewed", "product_added_to_cart"]
    return [
        of("evil", n, kind, item_ids=EVIL, is_unproven=is_unproven) for n, kind in enumerate(kinds)
    ] + [
        of("evil", 10 + n, "product_viewed", item_ids=[one], category=one, is_unproven=is_unproven)
        for n, one in enumerate(EVIL)
    ]


def names(records: list[KnowledgeRecord]) -> set[str]:
    found = {one.item_id for one in records if isinstance(one, ItemKnowledge)}
    found |= {
        item_id
        for one in records
        if isinstance(one, ItemKnowledge)
        for links in (one.next_items, one.seen_with, one.bought_with)
        for item_id in links
    }
    return found | {id_ for one in records if isinstance(one, PastSession) for id_ in one.item_ids}


@pytest.mark.parametrize("is_unproven", [True, False])
def test_made_up_items_are_neither_learnt_nor_offered_beside_a_catalogue(is_unproven: bool) -> None:
    honest = of("honest", 60, "product_viewed", item_ids=["i3"], category="Shop/C3")
    decisions, taught, _ = run(
        [*attack(is_unproven=is_unproven), honest, stranger()], *make_catalogue()
    )
    assert names(taught) == {"i3", "Shop/C3"}
    offered = [item.item_id for one in decisions for item in one.items]
    assert "i3" in offered
    assert not set(offered) & set(EVIL)


def test_a_visitor_who_touches_them_is_not_offered_them_either() -> None:
    events = [*attack(is_unproven=True), of("evil", 99, "page_viewed", placements=["home"])]
    decisions, _, _ = run(events, *make_catalogue())
    assert decisions[-1].items
    assert not {item.item_id for one in decisions for item in one.items} & set(EVIL)


@pytest.mark.parametrize(
    ("uncatalogued", "items", "is_learnt"),
    [
        ("when_empty", 0, True), ("never", 0, False), ("always", 0, True),
        ("when_empty", 5, False), ("never", 5, False), ("always", 5, True),
    ],
)  # fmt: skip
def test_items_without_a_catalogue_are_known_as_the_setting_says(
    uncatalogued: Uncatalogued, items: int, is_learnt: bool
) -> None:
    views = [of(f"v{n}", n, "product_viewed", item_ids=["unlisted"]) for n in range(3)]
    decisions, taught, _ = run(
        [*views, stranger()], *make_catalogue(items), uncatalogued=uncatalogued
    )
    assert ("unlisted" in names(taught)) == is_learnt
    offered = {item.item_id for one in decisions for item in one.items}
    assert ("unlisted" in offered) == is_learnt


def test_an_item_is_known_from_when_the_catalogue_holds_it() -> None:
    later = Item("late", NOON + 200)
    views = [of("v", n, "product_viewed", item_ids=["late"]) for n in range(5)]
    _, taught, _ = run(views, *make_catalogue(), later)
    counted = [one.views for one in taught if isinstance(one, ItemKnowledge) and one.kind == "item"]
    assert counted == [pytest.approx(3.0, rel=1e-4)]


def test_the_callers_own_candidates_are_ranked_whatever_they_are_and_taught_only_where_listed() -> (
    None
):
    listed = [{"item_id": "unlisted"}, {"item_id": "i1"}]
    asked = of("s", 1, "ranking_requested", candidates=listed, is_unproven=True)
    decisions, taught, _ = run([asked], *make_catalogue())
    assert {item.item_id for item in decisions[0].items} == {"unlisted", "i1"}
    assert names(taught) == {"i1"}


def responses(count: int, **fields: Any) -> list[Event]:
    named = {"action_id": "banner", "placement": "hero"}
    return [
        of("s", n, "decision_exposed", properties=named, item_ids=["i1"], **fields)
        for n in range(count)
    ]


def spent(events: list[Event], rate: Rate = USUAL_RATE) -> tuple[int, float]:
    """Exposures of `banner` as its budget sees them, and as its statistics do; and never more of the item."""
    found = [
        one
        for one in run(events, *make_catalogue(), rate=rate)[1]
        if isinstance(one, ActionKnowledge) and one.key == "banner"
    ]
    return (found[-1].exposures_total, round(found[-1].exposures)) if found else (0, 0)


def test_exposures_that_a_page_makes_up_empty_no_budget_and_teach_nothing() -> None:
    events = responses(200, decision_id="made-up", is_unproven=True)
    assert spent(events) == (0, 0)
    assert names(run(events, *make_catalogue())[1]) == set()
    assert run(events, *make_catalogue())[2].count("unproven") == 200


def asked(session: str = "s", number: int = 0, **fields: Any) -> Event:
    """An event that asks for a decision; its responses come after it."""
    return of(session, -1 - number, "page_viewed", placements=["home"], **fields)


def decision_of(event: Event, person: str | None = None) -> str:
    return identify_decision(person or event.anonymous_id, event.session_id, event.event_id, "home")


def test_a_server_that_names_a_decision_spends_and_history_does_not() -> None:
    assert spent([asked(), *responses(3, decision_id=decision_of(asked()))]) == (3, 3)
    assert spent([asked(), *responses(3)]) == (0, 3)


def test_a_decision_that_was_not_made_for_them_is_history() -> None:
    """Made up, of another system, of another person, or of an event that asked for nothing."""
    of_another = asked("other")
    silent = of("s", -2, "page_scrolled")
    for name in ("d1", decision_of(of_another), decision_of(silent)):
        assert spent([silent, asked(), of_another, *responses(3, decision_id=name)]) == (0, 3)


def test_a_decision_is_known_in_another_session_of_its_person_a_day_later() -> None:
    """A server tells that an e-mail was opened, in a session of its own."""
    first = asked(time_ms=NOON - DAY_MS)
    opened = of(
        "mail", 3, "decision_exposed", properties={"action_id": "banner", "placement": "hero"},
        decision_id=decision_of(first),
    )  # fmt: skip
    of_person = msgspec.structs.replace(opened, anonymous_id="s")
    assert spent([first, of_person]) == (1, 1)
    assert spent([first, opened]) == (0, 1)


def test_a_decision_from_before_signing_in_is_known_after_and_in_later_sessions() -> None:
    first = asked()
    signed = of("s", 0, "identified", person_id="u")
    again = of("s2", 0, "identified", person_id="u")
    named: dict[str, Any] = {
        "properties": {"action_id": "banner"},
        "decision_id": decision_of(first),
    }
    responses = [of("s", 1, "decision_exposed", **named), of("s2", 2, "decision_exposed", **named)]
    assert spent([first, signed, again, *responses]) == (2, 2)
    assert spent([first, again, *responses]) == (1, 2)


def test_the_newest_decisions_are_known_and_what_responds_to_older_ones_is_history() -> None:
    asking = [asked(number=n) for n in reversed(range(DECISIONS_KNOWN_MAX + 1))]
    slow = Rate(0, 0)
    for event, known in ((asking[0], 0), (asking[1], 1)):
        shown = responses(1, decision_id=decision_of(event))
        assert spent([*asking, *shown], slow) == (known, 1)


def test_nobody_is_asked_where_the_session_sends_too_much() -> None:
    """What is not decided on makes no decision known."""
    events = [asked(number=2), asked(number=1), asked()]
    shown = responses(1, decision_id=decision_of(events[2]))
    assert spent([*events, *shown], Rate(1, 1)) == (0, 1)


def test_a_flood_of_one_visitor_counts_as_often_as_a_person_may() -> None:
    views = [of("s", n, "product_viewed", item_ids=["i1"], is_unproven=True) for n in range(300)]
    _, taught, _ = run(views, *make_catalogue())
    newest = [one for one in taught if isinstance(one, ItemKnowledge) and one.item_id == "i1"][-1]
    assert round(newest.views) == TOUCHES_PER_DAY_MAX


def visits(sessions: int, each: int, **fields: Any) -> list[Event]:
    """One person who looks at one item in many sessions at once."""
    found = [
        make_event(
            event_id=f"s{at}-{n}", session_id=f"s{at}", anonymous_id="one", is_unproven=True,
            event_type="product_viewed", item_ids=["i1"], event_time_ms=NOON + 1_000 * n + at,
        )
        for at in range(sessions)
        for n in range(each)
    ]  # fmt: skip
    return [msgspec.structs.replace(one, **fields) for one in found]


def viewed(events: list[Event]) -> int:
    _, taught, _ = run(sorted(events, key=lambda one: one.event_time_ms), *make_catalogue())
    found = [one for one in taught if isinstance(one, ItemKnowledge) and one.item_id == "i1"]
    return round(found[-1].views) if found else 0


def test_a_person_counts_so_often_for_an_item_a_day_in_however_many_sessions() -> None:
    assert viewed(visits(30, 5)) == TOUCHES_PER_DAY_MAX
    assert viewed(visits(30, 5, is_unproven=False)) == 150  # a server tells of all
    others = [msgspec.structs.replace(one, anonymous_id=one.session_id) for one in visits(30, 5)]
    assert viewed(others) == 150  # thirty persons


def test_the_day_after_counts_anew() -> None:
    tomorrow = [
        msgspec.structs.replace(one, event_id=f"{one.event_id}+", event_time_ms=one.event_time_ms + DAY_MS)
        for one in visits(30, 5)
    ]  # fmt: skip
    found = viewed([*visits(30, 5), *tomorrow])
    assert TOUCHES_PER_DAY_MAX < found <= 2 * TOUCHES_PER_DAY_MAX


def test_categories_and_links_of_what_counts_no_more_are_not_taught_either() -> None:
    _, taught, _ = run(visits(30, 5), *make_catalogue())
    category = [one for one in taught if isinstance(one, ItemKnowledge) and one.kind == "category"]
    assert round(category[-1].views) == TOUCHES_PER_DAY_MAX


def test_an_order_in_two_sessions_of_a_person_is_learnt_once() -> None:
    orders = [
        make_event(
            event_id=name, session_id=f"s{at}", anonymous_id="one", item_ids=["i1", "i2"],
            event_type="purchase_completed", event_time_ms=NOON + at,
        )
        for at, name in enumerate(("order", "order", "another"))
    ]  # fmt: skip
    _, taught, _ = run(orders, *make_catalogue())
    found = {one.item_id: one for one in taught if isinstance(one, ItemKnowledge)}
    assert round(found["i1"].purchases) == 2
    assert round(found["i1"].bought_with["i2"]) == 2
