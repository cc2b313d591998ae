"""Whether figures can be trusted, and what many of them at once are worth."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import chdtrc, ndtr

RATIO_ALPHA: Final = 0.001
"""Below it the arms do not have the shares that they should: a fault, not chance (Fabijan and others, KDD 2019)."""
EXPECTED_MIN: Final = 5.0
"""Units that every arm should have before shares are judged (Cochran 1954)."""
TREND_DAYS_MIN: Final = 4


class RatioCheck(NamedTuple):
    """`p`: of counts as far from the shares as these, by chance; None = too few units to say. `expected`: units by arm."""

    p: float | None
    expected: dict[str, float]

    @property
    def is_mismatch(self) -> bool:
        """Whether arms have units that they should not have, or lack some."""
        return self.p is not None and self.p < RATIO_ALPHA


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> RatioCheck:
    """Pearson's chi-square test of units by arm against the arms' shares, of whose sum each is a part."""
    total, whole = sum(counts.get(arm, 0) for arm in shares), sum(shares.values())
    expected = {arm: total * share / whole for arm, share in shares.items() if share > 0}
    if len(expected) < 2 or min(expected.values()) < EXPECTED_MIN:
        return RatioCheck(None, expected)
    off = sum((counts.get(arm, 0) - much) ** 2 / much for arm, much in expected.items())
    return RatioCheck(float(chdtrc(len(expected) - 1, off)), expected)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value as if it were the only one: none of several is below alpha by chance more often than alpha (Holm 1979), whatever they have to do with one
    another. Of p-values that are always valid the result is, too.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found, least = [0.0] * len(p_values), 0.0
    for place, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[at]))
        found[at] = least
    return found


class DayEffect(NamedTuple):
    """The difference on one day, `day` counted from the first."""

    day: int
    value: float
    error: float


class Trend(NamedTuple):
    """How the difference changes from day to day: `slope` with its standard error and two-sided p; `first` and `last`: what the line says of both ends."""

    slope: float
    error: float
    p: float
    first: float
    last: float


def trend(days: Sequence[DayEffect]) -> Trend | None:
    """A straight line through the days' differences, each by how well it is known; None of fewer than TREND_DAYS_MIN that are known at all.

    What is new is tried because it is new: such an effect falls from day to day.
    """
    known = [one for one in days if one.error > 0]
    if len({one.day for one in known}) < TREND_DAYS_MIN:
        return None
    at, values, errors = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
    weights = errors**-2.0
    middle = (weights * at).sum() / weights.sum()
    level = (weights * values).sum() / weights.sum()
    spread = (weights * (at - middle) ** 2).sum()
    slope = (weights * (at - middle) * values).sum() / spread
    error = spread**-0.5
    p = 2 * float(ndtr(-abs(slope) / error))
    first, last = (float(level + slope * (end - middle)) for end in (at.min(), at.max()))
    return Trend(float(slope), float(error), p, first, last)
