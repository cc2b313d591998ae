"""Past sessions in arrays, and what the nearest of them went on with.

Session-based nearest neighbours (Jannach and Ludewig 2017; the weights follow the idea of Garg et al.
2019, STAN): sessions that share items with this one are near, the more the later in this session the
shared item came, the rarer it is and the newer they are; what they touched counts by their nearness and
by its distance from the item they share.

Memory per session kept: 4 bytes for each of SESSION_MEMORY_ITEMS places, 8 for its end, 8 for each of its
items in the lists by item: some 130 bytes for five items.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from math import log, sqrt
from sys import intern
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.knowledge import PastSession
from schemas.limits import (
    DAY_MS,
    SESSION_MEMORY_ITEMS,
    SESSIONS_PER_ITEM_MAX,
    SESSIONS_REMEMBERED_MAX,
)

NOBODY: Final = -1
NEIGHBOURS_MAX: Final = 300
NEW_HALF_LIFE_MS: Final = 30 * DAY_MS
FAR: Final = 127
GROWTH: Final = 4_096


def _closeness(steps: NDArray[np.signedinteger[Any]]) -> NDArray[np.float64]:
    """How much an item counts that came `steps` after (before: negative) the one that is shared."""
    closeness = 1.0 / (1.0 + np.abs(steps) / 2.0)
    return np.where(steps < 0, closeness / 2.0, closeness)


STEPS_MAX: Final = SESSION_MEMORY_ITEMS - 1
CLOSENESS: Final = _closeness(np.arange(-STEPS_MAX, STEPS_MAX + 1))
"""By steps, from -STEPS_MAX on."""


class Near(NamedTuple):
    """Scores by item number: of what the nearest sessions touched, the same with the very nearest counting
    more, and of what came right after the item they share.
    """

    touched: NDArray[np.float64]
    focused: NDArray[np.float64]
    followed: NDArray[np.float64]


class PastSessions:
    """The last SESSIONS_REMEMBERED_MAX sessions, found by their items; items are numbered as they come.

    Sessions are added in the order of their epochs; `count` of them at a moment is a view of then.
    """

    def __init__(self, size: int = SESSIONS_REMEMBERED_MAX) -> None:
        self._size = size
        self._items = np.full((0, SESSION_MEMORY_ITEMS), NOBODY, dtype=np.int32)
        self._ended_ms = np.zeros(0, dtype=np.int64)
        self._found_by: list[array[int]] = []
        self._ranks = np.zeros(0, dtype=np.int8)
        self.numbers: dict[str, int] = {}
        self.ids: list[str] = []
        self.count = 0

    def add(self, session: PastSession) -> None:
        """Remembers a session; at the bound it takes the place of the oldest."""
        numbers = [self._number(item_id) for item_id in session.item_ids[-SESSION_MEMORY_ITEMS:]]
        place = self.count % self._size
        if place >= len(self._items):
            self._grow()
        self._items[place] = NOBODY
        self._items[place, : len(numbers)] = numbers
        self._ended_ms[place] = session.ended_ms
        for number in set(numbers):
            found = self._found_by[number]
            found.append(self.count)
            if len(found) > 2 * SESSIONS_PER_ITEM_MAX:
                del found[:-SESSIONS_PER_ITEM_MAX]
        self.count += 1

    def near(self, item_ids: Sequence[str], now_ms: int, count: int) -> Near | None:
        """What the sessions near to one that touched `item_ids` (newest first) went on with.

        Only the first `count` sessions are seen. None where none of them shares an item.
        """
        query = [
            (self.numbers[one], place) for place, one in enumerate(item_ids) if one in self.numbers
        ]
        holders = [self._sessions_of(number, count) for number, _ in query]
        if not any(holders):
            return None
        seen = min(count, self._size)
        weights = [
            log(1.0 + seen / max(1, len(found))) / sqrt(1.0 + place)
            for found, (_, place) in zip(holders, query, strict=True)
        ]
        sessions, nearness = _merged(holders, weights)
        places = sessions % self._size
        age_ms = np.maximum(0, now_ms - self._ended_ms[places])
        # only ratios count; from the newest on, or the weights of very old ones would all be zero
        nearness *= np.exp2((age_ms - age_ms.min()) / -NEW_HALF_LIFE_MS)
        if len(sessions) > NEIGHBOURS_MAX:
            nearest = _nearest(nearness)
            places, nearness = places[nearest], nearness[nearest]
        return self._touched(places, nearness, query)

    def _touched(
        self,
        places: NDArray[np.signedinteger[Any]],
        nearness: NDArray[np.float64],
        query: list[tuple[int, int]],
    ) -> Near:
        items = self._items[places]
        numbers = [number for number, _ in query]
        self._ranks[numbers] = [place for _, place in query]
        ranks = self._ranks[items]  # NOBODY's is that of the last place, which no item has
        self._ranks[numbers] = FAR
        # from here on without the empty places, most of all: `of` is the row of each item
        filled = np.flatnonzero(items != NOBODY)
        flat, of = items.ravel()[filled], filled // SESSION_MEMORY_ITEMS
        shared = np.arange(len(items)) * SESSION_MEMORY_ITEMS + ranks.argmin(axis=1)
        steps = filled - shared[of]
        closeness, size = CLOSENESS[steps + STEPS_MAX], len(self.ids)
        weights = (nearness / nearness.sum())[of]
        squares = (nearness**2 / (nearness**2).sum())[of]
        is_next = steps == 1
        return Near(
            _sums(flat, weights * closeness, size),
            _sums(flat, squares * closeness, size),
            _sums(flat[is_next], weights[is_next], size),
        )

    def _sessions_of(self, number: int, count: int) -> "array[int]":
        found = self._found_by[number]
        oldest = self.count - self._size
        if found and (found[-1] >= count or found[0] < oldest):
            found = found[bisect_left(found, oldest) : bisect_left(found, count)]
        return found[-SESSIONS_PER_ITEM_MAX:]

    def _number(self, item_id: str) -> int:
        number = self.numbers.get(item_id)
        if number is None:
            item_id = intern(item_id)  # the catalogue has the same string
            number = self.numbers[item_id] = len(self.ids)
            self.ids.append(item_id)
            self._found_by.append(array("q"))
            if number + 1 >= len(self._ranks):
                more = np.full(max(GROWTH, number), FAR, dtype=np.int8)
                self._ranks = np.concatenate([self._ranks, more])
        return number

    def _grow(self) -> None:
        more = min(self._size, max(GROWTH, 2 * len(self._items))) - len(self._items)
        rows = np.full((more, SESSION_MEMORY_ITEMS), NOBODY, dtype=np.int32)
        self._items = np.concatenate([self._items, rows])
        self._ended_ms = np.concatenate([self._ended_ms, np.zeros(more, dtype=np.int64)])


def _merged(
    holders: Sequence["array[int]"], weights: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The distinct sessions of all lists, ascending, and the sum of the weights of the lists each is in."""
    found = array("q")
    for one in holders:
        found += one
    sessions = np.array(found)
    # the lists are sorted: merging them is faster than np.unique, and keeps the order of equal ones
    order = sessions.argsort(kind="stable")
    sessions = sessions[order]
    is_first = np.ones(len(sessions), dtype=bool)
    np.not_equal(sessions[1:], sessions[:-1], out=is_first[1:])
    lengths = [len(one) for one in holders]
    return sessions[is_first], _sums(is_first.cumsum() - 1, np.repeat(weights, lengths)[order])


def _nearest(nearness: NDArray[np.float64]) -> NDArray[np.intp]:
    """The places of the NEIGHBOURS_MAX highest, best first; of equals the later, so the newer, one."""
    least = np.partition(nearness, -NEIGHBOURS_MAX)[-NEIGHBOURS_MAX]
    newest = np.flatnonzero(nearness >= least)[::-1]
    nearest: NDArray[np.intp] = newest[np.argsort(-nearness[newest], kind="stable")]
    return nearest[:NEIGHBOURS_MAX]


def _sums(
    numbers: NDArray[np.signedinteger[Any]], weights: NDArray[np.float64], size: int = 0
) -> NDArray[np.float64]:
    """The sum of the weights of each number, of at least `size` numbers."""
    return np.bincount(numbers, weights, size).astype(np.float64, copy=False)
