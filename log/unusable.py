"""Records that a reader cannot use: counted, told in one line without what is in them, and put aside with their place."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from schemas.codec import DEAD_LETTER
from schemas.dead_letters import dead_letter
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS

LINES_PER_S: Final = 1.0
LINES_BURST: Final = 20.0
ASIDE_PER_S: Final = 100.0
ASIDE_BURST: Final = 1_000.0
CLOSE_S: Final = 2.0
"""Beyond these a record is only counted: a flood of junk must not become a flood of lines and letters."""


class Produces(Protocol):
    """The part of a Kafka producer that is needed here."""

    def produce(self, topic: str, value: bytes, key: bytes, /, timestamp: int) -> None: ...

    def poll(self, timeout: float, /) -> int: ...

    def flush(self, timeout: float, /) -> int: ...


class Budget:
    """So many at once, so many a second after that."""

    def __init__(
        self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._held, self._since_s = burst, clock()

    def take(self) -> bool:
        """Whether there is one left, which is then gone."""
        now_s = self._clock()
        self._held = min(self._burst, self._held + (now_s - self._since_s) * self._per_s)
        self._since_s = now_s
        if self._held < 1.0:
            return False
        self._held -= 1.0
        return True


class Aside:
    """Writes dead letters of records that lie in the log already; their key is the record's place."""

    def __init__(self, producer: Produces, prefix: str) -> None:
        self._producer, self._topic = producer, prefix + DEAD_LETTERS
        self._budget = Budget(ASIDE_PER_S, ASIDE_BURST)

    def put(self, record: LogRecord, error: InvalidEvent) -> bool:
        """Hands it over, if the budget allows and the producer's queue has room; whether it did."""
        if record.topic == self._topic or not self._budget.take():
            return False  # of a dead letter that is none nothing more is made
        letter = dead_letter(record, error)
        key = f"{letter.topic}/{letter.partition}/{letter.offset}"
        now_ms = time.time_ns() // 1_000_000
        try:
            self._producer.produce(
                self._topic, DEAD_LETTER.encode(letter), key.encode(), timestamp=now_ms
            )
        except BufferError:
            return False
        self._producer.poll(0)
        return True

    def close(self) -> None:
        """Waits a little until Kafka has them."""
        self._producer.flush(CLOSE_S)


class Unusable:
    """What one reader left out. Reasons are codes; texts and values of a record never reach a log."""

    def __init__(self, logger: logging.Logger, aside: Aside | None = None) -> None:
        self._logger, self._aside = logger, aside
        self._lines = Budget(LINES_PER_S, LINES_BURST)
        self._untold = 0
        self.reasons: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """All of them."""
        return self.reasons.total()

    def add(self, record: LogRecord, error: InvalidEvent, *, is_new: bool = True) -> None:
        """Takes note of one; `is_new`: nobody has read it before, so it is put aside as well."""
        self.reasons[error.reason] += 1
        if is_new and self._aside is not None:
            self._aside.put(record, error)
        if not self._lines.take():
            self._untold += 1
            return
        more = f" (and {self._untold:,} before it, untold)" if self._untold else ""
        self._untold = 0
        place = f"{record.topic}/{record.partition}/{record.offset}"
        self._logger.warning("%s cannot be used: %s%s", place, error.reason, more)
