"""What experiments are judged by: each metric a sum by a sum over units, of what outcomes tell."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from schemas.outcomes import CONVERSION, Outcome

UNITS: Final = "units"
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
    one.name: one
    for one in (
        Metric("revenue_per_session", "revenue", "sessions", "what a visit earned, less refunds"),
        Metric("revenue_per_person", "revenue", UNITS, "what a person earned, less refunds"),
        Metric("conversion_rate", "purchases", "sessions", "purchases by visit", is_share=True),
        Metric("average_order_value", "revenue", "purchases", "what a purchase earned, less refunds"),
        Metric("click_rate", "clicks", "exposures", "clicks on decisions that were seen", is_share=True),
        Metric("add_to_cart_rate", "carts", "exposures", "cart additions that a decision led to", is_share=True),
        Metric("dismissal_rate", "dismissals", "exposures", "decisions that were closed", False, is_share=True),
        Metric("bounce_rate", "bounces", "sessions", "visits of a single page", False, is_share=True),
        Metric("pages_per_session", "pages", "sessions", "pages of a visit"),
        Metric("session_seconds", "seconds", "sessions", "how long a visit lasted"),
        Metric("satisfaction", "opinion", "opinions", "opinions, from -1 to 1"),
    )
}  # fmt: skip
SIMPLE: Final[Mapping[str, str]] = {
    "exposed": "exposures", "clicked": "clicks", "dismissed": "dismissals",
}  # fmt: skip


def measures_of(outcome: Outcome) -> Iterator[Measured]:
    """What an outcome adds to which measures; a taken back one takes it away."""
    count, credit = outcome.count, outcome.credit
    match outcome.kind:
        case "exposed" | "clicked" | "dismissed":
            yield SIMPLE[outcome.kind], count
        case "carted" if outcome.decision_id:
            yield "carts", count
        case "converted":
            yield "revenue", credit
            if outcome.name == CONVERSION:
                yield "purchases", count
        case "refunded":
            yield "revenue", -credit
        case "felt":
            yield from (("opinion", credit), ("opinions", count))
        case "visited":
            yield from _of_visit(outcome)
        case _:
            pass


def _of_visit(outcome: Outcome) -> Iterator[Measured]:
    count, told = outcome.count, outcome.measures
    yield "sessions", count
    pages = told.get("pages", 0.0)
    yield "pages", count * pages
    yield "bounces", count * (pages <= 1)
    yield "seconds", count * told.get("length_ms", 0.0) / 1000


def is_money(outcome: Outcome) -> bool:
    """Whether its value is an amount of its currency."""
    return outcome.kind in ("converted", "refunded", "carted")


ArmOf = Callable[[Outcome], str | None]
"""The arm that a decision which was seen was made in; None = in none of the experiment's."""
