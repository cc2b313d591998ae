"""Budgets: spent, paced over the local day, and overshot by no more than is said."""

import random
from collections import defaultdict
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.actions import Budget
from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import (
    DAY_MS,
    EPOCH_AHEAD_MS,
    EPOCH_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
)
from schemas.state.lessons import ActionFact
from tests.udfs.made_actions import fact, make_action, teach_actions
from udfs.actions.pace_budgets import (
    FIRST_INSTALMENT,
    Refusal,
    allowance,
    exposures_of,
    within_budget,
)
from udfs.calendars import local_day
from udfs.knowledge.action_statistics import ActionStatistics
from udfs.knowledge.learn_items import learn_action

MIDNIGHT = 1_700_006_400_000
"""2023-11-15 00:00 UTC."""
NOON = MIDNIGHT + 12 * HOUR_MS
EPOCH = epoch_of(NOON - EPOCH_AHEAD_MS) - 1
TO_EXPOSURE_MS = 5 * SECOND_MS
PEOPLE_PER_S = 20.0
budget_of = partial(Budget, people_per_s=PEOPLE_PER_S)
HORIZON_S = (EPOCH_MS + EPOCH_AHEAD_MS + TO_EXPOSURE_MS) / SECOND_MS


def shown(today: int = 0, before: int = 0) -> ActionKnowledge:
    """So many exposures four hours before noon, and so many on the day before."""
    hourly = (0, 0, 0, 0, today, *[0] * 11, before)
    return make_action(
        "a", EPOCH, exposures_total=today + before, hour=(NOON - 1) // HOUR_MS, hourly=hourly
    )


def ask(budget: Budget, known: ActionKnowledge | None = None, **fields: Any) -> Refusal | None:
    """Whether the budget allows the action at noon, to one who draws 0."""
    statistics = ActionStatistics()
    if known is not None:
        teach_actions(statistics, known, epoch=known.epoch)
    asked: dict[str, Any] = {"now_ms": NOON, "time_zone": "UTC", "drawn": 0.0} | fields
    return within_budget("a", budget, statistics, EPOCH, **asked)


def rule(budget: Budget, known: ActionKnowledge | None = None, **fields: Any) -> str:
    refused = ask(budget, known, **fields)
    return refused.rule if refused else ""


@pytest.mark.parametrize(
    ("budget", "known", "expected"),
    [
        (budget_of(total=10.0), None, ""),
        (budget_of(total=10.0), shown(9), ""),
        (budget_of(total=10.0), shown(10), "budget_total"),
        (budget_of(total=10.0), shown(4, 6), "budget_total"),
        (budget_of(total=0.3, cost=0.1), shown(2), ""),
        (budget_of(total=0.3, cost=0.1), shown(3), "budget_total"),
        (budget_of(total=10.0, cost=4.0), shown(1), ""),
        (budget_of(total=10.0, cost=4.0), shown(2), "budget_total"),
        (budget_of(total=0.0), None, "budget_total"),
        (budget_of(total=0.0, cost=0.0), shown(10**6), ""),
        (budget_of(per_day=10.0, is_paced=False), shown(9, 100), ""),
        (budget_of(per_day=10.0, is_paced=False), shown(10), "budget_day"),
        (budget_of(per_day=10.0), shown(4, 100), ""),
        (budget_of(per_day=10.0), shown(5, 100), "budget_pace"),
        (budget_of(per_day=10.0, total=20.0), shown(0, 20), "budget_total"),
    ],
)
def test_budget_is_exposures_times_cost(
    budget: Budget, known: ActionKnowledge | None, expected: str
) -> None:
    assert rule(budget, known) == expected


def test_refusal_says_what_is_left_of_what() -> None:
    refused = ask(budget_of(total=10.0, cost=4.0), shown(2))
    assert refused == ("budget_total", {"left": "2", "cost": "4", "budget": "10"})


