"""Outcomes added up by hour, in bounded memory: the cells of KPIs over the past weeks, for whoever looks for what deviates."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.kpis import Measure
from schemas.limits import HOUR_MS
from schemas.outcomes import CONVERSION, Outcome
from udfs.outcomes.count_kpis import ALL, Cell, Sums, cells_of, measures_of

WEEK_HOURS: Final = 168
WEEKS: Final = 4
"""So many past weeks are compared with."""
HOURS_KEPT: Final = (WEEKS + 1) * WEEK_HOURS
CELLS_MAX: Final = 200_000
"""Of (dimension, value, hour); what finds none any more counts in the whole alone, and is counted (`cells_full`)."""


class KpiHours:
    """Sums of measures by cell and hour (hours since 1970). Hours older than HOURS_KEPT before the newest are forgotten. Money in another `currency` is left out, as of KPIs."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.newest_ms = 0
        self._sums: dict[int, dict[Cell, Sums]] = {}
        self._known: Counter[Cell] = Counter()
        """In how many hours each cell has anything."""
        self._pairs = 0
        self.first, self.last = -1, -1
        """The first hour that anything was ever told of, and the newest; -1 = nothing was."""
        self.cells_full = 0

    def add(self, outcome: Outcome) -> None:
        """One record of `outcomes`, each id once; what is taken back is taken back in its hour."""
        self.newest_ms = max(self.newest_ms, outcome.outcome_ms)
        sums = measures_of(outcome) | paid(outcome, self.currency)
        if sums:
            self.put(outcome.outcome_ms // HOUR_MS, cells_of(outcome), sums)

    def put(self, hour: int, cells: Iterable[Cell], sums: Sums) -> None:
        """Adds these to an hour of several cells; what is too old is passed over."""
        self.first = hour if self.first < 0 else min(self.first, hour)
        if hour > self.last:
            self.last = hour
            self._forget(hour - HOURS_KEPT)
        if hour <= self.last - HOURS_KEPT:
            return
        of_hour = self._sums.setdefault(hour, {})
        for cell in cells:
            if cell not in of_hour:
                if self._pairs >= CELLS_MAX and cell != ALL:
                    self.cells_full += 1
                    continue
                of_hour[cell] = {}
                self._pairs += 1
                self._known[cell] += 1
            mine = of_hour[cell]
            for name, one in sums.items():
                mine[name] = mine.get(name, 0.0) + one

    def at(self, cell: Cell, hour: int) -> Mapping[Measure, float]:
        """The sums of an hour by measure; nothing of one in which nothing happened."""
        return self._sums.get(hour, {}).get(cell, {})

    def cells(self, *dimensions: str) -> list[Cell]:
        """Those of these dimensions, in the order of their names."""
        return sorted(one for one in self._known if one[0] in dimensions)

    def _forget(self, until: int) -> None:
        for hour in [one for one in self._sums if one <= until]:
            for cell in self._sums.pop(hour):
                self._pairs -= 1
                self._known[cell] -= 1
                if not self._known[cell]:
                    del self._known[cell]


def paid(outcome: Outcome, currency: str) -> Sums:
    """What it adds to what is paid, less what is given back, and to the squares of such amounts: share x value x value, so that an order that several decisions
    share counts as the one amount that it is.
    """
    is_bought = outcome.kind == "converted" and outcome.name == CONVERSION
    if not (is_bought or outcome.kind == "refunded") or outcome.currency not in (None, currency):
        return {}
    net = outcome.credit if is_bought else -outcome.credit
    return {"paid": net, "paid_squares": outcome.count * outcome.value**2}
