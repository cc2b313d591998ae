"""Alerts on KPIs: an hour that is not as the same hours of past weeks, what of it explains that, and quiet after it was told.

Counts are taken as 2 sqrt(x + 3/8) and shares as 2 asin sqrt((x + 3/8) / (n + 3/4)), whose spreads are 1 and 1 / sqrt(n) (Anscombe 1948), so that few are
judged as rightly as many. Expected is the median of the same hours of past weeks: one bad week changes nothing. The spread is never less than that of chance, and as
much more as the past weeks themselves had (median of absolute deviations over all their hours).
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from math import asin, sin, sqrt
from statistics import median
from typing import Final, Literal, NamedTuple

from schemas.kpis import Measure
from udfs.outcomes.count_kpis import ALL, Cell
from udfs.outcomes.kpi_hours import WEEK_HOURS, WEEKS, KpiHours

SURE: Final = 6.0
"""So many standard errors off is an alert. Of chance alone that is never; the rest is for what is known badly: how restless a shop is, of four weeks."""
SUSPECT: Final = 3.0
"""What explains it is off by so many; what is left without it is not."""
PAST_MIN: Final = 3
"""Same hours that there must be."""
EXPECTED_MIN: Final = 10.0
"""Fewer tell nothing."""
SHARE_OF_MIN: Final = 30.0
"""Of so many at least a share is judged."""
CHANGE_MIN: Final = 0.2
"""Where there is much traffic, less than this is no incident, however sure."""
EXPLAINS_MIN: Final = 0.5
COOL_DOWN_HOURS: Final = 6
"""So long the same is not told again."""
MEDIAN_LOSS: Final = 1.5707963
"""The variance of a median by that of a mean, of many (pi / 2)."""
MAD: Final = 1.4826
OF_FEW: Final[Mapping[int, float]] = {3: 2.148, 4: 1.39}
"""How far the median distance from medians of so many falls short of that from the truth (400,000 normal ones)."""
CAUSES: Final = ("placement", "arm", "action", "segment")
JUDGED: Final = ("all", "placement")
"""Dimensions whose cells are looked at each hour; the others explain."""

Direction = Literal["less", "more"]


class Watch(NamedTuple):
    """What is looked at: a count by the hour, or (with `of`) a share. `bad`: the direction that is no good news."""

    name: str
    says: str
    counted: Measure
    of: Measure | None
    bad: Direction


WATCHED: Final = (
    Watch("shown", "decisions that were seen", "shown", None, "less"),
    Watch("visits", "visits that ended", "visits", None, "less"),
    Watch("orders", "orders", "orders", None, "less"),
    Watch("click_rate", "clicks on decisions that were seen", "clicked", "shown", "less"),
    Watch("dismissal_rate", "dismissals of decisions that were seen", "dismissed", "shown", "more"),
    Watch("conversion", "visits in which something is bought", "bought_visits", "visits", "less"),
    Watch("bounce", "visits of one page without doing anything", "bounced", "visits", "more"),
)


class Off(NamedTuple):
    """How far a cell is off in an hour: `errors` standard errors of what past weeks let one expect. `expected` and `value` are counts, of a share those of what it counts."""

    value: float
    expected: float
    of: float | None
    errors: float

    @property
    def is_large(self) -> bool:
        """Whether it is more than what is called a change."""
        return abs(self.value - self.expected) >= CHANGE_MIN * self.expected


class Cause(NamedTuple):
    """The cell that explains most: `share` of the deviation is its own, and `left`: standard errors by which the rest without it is off."""

    cell: Cell
    off: Off
    share: float
    left: float


class Alert(NamedTuple):
    """`hour` since 1970. `cause` None: it is everywhere alike. `past`: what the same hours of past weeks had, the newest first."""

    alert_id: str
    hour: int
    kpi: str
    direction: Direction
    is_bad: bool
    cell: Cell
    off: Off
    cause: Cause | None
    past: tuple[float, ...]


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
    cause = _cause(hours, watch, hour, off) if cell == ALL else Cause(cell, off, 1.0, 0.0)
    named = cause.cell if cause is not None else cell
    text = f"{hour}/{watch.name}/{direction}/{named[0]}/{named[1]}"
    return Alert(
        blake2b(text.encode(), digest_size=16).hexdigest(), hour, watch.name, direction, direction == watch.bad, cell, off, cause,
        tuple(_value(hours.at(cell, one), watch) for one in _same_hours(hours, hour)),
    )  # fmt: skip


def off_of(
    hours: KpiHours, watch: Watch, cell: Cell, hour: int, without: Cell | None = None
) -> Off | None:
    """How far a cell is off (less what is of another one, where one is given); None where too little is known to say."""
    one = _Cell(hours, watch, cell, without)
    return one.off_count(hour) if watch.of is None else one.off_share(watch.of, hour)


class _Cell:
    """A cell of a KPI, less another one where one is given."""

    def __init__(self, hours: KpiHours, watch: Watch, cell: Cell, without: Cell | None) -> None:
        self._hours, self._counted, self._cell, self._without = hours, watch.counted, cell, without

    def off_count(self, hour: int) -> Off | None:
        before = [self._root(one) for one in _same_hours(self._hours, hour)]
        if len(before) < PAST_MIN:
            return None
        wanted, now = median(before), self._root(hour)
        expected = max(0.0, (wanted / 2) ** 2 - 0.375)
        if expected < EXPECTED_MIN:
            return None
        off = (now - wanted) / sqrt(1.0 + MEDIAN_LOSS / len(before))
        if abs(off) >= SUSPECT:
            off /= _restless(self._roots_apart(hour, _root(expected / 2)))
        return Off(self._at(hour, self._counted), expected, None, off)

    def off_share(self, of: Measure, hour: int) -> Off | None:
        total, before = self._at(hour, of), self._angles(of, _same_hours(self._hours, hour), SHARE_OF_MIN)  # fmt: skip
        if total < SHARE_OF_MIN or len(before) < PAST_MIN:
            return None
        value = min(total, self._at(hour, self._counted))
        wanted = median(angle for angle, _ in before)
        expected = total * sin(wanted / 2) ** 2
        if max(expected, value) < EXPECTED_MIN:
            return None
        past = sum(known for _, known in before)
        off = (_angle(value, total) - wanted) * sqrt(total) / sqrt(1.0 + MEDIAN_LOSS * total / past)
        if abs(off) >= SUSPECT:
            off /= _restless(self._angles_apart(of, hour, total / 2))
        return Off(value, expected, total, off)

    def _roots_apart(self, hour: int, least: float) -> Iterator[list[float]]:
        """How far the hours of past weeks were from those of their own time, by chance 1; of those that usually have `least` (a root): a bad day is a small
        thing in the night.
        """
        for slot in range(hour - WEEK_HOURS, hour):
            several = [self._root(one) for one in _weeks_of(self._hours, slot)]
            if several and (middle := median(several)) >= least:
                yield [one - middle for one in several]

    def _angles_apart(self, of: Measure, hour: int, least: float) -> Iterator[list[float]]:
        for slot in range(hour - WEEK_HOURS, hour):
            several = self._angles(of, _weeks_of(self._hours, slot), least)
            if several:
                middle = median(angle for angle, _ in several)
                yield [(angle - middle) * sqrt(known) for angle, known in several]

    def _angles(self, of: Measure, several: list[int], least: float) -> list[tuple[float, float]]:
        """Of the hours in which there were so many to have a share of: the share, and of how many."""
        known = [(one, self._at(one, of)) for one in several]
        return [(_angle(self._at(one, self._counted), total), total) for one, total in known if total >= least]  # fmt: skip

    def _root(self, hour: int) -> float:
        return _root(self._at(hour, self._counted))

    def _at(self, hour: int, measure: Measure) -> float:
        found = self._hours.at(self._cell, hour).get(measure, 0.0)
        if self._without is not None:
            found -= self._hours.at(self._without, hour).get(measure, 0.0)
        return max(0.0, found)


def _restless(apart: Iterable[list[float]]) -> float:
    """How much more than by chance same hours were apart in the past weeks; at least 1."""
    found = [abs(one) * OF_FEW[len(several)] for several in apart if len(several) >= PAST_MIN for one in several]  # fmt: skip
    return max(1.0, MAD * median(found)) if found else 1.0


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
            found.append(Cause(cell, off, share, left))
    if not found:
        return None
    return min(
        found,
        key=lambda one: (
            -round(min(1.0, one.share), 1), one.off.expected, CAUSES.index(one.cell[0]), one.cell,
        ),
    )  # fmt: skip


def _same_hours(hours: KpiHours, hour: int) -> list[int]:
    """The same hour of past weeks, the newest first, as far back as anything is known."""
    every = (hour - week * WEEK_HOURS for week in range(1, WEEKS + 1))
    return [one for one in every if one > hours.first >= 0]


def _weeks_of(hours: KpiHours, slot: int) -> list[int]:
    """An hour of the past week, and the same hour of the weeks before it: as many in all as are compared with."""
    return [one for one in (slot, *_same_hours(hours, slot)[: WEEKS - 1]) if one > hours.first]


def _value(sums: Mapping[Measure, float], watch: Watch) -> float:
    value = sums.get(watch.counted, 0.0)
    if watch.of is None:
        return value
    of = sums.get(watch.of, 0.0)
    return value / of if of else 0.0


def _root(value: float) -> float:
    return 2.0 * sqrt(max(0.0, value) + 0.375)


def _angle(value: float, of: float) -> float:
    share = (max(0.0, value) + 0.375) / (of + 0.75)
    return 2.0 * asin(sqrt(min(1.0, share)))
