"""Two arms compared: the difference with its standard error, intervals of any kind around it, and the relative lift."""

from typing import NamedTuple

from scipy.special import stdtr, stdtrit

from models.experiments.arms import ArmMean


class Interval(NamedTuple):
    """None: open to that side, since the data bound it nowhere."""

    low: float | None
    high: float | None


class Difference(NamedTuple):
    """The variant's value less the control's. `error`: its standard error, 0 where neither arm varies; `freedom`: Welch's degrees of it."""

    control: ArmMean
    variant: ArmMean
    value: float
    error: float
    freedom: float


class FixedHorizon(NamedTuple):
    """Welch's test: what holds where one looks once, at a time that was chosen before. `p`: two-sided."""

    interval: Interval
    p: float


def difference(control: ArmMean, variant: ArmMean) -> Difference:
    """Of arms with 2 units each at least."""
    parts = [one.variance / one.units for one in (control, variant)]
    both = sum(parts)
    per_unit = sum(
        part**2 / (one.units - 1) for part, one in zip(parts, (control, variant), strict=True)
    )
    freedom = both**2 / per_unit if per_unit > 0 else float(control.units + variant.units - 2)
    return Difference(control, variant, variant.value - control.value, both**0.5, freedom)


def fixed_horizon(found: Difference, alpha: float) -> FixedHorizon:
    """Welch 1947."""
    if found.error <= 0:
        return FixedHorizon(Interval(found.value, found.value), 1.0 if found.value == 0 else 0.0)
    reach = float(stdtrit(found.freedom, 1 - alpha / 2))
    p = 2 * float(stdtr(found.freedom, -abs(found.value) / found.error))
    half = reach * found.error
    return FixedHorizon(Interval(found.value - half, found.value + half), p)


def relative_lift(found: Difference, reach: float) -> tuple[float, Interval] | None:
    """The lift variant / control - 1 and its interval by Fieller (1954); None where the control's value is 0.

    `reach`: standard errors that the interval goes to either side (1.96, or as many as a confidence sequence asks for). Where the control's own value
    is not known to differ from 0 by so much, the lift is bounded nowhere.
    """
    control, variant = found.control, found.variant
    if control.value == 0:
        return None
    lift = found.value / control.value
    below, above = ((reach * one.error) ** 2 for one in (control, variant))
    lead = control.value**2 - below
    if lead <= 0:
        return lift, Interval(None, None)
    middle = control.value * variant.value / lead
    inner = (control.value * variant.value) ** 2 - lead * (variant.value**2 - above)
    half = max(0.0, inner) ** 0.5 / lead
    return lift, Interval(middle - half - 1, middle + half - 1)
