"""A metric in an arm as a mean with a variance, whatever kind it is: ratios by the delta method, less noise by CUPED.

What a unit adds to a ratio R = sum(y) / sum(d) is, to first order, z = (y - R d) / mean(d) (Deng, Knoblich, Lu, KDD 2018): its mean is 0 and its variance by n that of R.
With d = 1 it is y less its mean, and the variance the usual one. So one way serves both, and CUPED as well.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from models.experiments.sums import Moments


class ArmMean(NamedTuple):
    """`value`: the metric in the arm; `variance`: of one unit's part, so that of the value is `variance / units`.

    `before`, `before_variance` and `covariance` are of the covariate, and of both.
    """

    units: int
    value: float
    variance: float
    before: float = 0.0
    before_variance: float = 0.0
    covariance: float = 0.0

    @property
    def error(self) -> float:
        """The standard error of the value."""
        return sqrt(self.variance / self.units)


def arm_mean(found: Moments) -> ArmMean | None:
    """None where the units have nothing below, as people without a single session."""
    if found.d <= 0:
        return None
    ratio = found.y / found.d
    variance = (found.yy - 2 * ratio * found.yd + ratio**2 * found.dd) / found.d**2
    return ArmMean(
        found.units,
        ratio,
        max(0.0, variance),
        found.x,
        found.xx,
        (found.yx - ratio * found.dx) / found.d,
    )


class Cuped(NamedTuple):
    """`arms` with the covariate's part taken out; `theta`: of how much one of it makes; `kept`: the share of the variance that is left."""

    arms: list[ArmMean]
    theta: float
    kept: float


def cuped(arms: Sequence[ArmMean]) -> Cuped:
    """Deng, Xu, Kohavi, Walker (WSDM 2013): value - theta (before - mean before), theta = cov / var within the arms.

    The difference of two arms is that of an analysis of covariance. With a covariate that is constant nothing changes.
    """
    spread = sum((one.units - 1) * one.before_variance for one in arms)
    theta = sum((one.units - 1) * one.covariance for one in arms) / spread if spread > 0 else 0.0
    units = sum(one.units for one in arms)
    middle = sum(one.units * one.before for one in arms) / units if units else 0.0
    adjusted = [
        one._replace(
            value=one.value - theta * (one.before - middle),
            variance=max(
                0.0, one.variance - 2 * theta * one.covariance + theta**2 * one.before_variance
            ),
        )
        for one in arms
    ]
    was, is_now = (sum((one.units - 1) * one.variance for one in some) for some in (arms, adjusted))
    return Cuped(adjusted, theta, is_now / was if was > 0 else 1.0)
