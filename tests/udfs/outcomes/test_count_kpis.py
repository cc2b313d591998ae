"""KPIs: each figure as worked out by hand, its interval as numpy has it, and the same in whatever order outcomes come."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.kpis import KPIS
from schemas.limits import DAY_MS, HOUR_MS
from schemas.outcomes import Outcome
from tests.builders import NOON
from tests.examples.write import CONVERTED
from udfs.outcomes import count_kpis
from udfs.outcomes.count_kpis import ALL, OTHERS, KpiCounter

DAY = NOON // DAY_MS
BARE = replace(
    CONVERTED, sign=1, revision=0, arm={}, is_holdout=False, segments=(), measures={}, share=1.0, currency="EUR",
    decision_id="", outcome_ms=NOON,
)  # fmt: skip


def came(kind: str, person: str = "p1", **fields: Any) -> Outcome:
    name = f"{kind}{sorted(fields.items())}{person}"
    value = fields.pop("value", 0.0)
    return replace(BARE, outcome_id=name[:250], kind=kind, person=person, value=value, **fields)


def visit(person: str = "p1", days: float = 0, **measures: float) -> Outcome:
    return came("visited", person, outcome_ms=NOON + int(days * DAY_MS), measures=measures)


def order(value: float, person: str = "p1", days: float = 0, **fields: Any) -> Outcome:
    at = NOON + int(days * DAY_MS)
    said = {"event_id": f"o-{person}-{days}"} | fields
    return came("converted", person, value=value, outcome_ms=at, **said)


def counted(*outcomes: Outcome, currency: str = "EUR") -> KpiCounter:
    found = KpiCounter(currency)
    for one in outcomes:
        found.add(one)
    return found


def values(
    counter: KpiCounter, cell: tuple[str, str] = ALL, day: int | None = None
) -> dict[str, float]:
    """Those that there are."""
    return {one.kpi.name: one.value for one in counter.ratios(cell, day) if one.value is not None}  # fmt: skip


def test_each_kpi_is_what_it_says() -> None:
    found = values(counted(
        *(came("exposed", event_id=f"e{n}", decision_id="d") for n in range(8)),
        came("clicked", decision_id="d", exposed_ms=NOON), came("dismissed", decision_id="d"), came("ignored", decision_id="d"),
        came("carted", decision_id="d", share=0.5), came("carted", value=9.0),
        visit(pages=1, bounced=1, length_ms=1_000), visit("p2", pages=5, length_ms=3_000, bought=1, bounced=0),
        order(60.0, "p2", days=0.25), order(20.0, "p2", days=1.25, decision_id="d"),
        came("refunded", "p2", value=20.0), came("felt", value=1.0), came("felt", value=-0.5),
        visit("p2", days=3, pages=3, length_ms=2_000),
    ))  # fmt: skip
    assert found == pytest.approx(
        {
            "click_rate": 1 / 8, "dismissal_rate": 1 / 8, "cart_rate": 0.5 / 8,
            "revenue_per_visit": 80 / 3, "revenue_per_person": 40.0, "conversion": 1 / 3, "order_value": 40.0,
            "bounce": 1 / 3, "pages": 3.0, "visit_length": 2_000.0, "return_rate": 0.25,
            "time_to_conversion": 6 * HOUR_MS, "time_to_repeat": DAY_MS, "retention": 0.5, "satisfaction": 0.25,
        }
    )  # fmt: skip
    assert found.keys() == {one.name for one in KPIS}


def test_a_click_whose_exposure_nobody_tells_was_seen() -> None:
    found = counted(came("clicked", exposed_ms=0), came("exposed"), came("exposed", event_id="2"))
    assert values(found)["click_rate"] == pytest.approx(1 / 3)


def test_a_conversion_that_is_no_purchase_is_no_order() -> None:
    found = values(counted(order(10.0), came("converted", name="signed_up", value=99.0)))
    assert found["order_value"] == 10.0


def test_what_is_taken_back_counts_for_nothing() -> None:
    one = order(60.0)
    counter = counted(one, replace(one, sign=-1, revision=1), visit())
    assert values(counter)["revenue_per_visit"] == 0.0
    assert "order_value" not in values(counter)
    assert "time_to_conversion" not in values(counter)


def test_an_arm_without_traffic_is_not_there_and_one_without_orders_has_no_order_value() -> None:
    counter = counted(visit(), replace(visit("p2"), arm={"price": "shy"}))
    assert ("arm", "price=bold") not in counter.cells
    found = {one.kpi.name: one.value for one in counter.ratios(("arm", "price=shy"))}
    assert (found["order_value"], found["conversion"]) == (None, 0.0)
    assert {one.value for one in counter.ratios(("arm", "price=bold"))} == {None}


def test_a_metric_that_is_the_same_for_all_has_an_interval_of_no_length() -> None:
    counter = counted(*(visit(f"p{n}", pages=3) for n in range(50)))
    (pages,) = (one for one in counter.ratios() if one.kpi.name == "pages")
    assert pages.value == 3.0
    assert pages.half_95 == pytest.approx(0.0, abs=1e-12)
    (alone,) = (one for one in counted(visit(pages=3)).ratios() if one.kpi.name == "pages")
    assert alone.half_95 is None, "nothing is known of how one differs"


def test_money_of_other_currencies_is_left_out_and_counted() -> None:
    counter = counted(order(60.0), order(1e6, "p2", currency="JPY"), order(5.0, "p3", currency=None), visit())  # fmt: skip
    assert values(counter)["revenue_per_visit"] == 65.0
    assert counter.other_money == 1


def test_one_person_in_two_arms_counts_in_both_and_is_told() -> None:
    one, other = (replace(visit(days=days), arm={"price": arm}) for days, arm in ((0, "shy"), (1, "bold")))  # fmt: skip
    counter = counted(one, other, replace(visit("p2"), arm={"price": "shy", "hero": "new"}))
    assert counter.people_in_two_arms == 1
    assert values(counter, ("arm", "price=shy")).keys() == values(counter, ("arm", "price=bold")).keys()  # fmt: skip


def test_it_is_by_arm_holdout_placement_action_segment_and_day() -> None:
    one = came(
        "exposed",
        decision_id="d",
        arm={"price": "bold"},
        is_holdout=True,
        segments=("device:phone",),
    )
    counter = counted(one, visit(days=1))
    assert counter.cells == [
        ALL, ("arm", "price=bold"), ("holdout", "no"), ("holdout", "yes"), ("placement", "hero"), ("action", "welcome"),
        ("segment", "device:phone"),
    ]  # fmt: skip
    assert counter.days() == [DAY, DAY + 1]
    assert values(counter, day=DAY).keys() & {"click_rate", "bounce"} == {"click_rate"}
    assert values(counter, day=DAY + 1).keys() & {"click_rate", "bounce"} == {"bounce"}
    assert values(counter, ("holdout", "yes"))["click_rate"] == 0.0


def test_an_interval_is_that_of_the_delta_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """By numpy over people, one bucket each: Var(x/y) = (s_xx - 2 r s_xy + r^2 s_yy) / (n ybar^2) (Deng et al. 2018, eq. 2)."""
    monkeypatch.setattr(count_kpis, "KPI_BUCKETS", 2**52)
    rng = np.random.default_rng(7)
    visits, pages = rng.integers(1, 6, 400), rng.integers(0, 9, 400)
    counter = counted(
        *(visit(f"p{n}", pages=float(pages[n] if not k else 0), number=k) for n in range(400) for k in range(visits[n]))
    )  # fmt: skip
    (found,) = (one for one in counter.ratios() if one.kpi.name == "pages")
    x, y = pages.astype(float), visits.astype(float)
    ratio, cov = x.sum() / y.sum(), np.cov(x, y)
    variance = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / (400 * y.mean() ** 2)
    assert found.value == pytest.approx(ratio, rel=1e-12)
    assert found.half_95 == pytest.approx(1.959963984540054 * variance**0.5, rel=1e-9)


def test_the_interval_of_256_groups_is_near_that_of_people() -> None:
    rng = np.random.default_rng(8)
    counter = counted(*(visit(f"p{n}", bounced=float(rng.random() < 0.3)) for n in range(4_000)))
    (bounce,) = (one for one in counter.ratios() if one.kpi.name == "bounce")
    assert bounce.half_95 == pytest.approx(1.96 * (0.3 * 0.7 / 4_000) ** 0.5, rel=0.15)


def test_cells_are_bounded_and_what_is_beyond_stands_under_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(count_kpis, "KPI_CELLS_MAX", 10)
    counter = counted(*(came("exposed", placement=f"place{n}", event_id=f"{n}") for n in range(30)))
    assert ("placement", OTHERS) in counter.cells
    assert counter.cells_full > 0
    shown = sum(one.denominator for cell in counter.cells if cell[0] == "placement" for one in counter.ratios(cell) if one.kpi.name == "click_rate")  # fmt: skip
    assert shown == 30, "nothing is lost"
    assert len(counter._sums) <= 10 + len(count_kpis.DIMENSIONS)


def test_people_are_bounded_and_what_is_of_them_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_kpis, "KPI_PEOPLE_MAX", 500)
    counter = counted(*(order(10.0, f"p{n}") for n in range(4_000)))
    assert counter.people_share in {0.125, 0.0625}
    assert len(counter._people) <= 500
    assert values(counter)["revenue_per_person"] == pytest.approx(10.0, rel=0.2)


@settings(deadline=None, max_examples=60)
@given(
    outcomes=st.lists(
        st.builds(
            came,
            st.sampled_from(["exposed", "clicked", "carted", "converted", "refunded", "felt", "visited"]),
            st.sampled_from(["p1", "p2", "p3"]),
            value=st.integers(0, 50).map(float), event_id=st.sampled_from("abcdef"), arm=st.sampled_from([{"x": "a"}, {"x": "b"}]),
            outcome_ms=st.integers(0, 20).map(lambda day: NOON + day * DAY_MS), placement=st.sampled_from(["", "hero"]),
        ),
        max_size=25,
    ),
    order_of=st.randoms(use_true_random=False),
)  # fmt: skip
def test_in_whatever_order_outcomes_come_the_figures_are_the_same(
    outcomes: list[Outcome], order_of: Any
) -> None:
    """So a replay has those of live."""
    # one event is of one time
    outcomes = [replace(one, event_id=f"{one.event_id}{one.outcome_ms}") for one in outcomes]
    shuffled = list(outcomes)
    order_of.shuffle(shuffled)
    one, other = counted(*outcomes), counted(*shuffled)
    assert one.cells == other.cells
    for cell in one.cells:
        for day in (None, *one.days(cell)):
            assert values(one, cell, day) == pytest.approx(values(other, cell, day))
