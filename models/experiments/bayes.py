"""The same difference read as a belief: how likely the variant is better, and what is lost on average if that is wrong."""

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr

from models.experiments.arms import ArmMean
from models.experiments.difference import Difference, Interval

PRIOR_LIFT: Final = 0.1
"""Before any data two of three differences are believed to lie within 10 % of the control's value, either way."""
REACH_95: Final = 1.959963984540054
POINTS: Final = 4_001
WIDTHS: Final = 9.0


class Belief(NamedTuple):
    """`better`: the chance that the variant's value is the larger one. `loss_if_taken`, `loss_if_left`: what is given away on average by taking
    the variant, or by leaving it, in units of the metric; whatever direction is good, the larger value is what is meant.
    """

    value: float
    error: float
    interval: Interval
    better: float
    loss_if_taken: float
    loss_if_left: float


def belief(found: Difference) -> Belief:
    """Normal with a conjugate normal prior around 0, PRIOR_LIFT of the control's value wide; without one where that is 0."""
    wide2 = (PRIOR_LIFT * found.control.value) ** 2
    shrunk = wide2 / (wide2 + found.error**2) if wide2 > 0 else 1.0
    value, error = found.value * shrunk, found.error * sqrt(shrunk)
    half = REACH_95 * error
    if error <= 0:
        better = 1.0 if value > 0 else 0.5 if value == 0 else 0.0
        return Belief(value, 0.0, Interval(value, value), better, max(0.0, -value), max(0.0, value))
    away = value / error
    dense = float(np.exp(-(away**2) / 2) / np.sqrt(2 * np.pi))
    left = error * dense + value * float(ndtr(away))
    return Belief(
        value, error, Interval(value - half, value + half), float(ndtr(away)), left - value, left
    )


def chances_of_best(arms: Sequence[ArmMean]) -> list[float]:
    """Of each arm the chance that its value is the largest of all, by the data alone; they sum to 1."""
    values, errors = (np.array([getattr(one, name) for one in arms]) for name in ("value", "error"))
    if not errors.any():
        best = values == values.max()
        return [float(one) for one in best / best.sum()]
    errors = np.maximum(errors, errors.max() * 1e-6)
    away = np.linspace(-WIDTHS, WIDTHS, POINTS)
    dense = np.exp(-(away**2) / 2)
    found = []
    for value, error in zip(values, errors, strict=True):
        at = value + error * away
        below = log_ndtr((at[:, None] - values) / errors).sum(axis=1) - log_ndtr(away)
        found.append(float((dense * np.exp(below)).sum() / dense.sum()))
    return [one / sum(found) for one in found]
