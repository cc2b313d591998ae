"""Calibration: from a score to the chance of a positive response, by isotonic regression."""

from typing import Annotated, Final, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

KNOTS_MAX: Final = 48
BINS: Final = 10

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.float32] | Floats
Knots = Annotated[tuple[float, ...], Meta(min_length=1, max_length=KNOTS_MAX)]


class Calibration(Struct, frozen=True):
    """A line through knots: at score `scores[i]` the chance is `chances[i]`, flat beyond the ends.

    Scores rise, chances do not fall and lie strictly between 0 and 1.
    """

    scores: Knots
    chances: Knots

    def __post_init__(self) -> None:
        """Raises ValueError for knots that are no such line (msgspec makes it a ValidationError)."""
        scores, chances = np.asarray(self.scores), np.asarray(self.chances)
        if len(scores) != len(chances):
            raise ValueError(f"{len(scores)} scores and {len(chances)} chances")
        if not np.isfinite(scores).all() or (np.diff(scores) <= 0).any():
            raise ValueError("the scores of the knots do not rise")
        if not ((chances > 0) & (chances < 1)).all() or (np.diff(chances) < 0).any():
            raise ValueError("the chances of the knots fall or are not between 0 and 1")

    def apply(self, scores: AnyFloats) -> Floats:
        """(n,) scores -> (n,) chances."""
        return np.interp(scores, self.scores, self.chances)


class CurvePoint(NamedTuple):
    """One bin of the calibration curve: mean predicted chance, share of positives, rows."""

    predicted: float
    observed: float
    rows: int


def fit_calibration(scores: AnyFloats, labels: AnyFloats) -> Calibration:
    """Fits (n,) scores to (n,) labels of 0 and 1, n > 0.

    The steps of the isotonic fit (Zadrozny and Elkan 2002) are joined until at most KNOTS_MAX with
    about the same evidence each are left, and the line goes through their middles. No chance is
    nearer to 0 or 1 than n examples can tell.
    """
    from scipy.optimize import isotonic_regression  # half a second that only training needs

    order = np.argsort(scores, kind="stable")
    ordered = np.asarray(scores, dtype=np.float64)[order]
    fit = isotonic_regression(_means_of_ties(ordered, labels[order])).x
    knot_of_row = _knot_of_row(fit)
    rows = np.bincount(knot_of_row)
    knots = np.maximum.accumulate(np.bincount(knot_of_row, ordered) / rows)
    least = 1.0 / (len(fit) + 2)
    chances = np.clip(np.bincount(knot_of_row, fit) / rows, least, 1.0 - least)
    # the mean of equal scores is only almost equal to them
    rises = np.append(True, np.diff(knots) > 0)
    return Calibration(
        tuple(knots[rises].tolist()), tuple(np.maximum.accumulate(chances)[rises].tolist())
    )


def _means_of_ties(ordered: Floats, labels: AnyFloats) -> Floats:
    """Rows of one score get one label, so that the fit cannot depend on their order."""
    tie = np.cumsum(np.append(False, np.diff(ordered) > 0))
    means = np.bincount(tie, labels) / np.bincount(tie)
    return np.asarray(means[tie], dtype=np.float64)


def _knot_of_row(fit: Floats) -> NDArray[np.int64]:
    """Numbers the knots, 0 upwards without a gap, (n,): whole steps of the fit, joined by variance."""
    step: NDArray[np.int64] = np.cumsum(np.append(False, np.diff(fit) > 0))
    variance = np.bincount(step, fit * (1.0 - fit))
    total = variance.sum()
    if total == 0.0:  # zeros and ones that are never mixed: two steps at most
        return step
    middle = (np.cumsum(variance) - variance / 2) / total
    bin_of_step = np.minimum((middle * KNOTS_MAX).astype(np.int64), KNOTS_MAX - 1)
    knot_of_step: NDArray[np.int64] = np.unique(bin_of_step, return_inverse=True)[1]
    return knot_of_step[step]


def calibration_curve(chances: AnyFloats, labels: AnyFloats, bins: int = BINS) -> list[CurvePoint]:
    """(n,) predicted chances and (n,) labels -> at most `bins` bins of equal mass, lowest first."""
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [
        CurvePoint(float(np.mean(chances[p])), float(np.mean(labels[p])), len(p)) for p in parts
    ]


def expected_calibration_error(chances: AnyFloats, labels: AnyFloats, bins: int = BINS) -> float:
    """The mean distance of predicted from observed over bins of equal mass; 0 without rows."""
    curve = calibration_curve(chances, labels, bins)
    rows = sum(point.rows for point in curve)
    return sum(abs(p.predicted - p.observed) * p.rows for p in curve) / rows if rows else 0.0
