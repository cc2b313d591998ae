"""What lists are like beside their accuracy: how new, how mixed, and how much they jump from one decision of a session to the next."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from math import log2
from typing import Any, Final, NamedTuple

LOOKED_AT_MAX: Final = 20
"""Places of a list that are looked at: those further down few people see, and pairs of items grow by the square."""


class Looks(NamedTuple):
    """What is known of items: how often each was named in the log, what kind it is of, and how alike two kinds are (0 to 1)."""

    counts: Mapping[str, int]
    kind_of: Callable[[str], Hashable]
    likeness: Callable[[Any, Any], float]


class ListFigures:
    """Means over the lists that are added, in order of time; a list without items says nothing."""

    def __init__(self, k: int, looks: Looks) -> None:
        self.k = min(k, LOOKED_AT_MAX)
        self._looks, self._whole = looks, sum(looks.counts.values())
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._before: dict[str, Sequence[str]] = {}

    def add(self, session_id: str, items: Sequence[str]) -> None:
        """A list of a session, best first."""
        items = items[: self.k]
        if not items:
            return
        self._add("novelty", sum(map(self._information, items)) / len(items))
        if len(items) > 1:
            self._add("diversity", self._diversity(items))
        before = self._before.get(session_id)
        if before is not None:
            self._add("changed", changed(before, items))
            if set(before) & set(items):
                self._add("moved", moved(before, items))
        self._before[session_id] = items

    def figures(self) -> dict[str, float]:
        """At the first places: `novelty`, bits of self-information of an item (-log2 of its part of what was named; Vargas and Castells 2011); `diversity`, how
        unlike two items of a list are (Ziegler et al. 2005); of each list and the one before it in its session `changed`, the share of places that hold another
        item, and `moved`, by how many places an item that is in both has moved. 0 where there is nothing to count.
        """
        names = ("novelty", "diversity", "changed", "moved")
        return {
            f"{name}@{self.k}": self._sums.get(name, 0.0) / max(1, self._counts.get(name, 0))
            for name in names
        }

    def _add(self, name: str, value: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0) + 1

    def _information(self, item_id: str) -> float:
        return -log2(max(1, self._looks.counts.get(item_id, 0)) / max(1, self._whole))

    def _diversity(self, items: Sequence[str]) -> float:
        kinds = [self._looks.kind_of(one) for one in items]
        pairs = list(combinations(kinds, 2))
        return sum(1.0 - self._looks.likeness(*pair) for pair in pairs) / len(pairs)


def changed(before: Sequence[str], after: Sequence[str]) -> float:
    """The share of the places of the longer list that hold another item than before, or none."""
    same = sum(one == other for one, other in zip(before, after, strict=False))
    return 1.0 - same / max(len(before), len(after), 1)


def moved(before: Sequence[str], after: Sequence[str]) -> float:
    """By how many places the items that are in both have moved, on average; 0 where there are none."""
    places = {item_id: place for place, item_id in enumerate(before)}
    steps = [abs(place - places[one]) for place, one in enumerate(after) if one in places]
    return sum(steps) / len(steps) if steps else 0.0
