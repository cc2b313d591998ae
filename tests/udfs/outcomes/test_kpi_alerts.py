"""Alerts on KPIs: quiet on quiet data of many seeds, loud within the hour of an incident and naming what it is of, told once in a while."""

from collections.abc import Callable
from itertools import pairwise
from math import pi, sin
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from schemas.alerts import Alert
from schemas.kpis import Measure
from schemas.limits import HOUR_MS
from tests.builders import NOON
from tests.examples.write import CONVERTED
from udfs.outcomes import kpi_hours
from udfs.outcomes.count_kpis import ALL, Cell
from udfs.outcomes.kpi_alerts import COOL_DOWN_HOURS, Alarms, judge_hour
from udfs.outcomes.kpi_hours import HOURS_KEPT, WEEK_HOURS, KpiHours
from udfs.outcomes.kpi_offs import PAST_MIN, WATCHED, off_of

BEGUN = NOON // HOUR_MS
PLACEMENTS = {"home": 1.0, "cart": 0.35, "product": 1.6}
DEVICES = {"mobile": 0.6, "desktop": 0.4}
BY_NAME = {one.name: one for one in WATCHED}
HOME: Cell = ("placement", "home")
Spoil = Callable[[int, str, str], tuple[float, float]]
"""Hour, placement, device -> what is left of what is seen, and of clicks."""


BUSY = next(
    at
    for at in range(4 * WEEK_HOURS + 24, 5 * WEEK_HOURS)
    if (BEGUN + at) % 24 == 6 and (BEGUN + at) // 24 % 7 == 2
)
"""An hour of the fifth week in which there is most to see."""


def fine(_hour: int, _placement: str, _device: str) -> tuple[float, float]:
    return 1.0, 1.0


