"""An answer that several people want at once, looked up once."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

FRESH_S: Final = 3.0
"""What is shown to several people within this time is looked up once."""

T = TypeVar("T")


class Kept(Generic[T]):
    """The answer of `ask`, asked again when it is older than FRESH_S; one thread asks, the others wait."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask, self._lock = ask, Lock()
        self._answer: list[T] = []
        self._asked_s = 0.0

    def __call__(self) -> T:
        with self._lock:
            if not self._answer or time.monotonic() > self._asked_s + FRESH_S:
                self._answer = [self._ask()]
                self._asked_s = time.monotonic()
            return self._answer[0]

    def forget(self) -> None:
        """The next one asks again: something was changed."""
        with self._lock:
            self._answer = []
