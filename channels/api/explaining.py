"""How decisions came about: explained off the loop, few at once and in bounded time."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from channels.api.access import Caller
from channels.api.audit_log import Actor
from channels.api.problems import ApiError
from channels.api.services import Services
from schemas.errors import ConfigError

EXPLAIN_S: Final = 10.0
EXPLAINING_MAX: Final = 8
"""Explanations that wait or are made for servers at once."""
EXPLAINING_TO_PAGES_MAX: Final = 2
"""The same for pages, in a thread of their own: what they ask never stands before a server's question."""


class Explaining:
    """Explains decisions off the loop: one after the other in each of two threads, few waiting, in bounded time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._servers = Queue("explain", EXPLAINING_MAX)
        self._pages = Queue("explain-page", EXPLAINING_TO_PAGES_MAX)

    async def explain(
        self, caller: Caller, decision_id: str, at_ms: int | None, address: str = ""
    ) -> Mapping[str, Any] | None:
        """As JSON can hold it; None = not found, or none of the caller's. Raises ApiError 503.

        A page is told of its own newest decisions only: for those it is known at once whether they are. What anybody else is told
        stands in the audit log first.
        """
        services = self._services
        if not services.decisions.is_connected:
            raise ApiError(503, "Kafka does not answer", retry_after_s=EXPLAIN_S)
        if caller.is_visitor:
            known = services.decisions.find_id(decision_id)
            if known is None or not may_see(services, caller, known.session_id, known.person):
                return None
        place = services.decisions.place_of(decision_id)
        known_ms = place.timestamp_ms if place else at_ms
        queue = self._pages if caller.is_visitor else self._servers

        def seen() -> Mapping[str, Any] | None:
            found = services.explain(decision_id, known_ms)
            about = found["decision"] if found else {}
            if found is None or not may_see(services, caller, about["session_id"], about["person"]):
                return None
            of_it = {"decision": decision_id}
            note_look(services, caller, address, "read decision", about["person"], of_it)
            return found

        return await queue.run(seen)


class Queue:
    """A thread, and how many may wait for it. What nobody waits for any more still counts until it is done."""

    def __init__(self, name: str, count_max: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._count_max = count_max
        self._count = 0

    async def run(self, call: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
        """What the call returns; raises ApiError 503."""
        if self._count >= self._count_max:
            raise ApiError(503, "too many explanations are asked for", retry_after_s=EXPLAIN_S)
        loop = asyncio.get_running_loop()
        self._count += 1
        future: Future[Mapping[str, Any] | None] = self._thread.submit(call)
        future.add_done_callback(lambda _: _tell(loop, self._done))
        try:
            async with asyncio.timeout(EXPLAIN_S):
                return await asyncio.wrap_future(future)
        except ConfigError as error:
            raise ApiError(503, str(error), retry_after_s=EXPLAIN_S) from error
        except TimeoutError as error:
            raise ApiError(503, "the explanation took too long", retry_after_s=EXPLAIN_S) from error

    def _done(self) -> None:
        self._count -= 1


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
        loop.call_soon_threadsafe(call)


def note_look(
    services: Services, caller: Caller, address: str, what: str, person: str, about: dict[str, str]
) -> None:
    """Writes down that a server looks at somebody; a page is told of its own visitor only. Raises ConfigError where it cannot be written. Blocks."""
    if not caller.is_visitor:
        actor = Actor(caller.name, caller.role or "api", address)
        services.looked(actor, what, [person], about)


def may_see(services: Services, caller: Caller, session_id: str, person: str) -> bool:
    """Whether a decision of this session or person is the caller's to know."""
    access = services.access
    return access.may_read_session(caller, session_id) or access.may_read_person(caller, person)
