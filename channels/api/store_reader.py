"""StoreReader: the store, asked from an asyncio process in bounded time."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from redis import RedisError

from channels.api.breaker import Breaker
from channels.store.store import Store
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.outcomes import Outcome

THREADS: Final = 4
WAITING_MAX: Final = 64
"""Questions at once; more are not asked, and the answer does without."""
FAILURES_MAX: Final = 3
REST_S: Final = 1.0
TRENDS_S: Final = 2.0
"""What trends is asked again after so long."""
CATEGORIES_MAX: Final = 2_000

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The store does not answer, or not in time."""


class Recent(NamedTuple):
    """Whose the session is, and the valid decisions by placement."""

    person: str | None
    decisions: dict[str, Decision]


class StoreReader:
    """Reads in threads. A store that is down or slow costs no request more than its `timeout_s`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._places = threading.BoundedSemaphore(WAITING_MAX)
        self._trends: dict[str, tuple[float, tuple[str, ...]]] = {}
        self.breaker = Breaker(FAILURES_MAX, REST_S)

    @property
    def is_down(self) -> bool:
        """Whether the store has not been answering."""
        return self.breaker.is_open

    async def recent(
        self,
        session_id: str | None,
        person: str | None,
        placements: Sequence[str],
        now_ms: int,
        timeout_s: float,
        otherwise: str | None = None,
    ) -> Recent:
        """The decisions in force for a person, or for whomever the session belongs to, or `otherwise`.

        Raises StoreUnavailable.
        """

        def read() -> Recent:
            whose = person or (self._store.person_of(session_id) if session_id else None)
            whose = whose or otherwise
            if whose is None:
                return Recent(None, {})
            found = {name: self._store.read(whose, name, now_ms) for name in placements}
            return Recent(whose, {name: one for name, one in found.items() if one is not None})

        return await self._ask(read, timeout_s)

    async def trending(self, category: str, timeout_s: float) -> tuple[str, ...]:
        """Ids of what is wanted most in a category ("": in all), as of TRENDS_S ago at the most.

        Where the store does not answer: as of the last time; raises StoreUnavailable where there is none.
        """
        known = self._trends.get(category)
        now_s = time.monotonic()
        if known is not None and now_s < known[0] + TRENDS_S:
            return known[1]
        try:
            found = await self._ask(lambda: self._store.read_fallback(category), timeout_s)
        except StoreUnavailable:
            if known is None:
                raise
            return known[1]
        ids = tuple(one.item_id for one in found)
        self._trends.pop(category, None)
        self._trends[category] = (now_s, ids)
        if len(self._trends) > CATEGORIES_MAX:
            del self._trends[next(iter(self._trends))]
        return ids

    async def outcomes(
        self, person: str, now_ms: int, timeout_s: float, before: Callable[[], None]
    ) -> list[Outcome]:
        """What came of a person's decisions, the newest first; `before` is called in the thread that reads, ahead of it.

        Raises StoreUnavailable, and what `before` raises.
        """

        def read() -> list[Outcome]:
            before()
            return self._store.outcomes.read(person, now_ms)

        return await self._ask(read, timeout_s)

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, read: Callable[[], T], timeout_s: float) -> T:
        if not self._places.acquire(blocking=False):
            raise StoreUnavailable("too many wait for the store")
        try:
            if not self.breaker.allows(time.monotonic()):
                raise StoreUnavailable("the store has not been answering")
            asked = self._threads.submit(read)
        except BaseException:
            self._places.release()
            raise
        # also where nobody waits any more: the thread is what is short
        asked.add_done_callback(lambda _: self._places.release())
        try:
            async with asyncio.timeout(timeout_s):
                found = await asyncio.wrap_future(asked)
        except (RedisError, InvalidEvent, TimeoutError) as error:
            self.breaker.failed(time.monotonic())
            raise StoreUnavailable(str(error) or "the store did not answer in time") from error
        self.breaker.succeeded()
        return found
