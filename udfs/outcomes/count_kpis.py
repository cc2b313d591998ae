"""KPIs of outcomes, added up in bounded memory; in whatever order the records come the figures are the same, as far as no bound is met.

A cell is (dimension, value, day). Sums are by cell; for intervals there are, by dimension and value over all days, sums by bucket of people: the
variance of a ratio follows from those by the delta method (Chamandy et al. 2012, "Estimating Uncertainty for Massive Data Streams"). What is of people
(distinct ones, times, coming again) is counted of a sample of them by hash that halves whenever it is full, and scaled.
"""

from collections.abc import Iterator
from hashlib import blake2b
from math import sqrt
from typing import Final, NamedTuple

from schemas.kpis import KPIS, OF_PEOPLE, Kpi, Measure
from schemas.limits import DAY_MS
from schemas.outcome_limits import (
    KPI_BUCKETS,
    KPI_CELLS_MAX,
    KPI_DAYS_MAX,
    KPI_ORDERS_MAX,
    KPI_PEOPLE_MAX,
)
from schemas.outcomes import CONVERSION, Outcome

Sums = dict[Measure, float]
Cell = tuple[str, str]
"""Dimension and value: ("arm", "price=bold")."""
ALL: Final[Cell] = ("all", "")
OTHERS: Final = "(others)"
"""Under this value is added up what finds no cell any more."""
DIMENSIONS: Final = ("all", "arm", "holdout", "placement", "action", "segment")
WEEK: Final = 7
Z_95: Final = 1.959963984540054
HASHES: Final = 2.0**64


class Person:
    """What is remembered of one person of the sample: days on which they came, times of their orders, by cell."""

    __slots__ = ("cells", "days", "first_ms", "orders")

    def __init__(self, first_ms: int) -> None:
        self.first_ms = first_ms
        self.days: set[int] = set()
        self.orders: dict[str, tuple[int, int]] = {}
        self.cells: set[tuple[Cell, int]] = set()


class Ratio(NamedTuple):
    """A KPI of a cell: its sums and their ratio (None: there is nothing to divide by), and half the length of its 95 % interval (None: not known)."""

    kpi: Kpi
    numerator: float
    denominator: float
    value: float | None
    half_95: float | None = None


class KpiCounter:
    """Adds up outcomes, each id as often as it comes: whoever reads a topic gives each once. `currency`: money in another one is left out, and counted."""

    def __init__(self, currency: str) -> None:
        self.outcomes = self.other_money = self.cells_full = 0
        self._currency = currency
        self._sums: dict[tuple[Cell, int], Sums] = {}
        self._buckets: dict[Cell, dict[int, Sums]] = {}
        self._people: dict[str, Person] = {}
        self._rate = 1.0
        self._totals: dict[tuple[Cell, int | None], Sums] | None = None

    def add(self, outcome: Outcome) -> None:
        """One record of `outcomes`."""
        self.outcomes, self._totals = self.outcomes + 1, None
        day = outcome.outcome_ms // DAY_MS
        sums = self._measures(outcome)
        cells = [self._cell(one, day) for one in cells_of(outcome)]
        bucket = _hash_of(outcome.person)
        for cell in cells:
            _add(self._sums.setdefault((cell, day), {}), sums)
            of_cell = self._buckets.setdefault(cell, {})
            _add(of_cell.setdefault(int(bucket * KPI_BUCKETS), {}), sums)
        if bucket < self._rate:
            self._remember(outcome, cells, day)

    @property
    def cells(self) -> list[Cell]:
        """Those that anything was added to: by dimension, then value."""
        return sorted(self._buckets, key=lambda one: (DIMENSIONS.index(one[0]), one[1]))

    def days(self, cell: Cell = ALL) -> list[int]:
        """The days of a cell, since 1970."""
        return sorted(day for one, day in self._sums if one == cell)

    def ratios(self, cell: Cell = ALL, day: int | None = None) -> list[Ratio]:
        """All KPIs of a cell, of one day or of all; intervals where they are of outcomes, of all days."""
        if self._totals is None:
            self._totals = self._added_up()
        sums = self._totals.get((cell, day), {})
        return [self._ratio(kpi, sums, cell if day is None else None) for kpi in KPIS]

    @property
    def people_in_two_arms(self) -> int:
        """People of the sample who were in two arms of one experiment: they count in both."""
        found = 0
        for person in self._people.values():
            arms = {value for (dimension, value), _ in person.cells if dimension == "arm"}
            found += len(arms) > len({one.partition("=")[0] for one in arms})
        return found

    @property
    def people_share(self) -> float:
        """Of all people, so many are in the sample that is counted."""
        return self._rate

    def _measures(self, outcome: Outcome) -> Sums:
        is_money = outcome.currency in (None, self._currency)
        found = measures_of(outcome)
        if not is_money and ("revenue" in found or "returned" in found):
            self.other_money += 1
            return {name: one for name, one in found.items() if name not in ("revenue", "returned")}
        return found

    def _cell(self, cell: Cell, day: int) -> Cell:
        """The cell, or that of the others where there are too many."""
        if (cell, day) in self._sums or len(self._sums) < KPI_CELLS_MAX or cell == ALL:
            return cell
        self.cells_full += 1
        return cell[0], OTHERS

    def _remember(self, outcome: Outcome, cells: list[Cell], day: int) -> None:
        person = self._people.get(outcome.person)
        if person is None:
            person = self._people[outcome.person] = Person(outcome.outcome_ms)
        person.first_ms = min(person.first_ms, outcome.outcome_ms)
        if len(person.days) < KPI_DAYS_MAX:
            person.days.add(day)
            person.cells.update((cell, day) for cell in cells)
        if outcome.kind == "converted" and outcome.name == CONVERSION:
            times, said = person.orders.get(outcome.event_id, (outcome.outcome_ms, 0))
            if len(person.orders) < KPI_ORDERS_MAX or said:
                person.orders[outcome.event_id] = times, said + outcome.sign
        while len(self._people) > KPI_PEOPLE_MAX:
            self._rate /= 2
            self._people = {name: one for name, one in self._people.items() if _hash_of(name) < self._rate}  # fmt: skip

    def _added_up(self) -> dict[tuple[Cell, int | None], Sums]:
        """By cell and day, and by cell over all days (None), with what is of people."""
        found: dict[tuple[Cell, int | None], Sums] = {}
        for (cell, day), sums in self._sums.items():
            _add(found.setdefault((cell, day), {}), sums)
            _add(found.setdefault((cell, None), {}), sums)
        for person in self._people.values():
            whole = _of_person(person, None)
            for cell in {one for one, _ in person.cells}:
                _add(found.setdefault((cell, None), {}), whole, 1.0 / self._rate)
            for cell, day in person.cells:
                _add(found.setdefault((cell, day), {}), _of_person(person, day), 1.0 / self._rate)
        return found

    def _ratio(self, kpi: Kpi, sums: Sums, cell: Cell | None) -> Ratio:
        numerator, denominator = sums.get(kpi.numerator, 0.0), sums.get(kpi.denominator, 0.0)
        if denominator <= 0:
            return Ratio(kpi, numerator, denominator, None)
        value = numerator / denominator
        is_of_outcomes = not OF_PEOPLE & {kpi.numerator, kpi.denominator}
        half = half_95(kpi, self._buckets[cell], value) if cell and is_of_outcomes else None
        return Ratio(kpi, numerator, denominator, value, half)


