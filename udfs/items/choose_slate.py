"""Which candidates fill the slate: the best scores, made diverse where the placement wants it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from udfs.items.match_items import overlap, signs_of
from udfs.items.retrieve_candidates import Retrieved

Kind = tuple[str | None, frozenset[str]]
"""Category and signs, by which items are alike."""
NO_SIGNS: Final[frozenset[str]] = frozenset()
SAME_CATEGORY: Final = 0.5
DIVERSE_MAX: Final = 50
"""Places that are made diverse; those further down, which few people see, go by score alone."""


def choose_slate(
    candidates: Sequence[Retrieved],
    scores: NDArray[np.float32],
    free: Sequence[int],
    size: int,
    diversity: float,
) -> list[int]:
    """The places of at most `size` candidates, best first; equal scores in the order they were found.

    With `diversity` d > 0 each next place goes to the highest (1 - d) x relevance - d x likeness to the
    most alike of those chosen (maximal marginal relevance, Carbonell and Goldstein 1998); relevance is the
    candidate's rank among the free ones, from 1 to 0.
    """
    values = scores.tolist()  # numbers of Python's own compare in a tenth of the time of NumPy's
    ranked = sorted(free, key=lambda at: (-values[at], at))
    if diversity <= 0.0 or len(ranked) < 2:
        return ranked[:size]
    relevance = {at: 1.0 - place / len(ranked) for place, at in enumerate(ranked)}
    kinds = {at: _kind(candidates[at]) for at in ranked}
    alike = dict.fromkeys(ranked, 0.0)
    chosen: list[int] = []
    while ranked and len(chosen) < min(size, DIVERSE_MAX):
        best = max(ranked, key=lambda at: (1.0 - diversity) * relevance[at] - diversity * alike[at])
        ranked.remove(best)
        chosen.append(best)
        for at in ranked:
            alike[at] = max(alike[at], _likeness(kinds[at], kinds[best]))
    return (chosen + ranked)[:size]


def _kind(one: Retrieved) -> Kind:
    category = (one.item.category if one.item else None) or (
        one.learnt.category if one.learnt else None
    )
    return category, signs_of(one.item) if one.item else NO_SIGNS


def _likeness(one: Kind, other: Kind) -> float:
    same = SAME_CATEGORY if one[0] is not None and one[0] == other[0] else 0.0
    return same + (1.0 - SAME_CATEGORY) * overlap(one[1], other[1])
