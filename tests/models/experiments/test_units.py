"""Outcomes as sums by arm: who counts, since when, in what order they come, and what does not count."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.experiments.metrics import METRICS, measures_of
from models.experiments.sums import QUANTUM, moments
from models.experiments.units import BEFORE_MS, Compared, Counted, Ledger
from schemas.experiments import Experiment
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.outcomes import Outcome
from tests.builders import NOON
from tests.models.experiments.outcomes import EXPERIMENT, make_outcome, visit, visits, went

ALL = tuple(METRICS.values())


def counted(outcomes: list[Outcome], experiment: Experiment = EXPERIMENT) -> Counted:
    ledger = Ledger(Compared(experiment, lambda one: one.arm.get("ranker"), "EUR"))
    for one in outcomes:
        ledger.add(one)
    return ledger.counted(ALL)


def revenue(found: Counted, arm: str, metric: str = "revenue_per_person") -> float:
    return found.sums[metric, arm].y / QUANTUM


def test_who_was_seen_counts_from_then_on_and_what_was_before_is_the_covariate() -> None:
    found = counted([
        make_outcome("converted", at_ms=NOON + DAY_MS - 1, value=5.0),
        make_outcome("exposed", at_ms=NOON + DAY_MS, arm={"ranker": "session"}),
        make_outcome("converted", at_ms=NOON + DAY_MS + 1, value=7.0),
        make_outcome("converted", at_ms=NOON + DAY_MS + 1, value=7.0, person="never seen"),
    ])  # fmt: skip
    assert found.units == {"session": 1}
    assert found.exposures == {"session": 1}
    sums = found.sums["revenue_per_person", "session"]
    assert (sums.y, sums.d, sums.x) == (7 * QUANTUM, QUANTUM, 5 * QUANTUM)
    assert (found.first_ms, found.last_ms) == (NOON + DAY_MS, NOON + DAY_MS + 1)


def test_what_lies_long_before_or_after_the_end_counts_nothing() -> None:
    found = counted([
        make_outcome("exposed", at_ms=NOON + 1, arm={"ranker": "session"}),
        make_outcome("converted", at_ms=NOON - BEFORE_MS, value=5.0),
        make_outcome("converted", at_ms=EXPERIMENT.ends_ms, value=7.0),
    ])  # fmt: skip
    sums = found.sums["revenue_per_person", "session"]
    assert (sums.y, sums.x) == (0, 0)


def test_what_is_taken_back_is_gone_and_refunds_stand_for_themselves() -> None:
    bought = make_outcome("converted", at_ms=NOON + 2, value=30.0, share=0.5)
    found = counted([
        make_outcome("exposed", at_ms=NOON + 1, arm={"ranker": "session"}),
        bought,
        replace(bought, outcome_id="again", revision=1, sign=-1),
        replace(bought, outcome_id="once more", revision=2, share=1.0),
        make_outcome("refunded", at_ms=NOON + 9, value=10.0),
    ])  # fmt: skip
    assert revenue(found, "session") == 30.0
    assert found.sums["order_value", "session"].d == QUANTUM
    assert revenue(found, "session", "return_rate") == 10.0


def test_who_clicks_on_what_tells_no_exposure_has_seen_it() -> None:
    found = counted([make_outcome("clicked", at_ms=NOON, arm={"ranker": "session"}, exposed_ms=0)])
    assert (found.units, found.exposures) == ({"session": 1}, {"session": 1})
    assert not counted([make_outcome("clicked", at_ms=NOON, arm={"ranker": "session"})]).units


def test_amounts_of_another_currency_are_left_out_and_counted() -> None:
    found = counted([
        make_outcome("exposed", at_ms=NOON, arm={"ranker": "session"}),
        make_outcome("converted", at_ms=NOON + 9, value=10.0, currency="JPY"),
    ])  # fmt: skip
    assert (revenue(found, "session"), found.other_currency) == (0.0, 1)


def test_who_was_seen_in_two_arms_is_in_none() -> None:
    found = counted([
        *visit("p", "popular", NOON), *visit("p", "session", NOON + DAY_MS), *visit("q", "session", NOON),
    ])  # fmt: skip
    assert (found.mixed, found.units) == (1, {"session": 1})


def test_by_session_each_visit_is_a_unit_of_its_own() -> None:
    by_session = replace(EXPERIMENT, unit="session")
    found = counted([
        make_outcome("converted", "p", NOON - 1, value=3.0),
        *visit("p", "popular", NOON, spent=5.0), *visit("p", "session", NOON + DAY_MS, spent=7.0),
    ], by_session)  # fmt: skip
    assert (found.mixed, found.units) == (0, {"popular": 1, "session": 1})
    assert (revenue(found, "popular"), revenue(found, "session")) == (5.0, 7.0)
    assert [found.sums["revenue_per_person", arm].x for arm in ("popular", "session")] == [3 * QUANTUM] * 2, "of before the start, so that no arm has touched it"  # fmt: skip


def test_a_decision_that_was_taken_back_was_never_seen() -> None:
    seen = make_outcome("exposed", at_ms=NOON, arm={"ranker": "session"})
    gone = replace(seen, outcome_id="gone", revision=1, sign=-1)
    assert counted([seen, gone]).units == {}


def test_a_click_of_a_month_later_counts_where_it_happened() -> None:
    found = counted([
        make_outcome("exposed", at_ms=NOON, arm={"ranker": "session"}),
        make_outcome("clicked", at_ms=NOON + 30 * DAY_MS),
    ])  # fmt: skip
    assert found.sums["click_rate", "session"].y == QUANTUM
    assert ("click_rate", "session", 30) in found.days


@given(st.randoms())
@settings(max_examples=8, deadline=None)
def test_the_order_of_outcomes_and_repeats_change_nothing(chance: Random) -> None:
    """So live, where corrections come late and restarts tell twice, is the replay."""
    told = visits(40, {"popular": 0.0, "session": 0.0})
    mixed = told + chance.choices(told, k=30)
    chance.shuffle(mixed)
    assert counted(mixed) == counted(told)


def test_days_add_up_to_all() -> None:
    found = counted(visits(300, {"popular": 0.0, "session": 0.0}))
    for arm in ("popular", "session"):
        daily = [one.y for (name, of, _), one in found.days.items() if (name, of) == ("revenue_per_visit", arm)]  # fmt: skip
        assert sum(daily) == found.sums["revenue_per_visit", arm].y
        assert len(daily) > 10


def test_every_metric_is_the_ratio_that_its_name_says() -> None:
    at = NOON + MINUTE_MS
    found = counted([
        make_outcome("exposed", at_ms=NOON, arm={"ranker": "a"}), make_outcome("exposed", at_ms=at, arm={"ranker": "a"}),
        make_outcome("clicked", at_ms=at), make_outcome("dismissed", at_ms=at), make_outcome("carted", at_ms=at, value=9.0),
        make_outcome("carted", at_ms=at, value=9.0, decision_id="", cause="of none"),
        make_outcome("converted", at_ms=at, value=12.0), make_outcome("converted", at_ms=at, value=6.0, name="signed_up", cause="2"),
        make_outcome("refunded", at_ms=at, value=3.0), make_outcome("felt", at_ms=at, value=0.5), make_outcome("felt", at_ms=at, value=-1.0, cause="2"),
        make_outcome("visited", at_ms=at, measures=went(1.0, length_ms=4_000.0)),
        make_outcome("visited", at_ms=at, measures=went(5.0, 12.0, 8_000.0), cause="2"),
    ])  # fmt: skip
    values = {name: moments(one) for (name, _), one in found.sums.items()}
    assert {name: one.y / one.d for name, one in values.items()} == {
        "revenue_per_visit": 6.0, "revenue_per_person": 12.0, "conversion": 0.5, "order_value": 12.0, "click_rate": 0.5,
        "cart_rate": 0.5, "dismissal_rate": 0.5, "bounce": 0.5, "pages": 3.0, "visit_length": 6_000.0, "return_rate": 0.25, "satisfaction": -0.25,
    }  # fmt: skip


def test_what_is_no_measure_adds_nothing() -> None:
    assert list(measures_of(make_outcome("ignored"))) == []
