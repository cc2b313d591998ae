"""Fallback slates: the trending items of each category and of all, made from the topic `knowledge`.

Interest fades alike for all items, so those that nobody touched keep their order, and a board's best
BOARD_MAX stay right however few are kept.
"""

from collections.abc import Callable, Sequence
from math import log2
from typing import Final

from channels.store.values import Trend
from schemas.knowledge import EpochEnd, ItemKnowledge, learnt_record
from schemas.limits import BOARD_MAX, DAY_MS, EPOCH_RECORDS_MAX

ALL: Final = ""
"""The category that holds every item."""
SHORT_HALF_LIFE_MS: Final = DAY_MS
"""Of ItemKnowledge.interest_short."""
BOARDS_MAX: Final = 1_000
"""Boards kept in memory; the one changed longest ago is read again from the store."""


class Fallbacks:
    """The boards. `read` gets a category's slate as it was stored, so that a new writer goes on from it."""

    def __init__(self, read: Callable[[str], Sequence[Trend]]) -> None:
        self._read = read
        self._boards: dict[str, dict[str, Trend]] = {}
        self._epoch: dict[str, ItemKnowledge] = {}

    def take(self, value: bytes, timestamp_ms: int) -> bool:
        """Takes one record of `knowledge`, with its own timestamp; whether it ends an epoch. Raises InvalidEvent.

        Where an epoch does not end, the items that were named first are left out (EPOCH_RECORDS_MAX).
        """
        record = learnt_record(value, timestamp_ms)
        if isinstance(record, EpochEnd):
            return True
        if (
            isinstance(record, ItemKnowledge)
            and record.kind == "item"
            and record.interest_short > 0.0
        ):
            self._epoch.pop(record.item_id, None)
            self._epoch[record.item_id] = record
            if len(self._epoch) > EPOCH_RECORDS_MAX:
                del self._epoch[next(iter(self._epoch))]
        return False

    def close_epoch(self) -> dict[str, list[Trend]]:
        """The slates that the records since the last epoch change, best first; by category.

        Taking an epoch again gives the same slates.
        """
        changed: dict[str, dict[str, Trend]] = {}
        for item in self._epoch.values():
            for category in {ALL, item.category or ALL}:
                if category not in changed:
                    changed[category] = self._board(category)
                board = changed[category]
                known = board.get(item.item_id)
                if known is None or known.at_ms <= item.at_ms:
                    board[item.item_id] = Trend(item.item_id, item.interest_short, item.at_ms)
        slates = {
            category: sorted(board.values(), key=_rank)[:BOARD_MAX]
            for category, board in changed.items()
        }
        for category, slate in slates.items():
            self._boards.pop(category, None)
            self._boards[category] = {trend.item_id: trend for trend in slate}
        while len(self._boards) > BOARDS_MAX:
            del self._boards[next(iter(self._boards))]
        self._epoch.clear()
        return slates

    def forget(self) -> None:
        """Begins anew from what is stored: another writer may have gone on meanwhile."""
        self._boards.clear()
        self._epoch.clear()

    def _board(self, category: str) -> dict[str, Trend]:
        board = self._boards.get(category)
        if board is not None:
            return dict(board)
        return {trend.item_id: trend for trend in self._read(category)}


def _rank(trend: Trend) -> tuple[float, str]:
    """Less is better: the logarithm of the interest as it would be at one common time."""
    return -(log2(trend.interest) + trend.at_ms / SHORT_HALF_LIFE_MS), trend.item_id
