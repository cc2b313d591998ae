"""What a page sends at once reaches the log a little at a time: nobody else's decision waits for a batch of theirs.

One operator decides for many people in turn, and a batch of 50 events that ask for decisions holds it for a quarter of
a second. Spread, others wait for one decision of it at most. Nothing is left out; what pages usually send (`AT_ONCE`)
is not held up.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Record = TypeVar("Record")

AT_ONCE: Final = 3
EVERY_S: Final = 0.03
"""Then one each so often, some six times what deciding on it takes;"""
SPREAD_S: Final = 1.0
"""sooner where many wait: so long divided by their number. Whoever sent them waits for the last one."""


class PagePace(Generic[Record]):
    """Hands records on to `write`, each session's in the order in which they came.

    As many wait as the doors let in of one session at once.
    """

    def __init__(self, write: Callable[[Record], None]) -> None:
        self._write = write
        self._queues: dict[str, deque[Record]] = {}

    def take(self, session_id: str, records: Sequence[Record]) -> None:
        """Hands on the first, and the others when it is their turn."""
        queue = self._queues.get(session_id)
        if queue is not None:
            queue.extend(records)
            return
        for record in records[:AT_ONCE]:
            self._write(record)
        if len(records) > AT_ONCE:
            self._queues[session_id] = deque(records[AT_ONCE:])
            self._wait(session_id)

    def hurry(self) -> None:
        """Hands on all that waits, because nothing can wait any longer."""
        for queue in self._queues.values():
            for record in queue:
                self._write(record)
        self._queues.clear()

    def _wait(self, session_id: str) -> None:
        delay_s = min(EVERY_S, SPREAD_S / len(self._queues[session_id]))
        asyncio.get_running_loop().call_later(delay_s, self._turn, session_id)

    def _turn(self, session_id: str) -> None:
        queue = self._queues.get(session_id)
        if queue is None:
            return
        record = queue.popleft()
        if queue:
            self._wait(session_id)
        else:
            del self._queues[session_id]
        self._write(record)
