"""A sender's clock against ours: when by ours it happened. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.limits import EVENT_TIME_MIN_MS, MINUTE_MS, SESSION_GAP_MS

AHEAD_MAX_MS: Final = MINUTE_MS
"""A clock further ahead of ours is wrong."""


class Clock(NamedTuple):
    """Our time, and by how much the sender's is behind it."""

    now_ms: int
    shift_ms: int

    def time_of(self, sent_ms: object) -> object:
        """When it happened by our clock; what would lie ahead of it, alone among the others, is now."""
        if sent_ms is None:
            return self.now_ms
        if type(sent_ms) is not int:
            return sent_ms  # refused later, by its type
        if sent_ms + self.shift_ms > self.now_ms + AHEAD_MAX_MS:
            return self.now_ms
        return max(EVENT_TIME_MIN_MS, sent_ms + self.shift_ms)


def shift_of(times: Sequence[int], now_ms: int) -> int:
    """By how much a sender's clock is behind ours: 0 where any of its times can be right.

    Else the newest of those that are near the middle one is now: one odd time moves no others.
    """
    if not times or any(now_ms - SESSION_GAP_MS <= one <= now_ms + AHEAD_MAX_MS for one in times):
        return 0
    middle = sorted(times)[len(times) // 2]
    return now_ms - max(one for one in times if abs(one - middle) <= SESSION_GAP_MS)
