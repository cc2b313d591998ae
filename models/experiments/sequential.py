"""Intervals and p-values that hold whenever and however often one looks, and stops for what one sees.

Asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit theory and asymptotic confidence sequences", Annals of
Statistics 2024, theorem 2.2): Robbins' normal mixture with the variance estimated. It is what the mixture SPRT of Johari, Pekelis and Walsh gives, without a
known variance, and asks for no end in advance: chosen for that, and because sums are all it needs.
"""

from math import exp, log, sqrt
from typing import Final, NamedTuple

from models.experiments.difference import Difference, Interval

FIRST_LOOK: Final = 200
"""Units in each arm before anything is said: what holds asymptotically holds for nobody at the first ten."""
TUNED_ALPHA: Final = 0.05


class AlwaysValid(NamedTuple):
    """`reach`: standard errors to either side; `p`: below alpha at any time no more often than alpha, where there is no difference."""

    interval: Interval
    p: float
    reach: float


def mixture(tuned_for: float) -> float:
    """rho^2 of the mixture that is tightest at so many units; to be fixed before the data, so it depends on what was planned alone.

    -2 log a + log(1 - 2 log a), by n (equation 24 there; Howard and others 2021, section 3.5).
    """
    told = -2 * log(TUNED_ALPHA)
    return (told + log(1 + told)) / tuned_for


def margin(units: float, rho2: float, alpha: float) -> float:
    """Half the width for a mean of `units` with the variance 1."""
    spread = units * rho2 + 1
    return sqrt(2 * spread * (log(spread) / 2 - log(alpha)) / rho2) / units


def p_value(units: float, rho2: float, standardised: float) -> float:
    """The least alpha at which the sequence leaves 0 out; `standardised`: the mean by its standard error."""
    spread = units * rho2 + 1
    told = units * rho2 * standardised**2 / (2 * spread) - log(spread) / 2
    return min(1.0, exp(-told))


def always_valid(found: Difference, tuned_for: float, alpha: float) -> AlwaysValid | None:
    """None before FIRST_LOOK, and where nothing varies.

    `tuned_for`: units of both arms at which it is tightest.
    """
    least = min(found.control.units, found.variant.units)
    if least < FIRST_LOOK or found.error <= 0:
        return None
    units, rho2 = found.control.units + found.variant.units, mixture(tuned_for)
    reach = margin(units, rho2, alpha) * sqrt(units)
    half = reach * found.error
    p = p_value(units, rho2, found.value / found.error)
    return AlwaysValid(Interval(found.value - half, found.value + half), p, reach)