@given(st.integers(0, DAY_MS - 1))
def test_paced_budget_is_there_by_the_share_of_the_day_that_is_gone(into_day_ms: int) -> None:
    budget, now_ms = budget_of(per_day=9_600.0), MIDNIGHT + into_day_ms
    found = allowance(budget, None, epoch_of(now_ms), now_ms, "UTC")
    due = 9_600.0 * max(into_day_ms / DAY_MS, FIRST_INSTALMENT)
    assert found.left_so_far == pytest.approx(due)
    assert found.left_today == 9_600.0


def test_a_day_begins_with_a_first_instalment_and_ends_with_all_of_it() -> None:
    budget = budget_of(per_day=96.0)
    first, last = (
        allowance(budget, None, EPOCH, now_ms, "UTC").left_so_far
        for now_ms in (MIDNIGHT, MIDNIGHT + DAY_MS - 1)
    )
    assert [first, last] == pytest.approx([1.0, 96.0], rel=1e-5)


@pytest.mark.parametrize(
    ("zone", "now", "start", "hours"),
    [
        ("UTC", NOON, MIDNIGHT, 24),
        ("Europe/Berlin", NOON, MIDNIGHT - HOUR_MS, 24),
        ("America/New_York", NOON, MIDNIGHT + 5 * HOUR_MS, 24),
        ("Asia/Kolkata", NOON, MIDNIGHT - 5.5 * HOUR_MS, 24),
        ("Asia/Kathmandu", NOON, MIDNIGHT - 5.75 * HOUR_MS, 24),
        ("Pacific/Auckland", NOON, MIDNIGHT + 11 * HOUR_MS, 24),
        ("Europe/Berlin", 1_711_846_800_000, 1_711_839_600_000, 23),  # 2024-03-31
        ("Europe/Berlin", 1_729_987_200_000, 1_729_980_000_000, 25),  # 2024-10-27
        ("Atlantic/Azores", 1_711_846_800_000, 1_711_846_800_000, 23),  # no hour from midnight on
        ("America/Havana", 1_730_610_000_000, 1_730_606_400_000, 25),  # midnight comes twice
    ],
)
def test_a_day_is_that_of_the_calendar_in_its_zone(
    zone: str, now: int, start: float, hours: int
) -> None:
    day = local_day(zone, now)
    assert day == (start, start + hours * HOUR_MS)
    assert local_day(zone, day.end_ms - 1) == day
    assert local_day(zone, day.end_ms).start_ms == day.end_ms


def test_exposures_count_for_the_local_day_of_their_event_time() -> None:
    """Two hours before midnight in London it is tomorrow in Moscow, and noon in Chicago."""
    late, noon = epoch_of(MIDNIGHT - 2 * HOUR_MS), epoch_of(NOON)
    facts = [fact(time_ms=MIDNIGHT - 2 * HOUR_MS)]
    known = learn_action(learn_action(None, facts, late), [fact(time_ms=NOON)] * 2, noon)
    found = {
        zone: exposures_of(known, local_day(zone, NOON))
        for zone in ("Europe/London", "Europe/Moscow", "America/Chicago")
    }
    assert found == {"Europe/London": 2, "Europe/Moscow": 3, "America/Chicago": 2}
    assert exposures_of(known, local_day("Europe/London", MIDNIGHT - 1)) == 1
    assert exposures_of(known, local_day("Europe/London", NOON + 3 * DAY_MS)) == 0


def test_in_a_half_hour_zone_the_hour_of_midnight_counts_to_both_days() -> None:
    """Midnight in India is 18:30 UTC: what was shown at 18:10 belongs to the day before, and counts twice."""
    before_ms = MIDNIGHT + 18 * HOUR_MS + 10 * MINUTE_MS
    known = learn_action(None, [fact(time_ms=before_ms)], epoch_of(before_ms))
    days = [local_day("Asia/Kolkata", before_ms + later) for later in (0, HOUR_MS)]
    assert days[0].end_ms == days[1].start_ms
    assert [exposures_of(known, day) for day in days] == [1, 1]


