"""Decisions as they are made, and how they came about: the stream and the explanations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from channels.api.access import Caller
from channels.api.answers import Answerer
from channels.api.decision_stream import Subscription, TooManyReaders
from channels.api.doorway import check, visit_of
from channels.api.problems import ApiError
from channels.api.requests import (
    caller_of,
    decision_id_in_path,
    may_read,
    text_in_query,
    time_in_query,
)
from channels.api.services import Services
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.limits import ID_LENGTH_MAX

EXPLAIN_S: Final = 10.0
EXPLAINING_MAX: Final = 8
"""Explanations that wait or are made for servers at once."""
EXPLAINING_TO_PAGES_MAX: Final = 2
"""The same for pages, in a thread of their own: what they ask never stands before a server's question."""
HEARTBEAT_S: Final = 15.0
JSON: Final = "application/json"

Asked = Request[Any, Any, Any]
Answered = Response[bytes]


def explaining_handlers(services: Services, answerer: Answerer) -> list[HTTPRouteHandler]:
    """Decisions as they are made, and how they came about."""
    explaining = Explaining(services)

    @get("/v1/stream")
    async def stream(request: Asked) -> Stream:
        caller = caller_of(services, request, in_query=True)
        session_id = text_in_query(request, "session_id", ID_LENGTH_MAX) or caller.session_id
        if not session_id:
            raise ApiError(400, "a session_id is wanted")
        may_read(services, caller, session_id)
        visit = visit_of(request)
        check(services.measures, services.door.stream(caller, visit))
        try:
            subscription = services.decisions.subscribe(session_id)
        except TooManyReaders as error:
            raise ApiError(503, f"{error}; ask later", retry_after_s=30) from error
        # also where the reader goes before the first byte, so that nothing is begun
        visit.leaving.append(lambda: services.decisions.unsubscribe(subscription))
        return Stream(
            _sent(services, answerer, subscription),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @get("/v1/explain/{decision_id:str}")
    async def explain(request: Asked, decision_id: FromPath[str]) -> Answered:
        caller = caller_of(services, request)
        decision_id = decision_id_in_path(decision_id)
        at_ms = time_in_query(request, "event_time_ms")
        address = visit_of(request).address
        check(services.measures, services.door.explanation(caller, address))
        found = await explaining.explain(caller, decision_id, at_ms)
        if found is None:  # whether it exists is nobody else's business
            raise ApiError(
                404,
                f"no decision {decision_id!r} among the newest; `kairos explain` looks at all of them",
            )
        return Response(msgspec.json.encode(found), media_type=JSON)

    return [stream, explain]


class Explaining:
    """Explains decisions off the loop: one after the other in each of two threads, few waiting, in bounded time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._servers = Queue("explain", EXPLAINING_MAX)
        self._pages = Queue("explain-page", EXPLAINING_TO_PAGES_MAX)

    async def explain(
        self, caller: Caller, decision_id: str, at_ms: int | None
    ) -> Mapping[str, Any] | None:
        """As JSON can hold it; None = not found, or none of the caller's. Raises ApiError 503.

        A page is told of its own newest decisions only: for those it is known at once whether they are.
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
        found = await queue.run(lambda: services.explain(decision_id, known_ms))
        about = found["decision"] if found else {}
        if found is None or not may_see(services, caller, about["session_id"], about["person"]):
            return None
        return found


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


def may_see(services: Services, caller: Caller, session_id: str, person: str) -> bool:
    """Whether a decision of this session or person is the caller's to know."""
    access = services.access
    return access.may_read_session(caller, session_id) or access.may_read_person(caller, person)


async def _sent(
    services: Services, answerer: Answerer, subscription: Subscription
) -> AsyncIterator[bytes]:
    """Server-sent events: each decision, and a comment now and then so that nobody takes it for dead."""
    yield b": decisions of this session, as they are made\n\n"
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                decision = await subscription.queue.get()
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if decision is None:
            yield b"event: end\ndata: {}\n\n"
            return
        yield _event_of(answerer, decision)


def _event_of(answerer: Answerer, decision: Decision) -> bytes:
    """The decision as `POST /v1/decisions` gives it."""
    answer = answerer.told(decision)
    body = msgspec.json.encode(answer)
    return b"id: " + decision.decision_id.encode() + b"\nevent: decision\ndata: " + body + b"\n\n"
