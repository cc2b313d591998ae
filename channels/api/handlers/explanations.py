"""Decisions as they are made, and how they came about."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.response import Stream

from channels.api import examples
from channels.api.answers import Answerer
from channels.api.app_state import Asked, state_of
from channels.api.decision_stream import Subscription, TooManyReaders
from channels.api.declaring import (
    LOOK,
    PLAIN,
    DecisionId,
    Responses,
    number,
    problems,
    query,
    taking,
    text,
)
from channels.api.doorway import check, visit_of
from channels.api.problems import ApiError
from channels.api.requests import (
    caller_of,
    decision_id_in_path,
    may_read,
    text_in_query,
    time_in_query,
)
from schemas.decisions import Decision
from schemas.limits import ID_LENGTH_MAX

HEARTBEAT_S: Final = 15.0
EVENT_STREAM: Final = "text/event-stream"
STREAMED: Final[Responses] = {
    200: ResponseSpec(str, False, "`decision` events, each an Answer", EVENT_STREAM)
}
SESSION: Final = query(
    "session_id", text(ID_LENGTH_MAX, 1), "The session; without it, the token's", examples.SESSION
)
WHEN: Final = query(
    "event_time_ms",
    Schema(any_of=[number(0), Schema(type=OpenAPIType.STRING)]),
    "Where it is known (epoch milliseconds or ISO 8601): older ones are found by it",
)


@get(
    "/v1/stream",
    media_type=EVENT_STREAM,
    tags=[LOOK],
    summary="Decisions of a session as they are made (server-sent events)",
    responses=problems(*PLAIN, 503) | STREAMED,
    operation_class=taking(asked=(SESSION,)),
)
async def stream(request: Asked) -> Stream:
    """Each event has the decision's id and, as its data, what `POST /v1/decisions` gives for it."""
    services, answerer, _ = state_of(request)
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
        _sent(answerer, subscription),
        media_type=EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@get(
    "/v1/explain/{decision_id:str}",
    tags=[LOOK],
    summary="How a decision came about",
    responses=problems(*PLAIN, 404, 503),
    operation_class=taking(asked=(WHEN,)),
)
async def explain(request: Asked, decision_id: DecisionId) -> Mapping[str, Any]:
    """The decision with what it was chosen from and why. Whether one exists that is another's, nobody is told."""
    services, _, explaining = state_of(request)
    caller = caller_of(services, request)
    decision_id = decision_id_in_path(decision_id)
    at_ms = time_in_query(request, "event_time_ms")
    address = visit_of(request).address
    check(services.measures, services.door.explanation(caller, address))
    found = await explaining.explain(caller, decision_id, at_ms, str(address))
    if found is None:  # whether it exists is nobody else's business
        raise ApiError(
            404,
            f"no decision {decision_id!r} among the newest; `kairos explain` looks at all of them",
        )
    return found


async def _sent(answerer: Answerer, subscription: Subscription) -> AsyncIterator[bytes]:
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
    """The decision as `POST /v1/decisions` gives it; of one that is taken back only for which placement it was."""
    if decision.kind == "decided":
        return _message(b"decision", decision, answerer.told(decision))
    return _message(b"purged", decision, {"placement": decision.placement, "purged": True})


def _message(kind: bytes, decision: Decision, told: object) -> bytes:
    body = msgspec.json.encode(told)
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (decision.decision_id.encode(), kind, body)