def test_decision_does_not_see_what_was_shown_in_a_later_epoch() -> None:
    statistics = teach_actions(ActionStatistics(), shown(9), epoch=EPOCH)
    later = learn_action(shown(9), [fact(time_ms=NOON)] * 5, EPOCH + 1)
    teach_actions(statistics, later, epoch=EPOCH + 1)
    budget = budget_of(total=10.0)
    now, then = (
        within_budget("a", budget, statistics, epoch, NOON, "UTC", 0.0)
        for epoch in (EPOCH, EPOCH + 1)
    )
    assert now is None
    assert then is not None


# --- the share of people -------------------------------------------------------------------------


def test_what_remains_is_offered_to_a_share_of_people_by_their_draw() -> None:
    budget = budget_of(total=100.0)
    known = make_action("a", EPOCH, exposures_total=50, peak=100.0)
    found = allowance(budget, known, EPOCH, NOON, "UTC", TO_EXPOSURE_MS)
    assert found.share == pytest.approx(50.0 / (100.0 * HORIZON_S))
    for drawn, expected in ((found.share * 0.99, ""), (found.share * 1.01, "budget_share")):
        assert rule(budget, known, drawn=drawn, to_exposure_ms=TO_EXPOSURE_MS) == expected


def test_what_was_shown_just_now_stands_for_what_is_on_its_way() -> None:
    budget = budget_of(total=100.0)
    recent = (0, 10, *[0] * 10, 20)
    known = make_action("a", EPOCH, exposures_total=50, recent=recent)
    found = [
        allowance(budget, known, EPOCH + later, NOON, "UTC", TO_EXPOSURE_MS).on_its_way
        for later in (0, 4, 7, 8, 1_000)
    ]
    assert found == [10.0 * 9 / 4, 10.0, 10.0, 0.0, 0.0]  # at first as fast as in the newest epochs
    longer = allowance(budget, known, EPOCH + 4, NOON, "UTC", 13 * SECOND_MS)
    assert longer.on_its_way == 30.0


def test_nobody_is_assumed_to_be_alone() -> None:
    found = allowance(budget_of(total=100.0), None, EPOCH, NOON, "UTC", TO_EXPOSURE_MS)
    assert found.expected == PEOPLE_PER_S * HORIZON_S


# --- a crowd -------------------------------------------------------------------------------------


class Crowd(NamedTuple):
    """People who ask for an action, and when those who get it see it."""

    per_s: float
    seconds: int
    start_ms: int = MIDNIGHT + 6 * HOUR_MS
    seed: int = 1


