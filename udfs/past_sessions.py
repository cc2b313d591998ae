"""Past sessions in arrays, and what the nearest of them went on with.

Session-based nearest neighbours (Jannach and Ludewig 2017; the weights follow the idea of Garg et al.
2019, STAN): sessions that share items with this one are near, the more the later in this session the
shared item came, the rarer it is and the newer they are; what they touched counts by their nearness and
by its distance from the item they share.

Memory per session kept: 4 bytes for each of SESSION_MEMORY_ITEMS places, 8 for its end, 8 for each of its
items in the lists by item: some 130 bytes for five items.
"""

from array import array
from collections.abc import Sequence
from math import log, sqrt
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
        found = [self._sessions_of(number, count) for number, _ in query]
        if not any(len(one) for one in found):
            return None
        seen = min(count, self._size)
        weights = [
            np.full(len(sessions), log(1.0 + seen / len(sessions)) / sqrt(1.0 + place))
            for sessions, (_, place) in zip(found, query, strict=True)
            if len(sessions)
        ]
        sessions, at = np.unique(np.concatenate(found), return_inverse=True)
        nearness = _sums(at, np.concatenate(weights))
        places = sessions % self._size
        age_ms = np.maximum(0, now_ms - self._ended_ms[places])
        # only ratios count; from the newest on, or the weights of very old ones would all be zero
        nearness *= np.exp2((age_ms - age_ms.min()) / -NEW_HALF_LIFE_MS)
        if len(sessions) > NEIGHBOURS_MAX:
            # stable: of equals the newest, whatever the numbers of the items
            nearest = np.argsort(-nearness[::-1], kind="stable")[:NEIGHBOURS_MAX]
            chosen = len(sessions) - 1 - nearest
            places, nearness = places[chosen], nearness[chosen]
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
        ranks = self._ranks[items]
        self._ranks[numbers] = FAR
        is_item = items != NOBODY
        ranks = np.where(is_item, ranks, FAR)
        shared = ranks.argmin(axis=1)
        steps = np.arange(SESSION_MEMORY_ITEMS) - shared[:, None]
        closeness = 1.0 / (1.0 + np.abs(steps) / 2.0)
        closeness = np.where(steps < 0, closeness / 2.0, closeness)
        flat, size = items[is_item], len(self.ids)
        weights, squares = nearness / nearness.sum(), nearness**2 / (nearness**2).sum()
        touched = _sums(flat, (weights[:, None] * closeness)[is_item], size)
        focused = _sums(flat, (squares[:, None] * closeness)[is_item], size)
        is_next = is_item & (steps == 1)
        nexts = np.broadcast_to(weights[:, None], items.shape)[is_next]
        return Near(touched, focused, _sums(items[is_next], nexts, size))

    def _sessions_of(self, number: int, count: int) -> NDArray[np.int64]:
        found = np.array(self._found_by[number], dtype=np.int64)
        oldest = self.count - self._size
        if len(found) and (found[-1] >= count or found[0] < oldest):
            found = found[(found >= oldest) & (found < count)]
        return found[-SESSIONS_PER_ITEM_MAX:]

    def _number(self, item_id: str) -> int:
        number = self.numbers.get(item_id)
        if number is None:
            number = self.numbers[item_id] = len(self.ids)
            self.ids.append(item_id)
            self._found_by.append(array("q"))
            if number >= len(self._ranks):
                more = np.full(max(GROWTH, number), FAR, dtype=np.int8)
                self._ranks = np.concatenate([self._ranks, more])
        return number

    def _grow(self) -> None:
        more = min(self._size, max(GROWTH, 2 * len(self._items))) - len(self._items)
        rows = np.full((more, SESSION_MEMORY_ITEMS), NOBODY, dtype=np.int32)
        self._items = np.concatenate([self._items, rows])
        self._ended_ms = np.concatenate([self._ended_ms, np.zeros(more, dtype=np.int64)])


def _sums(
    numbers: NDArray[np.signedinteger[Any]], weights: NDArray[np.float64], size: int = 0
) -> NDArray[np.float64]:
    """The sum of the weights of each number, of at least `size` numbers."""
    return np.bincount(numbers, weights, size).astype(np.float64, copy=False)
