"""build_app: the Decision API, the demo shop and the console as one ASGI application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from channels.api.answers import Answerer
from channels.api.app_state import OURS, AppState
from channels.api.docs import docs_router
from channels.api.door import ALL
from channels.api.doorway import Doorway
from channels.api.explaining import Explaining
from channels.api.guard import Guard
from channels.api.problems import ApiError, problem_response
from channels.api.routes import ENDPOINTS
from channels.api.services import Services
from channels.console.desk import DESK, Desk
from channels.console.routes import console_router
from channels.shop.checkout import checkout_router
from channels.shop.pages import shop_router

logger = logging.getLogger(__name__)


def build_app(services: Services) -> Litestar:
    """The application; its lifespan starts and ends what reads and writes Kafka."""
    answerer = Answerer(services)
    _gauge(services, answerer)
    ours = AppState(services, answerer, Explaining(services))
    app = Litestar(
        route_handlers=[
            *ENDPOINTS,
            docs_router(),
            shop_router(),
            checkout_router(services),
            console_router(),
            front_door,
        ],
        openapi_config=None,  # `openapi.py` says why
        state=State({OURS: ours, DESK: Desk(services)}),
        logging_config=None,
        lifespan=[_lifespan(services, answerer)],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            Exception: _bug,
        },
    )
    doorway = Doorway(app.asgi_handler, services.door, services.measures)
    app.asgi_handler = Guard(doorway, services)
    return app


def _lifespan(
    services: Services, answerer: Answerer
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        services.decisions.start()
        services.knowledge.start()
        watching = asyncio.create_task(answerer.watch_lag())
        try:
            yield
        finally:
            watching.cancel()
            services.decisions.close()
            services.log.hurry()
            left = await asyncio.to_thread(services.log.close)
            if left:
                logger.warning("%d records were not taken by Kafka before the end", left)
            services.knowledge.close()
            services.store.close()

    return lifespan


@get("/")
async def front_door() -> Redirect:
    """The demo shop is what a person sees first."""
    return Redirect("/shop/")


def _gauge(services: Services, answerer: Answerer) -> None:
    gauges: dict[str, Callable[[], float]] = {
        "kairos_api_waiting": lambda: services.decisions.waiting,
        "kairos_api_streams": lambda: services.decisions.readers,
        "kairos_api_connections": lambda: services.door.connections.count(ALL),
        "kairos_api_loop_lag_seconds": lambda: answerer.lag_s,
        "kairos_api_kafka_up": lambda: services.decisions.is_connected and not services.log.is_down,
        "kairos_api_store_up": lambda: not services.store.is_down,
        "kairos_api_engine_up": lambda: not answerer.engine.is_open,
    }
    for name, read in gauges.items():
        services.measures.gauge(name, read)


def _api_error(request: Request[Any, Any, Any], error: ApiError) -> Response[bytes]:
    return problem_response(
        request, error.status, error.detail, error.retry_after_s, error.accepted
    )


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: an unknown address, a wrong method."""
    response = problem_response(request, error.status_code, error.detail)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # the address as it is declared: the one that was asked for may name a person
    place = request.scope.get("path_template", "an unknown address")
    logger.error("%s %s failed", request.method, place, exc_info=error)
    return problem_response(request, 500, "this is a fault of ours, and it was logged")
