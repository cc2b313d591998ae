"""How far a KPI of an hour is from what the same hours of past weeks let one expect, in standard errors.

Counts are taken as 2 sqrt(x + 3/8) and shares as 2 asin sqrt((x + 3/8) / (n + 3/4)), whose spreads are 1 and 1 / sqrt(n) (Anscombe 1948), so that few are
judged as rightly as many. Sums of amounts are compound Poisson: their variance is the sum of the squares of their amounts, of what is or of what was usual, whichever is more, so that one large
amount is far from nothing. Expected is the median of the same hours of past weeks: one bad week changes nothing. The spread is never less than that of chance, and as
much more as the past weeks themselves had (median of absolute deviations over all their hours).
"""

from collections.abc import Iterable, Iterator, Mapping
from math import asin, sin, sqrt
from statistics import median
from typing import Final, NamedTuple

from schemas.alerts import Direction, Off
from schemas.kpis import Measure
from udfs.outcomes.count_kpis import Cell
from udfs.outcomes.kpi_hours import WEEK_HOURS, WEEKS, KpiHours

SUSPECT: Final = 3.0
"""So many standard errors off is worth a look at how restless a shop is, and explains what is off; what is left without it is not."""
PAST_MIN: Final = 3
"""Same hours that there must be."""
EXPECTED_MIN: Final = 10.0
"""Fewer tell nothing; of amounts so many as large as the large ones (the square of their sum by the sum of their squares: Kish 1965)."""
SHARE_OF_MIN: Final = 30.0
"""Of so many at least a share is judged."""
MEDIAN_LOSS: Final = 1.5707963
"""The variance of a median by that of a mean, of many (pi / 2)."""
MAD: Final = 1.4826
OF_FEW: Final[Mapping[int, float]] = {3: 2.148, 4: 1.39}
"""How far the median distance from medians of so many falls short of that from the truth (400,000 normal ones)."""


class Watch(NamedTuple):
    """What is looked at: a count by the hour, or (with `of`) a share, or (with `squares`, the sum of theirs) a sum of amounts. `bad`: the direction that is no good news."""

    name: str
    says: str
    counted: Measure
    of: Measure | None
    bad: Direction
    squares: Measure | None = None


WATCHED: Final = (
    Watch("shown", "decisions that were seen", "shown", None, "less"),
    Watch("visits", "visits that ended", "visits", None, "less"),
    Watch("orders", "orders", "orders", None, "less"),
    Watch("revenue", "what is paid, less what is given back", "paid", None, "less", "paid_squares"),
    Watch("click_rate", "clicks on decisions that were seen", "clicked", "shown", "less"),
    Watch("dismissal_rate", "dismissals of decisions that were seen", "dismissed", "shown", "more"),
    Watch("conversion", "visits in which something is bought", "bought_visits", "visits", "less"),
    Watch("bounce", "visits of one page without doing anything", "bounced", "visits", "more"),
)


def off_of(
    hours: KpiHours, watch: Watch, cell: Cell, hour: int, without: Cell | None = None
) -> Off | None:
    """How far a cell is off (less what is of another one, where one is given); None where too little is known to say."""
    one = _Cell(hours, watch, cell, without)
    if watch.squares is not None:
        return one.off_sum(watch.squares, hour)
    return one.off_count(hour) if watch.of is None else one.off_share(watch.of, hour)


class _Cell:
    """A cell of a KPI, less another one where one is given."""

    def __init__(self, hours: KpiHours, watch: Watch, cell: Cell, without: Cell | None) -> None:
        self._hours, self._counted, self._cell, self._without = hours, watch.counted, cell, without

    def off_count(self, hour: int) -> Off | None:
        before = [self._root(one) for one in same_hours(self._hours, hour)]
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
        total, before = self._at(hour, of), self._angles(of, same_hours(self._hours, hour), SHARE_OF_MIN)  # fmt: skip
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

    def off_sum(self, squares: Measure, hour: int) -> Off | None:
        before = same_hours(self._hours, hour)
        if len(before) < PAST_MIN:
            return None
        expected = median(self._sum(one) for one in before)
        usual = median(self._at(one, squares) for one in before)
        if expected <= 0 or expected**2 < EXPECTED_MIN * usual:
            return None
        value = self._sum(hour)
        variance = max(usual, self._at(hour, squares)) + MEDIAN_LOSS * usual / len(before)
        off = (value - expected) / sqrt(variance)
        if abs(off) >= SUSPECT:
            off /= _restless(self._sums_apart(squares, hour, expected / 2))
        return Off(value, expected, None, off)

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

    def _sums_apart(self, squares: Measure, hour: int, least: float) -> Iterator[list[float]]:
        for slot in range(hour - WEEK_HOURS, hour):
            several = _weeks_of(self._hours, slot)
            if not several or (middle := median(map(self._sum, several))) < least:
                continue
            usual = median(self._at(one, squares) for one in several)
            spreads = [max(usual, self._at(one, squares)) for one in several]
            yield [
                (self._sum(one) - middle) / sqrt(spread)
                for one, spread in zip(several, spreads, strict=True)
                if spread > 0
            ]

    def _angles(self, of: Measure, several: list[int], least: float) -> list[tuple[float, float]]:
        """Of the hours in which there were so many to have a share of: the share, and of how many."""
        known = [(one, self._at(one, of)) for one in several]
        return [(_angle(self._at(one, self._counted), total), total) for one, total in known if total >= least]  # fmt: skip

    def _root(self, hour: int) -> float:
        return _root(self._at(hour, self._counted))

    def _at(self, hour: int, measure: Measure) -> float:
        return max(0.0, self._sum(hour, measure))

    def _sum(self, hour: int, measure: Measure | None = None) -> float:
        """Of amounts less than nothing where more was given back than paid."""
        name = self._counted if measure is None else measure
        found = self._hours.at(self._cell, hour).get(name, 0.0)
        if self._without is not None:
            found -= self._hours.at(self._without, hour).get(name, 0.0)
        return found


def _restless(apart: Iterable[list[float]]) -> float:
    """How much more than by chance same hours were apart in the past weeks; at least 1."""
    found = [abs(one) * OF_FEW[len(several)] for several in apart if len(several) >= PAST_MIN for one in several]  # fmt: skip
    return max(1.0, MAD * median(found)) if found else 1.0


def same_hours(hours: KpiHours, hour: int) -> list[int]:
    """The same hour of past weeks, the newest first, as far back as anything is known."""
    every = (hour - week * WEEK_HOURS for week in range(1, WEEKS + 1))
    return [one for one in every if one > hours.first >= 0]


def _weeks_of(hours: KpiHours, slot: int) -> list[int]:
    """An hour of the past week, and the same hour of the weeks before it: as many in all as are compared with."""
    return [one for one in (slot, *same_hours(hours, slot)[: WEEKS - 1]) if one > hours.first]


def _root(value: float) -> float:
    return 2.0 * sqrt(max(0.0, value) + 0.375)


def _angle(value: float, of: float) -> float:
    share = (max(0.0, value) + 0.375) / (of + 0.75)
    return 2.0 * asin(sqrt(min(1.0, share)))