def busy(hour: int) -> float:
    """A day's wave, on a week's: between 20 and 180 an hour and cell of size 1."""
    return (100 + 80 * sin(2 * pi * hour / 24)) * (1.0 if hour // 24 % 7 < 5 else 0.7)


def shop(
    seed: int, weeks: int = 5, spoil: Spoil = fine, restless: float = 0.0, times: float = 1.0
) -> KpiHours:
    """Weeks of hours by chance; `restless`: hours and days are of themselves better and worse, by a normal factor."""
    chance, hours = np.random.default_rng(seed), KpiHours("EUR")
    day = 1.0
    for at in range(weeks * WEEK_HOURS):
        hour = BEGUN + at
        if at % 24 == 0:
            day = max(0.3, chance.normal(1.0, restless))
        for placement, size in PLACEMENTS.items():
            for device, share in DEVICES.items():
                left, clicks = spoil(at, placement, device)
                shown = int(chance.poisson(busy(hour) * times * size * share * day * left))
                clicked = int(chance.binomial(shown, 0.12 * clicks))
                visits = int(chance.poisson(shown / 3))
                sums: dict[Measure, float] = {
                    "shown": shown, "clicked": clicked, "dismissed": int(chance.binomial(shown, 0.02)),
                    "visits": visits, "bounced": int(chance.binomial(visits, 0.4)), "bought_visits": int(chance.binomial(visits, 0.03)),
                    "orders": int(chance.poisson(visits * 0.03)),
                }  # fmt: skip
                cells: list[Cell] = [ALL, ("placement", placement), ("segment", f"device:{device}")]
                hours.put(hour, cells, sums)
    return hours


def alerts(hours: KpiHours, begins: int, count: int) -> list[Alert]:
    """Of so many hours from one on."""
    alarms = Alarms()
    first = BEGUN + begins
    return [one for hour in range(first, first + count) for one in alarms.judge(hours, hour)]


@pytest.mark.parametrize("restless", [0.0, 0.15])
def test_quiet_weeks_are_quiet(restless: float) -> None:
    """6 shops, a week of hours each, also where their days are of themselves apart by 15 %: 7 KPIs of the whole and three placements, 28,000 looks (revenue is below)."""
    found = [
        one
        for seed in range(6)
        for one in alerts(shop(seed, restless=restless), 4 * WEEK_HOURS, WEEK_HOURS)
    ]
    assert found == []


def spoilt(placement: str, begins: int) -> Spoil:
    """Nothing is seen at a placement from then on."""
    return lambda hour, where, _device: (0.0 if where == placement and hour >= begins else 1.0, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_placement_that_shows_nothing_is_told_within_the_hour_by_its_name(seed: int) -> None:
    begins = BUSY
    for name in PLACEMENTS:
        hours = shop(seed, spoil=spoilt(name, begins))
        first = BEGUN + begins
        before = alerts(hours, begins - 12, 12)
        found = [one for one in Alarms().judge(hours, first) if one.kpi == "shown"]
        assert before == []
        assert len(found) == 1
        alert = found[0]
        assert alert.cause is not None
        assert alert.cause.cell == ("placement", name)
        assert (alert.direction, alert.is_bad) == ("less", True)
        assert alert.cause.off.value == 0.0
        assert alert.cause.off.expected > 10
        assert alert.cause.share == pytest.approx(1.0, abs=0.6)
        assert len(alert.past) == 4


def test_clicks_that_break_on_one_device_are_told_of_that_device() -> None:
    begins = BUSY
    hours = shop(3, times=3.0, spoil=lambda hour, _where, device: (1.0, 0.0 if device == "mobile" and hour >= begins else 1.0))  # fmt: skip
    alert = judge_hour(hours, BY_NAME["click_rate"], BEGUN + begins)
    assert alert is not None
    assert alert.cause is not None
    assert alert.cause.cell == ("segment", "device:mobile")
    assert alert.off.of == hours.at(ALL, BEGUN + begins)["shown"]
    assert judge_hour(hours, BY_NAME["shown"], BEGUN + begins) is None, "as many are seen"


def test_what_happens_everywhere_has_no_cause() -> None:
    begins = BUSY
    hours = shop(4, spoil=lambda hour, _where, _device: (0.0 if hour >= begins else 1.0, 1.0))
    alert = judge_hour(hours, BY_NAME["shown"], BEGUN + begins)
    assert alert is not None
    assert (alert.cell, alert.cause, alert.off.value) == (ALL, None, 0.0)


def test_what_goes_on_is_told_again_after_the_cool_down_and_not_before() -> None:
    begins = BUSY
    hours = shop(5, spoil=spoilt("home", begins))
    told = [
        one.hour - BEGUN - begins for one in alerts(hours, begins - 2, 16) if one.kpi == "shown"
    ]
    assert told[0] == 0
    assert all(later - one >= COOL_DOWN_HOURS for one, later in pairwise(told))
    assert len(told) >= 2
    names = [one.alert_id for one in alerts(hours, begins - 2, 16)]
    assert len({*names}) == len(names)
    assert names == [one.alert_id for one in alerts(hours, begins - 2, 16)], (
        "who looks again finds the same"
    )


def test_one_bad_week_in_the_past_changes_nothing() -> None:
    """The hour was dead last week, too: three others say what is usual."""
    at = BUSY
    dead = {at, at - WEEK_HOURS}
    hours = shop(6, spoil=lambda hour, _where, _device: (0.0 if hour in dead else 1.0, 1.0))
    assert judge_hour(hours, BY_NAME["shown"], BEGUN + at) is not None
    assert judge_hour(hours, BY_NAME["shown"], BEGUN + at + 1) is None


def test_nothing_is_said_before_enough_weeks_are_known_or_of_a_few() -> None:
    begins = 3 * WEEK_HOURS - 30
    young = shop(7, weeks=3, spoil=spoilt("home", begins))
    assert alerts(young, begins, 30) == [], f"there are fewer than {PAST_MIN} same hours"
    few = KpiHours("EUR")
    for at in range(5 * WEEK_HOURS):
        few.put(BEGUN + at, [ALL], {"shown": 3.0 if at < 5 * WEEK_HOURS - 5 else 0.0})
    assert off_of(few, BY_NAME["shown"], ALL, few.last) is None


def test_much_traffic_makes_no_incident_of_a_small_change() -> None:
    hours = KpiHours("EUR")
    last = 5 * WEEK_HOURS - 1
    for at in range(last + 1):
        hours.put(BEGUN + at, [ALL], {"shown": 1_000_000.0 * (0.85 if at == last else 1.0)})
    off = off_of(hours, BY_NAME["shown"], ALL, hours.last)
    assert off is not None
    assert off.errors < -50
    assert judge_hour(hours, BY_NAME["shown"], hours.last) is None
    hours.put(hours.last, [ALL], {"shown": -100_000.0})
    assert judge_hour(hours, BY_NAME["shown"], hours.last) is not None


Prices = Callable[[int, str, str], float]
"""Hour, placement, device -> by what a price is multiplied."""


def till(seed: int, sigma: float = 1.0, prices: Prices = lambda *_: 1.0, restless: float = 0.0) -> KpiHours:  # fmt: skip
    """Weeks of hours of orders alone, about 300 in a busy hour, of log-normal amounts: with `sigma` 1.5 a tenth of the orders has half of the money."""
    chance, hours, day = np.random.default_rng(seed), KpiHours("EUR"), 1.0
    for at in range(5 * WEEK_HOURS):
        if at % 24 == 0:
            day = max(0.3, chance.normal(1.0, restless))
        for placement, size in PLACEMENTS.items():
            for device, share in DEVICES.items():
                orders = int(chance.poisson(busy(BEGUN + at) * 0.6 * size * share * day))
                paid = chance.lognormal(3.0, sigma, orders) * prices(at, placement, device)
                cells: list[Cell] = [ALL, ("placement", placement), ("segment", f"device:{device}")]
                hours.put(BEGUN + at, cells, {"orders": orders, "paid": float(paid.sum()), "paid_squares": float((paid**2).sum())})  # fmt: skip
    return hours


@pytest.mark.parametrize(("sigma", "restless"), [(1.0, 0.0), (1.5, 0.0), (2.0, 0.0), (1.0, 0.15)])
def test_heavy_tailed_revenue_of_quiet_weeks_is_quiet(sigma: float, restless: float) -> None:
    found = [
        one
        for seed in range(3)
        for one in alerts(till(seed, sigma, restless=restless), 4 * WEEK_HOURS, WEEK_HOURS)
    ]
    assert found == []


@pytest.mark.parametrize("seed", range(3))
def test_prices_divided_by_ten_are_told_while_orders_stay(seed: int) -> None:
    hours = till(seed, prices=lambda hour, *_: 0.1 if hour >= BUSY else 1.0)
    (alert,) = Alarms().judge(hours, BEGUN + BUSY)
    assert (alert.kpi, alert.direction, alert.is_bad) == ("revenue", "less", True)
    assert (alert.cell, alert.cause) == (ALL, None), "it is everywhere alike"
    assert 0 < alert.off.value < 0.2 * alert.off.expected
    assert [one.kpi for one in alerts(hours, BUSY - 6, 6)] == []


def test_prices_that_break_at_one_placement_are_told_of_it() -> None:
    hours = till(5, sigma=0.5, prices=lambda hour, where, _: 0.1 if hour >= BUSY and where == "product" else 1.0)  # fmt: skip
    (alert,) = Alarms().judge(hours, BEGUN + BUSY)
    assert alert.kpi == "revenue"
    assert alert.cause is not None
    assert alert.cause.cell == ("placement", "product")


def test_one_order_as_large_as_all_others_is_no_alert_and_hides_none() -> None:
    hours = till(6)
    usual = hours.at(ALL, BEGUN + BUSY)["paid"]
    huge: dict[Measure, float] = {"orders": 1.0, "paid": 3 * usual, "paid_squares": 9 * usual**2}
    hours.put(BEGUN + BUSY, [ALL, HOME], huge)
    assert judge_hour(hours, BY_NAME["revenue"], BEGUN + BUSY) is None
    broken = till(6, prices=lambda hour, *_: 0.1 if hour >= BUSY else 1.0)
    broken.put(BEGUN + BUSY - WEEK_HOURS, [ALL, HOME], huge)
    assert judge_hour(broken, BY_NAME["revenue"], BEGUN + BUSY) is not None


def test_refunds_are_taken_off_to_less_than_nothing() -> None:
    hours = till(7)
    was = hours.at(ALL, BEGUN + BUSY)["paid"]
    hours.put(BEGUN + BUSY, [ALL], {"paid": -2 * was, "paid_squares": 500 * (2 * was / 500) ** 2})
    alert = judge_hour(hours, BY_NAME["revenue"], BEGUN + BUSY)
    assert alert is not None
    assert alert.off.value == pytest.approx(-was)


def test_money_is_net_of_one_currency_and_an_order_that_is_shared_is_one_amount() -> None:
    hours = KpiHours("EUR")
    for share in (0.25, 0.75):
        hours.add(came("converted", BEGUN, share=share, value=100.0))
    hours.add(came("refunded", BEGUN, value=30.0))
    hours.add(came("converted", BEGUN, value=70.0, currency="USD"))
    hours.add(came("converted", BEGUN, value=70.0, name="signed_up"))
    found = hours.at(ALL, BEGUN)
    assert (found["paid"], found["paid_squares"]) == (70.0, 100.0**2 + 30.0**2)
    hours.add(came("refunded", BEGUN, value=30.0, sign=-1))
    hours.add(came("converted", BEGUN, value=20.0, currency=None))
    assert (found["paid"], found["paid_squares"]) == (120.0, 100.0**2 + 20.0**2)


def came(kind: str, hour: int, **fields: Any) -> Any:
    said = {"sign": 1, "share": 1.0, "placement": "home", "arm": {}, "segments": ()} | fields
    return replace(CONVERTED, kind=kind, outcome_ms=hour * HOUR_MS + 1, **said)


def test_outcomes_are_added_to_their_hour_and_what_is_taken_back_is_taken_from_it() -> None:
    hours = KpiHours("EUR")
    for one in (came("exposed", BEGUN), came("exposed", BEGUN + 1), came("exposed", BEGUN), came("exposed", BEGUN, sign=-1)):  # fmt: skip
        hours.add(one)
    assert hours.at(ALL, BEGUN) == hours.at(HOME, BEGUN) == {"shown": 1.0}
    assert hours.at(HOME, BEGUN + 7) == {}
    assert (hours.first, hours.last) == (BEGUN, BEGUN + 1)


def test_old_hours_are_forgotten_and_cells_beyond_the_bound_count_in_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = KpiHours("EUR")
    hours.put(BEGUN, [ALL, HOME], {"shown": 1.0})
    hours.put(BEGUN + HOURS_KEPT, [ALL], {"shown": 1.0})
    assert (hours.cells("placement"), hours.at(ALL, BEGUN)) == ([], {})
    hours.put(BEGUN, [ALL], {"shown": 1.0})
    assert hours.at(ALL, BEGUN) == {}
    monkeypatch.setattr(kpi_hours, "CELLS_MAX", 2)
    for name in ("a", "b", "c"):
        hours.put(BEGUN + HOURS_KEPT, [ALL, ("placement", name)], {"shown": 1.0})
    assert hours.cells("placement") == [("placement", "a")]
    assert hours.cells_full == 2
    assert hours.at(ALL, BEGUN + HOURS_KEPT) == {"shown": 4.0}
