"""How the console's endpoints answer: who may is asked first, what takes time goes to a worker thread, faults are problems."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException

from channels.api.audit_log import Actor
from channels.api.problems import problem_response
from channels.api.requests import body_of, decoded
from channels.console.desk import Asked, address_of, desk_of
from channels.console.facts import Facts, Shown
from channels.security.keys import Role
from schemas.errors import ConfigError

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

T = TypeVar("T")


async def show(request: Asked, role: Role, ask: Callable[[Facts], Shown | None]) -> Response[Any]:
    desk = desk_of(request)
    facts = desk.signed(request, role).facts
    found = await desk.answer(lambda: ask(facts))
    if found is None:
        raise NotFoundException("nothing is known of it here")
    return Response(found)


async def look(
    request: Asked,
    what: str,
    ask: Callable[[Facts], Shown | None],
    persons: Sequence[str] = (),
    details: Mapping[str, str] | None = None,
) -> Response[Any]:
    """As `show`, of what is said of people: it stands in the audit log who looked before anything is shown."""
    desk = desk_of(request)
    caller, facts = desk.signed(request, "viewer")
    actor = Actor(caller.name, caller.role or "", address_of(request))

    def looked() -> Shown | None:
        found = ask(facts)
        whose = (found or {}).get("person")
        also = (whose,) if isinstance(whose, str) else ()
        facts.looked(actor, what, (*persons, *also), details or {})
        return found

    found = await desk.answer(looked)
    if found is None:
        raise NotFoundException("nothing is known of it here")
    return Response(found)


async def change(
    request: Asked,
    role: Role,
    decoder: "msgspec.json.Decoder[T] | None",
    make: Callable[[Facts, Actor, T], Shown],
) -> Response[Any]:
    """Who may not is told so before anything is read."""
    desk = desk_of(request)
    caller, facts = desk.signed(request, role)
    actor = Actor(caller.name, caller.role or "", address_of(request))
    given: Any = decoded(decoder, await body_of(request)) if decoder else None
    try:
        return Response(await desk.answer(lambda: make(facts, actor, given)))
    except ConfigError as error:
        return answer(409, str(error), request)


def problem(status: int, detail: str = "") -> Callable[[Asked, Exception], Response[bytes]]:
    def handler(request: Asked, error: Exception) -> Response[bytes]:
        return answer(status, detail or str(error), request)

    return handler


def answer(status: int, detail: str, request: Asked) -> Response[bytes]:
    response = problem_response(request, status, detail)
    response.headers.update(HEADERS)
    return response
