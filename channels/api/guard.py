"""Guard: around every request, who may ask from a page, headers of safety, and how long it took."""

import time
from typing import Any, Final, cast

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from channels.api.origins import BadHost, Host, host_of, is_sayable, place_of
from channels.api.paths import NoText, check_query, path_of
from channels.api.problems import problem_response
from channels.api.services import Services

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


class Guard:
    """ASGI, around the whole application: its middleware would see nothing of addresses that are none."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what may be asked."""
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
        sent = self._sent(scope, send, origin if is_allowed else None, begun_s)
        status, refusal = self._refusal(scope, origin, is_allowed=is_allowed)
        if refusal is not None:
            response = problem_response(request, status, refusal)
        elif request.method == "OPTIONS" and is_allowed:
            response = Response(b"", status_code=204)
        else:
            await self._app(scope, receive, sent)
            return
        await response.to_asgi_response(None, request)(scope, receive, sent)

    def _sent(self, scope: Scope, send: Send, origin: str | None, begun_s: float) -> Send:
        """Sends with the headers that every answer has, and counts. `origin`: of the page that may read it."""
        measures = self._services.measures

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                extra = HEADERS if origin is None else HEADERS | _cors(origin)
                headers.extend(
                    (name.encode(), value.encode())
                    for name, value in extra.items()
                    if name.encode() not in there
                )
                message["headers"] = headers
                endpoint, status = _endpoint(scope), str(message["status"])
                measures.count("kairos_api_requests_total", endpoint=endpoint, status=status)
                took_s = time.monotonic() - begun_s
                measures.observe("kairos_api_request_seconds", took_s, endpoint=endpoint)
            await send(message)

        return sent

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
