"""How many units an experiment needs, and how long it will run, from the variance and the traffic that a log shows."""

from math import ceil, sqrt
from typing import Final, NamedTuple

from scipy.special import ndtri

from models.experiments.arms import ArmMean
from models.experiments.sequential import margin, mixture

UNITS_MAX: Final = 10**12
"""More than this is never."""


class Wanted(NamedTuple):
    """What the experiment is to find: a relative `lift` of the metric, with the chance `power`, at the level `alpha`; the arms' `shares` of all units, the control's first."""

    lift: float
    alpha: float = 0.05
    power: float = 0.8
    shares: tuple[float, ...] = (0.5, 0.5)


class Plan(NamedTuple):
    """Units in all arms together: `fixed` where one looks once at the end, `always` where one looks whenever one likes (None: more than UNITS_MAX)."""

    fixed: int
    always: int | None


def plan(found: ArmMean, wanted: Wanted) -> Plan:
    """Of an arm without any change; raises ValueError where the metric is 0 or does not vary.

    n = (z(1 - alpha / 2) + z(power))^2 var (1 / q + 1 / p) / difference^2 for shares q and p of the smallest variant and the control: the variance is taken to be the same in
    all arms. Always valid: so many that the half width and z(power) standard errors together are no more than the difference.
    """
    if not found.value or found.variance <= 0:
        raise ValueError(
            "the metric is 0 or the same for everybody: no number of units tells a difference"
        )
    effect = abs(wanted.lift * found.value)
    control, smallest = wanted.shares[0], min(wanted.shares[1:])
    spread = found.variance * (1 / control + 1 / smallest)
    power = float(ndtri(wanted.power))
    once = float(ndtri(1 - wanted.alpha / 2)) + power
    fixed = ceil(once**2 * spread / effect**2)
    return Plan(fixed, _always(effect, spread, power, wanted.alpha, fixed))


def _always(effect: float, spread: float, power: float, alpha: float, least: int) -> int | None:
    """The least number by bisection, where the sequence is tuned for that very number."""

    def is_enough(units: int) -> bool:
        half = margin(units, mixture(units), alpha) + power / sqrt(units)
        return half * sqrt(spread) <= effect

    most = least
    while not is_enough(most):
        least, most = most, 2 * most
        if most > UNITS_MAX:
            return None
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return most
