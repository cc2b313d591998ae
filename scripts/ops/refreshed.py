"""What takes long to count, counted in the background whenever somebody looks: who asks gets the newest that there is, at once."""

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Final, Generic, NamedTuple, TypeVar

from jobs.publish import now_ms
from schemas.errors import ConfigError
from scripts.ops.counting import NotCounted

FRESH_S: Final = 60.0
"""So old what was counted may be before it is counted again."""
REST: Final = 10
"""And so many times as long as counting took: it never takes more than a small part of a processor."""

logger = logging.getLogger(__name__)

About = TypeVar("About")
T = TypeVar("T")


class Newest(NamedTuple, Generic[T]):
    """`found`: None = nothing was counted yet; `fault`: why not, the last time."""

    found: T | None
    counted_ms: int
    is_counting: bool
    fault: str


class Refreshed(Generic[About, T]):
    """The answer of `count`, asked in a thread of its own, one at a time; `count` raises ConfigError or NotCounted."""

    def __init__(
        self, count: Callable[[About], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count, self._clock, self._lock = count, clock, Lock()
        self._newest: Newest[T] = Newest(None, 0, is_counting=False, fault="")
        self._about: list[About] = []
        self._stale_s = 0.0

    def __call__(self, about: About) -> Newest[T]:
        """What there is; where it is old, or of something else than is asked about now, it is counted anew behind."""
        with self._lock:
            is_stale = self._about != [about] or self._clock() >= self._stale_s
            if is_stale and not self._newest.is_counting:
                self._newest = self._newest._replace(is_counting=True)
                self._about = [about]
                Thread(target=self._renew, args=(about,), name="console-count", daemon=True).start()
            return self._newest

    def _renew(self, about: About) -> None:
        begun_s = self._clock()
        before = self._newest
        try:
            newest = Newest(self._count(about), now_ms(), is_counting=False, fault="")
        except (ConfigError, NotCounted) as error:
            newest = before._replace(is_counting=False, fault=str(error))
        except Exception:
            logger.exception("counting for the console has failed")
            newest = before._replace(is_counting=False, fault="counting has failed: the log of the API says why")  # fmt: skip
        with self._lock:
            ended_s = self._clock()
            self._newest = newest
            self._stale_s = ended_s + max(FRESH_S, REST * (ended_s - begun_s))
