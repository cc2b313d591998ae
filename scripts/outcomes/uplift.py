"""What personal recommendations change: the KPIs of people who get them beside those of people who are held out, in all and by place, action and segment, over days."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from models.experiments.arms import ArmMean
from models.experiments.difference import Interval, difference, relative_lift
from models.experiments.reading import ALPHA
from models.experiments.sequential import always_valid
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL, Minimum
from schemas.kpis import OF_PEOPLE
from schemas.outcomes import Outcome
from scripts.outcomes.kpi import day_of, in_words
from udfs.outcomes.count_kpis import ALL, OTHERS, Z_95, Cell, KpiCounter, Ratio

GROUPS: Final = ("placement", "action", "segment")
VALUES_MAX: Final = 40
"""Of each of GROUPS, those of which most is known; the others are not shown."""
DAYS_MAX: Final = 90
"""The newest that anything is known of."""
TUNED_FOR: Final = 2.0 * Minimum().sessions


class Phrase(NamedTuple):
    """People ... `verb` 4 % `more` or `less` `rest`."""

    verb: str
    more: str
    less: str
    rest: str


PHRASES: Final[Mapping[str, Phrase]] = {
    "click_rate": Phrase("click on", "more", "less", "of what they are shown"),
    "dismissal_rate": Phrase("close", "more", "less", "of what they are shown"),
    "cart_rate": Phrase("put into the cart", "more", "less", "of what they are shown"),
    "revenue_per_visit": Phrase("spend", "more", "less", "a visit"),
    "conversion": Phrase("buy in", "more", "fewer", "of their visits"),
    "order_value": Phrase("spend", "more", "less", "an order"),
    "bounce": Phrase("leave at once in", "more", "fewer", "of their visits"),
    "pages": Phrase("look at", "more", "fewer", "pages a visit"),
    "visit_length": Phrase("stay", "longer", "shorter", "at a visit"),
    "return_rate": Phrase("give back", "more", "less", "of what they paid"),
}
"""Of KPIs that are compared: not of those that have no interval, nor of opinions, of which the lift of a mean below 0 says nothing."""
FIRST: Final = ("revenue_per_visit", "conversion", "click_rate")
"""What is said in words whether it is sure or not, where anything is known of it; others where they are sure."""


class Lift(NamedTuple):
    """Of the personal over the held out, with the interval that holds however often one looks; `interval`: None = bounded nowhere."""

    value: float
    interval: Interval
    is_sure: bool


class Uplift:
    """Adds up outcomes: of all people, and of both sides of the holdout by themselves. `currency`: as for KpiCounter."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.whole, self.personal, self.held_out = (KpiCounter(currency) for _ in range(3))
        self._sides = {PERSONAL: self.personal, HELD_OUT: self.held_out}

    def add(self, outcome: Outcome) -> None:
        """One record; who did not agree to personalisation is on neither side."""
        self.whole.add(outcome)
        side = self._sides.get(outcome.arm.get(HOLDOUT, ""))
        if side is not None:
            side.add(outcome)

    def scopes(self) -> list[Cell]:
        """All, then the values of GROUPS, of each the largest first."""
        found = [ALL]
        for group in GROUPS:
            cells = [one for one in self.whole.cells if one[0] == group and one[1] != OTHERS]
            found += sorted(cells, key=lambda one: (-self._seen(one), one))[:VALUES_MAX]
        return found

    def told(self, cell: Cell = ALL) -> dict[str, Any]:
        """The KPIs of all, of both sides and compared, in words first; and day by day."""
        triples = list(self._triples(cell))
        lifts = {one.kpi.name: self._lift(personal, out, cell) for one, personal, out in triples if one.kpi.name in PHRASES}  # fmt: skip
        people = [round(self._people(one, cell)) for one in (self.personal, self.held_out)]
        return {
            "by": cell[0], "value": cell[1], "people": people,
            "sentences": list(self._sentences(triples, lifts)),
            "kpis": [self._kpi(*one, lifts.get(one[0].kpi.name)) for one in triples],
            "days": [self._day(cell, day) for day in self.whole.days(cell)[-DAYS_MAX:]],
        }  # fmt: skip

    def _triples(self, cell: Cell, day: int | None = None) -> Iterator[tuple[Ratio, Ratio, Ratio]]:
        sides = (self.whole, self.personal, self.held_out)
        return zip(*(one.ratios(cell, day) for one in sides), strict=True)

    def _seen(self, cell: Cell) -> float:
        found = {one.kpi.name: one.denominator for one in self.whole.ratios(cell)}
        return found["click_rate"] + found["revenue_per_visit"]

    def _people(self, side: KpiCounter, cell: Cell) -> float:
        return next(one.denominator for one in side.ratios(cell) if one.kpi.denominator == "people")

    def _lift(self, personal: Ratio, held_out: Ratio, cell: Cell) -> Lift | None:
        people = (self._people(self.personal, cell), self._people(self.held_out, cell))
        variant, control = (_mean(one, many) for one, many in zip((personal, held_out), people, strict=True))  # fmt: skip
        if variant is None or control is None:
            return None
        apart = difference(control, variant)
        always = always_valid(apart, TUNED_FOR, ALPHA)
        found = relative_lift(apart, always.reach) if always else None
        return Lift(*found, always.p < ALPHA) if always and found else None

    def _sentences(
        self, triples: list[tuple[Ratio, Ratio, Ratio]], lifts: Mapping[str, Lift | None]
    ) -> Iterator[str]:
        known = {one.kpi.name for one, *_ in triples if one.value is not None}
        for name in (*FIRST, *(one for one in PHRASES if one not in FIRST)):
            lift = lifts[name]
            if (name in FIRST and name in known) or (lift is not None and lift.is_sure):
                yield sentence(name, lift)

    def _kpi(self, one: Ratio, personal: Ratio, held_out: Ratio, lift: Lift | None) -> dict[str, Any]:  # fmt: skip
        kpi = one.kpi
        return {
            "name": kpi.name, "says": kpi.says, "unit": kpi.unit, "better": kpi.better, "is_guardrail": kpi.is_guardrail,
            "values": [in_words(each, self._currency) for each in (one, personal, held_out)],
            "lift": lift.value if lift else None, "interval": lift.interval if lift else None, "is_sure": lift is not None and lift.is_sure,
        }  # fmt: skip

    def _day(self, cell: Cell, day: int) -> dict[str, Any]:
        triples = self._triples(cell, day)
        return {"day": day_of(day), "values": {one[0].kpi.name: [each.value for each in one] for one in triples}}  # fmt: skip


