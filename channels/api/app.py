"""build_app: the Decision API, the demo shop and the console as one ASGI application."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from litestar import Litestar, Request, Response, get
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from channels.api.answers import Answerer
from channels.api.app_state import AppState, state_with
from channels.api.docs import docs_router
from channels.api.door import ALL
from channels.api.doorway import Doorway
from channels.api.explaining import Explaining
from channels.api.origins import BadHost, Host, host_of, is_sayable, place_of
from channels.api.paths import NoText, check_query, path_of
from channels.api.problems import ApiError, problem_response
from channels.api.routes import ENDPOINTS
from channels.api.services import Services
from channels.console.routes import console_router
from channels.shop.checkout import checkout_router
from channels.shop.pages import shop_router

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer that does not say otherwise."""
ALLOWED_HEADERS: Final = "authorization, content-type, x-kairos-session, x-kairos-person"
ALLOWED_METHODS: Final = "GET, POST"
PREFLIGHT_S: Final = 600
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

logger = logging.getLogger(__name__)


def build_app(services: Services) -> Litestar:
    """The application; its lifespan starts and ends what reads and writes Kafka."""
    answerer = Answerer(services)
    _gauge(services, answerer)

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

    app = Litestar(
        route_handlers=[
            *ENDPOINTS,
            docs_router(),
            shop_router(),
            checkout_router(services),
            console_router(services),
            front_door,
        ],
        openapi_config=None,  # `openapi.py` says why
        state=state_with(AppState(services, answerer, Explaining(services))),
        logging_config=None,
        lifespan=[lifespan],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            Exception: _bug,
        },
    )
    # around all of it: middleware would see nothing of addresses that are none
    doorway = Doorway(app.asgi_handler, services.door, services.measures)
    app.asgi_handler = Guard(doorway, services)
    return app


@get("/")
async def front_door() -> Redirect:
    """The demo shop is what a person sees first."""
    return Redirect("/shop/")


class Guard:
    """Around every request: who may ask from a page, headers of safety, how long it took."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        begun_s = time.monotonic()
        if scope["method"] == "HEAD":
            # as GET, without the body: load balancers ask so
            scope, send = cast("Scope", {**scope, "method": "GET"}), _without_body(send)
        scope = cast("Scope", {**scope, **_address(scope)})
        request: Request[Any, Any, Any] = Request(scope)
        origin = request.headers.get("origin")
        is_allowed = origin is not None and self._is_allowed(origin)
        measures = self._services.measures

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                extra = dict(HEADERS)
                if is_allowed and origin is not None:
                    extra |= _cors(origin)
                headers.extend(
                    (name.encode(), value.encode())
                    for name, value in extra.items()
                    if name.encode() not in there
                )
                message["headers"] = headers
                endpoint = _endpoint(scope)
                status = str(message["status"])
                measures.count("kairos_api_requests_total", endpoint=endpoint, status=status)
                took_s = time.monotonic() - begun_s
                measures.observe("kairos_api_request_seconds", took_s, endpoint=endpoint)
            await send(message)

        status, refusal = self._refusal(scope, origin, is_allowed=is_allowed)
        if refusal is not None:
            await problem_response(request, status, refusal).to_asgi_response(None, request)(
                scope, receive, sent
            )
            return
        if request.method == "OPTIONS" and is_allowed:
            await Response(b"", status_code=204).to_asgi_response(None, request)(
                scope, receive, sent
            )
            return
        await self._app(scope, receive, sent)

    def _refusal(
        self, scope: Scope, origin: str | None, *, is_allowed: bool
    ) -> tuple[int, str | None]:
        """Why this is not answered; None = it is. Where all is open, only our own pages may ask."""
        try:
            path_of(scope["raw_path"])
            check_query(scope["query_string"])
            host = host_of(scope["headers"])
        except (BadHost, NoText) as error:
            return 400, str(error)
        if not self._services.access.is_open:
            return 403, None
        if host.name not in LOOPBACK and not self._is_ours(host):
            return 403, (
                "without keys the API answers to localhost only; "
                "KAIROS_API_ORIGINS names where else its pages may be"
            )
        if origin is None or is_allowed or place_of(origin) == host.place:
            return 403, None
        return 403, "pages of this origin may not ask: KAIROS_API_ORIGINS names those that may"

    def _is_ours(self, host: Host) -> bool:
        return any(place_of(one) == host.place for one in self._services.origins)

    def _is_allowed(self, origin: str) -> bool:
        allowed = self._services.origins | self._services.access.origins
        return origin in allowed or ("*" in allowed and is_sayable(origin))


def _address(scope: Scope) -> dict[str, str]:
    """The path with its segments apart; as the server has it where it is none and will be refused."""
    try:
        return {"path": path_of(scope["raw_path"])}
    except NoText:
        return {}


def _without_body(send: Send) -> Send:
    """The head of an answer, and then its end, also where it has none of its own."""
    is_over = False

    async def sent(message: Message) -> None:
        nonlocal is_over
        if message["type"] == "http.response.start":
            await send(message)
        elif not is_over:
            is_over = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return sent


def _cors(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-allow-methods": ALLOWED_METHODS,
        "access-control-expose-headers": "retry-after",
        "access-control-max-age": str(PREFLIGHT_S),
        "cross-origin-resource-policy": "cross-origin",
        "vary": "Origin",
    }


def _endpoint(scope: Scope) -> str:
    """The endpoint's own name, so that ids make no series."""
    template: Any = scope.get("path_template")
    return str(template) if template else "other"


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
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return problem_response(request, 500, "this is a fault of ours, and it was logged")
