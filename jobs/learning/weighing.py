"""What examples count: those that were taken of a list by how likely their place is looked at (models/learning/examination.py)."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from jobs.fold.fold import Fold, Folded
from jobs.learning.shown_lists import ShownLists
from models.learning.examination import Curve, Weighed, weights_of
from udfs.knowledge.knowledge import Knowledge


class Looking(NamedTuple):
    """Where it is known from how likely places are looked at: learnt from lists in random order (`random`), from `swaps` as well, or `given`; or it is not asked (`none`)."""

    way: Literal["random", "swaps", "given", "none"] = "random"
    given: tuple[Curve, ...] = ()


LEARNT: Final = Looking()
UNASKED: Final = Looking("none")


class Weighing:
    """Sees the lists in what a fold gives, then weighs examples. Who does not agree that others learn from them is passed over."""

    def __init__(
        self,
        knowledge: Knowledge,
        seed: str,
        looking: Looking,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        self.lists = ShownLists(knowledge, seed, shares)
        self._looking = looking

    def see(self, one: Folded, fold: Fold) -> None:
        """Takes one step of the fold."""
        news = one.news
        if self._looking.way == "none" or news is None or not self.lists.wants(news):
            return
        if fold.teaches(news):
            self.lists.take(news)

    def weigh(self, taken: Sequence[tuple[str, str]]) -> Weighed | None:
        """What the examples count, each by its decision and the item that was `taken`; None where it is not asked."""
        way = self._looking.way
        if way == "none":
            return None
        curves = self._looking.given if way == "given" else self.lists.curves(way)
        found = [self.lists.place_of(decision_id, item_id) for decision_id, item_id in taken]
        places = np.array([place for _, place in found], dtype=np.int64)
        return weights_of(curves, [placement for placement, _ in found], places)
