"""Which candidates fill the slate: the best scores, and where the placement wants it diverse, new to people, of the long tail, and steady."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.items.match_items import overlap, signs_of
from udfs.items.retrieve_candidates import Retrieved

Kind = tuple[str | None, frozenset[str]]
"""Category and signs, by which items are alike."""
NO_SIGNS: Final[frozenset[str]] = frozenset()
SAME_CATEGORY: Final = 0.5
LOOKED_AT_MAX: Final = 50
"""Places that are given so; those further down, which few people see, go by score alone."""


class Balance(NamedTuple):
    """What counts beside the scores, by the place of a candidate.

    `extra` (0 to 1) takes `share` of what a candidate is worth. `before` is its place in the last slate, `margin` by how much what it is worth has to be
    beaten for it to be passed there.
    """

    diversity: float = 0.0
    share: float = 0.0
    extra: Mapping[int, float] = {}
    margin: float = 0.0
    before: Mapping[int, int] = {}


PLAIN: Final = Balance()


def choose_slate(
    candidates: Sequence[Retrieved],
    scores: NDArray[np.float32],
    free: Sequence[int],
    size: int,
    balance: Balance = PLAIN,
) -> list[int]:
    """The places of at most `size` candidates, best first; equal scores in the order they were found.

    What a candidate is worth is its score; where there is a diversity or a share, its relevance: its rank among the free ones, from 1 to 0,
    of which `extra` takes its share. With `diversity` d > 0 each next place goes to the highest (1 - d) x worth - d x likeness to the
    most alike of those chosen (maximal marginal relevance, Carbonell and Goldstein 1998).

    Steady: each next place goes to the one that came first `before`, of those that are worth at least what the best of those left is, less the margin. So nothing
    stands above what is better by more than the margin, and what came before keeps its order but for that.
    """
    values = scores.tolist()  # numbers of Python's own compare in a tenth of the time of NumPy's
    ranked = sorted(free, key=lambda at: (-values[at], at))
    is_by_rank = balance.diversity > 0.0 or balance.share > 0.0
    if len(ranked) < 2 or not (is_by_rank or balance.before):
        return ranked[:size]
    worth = _relevance(ranked, balance) if is_by_rank else {at: values[at] for at in ranked}
    diversity = balance.diversity
    kinds = {at: kind_of(candidates[at]) for at in ranked} if diversity > 0.0 else {}
    alike = dict.fromkeys(ranked, 0.0)

    def marginal(at: int) -> float:
        return (1.0 - diversity) * worth[at] - diversity * alike[at]

    chosen: list[int] = []
    while ranked and len(chosen) < min(size, LOOKED_AT_MAX):
        best = _next(ranked, marginal, balance)
        ranked.remove(best)
        chosen.append(best)
        for at in ranked if kinds else ():
            alike[at] = max(alike[at], likeness(kinds[at], kinds[best]))
    return (chosen + ranked)[:size]


def _relevance(ranked: Sequence[int], balance: Balance) -> dict[int, float]:
    share, count = balance.share, len(ranked)
    relevance = {at: 1.0 - place / count for place, at in enumerate(ranked)}
    if share <= 0.0:
        return relevance
    return {
        at: (1.0 - share) * one + share * balance.extra.get(at, 0.0)
        for at, one in relevance.items()
    }


def _next(ranked: Sequence[int], marginal: Callable[[int], float], balance: Balance) -> int:
    best = max(ranked, key=marginal)
    if not balance.before:
        return best
    least, before = marginal(best) - balance.margin, balance.before
    near = (at for at in ranked if marginal(at) >= least)
    return min(near, key=lambda at: (before.get(at, inf), -marginal(at)))


def kind_of(one: Retrieved) -> Kind:
    """By what a candidate is like others."""
    category = (one.item.category if one.item else None) or (
        one.learnt.category if one.learnt else None
    )
    return category, signs_of(one.item) if one.item else NO_SIGNS


def likeness(one: Kind, other: Kind) -> float:
    """From 0 to 1: half of it for the same category, half by the signs in common."""
    same = SAME_CATEGORY if one[0] is not None and one[0] == other[0] else 0.0
    return same + (1.0 - SAME_CATEGORY) * overlap(one[1], other[1])
