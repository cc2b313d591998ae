"""Signing in on the console with a key, and out again."""

from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from msgspec import Meta, Struct

from channels.api.access import CONSOLE_S, Caller, Forbidden, Unauthorized
from channels.api.audit_log import Actor
from channels.api.requests import body_of, decoded
from channels.console.desk import (
    COOKIE,
    SECURE_COOKIE,
    Asked,
    Desk,
    address_of,
    check_origin,
    cookie_of,
    desk_of,
    is_over_tls,
)
from channels.console.facts import Shown


class SignIn(Struct, forbid_unknown_fields=True):
    """The key, as `kairos key create --role` has printed it."""

    key: Annotated[str, Meta(min_length=1, max_length=500)]


SIGN_IN: Final = msgspec.json.Decoder(SignIn)


@post("/api/sign-in", status_code=200)
async def sign_in(request: Asked) -> Response[Shown]:
    """Whose key it is, and the cookie that stands for it."""
    desk = desk_of(request)
    desk.check_host(request)
    check_origin(request)
    data = decoded(SIGN_IN, await body_of(request))
    try:
        caller, cookie = desk.access.sign_in(data.key)
    except (Unauthorized, Forbidden) as error:
        desk.check_sign_ins()  # a good key gets in, whoever else tries bad ones; keys are too long to be guessed
        desk.count_failed_sign_in()
        why = str(error)
        await desk.answer(lambda: _record(desk, "unknown", "", request, "sign in", why))
        raise
    await desk.answer(
        lambda: _record(desk, caller.name, caller.role or "", request, "sign in", "done")
    )
    response = Response(_me(desk, caller, cookie))
    response.set_cookie(_cookie(cookie, is_secure=is_over_tls(request)))
    return response


@post("/api/sign-out", status_code=200)
async def sign_out(request: Asked) -> Response[Shown]:
    """Forgets the cookies, under both names."""
    desk = desk_of(request)
    desk.signed(request, "viewer")
    response: Response[Shown] = Response({})
    for is_secure in (False, True):
        response.set_cookie(_cookie("", is_secure=is_secure, max_age=0))
    return response


@get("/api/me")
async def me(request: Asked) -> Shown:
    """Who is signed in."""
    desk = desk_of(request)
    caller = desk.signed(request, "viewer").caller
    return _me(desk, caller, cookie_of(request))


def _me(desk: Desk, caller: Caller, cookie: str | None) -> Shown:
    return {
        "name": caller.name,
        "role": caller.role,
        "is_open": desk.access.is_open,
        "csrf": desk.access.csrf_token(cookie),
    }


def _record(desk: Desk, who: str, role: str, request: Asked, what: str, outcome: str) -> None:
    desk.facts.record(Actor(who, role, address_of(request)), what, outcome, {})


def _cookie(value: str, *, is_secure: bool, max_age: int = CONSOLE_S) -> Cookie:
    """A name with the prefix `__Host-` wants the path `/`; nothing but the console reads it."""
    name, path = (SECURE_COOKIE, "/") if is_secure else (COOKIE, "/console")
    return Cookie(
        name, value=value, path=path, max_age=max_age, httponly=True, samesite="strict", secure=is_secure,
    )  # fmt: skip
