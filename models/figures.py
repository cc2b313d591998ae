"""Figures of scores against labels: how well decisions are ranked, how far apart the classes are."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation import gains

Scores = NDArray[np.float32] | NDArray[np.float64]
SURE: Final = 1e-7
"""A chance nearer to 0 or 1 counts as this, so that one miss is not infinitely bad."""


def ranks_of_positives(
    scores: Scores, labels: NDArray[np.float32], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The place from 1 of each group's positive, by descending score: (answered groups,).

    All inputs are (rows,), groups in rising order; equal scores keep the order of their rows.
    """
    order = np.lexsort((-scores, groups))
    starts = np.flatnonzero(np.append(True, np.diff(groups) > 0))
    sizes = np.diff(np.append(starts, len(groups)))
    places = np.arange(len(groups)) - np.repeat(starts, sizes)
    ranks: NDArray[np.int64] = places[labels[order] > 0] + 1
    return ranks


def ranking_figures(
    ranks: NDArray[np.int64], k: int, weights: NDArray[np.float32] | None = None
) -> dict[str, float]:
    """The mrr of whole lists, hr and ndcg of the first k, hr of the first one; nothing of no ranks. `weights`: what each rank counts; None = all alike."""
    if not len(ranks):
        return {}
    found = gains(ranks, k)
    return {
        "mrr": _mean(found["mrr"], weights),
        "hr@1": _mean(ranks == 1, weights),
        f"hr@{k}": _mean(found["hr"], weights),
        f"ndcg@{k}": _mean(found["ndcg"], weights),
    }


def _mean(values: NDArray[np.float64], weights: NDArray[np.float32] | None) -> float:
    return float(values.mean() if weights is None else np.average(values, weights=weights))


def area_under_curve(scores: Scores, labels: NDArray[np.float32]) -> float:
    """The chance that a positive scores above a negative, a tie counts half; needs both kinds."""
    _, tie, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    positives = float(labels.sum())
    above = float(mean_ranks[tie][labels > 0].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(labels) - positives))


def log_loss(chances: Scores, labels: NDArray[np.float32]) -> float:
    """Mean negative log likelihood, in nats."""
    sure = np.clip(chances, SURE, 1 - SURE)
    return float(-np.mean(np.where(labels > 0, np.log(sure), np.log1p(-sure))))
