"""What a decision may be said to have earned, by name, as outcomes tell it; the same sums as those of KPIs."""

from collections.abc import Mapping
from typing import Final

from schemas.kpis import Measure
from schemas.outcomes import Outcome
from udfs.outcomes.count_kpis import measures_of

MONEY: Final[frozenset[Measure]] = frozenset({"revenue", "returned"})
REWARDS: Final[Mapping[str, Mapping[Measure, float]]] = {
    "click": {"clicked": 1.0},
    "cart": {"carted_of": 1.0},
    "conversion": {"orders": 1.0},
    "revenue": {"revenue": 1.0, "returned": -1.0},
    "dismissal": {"dismissed": 1.0},
}
"""Each is a sum of measures of KPIs, by their signs: what is given back takes from revenue."""
IN_WORDS: Final[Mapping[str, str]] = {
    "click": "clicks",
    "cart": "items put into the cart",
    "conversion": "orders",
    "revenue": "of revenue",
    "dismissal": "dismissals",
}


def reward_of(name: str, outcome: Outcome, currency: str) -> float:
    """What one record adds to this reward; money of another currency nothing."""
    found = measures_of(outcome)
    is_ours = outcome.currency in (None, currency)
    return sum(
        sign * found.get(measure, 0.0)
        for measure, sign in REWARDS[name].items()
        if is_ours or measure not in MONEY
    )
