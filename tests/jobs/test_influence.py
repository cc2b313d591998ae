"""One visitor with the public key against all others, through the whole core: what the log teaches, and who is offered what."""

from collections.abc import Iterable
from typing import Any

import pytest

from jobs.fold import Fold, FoldRules
from jobs.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.items import Item, Uncatalogued
from schemas.knowledge import ActionKnowledge, ItemKnowledge, KnowledgeRecord, PastSession
from schemas.limits import HOUR_MS, MINUTE_MS, TOUCHES_PER_DAY_MAX
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record

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
    events: Iterable[Event], *items: Item, uncatalogued: Uncatalogued = "when_empty"
) -> tuple[list[Decision], list[KnowledgeRecord], list[str]]:
    """All decisions, all that was taught, and what was counted."""
    learner = Listening()
    knowledge = make_knowledge(*items, uncatalogued=uncatalogued)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"), learner)
    decisions: list[Decision] = []
    counts: list[str] = []
    # an epoch is closed by what comes after it
    last = make_event(event_id="last", event_type="page_scrolled", event_time_ms=NOON + HOUR_MS)
    for one in fold.run(make_record(event, n) for n, event in enumerate([*events, last])):
        decisions += [decision for decision, _ in one.decisions]
        counts += one.counts
    return decisions, learner.taught, counts


def of(session: str, number: int, event_type: str, **fields: Any) -> Event:
    return make_event(
        event_id=f"{session}-{number}", event_type=event_type, session_id=session,
        anonymous_id=session, event_time_ms=NOON + 100 * number, **fields,
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


def spent(events: list[Event]) -> tuple[int, float]:
    """Exposures of `banner` as its budget sees them, and as its statistics do; and never more of the item."""
    found = [
        one
        for one in run(events, *make_catalogue())[1]
        if isinstance(one, ActionKnowledge) and one.key == "banner"
    ]
    return (found[-1].exposures_total, round(found[-1].exposures)) if found else (0, 0)


def test_exposures_that_a_page_makes_up_empty_no_budget_and_teach_nothing() -> None:
    events = responses(200, decision_id="made-up", is_unproven=True)
    assert spent(events) == (0, 0)
    assert names(run(events, *make_catalogue())[1]) == set()
    assert run(events, *make_catalogue())[2].count("unproven") == 200


def test_a_server_that_names_a_decision_spends_and_history_does_not() -> None:
    assert spent(responses(3, decision_id="d1")) == (3, 3)
    assert spent(responses(3)) == (0, 3)


def test_a_flood_of_one_visitor_counts_as_often_as_a_person_may() -> None:
    views = [of("s", n, "product_viewed", item_ids=["i1"], is_unproven=True) for n in range(300)]
    _, taught, _ = run(views, *make_catalogue())
    newest = [one for one in taught if isinstance(one, ItemKnowledge) and one.item_id == "i1"][-1]
    assert round(newest.views) == TOUCHES_PER_DAY_MAX