def sentence(name: str, lift: Lift | None) -> str:
    """What a marketer reads of a KPI."""
    verb, more, less, rest = PHRASES[name]
    people, others = "people with personal recommendations", "people without"
    low, high = lift.interval if lift is not None else Interval(None, None)
    if lift is None or low is None or high is None:
        return f"Whether {people} {verb} {more} or {less} {rest} than {others} is not known yet: too little was seen."
    if lift.is_sure:
        word = more if lift.value > 0 else less
        ends = sorted((abs(low), abs(high)))
        return f"{people.capitalize()} {verb} {abs(lift.value):.1%} {word} {rest} than {others} (between {ends[0]:.1%} and {ends[1]:.1%})."
    return (
        f"Whether {people} {verb} {more} or {less} {rest} than {others} is not sure yet: "
        f"between {_either(low, more, less)} and {_either(high, more, less)}."
    )


def _either(end: float, more: str, less: str) -> str:
    return f"{abs(end):.1%} {more if end > 0 else less}"


def _mean(one: Ratio, people: float) -> ArmMean | None:
    """A ratio as the mean of an arm; None where its error is not known."""
    if one.value is None or one.half_95 is None or people < 1 or one.kpi.numerator in OF_PEOPLE:
        return None
    units = round(people)
    return ArmMean(units, one.value, (one.half_95 / Z_95) ** 2 * units)
