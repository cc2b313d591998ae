"""Alerts on KPIs: an hour that is not as the same hours of past weeks, what of it explains that, and quiet after it was told."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from schemas.alerts import Alert, Cause, Direction, Off
from schemas.kpis import Measure
from schemas.limits import HOUR_MS
from udfs.outcomes.count_kpis import ALL, Cell
from udfs.outcomes.kpi_hours import KpiHours
from udfs.outcomes.kpi_offs import SUSPECT, WATCHED, Watch, off_of, same_hours

SURE: Final = 6.0
"""So many standard errors off is an alert. Of chance alone that is never; the rest is for what is known badly: how restless a shop is, of four weeks."""
EXPLAINS_MIN: Final = 0.5
"""Less of the deviation is no cause."""
COOL_DOWN_HOURS: Final = 6
"""So long the same is not told again."""
CAUSES: Final = ("placement", "arm", "action", "segment")
JUDGED: Final = ("all", "placement")
"""Dimensions whose cells are looked at each hour; the others explain."""


class Alarms:
    """Judges one hour after the other, and remembers what was told."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, Cell], int] = {}

    def judge(self, hours: KpiHours, hour: int) -> list[Alert]:
        """What deviates in this hour and was not told within the cool-down; call it in order of time, each hour once it is whole."""
        found = []
        for watch in WATCHED:
            alert = judge_hour(hours, watch, hour)
            if alert is None:
                continue
            named = alert.cause.cell if alert.cause is not None else alert.cell
            key = alert.kpi, alert.direction, named
            if hour - self._told.get(key, -COOL_DOWN_HOURS) >= COOL_DOWN_HOURS:
                self._told[key] = hour
                found.append(alert)
        return found


def judge_hour(hours: KpiHours, watch: Watch, hour: int) -> Alert | None:
    """The one thing to say of a KPI in an hour: its strongest deviation, of the whole or of a placement, with what explains it."""
    offs = [(cell, off_of(hours, watch, cell, hour)) for cell in hours.cells(*JUDGED)]
    sure = [(cell, off) for cell, off in offs if off is not None and abs(off.errors) >= SURE and off.is_large]  # fmt: skip
    if not sure:
        return None
    # the whole first where it is off itself: what explains it is then told beside it
    cell, off = max(sure, key=lambda one: (one[0] == ALL, abs(one[1].errors)))
    direction: Direction = "less" if off.errors < 0 else "more"
    cause = _cause(hours, watch, hour, off) if cell == ALL else Cause(*cell, off, 1.0, 0.0)
    named = cause.cell if cause is not None else cell
    text = f"{hour}/{watch.name}/{direction}/{named[0]}/{named[1]}"
    return Alert(
        blake2b(text.encode(), digest_size=16).hexdigest(), hour * HOUR_MS, watch.name, direction, direction == watch.bad, *cell, off, cause,
        tuple(_value(hours.at(cell, one), watch) for one in same_hours(hours, hour)),
        None if watch.squares is None else hours.currency,
    )  # fmt: skip


def _cause(hours: KpiHours, watch: Watch, hour: int, whole: Off) -> Cause | None:
    """The cell that has most of the deviation, of such the smallest, where without it the rest is as it should be."""
    found = []
    for cell in hours.cells(*CAUSES):
        off = off_of(hours, watch, cell, hour)
        if off is None or abs(off.errors) < SUSPECT:
            continue
        share = (off.value - off.expected) / (whole.value - whole.expected)
        rest = off_of(hours, watch, ALL, hour, cell)
        left = abs(rest.errors) if rest is not None else 0.0
        if share >= EXPLAINS_MIN and left < SUSPECT:
            found.append(Cause(*cell, off, share, left))
    if not found:
        return None
    return min(
        found,
        key=lambda one: (
            -round(min(1.0, one.share), 1), one.off.expected, CAUSES.index(one.cell[0]), one.cell,
        ),
    )  # fmt: skip


def _value(sums: Mapping[Measure, float], watch: Watch) -> float:
    value = sums.get(watch.counted, 0.0)
    if watch.of is None:
        return value
    of = sums.get(watch.of, 0.0)
    return value / of if of else 0.0
