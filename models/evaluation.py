"""Evaluation: figures of ranked lists against what people did next, and how two runs differ.

A decision has one truth, the item that came next; its rank counts from 1, 0 = not in the list.
Lists are ranked in the scorer's stable order: of items with equal scores the one that was the
earlier candidate comes first, so a tie is neither lucky nor unlucky.
"""

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.list_figures import ListFigures, Looks
from schemas.errors import ConfigError

RESAMPLES: Final = 1_000
SEED: Final = 1
TAIL: Final = 0.025
"""Each side of an interval of 95 %."""


class Outcome(NamedTuple):
    """One scored decision: `session_id` and `event_id` name it, `rank` is that of `item_id`."""

    session_id: str
    event_id: str
    item_id: str
    rank: int


class Interval(NamedTuple):
    """How much higher a figure is in the second run, with the ends of the 95 % interval."""

    difference: float
    low: float
    high: float


class Ranks:
    """What has been ranked so far: a few bytes per decision, the set of what was offered, and with `looks` what the lists are like."""

    def __init__(self, k: int, looks: Looks | None = None) -> None:
        self.k = k
        self._lists = None if looks is None else ListFigures(k, looks)
        self._ranks = array("i")
        self._sessions = array("i")
        self._numbers: dict[str, int] = {}
        self._offered: set[str] = set()

    def __len__(self) -> int:
        return len(self._ranks)

    def add(self, session_id: str, rank: int, offered: Sequence[str]) -> None:
        """Adds a decision, in order of time; `offered` are the first k items of its list."""
        self._ranks.append(rank)
        self._sessions.append(self._numbers.setdefault(session_id, len(self._numbers)))
        self._offered.update(offered)
        if self._lists is not None:
            self._lists.add(session_id, offered)

    def mrr_interval(self) -> Interval:
        """The mrr of whole lists (as `difference`, from nothing) with its interval; needs a decision."""
        return bootstrap(_reciprocal(np.array(self._ranks)), np.array(self._sessions))

    def lead_over(self, other: "Ranks") -> Interval:
        """How much higher that is than the other's on the same decisions, added in the same order."""
        lead = _reciprocal(np.array(self._ranks)) - _reciprocal(np.array(other._ranks))
        return bootstrap(lead, np.array(self._sessions))

    def figures(self, item_count: int) -> dict[str, float]:
        """hr, mrr, ndcg and coverage at k (of `item_count` items), mrr and mrr_last of whole lists; what the lists are like (models/list_figures.py).

        0 where there is nothing to count.
        """
        ranks = np.array(self._ranks, dtype=np.int64)
        sessions = np.array(self._sessions, dtype=np.int64)
        last = np.zeros(len(self._numbers), dtype=np.int64)
        last[sessions] = ranks  # of equal places the last one stays
        found = {name: _mean(values) for name, values in gains(ranks, self.k).items()}
        coverage = len(self._offered) / item_count if item_count else 0.0
        return {
            f"hr@{self.k}": found["hr"],
            f"mrr@{self.k}": found["mrr_at"],
            f"ndcg@{self.k}": found["ndcg"],
            f"coverage@{self.k}": coverage,
            "mrr": found["mrr"],
            "mrr_last": _mean(_reciprocal(last)),
            **(self._lists.figures() if self._lists is not None else {}),
        }

    def figures_of(self, places: Sequence[int]) -> dict[str, float]:
        """Hr and mrr at k of the decisions at these places, in the order in which they were added, and recall: of how many the truth was listed at all. 0 where there is none."""
        ranks = np.array(self._ranks, dtype=np.int64)[np.array(places, dtype=np.int64)]
        found = gains(ranks, self.k)
        return {
            f"hr@{self.k}": _mean(found["hr"]),
            f"mrr@{self.k}": _mean(found["mrr_at"]),
            "recall": _mean((ranks > 0).astype(np.float64)),
        }


def gains(ranks: NDArray[np.int64], k: int) -> dict[str, NDArray[np.float64]]:
    """What each decision gives to each figure: (n,) ranks -> (n,) each."""
    is_hit = (ranks > 0) & (ranks <= k)
    reciprocal = _reciprocal(ranks)
    # one truth: the ideal list has a gain of 1 (Järvelin and Kekäläinen 2002)
    discounted = 1.0 / np.log2(np.maximum(ranks, 1) + 1.0)
    return {
        "hr": is_hit.astype(np.float64),
        "mrr_at": np.where(is_hit, reciprocal, 0.0),
        "ndcg": np.where(is_hit, discounted, 0.0),
        "mrr": reciprocal,
    }


def ranked(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Places of the candidates, best score first; equal scores keep their order."""
    return np.argsort(-scores, kind="stable")


def compare(first: Sequence[Outcome], second: Sequence[Outcome], k: int) -> dict[str, Interval]:
    """How the second run differs from the first on the same decisions.

    Whole sessions are drawn with replacement (1,000 times, seeded), because the decisions of one
    session are alike. Raises ConfigError where the decisions or their truths are not the same.
    """
    other = {(one.session_id, one.event_id): one for one in second}
    pairs = [(one, other.get((one.session_id, one.event_id))) for one in first]
    if (
        not pairs
        or len(first) != len(second)
        or any(b is None or a.item_id != b.item_id for a, b in pairs)
    ):
        raise ConfigError(
            f"the two runs hold different decisions ({len(first)} and {len(second)}): "
            "only runs over the same events, split and placement can be compared"
        )
    numbers: dict[str, int] = {}
    sessions = np.array([numbers.setdefault(a.session_id, len(numbers)) for a, _ in pairs])
    before = gains(np.array([a.rank for a, _ in pairs]), k)
    after = gains(np.array([b.rank for _, b in pairs if b is not None]), k)
    names = {"hr": f"hr@{k}", "mrr_at": f"mrr@{k}", "ndcg": f"ndcg@{k}", "mrr": "mrr"}
    return {name: bootstrap(after[kind] - before[kind], sessions) for kind, name in names.items()}


def bootstrap(differences: NDArray[np.float64], sessions: NDArray[np.int64]) -> Interval:
    """Mean of the paired differences with its percentile interval; `sessions` are 0, 1 …"""
    sums = np.bincount(sessions, weights=differences)
    counts = np.bincount(sessions)
    chance = np.random.default_rng(SEED)
    means = np.empty(RESAMPLES)
    for at in range(RESAMPLES):
        drawn = chance.integers(0, len(sums), len(sums))
        means[at] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.quantile(means, (TAIL, 1 - TAIL))
    return Interval(float(differences.mean()), float(low), float(high))


def _reciprocal(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0
