"""Errors over HTTP: application/problem+json, as RFC 9457 has it."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response

from channels.api.bodies import Problem

PROBLEM_JSON: Final = "application/problem+json"
DETAIL_LENGTH_MAX: Final = 500


class ApiError(Exception):
    """What a caller is told: a status and one sentence, with the remedy where there is one."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        retry_after_s: float | None = None,
        accepted: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.accepted = accepted


def problem_response(
    request: Request[Any, Any, Any],
    status: int,
    detail: str,
    retry_after_s: float | None = None,
    accepted: int | None = None,
) -> Response[bytes]:
    """The answer that says what is wrong."""
    wait_s = None if retry_after_s is None else max(1, round(retry_after_s))
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail[:DETAIL_LENGTH_MAX],
        instance=request.scope["path"][:DETAIL_LENGTH_MAX],
        accepted=accepted,
        retry_after_s=wait_s,
    )
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(problem), status_code=status, media_type=PROBLEM_JSON, headers=headers
    )
