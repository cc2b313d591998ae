"""A steady pace: what is sent is stamped with when it was due, so a sender that falls behind hides nothing."""

import time
from collections.abc import Iterator
from itertools import count

from jobs.publish import now_ms


def moments(rate: int) -> Iterator[int]:
    """When each next thing is due, in epoch milliseconds, as soon as it is: so many a second, for ever."""
    begun_s, begun_ms = time.monotonic(), now_ms()
    for number in count():
        due_s = number / rate
        wait_s = begun_s + due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        yield begun_ms + int(due_s * 1_000)
