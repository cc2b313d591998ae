"""Doorway: before anything is read of a request, whether its address may ask now; after it, what it held is given back."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from channels.api.bodies import Problem
from channels.api.door import Door, Refusal, Visit
from channels.api.measures import Measures
from channels.api.problems import PROBLEM_JSON, ApiError

VISIT: Final = "kairos_visit"


class Doorway:
    """ASGI, within the Guard, which gives every answer its headers."""

    def __init__(self, app: ASGIApp, door: Door, measures: Measures) -> None:
        self._app, self._door, self._measures = app, door, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what may come in."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        client = scope.get("client")
        peer = client[0] if client else ""
        address = self._door.address_of(peer, headers)
        path = scope["path"]
        by_name = dict(headers)
        if not self._door.is_server(by_name):
            refused = self._door.refusal(str(scope["method"]), path, peer, address, by_name)
            if refused is not None:
                self._measures.count("kairos_api_limited_total", what=refused.bucket)
                await _refuse(refused, path, send)
                return
            if b"content-length" not in by_name:
                receive = self._counting(receive, address)
        visit = Visit(address)
        scope["state"][VISIT] = visit
        try:
            await self._app(scope, receive, send)
        finally:
            for give_back in visit.leaving:
                give_back()

    def _counting(self, receive: Receive, address: str) -> Receive:
        """A body whose length was not said is counted as it comes."""

        async def counted() -> Any:
            message = await receive()
            if message["type"] == "http.request" and message["body"]:
                size = len(message["body"])
                check(self._measures, self._door.part(address, size), 0)
            return message

        return counted


def visit_of(request: Request[Any, Any, Any]) -> Visit:
    """The visit that this request is."""
    visit: Visit = request.scope["state"][VISIT]
    return visit


def check(measures: Measures, refused: Refusal | None, accepted: int | None = None) -> None:
    """Raises ApiError 429 where something is refused; `accepted` says how many events were taken."""
    if refused is None:
        return
    measures.count("kairos_api_limited_total", what=refused.bucket)
    raise ApiError(429, refused.detail, retry_after_s=refused.wait_s, accepted=accepted)


async def _refuse(refused: Refusal, path: str, send: Send) -> None:
    """As problem_response does, for next to nothing."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    wait_s = max(1, round(refused.wait_s))
    body = msgspec.json.encode(
        Problem("about:blank", status.phrase, status, refused.detail, path[:500], 0, wait_s)
    )
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % wait_s),
    ]
    if refused.is_closing:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