class Run:
    """A live engine in small: exposures become records of epochs, in force in their time."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.shown_ms: list[int] = []
        self.records: list[ActionKnowledge | EpochEnd] = []
        self._known: ActionKnowledge | None = None
        self._statistics = ActionStatistics()
        self._facts: dict[int, list[ActionFact]] = defaultdict(list)

    def serve(self, crowd: Crowd) -> int:
        """How many saw the action; at the end all that they saw is known."""
        chance = random.Random(crowd.seed)
        before, now = len(self.shown_ms), float(crowd.start_ms)
        while (now := now + chance.expovariate(crowd.per_s) * 1_000) < (
            crowd.start_ms + crowd.seconds * 1_000
        ):
            self._ask(int(now), chance.random())
        self._learn(int(now) + DAY_MS // 2)
        return len(self.shown_ms) - before

    def _ask(self, now_ms: int, drawn: float) -> None:
        self._learn(now_ms)
        epoch = epoch_of(now_ms - EPOCH_AHEAD_MS) - 1
        refused = within_budget(
            "a", self.budget, self._statistics, epoch, now_ms, "UTC", drawn, TO_EXPOSURE_MS
        )
        if refused is None:
            seen_ms = now_ms + TO_EXPOSURE_MS
            self.shown_ms.append(seen_ms)
            self._facts[epoch_of(seen_ms)].append(fact(time_ms=seen_ms))

    def _learn(self, now_ms: int) -> None:
        while self._facts and epoch_end_ms(epoch := next(iter(self._facts))) <= now_ms:
            self._known = learn_action(self._known, self._facts.pop(epoch), epoch)
            end = EpochEnd("0", epoch, effective_from_ms(epoch), 1)
            for record in (self._known, end):
                self.records.append(record)
                self._statistics.learn(record)
        self._statistics.advance(now_ms)


THOUSAND_A_MINUTE = 1_000 / 60


def by_chance(per_s: float) -> float:
    """The overshoot that is said of a crowd of this size."""
    return 2.0 * float((per_s * HORIZON_S) ** 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_crowd_of_a_thousand_a_minute_overshoots_by_chance_only(seed: int) -> None:
    """100 a day and 500 in all: six days, a quarter of an hour of each."""
    run = Run(budget_of(total=500.0, per_day=100.0, is_paced=False))
    days = [
        run.serve(
            Crowd(THOUSAND_A_MINUTE, 900, MIDNIGHT + day * DAY_MS + 6 * HOUR_MS, 10 * seed + day)
        )
        for day in range(6)
    ]
    assert all(95 <= day <= 100 + by_chance(THOUSAND_A_MINUTE) for day in days[:4])
    assert days[-1] == 0
    assert 495 <= sum(days) <= 500 + by_chance(THOUSAND_A_MINUTE)


@pytest.mark.parametrize("per_s", [1.0, THOUSAND_A_MINUTE])
def test_paced_budget_is_spent_evenly(per_s: float) -> None:
    """2,400 a day are 100 an hour, and many more ask."""
    run = Run(budget_of(per_day=2_400.0))
    run.serve(Crowd(THOUSAND_A_MINUTE, 60, MIDNIGHT))
    assert len(run.shown_ms) <= 2_400 * FIRST_INSTALMENT + by_chance(per_s)
    halves = [
        run.serve(Crowd(per_s, 1_800, MIDNIGHT + half * HOUR_MS // 2 + 15 * MINUTE_MS))
        for half in range(2)
    ]
    assert all(40 <= half <= 60 for half in halves)


def test_crowd_larger_than_any_seen_before_overshoots_within_the_bound() -> None:
    per_s = 10 * PEOPLE_PER_S
    run = Run(budget_of(total=100.0))
    count = run.serve(Crowd(per_s, 60))
    assert 100 < count <= 100 + per_s * HORIZON_S
    assert count == pytest.approx(100 * per_s / PEOPLE_PER_S, rel=0.2)


def test_crowd_that_was_seen_before_does_not_overshoot_again() -> None:
    """A budget larger than what is shown within a horizon shows how many come."""
    per_s = 5 * PEOPLE_PER_S
    run = Run(budget_of(per_day=5_000.0, is_paced=False))
    days = [run.serve(Crowd(per_s, 90, MIDNIGHT + day * DAY_MS + HOUR_MS, day)) for day in range(2)]
    assert all(4_500 <= day <= 5_000 + by_chance(per_s) for day in days)


def test_log_told_again_after_a_restart_spends_nothing_twice() -> None:
    run = Run(budget_of(total=60.0))
    count = run.serve(Crowd(THOUSAND_A_MINUTE, 120))
    statistics, last = ActionStatistics(), run.records[-1]
    half = len(run.records) // 2
    for record in (*run.records[:half], *run.records):  # the writer began again from the start
        statistics.learn(record)
    statistics.advance(effective_from_ms(last.epoch))
    known = statistics.action("a", last.epoch)
    assert known is not None
    assert known.exposures_total == count
    refused = within_budget("a", run.budget, statistics, last.epoch, NOON, "UTC", 0.0)
    assert refused is not None
    assert refused.rule == "budget_total"