def measures_of(outcome: Outcome) -> Sums:
    """What one record adds; of what is taken back, negative."""
    sign, share = float(outcome.sign), outcome.count
    match outcome.kind:
        case "exposed":
            return {"shown": sign}
        case "clicked":
            # what tells no exposure (a letter) was seen by whoever clicked on it
            return {"clicked": sign} if outcome.exposed_ms else {"clicked": sign, "shown": sign}
        case "dismissed":
            return {"dismissed": sign}
        case "carted":
            return {"carted_of": share} if outcome.decision_id else {}
        case "converted":
            return {"orders": share, "revenue": outcome.credit} if outcome.name == CONVERSION else {}  # fmt: skip
        case "refunded":
            return {"returned": outcome.credit}
        case "felt":
            return {"opinions": sign, "opinion": sign * outcome.value}
        case "visited":
            said = outcome.measures
            return {
                "visits": sign, "bounced": sign * said.get("bounced", 0.0), "pages": sign * said.get("pages", 0.0),
                "length_ms": sign * said.get("length_ms", 0.0), "bought_visits": sign * said.get("bought", 0.0),
            }  # fmt: skip
    return {}


def cells_of(outcome: Outcome) -> Iterator[Cell]:
    """Where it counts: in the whole, in each of its arms, and where it says a placement, an action, segments, there."""
    yield ALL
    yield "holdout", "yes" if outcome.is_holdout else "no"
    for experiment, arm in outcome.arm.items():
        yield "arm", f"{experiment}={arm}"
    if outcome.placement:
        yield "placement", outcome.placement
    if outcome.action_id:
        yield "action", outcome.action_id
    for segment in outcome.segments:
        yield "segment", segment


def half_95(kpi: Kpi, buckets: dict[int, Sums], value: float) -> float | None:
    """Half the 95 % interval of a ratio of sums over buckets of people, by the delta method; None of fewer than two buckets.

    Var(sum x / sum y) = sum (x - r y)^2 / (sum y)^2 x n / (n - 1), with r the ratio (Deng et al. 2018, eq. 3: the linearised ratio).
    """
    pairs = [(one.get(kpi.numerator, 0.0), one.get(kpi.denominator, 0.0)) for one in buckets.values()]  # fmt: skip
    count, total = len(pairs), sum(y for _, y in pairs)
    if count < 2 or not total:
        return None
    squares = sum((x - value * y) ** 2 for x, y in pairs)
    return Z_95 * sqrt(squares * count / (count - 1)) / abs(total)


def _of_person(person: Person, day: int | None) -> Sums:
    """What one person of the sample adds: to a day that is their first what is told of newcomers; orders to the whole alone."""
    found: Sums = {"people": 1.0}
    first = person.first_ms // DAY_MS
    if day in (None, first):
        found["newcomers"] = 1.0
        found["came_again"] = float(any(first < one <= first + WEEK for one in person.days))
    orders = sorted(at for at, said in person.orders.values() if said > 0)
    if day is None and orders:
        found["first_orders"], found["first_ms"] = 1.0, float(orders[0] - person.first_ms)
        found["repeat_orders"], found["repeat_ms"] = float(len(orders) - 1), float(orders[-1] - orders[0])  # fmt: skip
    return found


def _add(sums: Sums, more: Sums, times: float = 1.0) -> None:
    for name, one in more.items():
        sums[name] = sums.get(name, 0.0) + one * times


def _hash_of(person: str) -> float:
    """A number in [0, 1) for ever the same."""
    return int.from_bytes(blake2b(person.encode(), digest_size=8).digest(), "big") / HASHES
