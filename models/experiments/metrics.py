"""What experiments are judged by: each metric a sum by a sum over units, of what outcomes tell."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from schemas.kpis import KPIS, OF_PEOPLE
from schemas.outcomes import CONVERSION, Outcome

UNITS: Final = "people"
"""A measure that each unit has once."""
Measured = tuple[str, float]


class Metric(NamedTuple):
    """The sum of the measure `above` by that of `below`; `is_more_better`: which direction is good; `is_share`: shown in percent."""

    name: str
    above: str
    below: str
    meaning: str
    is_more_better: bool = True
    is_share: bool = False


METRICS: Final[Mapping[str, Metric]] = {
    one.name: Metric(
        one.name, one.numerator, one.denominator, one.says, one.better != "less", one.unit == "share"
    )
    for one in KPIS
    if one.numerator not in OF_PEOPLE and (one.denominator == UNITS or one.denominator not in OF_PEOPLE)
}  # fmt: skip
"""The KPIs, as far as they are of one unit at a time: not those of when people come again."""
SIMPLE: Final[Mapping[str, str]] = {
    "exposed": "shown", "clicked": "clicked", "dismissed": "dismissed",
}  # fmt: skip


OF_VISITS: Final = {
    "pages": "pages", "length_ms": "length_ms", "bounced": "bounced", "bought_visits": "bought",
}  # fmt: skip
"""By measure what a visit tells of it."""


def measures_of(outcome: Outcome) -> Iterator[Measured]:
    """What an outcome adds to which measures of schemas/kpis.py; a taken back one takes it away. As `kairos kpi` counts (tests/contracts/test_kpi_measures.py)."""
    count, credit = outcome.count, outcome.credit
    match outcome.kind:
        case "exposed" | "clicked" | "dismissed":
            yield SIMPLE[outcome.kind], count
            if outcome.kind == "clicked" and is_seen(outcome):
                yield "shown", count
        case "carted" if outcome.decision_id:
            yield "carted_of", count
        case "converted" if outcome.name == CONVERSION:
            yield from (("revenue", credit), ("orders", count))
        case "refunded":
            yield "returned", credit
        case "felt":
            yield from (("opinion", credit), ("opinions", count))
        case "visited":
            yield "visits", count
            for measure, told in OF_VISITS.items():
                yield measure, count * outcome.measures.get(told, 0.0)
        case _:
            pass


def is_seen(outcome: Outcome) -> bool:
    """Whether it tells that a decision was seen; of what tells no exposure, as a letter, who clicks on it has seen it."""
    return outcome.kind == "exposed" or (outcome.kind == "clicked" and not outcome.exposed_ms)


def is_money(outcome: Outcome) -> bool:
    """Whether its value is an amount of its currency."""
    return outcome.kind in ("converted", "refunded", "carted")


ArmOf = Callable[[Outcome], str | None]
"""The arm that a decision which was seen was made in; None = in none of the experiment's."""
