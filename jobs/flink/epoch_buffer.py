"""What waits in Flink's state for the end of its epoch, and which epoch that is."""

from typing import Any, Final

from jobs.flink.plain_state import BytesByNumber
from schemas.knowledge import epoch_of

FACTS_PER_EPOCH_MAX: Final = 2**20
"""Rows of one key in one epoch: the numbers that are left for them beside the epoch's."""


class EpochBuffer:
    """Bytes of the current key by epoch, in Flink's state. Adding costs the same however many there are.

    How many a key has is kept beside, and counted again where an instance did not see them come.
    """

    def __init__(self, context: Any, name: str) -> None:
        self._rows = BytesByNumber(context, name)
        self._sizes: dict[tuple[str, int], int] = {}

    def add(self, key: str, epoch: int, value: bytes) -> bool:
        """Keeps a value of the current key, which is `key`; False: it has too many in this epoch already."""
        size = self._size(key, epoch)
        if size >= FACTS_PER_EPOCH_MAX:
            return False
        self._rows.put(epoch * FACTS_PER_EPOCH_MAX + size, value)
        self._sizes[key, epoch] = size + 1
        return True

    def take(self, key: str, epoch: int) -> list[bytes]:
        """Removes and returns what the current key, which is `key`, has in the epoch."""
        first = epoch * FACTS_PER_EPOCH_MAX
        places = range(first, first + self._size(key, epoch))
        found = [self._rows.take(place) for place in places]
        self._sizes.pop((key, epoch), None)
        return found

    def _size(self, key: str, epoch: int) -> int:
        size = self._sizes.get((key, epoch))
        if size is None:
            size, first = 0, epoch * FACTS_PER_EPOCH_MAX
            while self._rows.contains(first + size):
                size += 1
        return size


def open_epoch(order_ms: int, watermark_ms: int) -> int:
    """The epoch of `order_ms`; where that has ended by the watermark, the one that ends next."""
    return max(epoch_of(order_ms), epoch_of(watermark_ms))
