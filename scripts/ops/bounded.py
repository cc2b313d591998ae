"""A log that is read for as long as there is time."""

import time
from collections.abc import Callable, Iterable, Iterator

from schemas.records import LogRecord


class Bounded:
    """The records up to the one at which time was up; `is_cut` says whether there were more."""

    def __init__(self, log: Iterable[LogRecord], is_over: Callable[[], bool]) -> None:
        self._log, self._is_over = log, is_over
        self.is_cut = False

    def __iter__(self) -> Iterator[LogRecord]:
        for record in self._log:
            if self._is_over():
                self.is_cut = True
                return
            yield record


def in_seconds(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds have gone by since this was made."""
    end_s = time.monotonic() + seconds
    return lambda: time.monotonic() > end_s
