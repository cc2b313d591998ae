"""Whether the API works, and how well."""

import asyncio
from typing import Final

from litestar import MediaType, Response, get
from litestar.openapi.datastructures import ResponseSpec

from channels.api.app_state import Asked, services_of
from channels.api.bodies import Liveness, Readiness
from channels.api.declaring import HEALTH, PROBLEMS, Responses, problems, taking
from channels.api.problems import ApiError
from channels.api.requests import caller_of
from channels.api.services import Services
from channels.api.store_reader import StoreUnavailable

READY_S: Final = 1.0
NOT_READY: Final[Responses] = {503: ResponseSpec(Readiness, False, PROBLEMS[503])}


@get(
    "/healthz",
    tags=[HEALTH],
    summary="Whether the process is alive",
    responses=problems(403, 429),
    operation_class=taking(is_open=True),
)
async def healthz() -> Liveness:
    """It is, if it answers."""
    return Liveness(True)


@get(
    "/readyz",
    tags=[HEALTH],
    summary="Whether Kafka, store and engine answer (503: not all of them)",
    responses=problems(403, 429) | NOT_READY,
    operation_class=taking(is_open=True),
)
async def readyz(request: Asked) -> Response[Readiness]:
    """With all of it down the API still answers, from the lower rungs."""
    found = await readiness(services_of(request))
    return Response(found, status_code=200 if found.is_ready else 503)


@get(
    "/metrics",
    media_type=MediaType.TEXT,
    tags=[HEALTH],
    summary="Counts and latencies, as Prometheus reads them",
    responses=problems(401, 403, 429),
)
async def metrics(request: Asked) -> Response[str]:
    """In Prometheus' text format."""
    services = services_of(request)
    caller = caller_of(services, request)
    if caller.is_browser or not services.access.may(caller, "decisions:read"):
        raise ApiError(403, "this key may not read")
    return Response(services.measures.text(), media_type="text/plain; version=0.0.4")


async def readiness(services: Services) -> Readiness:
    """What answers."""
    kafka = services.decisions.is_connected and not services.log.is_down
    try:
        await services.store.recent(None, "readyz", ("readyz",), 0, READY_S)
        store = True
    except StoreUnavailable:
        store = False
    engine = await asyncio.to_thread(services.is_engine_up)
    knows = services.knowledge.is_current
    return Readiness(
        kafka and store and engine and knows, *map(_state, (kafka, store, engine, knows))
    )


def _state(is_up: bool) -> str:
    return "up" if is_up else "down"
