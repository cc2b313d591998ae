"""Vectors of items that a fold learns on its way, so that what it decides at a time knows those of before alone."""

from typing import Final

from jobs.fold.fold import Fold, Folded
from models.learning.vectors import Sessions, fit_vectors
from models.vectors import ItemVectors, VectorTable
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import session_fact

FIRST: Final = 500
"""So many sessions teach the first vectors."""
GROWTH: Final = 1.5
"""They are learnt anew when there are so many times as many: all that is learnt costs some three times the last."""


class VectorsOnTheWay:
    """Takes the sessions that end, of people from whom others may learn."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._sessions = Sessions()
        self._next = FIRST
        self._is_over = False

    def take(self, one: Folded, fold: Fold) -> None:
        """Takes what a step of the fold gave, if it says that a session has ended."""
        news = one.news
        if self._is_over or news is None or news.kind != "ended" or not fold.teaches(news):
            return
        ended = session_fact(news, self._knowledge)
        if ended is None:
            return
        self._sessions.add(ended.item_ids)
        if self._sessions.count >= self._next:
            self._next = round(GROWTH * self._sessions.count)
            self._fit(news.order_ms, has_neighbours=False)

    def finish(self, now_ms: int) -> VectorTable | None:
        """Those of all sessions so far and of the catalogue at `now_ms`, in force from there on; no later session changes them. None where they tell too little."""
        self._is_over = True
        return self._fit(now_ms, has_neighbours=True)

    def _fit(self, now_ms: int, *, has_neighbours: bool) -> VectorTable | None:
        catalogue = self._knowledge.catalogue.at_once(now_ms)
        table = fit_vectors(self._sessions, catalogue, has_neighbours=has_neighbours)
        if table is not None:
            version = f"sessions-{self._sessions.count}-{now_ms}"
            self._knowledge.add_vectors(now_ms + 1, ItemVectors(table, version))
        return table
