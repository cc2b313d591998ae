"""Desk: who is signed in on the console and may do what, and the worker threads for what takes time."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from litestar import Request

from channels.api.access import LOOPBACK, Access, Caller, Forbidden
from channels.api.origins import BadHost, Host, host_of, place_of
from channels.console.facts import Facts
from channels.security.keys import Role
from schemas.errors import ConfigError

EXTRA: Final = "console"
"""Under this name the Facts lie among the services."""
DESK: Final = "console"
"""Under this name the Desk lies in the application's state."""
COOKIE: Final = "kairos_console"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""Over TLS: by this name browsers take it from our own host over TLS only, and send it nowhere else."""
CSRF_HEADER: Final = "x-kairos-csrf"
ANSWER_S: Final = 20.0
"""An answer that takes longer is given up; the page says so."""
TOO_LATE: Final = f"no answer within {ANSWER_S:.0f} s; what was asked to be changed may still be: see the audit log"
WORKERS: Final = 3
WAITING_MAX: Final = 24
SIGN_INS_MAX: Final = 20
"""Failed ones a minute, of all callers together; a key cannot be guessed, but logs can be filled."""

T = TypeVar("T")
Asked = Request[Any, Any, Any]


class Services(Protocol):
    """What the console needs of the API's services; without `extra["console"]` it says that it cannot."""

    access: Access
    extra: dict[str, Any]


class Signed(NamedTuple):
    """Who is signed in, and the facts they may see."""

    caller: Caller
    facts: Facts


class Desk:
    """What the handlers share: who may do what, and the worker threads for what takes time."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services, self._clock = services, clock
        self._workers = ThreadPoolExecutor(WORKERS, "console")
        self._waiting = 0
        self._failed_s: list[float] = []

    @property
    def access(self) -> Access:
        """The keys in force."""
        return self._services.access

    @property
    def facts(self) -> Facts:
        """What is shown; raises ConfigError where there is none."""
        facts: Facts | None = self._services.extra.get(EXTRA)
        if facts is None:
            raise ConfigError("this process has no engine to show: start it with `kairos api`")
        return facts

    def signed(self, request: Asked, role: Role) -> Signed:
        """Who asks; raises Unauthorized, and Forbidden where the role is too low or the page is foreign."""
        self.check_host(request)
        cookie = cookie_of(request)
        caller = self.access.console_caller(cookie)
        if request.method != "GET":
            check_origin(request)
            sent = request.headers.get(CSRF_HEADER, "")
            if not self.access.is_csrf_token(cookie, sent):
                raise Forbidden("the page is out of date: load it again")
        if not self.access.may_role(caller, role):
            raise Forbidden(f"{caller.name} is {caller.role}: this takes the role {role}")
        return Signed(caller, self.facts)

    def check_host(self, request: Asked) -> None:
        """Where all is open, only pages of this machine: a foreign name that leads here is refused."""
        if self.access.is_open and _host(request).name not in LOOPBACK:
            raise Forbidden("without keys the console answers to localhost only")

    async def answer(self, work: Callable[[], T]) -> T:
        """The result of what takes time, from a worker thread; TimeoutError, or ConfigError when too many wait."""
        if self._waiting >= WAITING_MAX:
            raise ConfigError("the console has too much to do just now: try again in a moment")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await asyncio.wait_for(loop.run_in_executor(self._workers, work), ANSWER_S)
        finally:
            self._waiting -= 1

    def check_sign_ins(self) -> None:
        """Raises Forbidden where too many have failed within a minute."""
        now_s = self._clock()
        self._failed_s = [one for one in self._failed_s if one > now_s - 60.0]
        if len(self._failed_s) >= SIGN_INS_MAX:
            raise Forbidden("too many sign-ins have failed: try again in a minute")

    def count_failed_sign_in(self) -> None:
        """Counts one."""
        self._failed_s.append(self._clock())


def desk_of(request: Asked) -> Desk:
    """That of the application that is asked."""
    found: Desk = request.app.state[DESK]
    return found


def address_of(request: Asked) -> str:
    """Whose connection it is; empty where that is not known."""
    return request.client.host if request.client else ""


def cookie_of(request: Asked) -> str | None:
    """What stands for who is signed in."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def is_over_tls(request: Asked) -> bool:
    """Whether the browser sees us over TLS, as its page's origin tells, whatever a proxy in front does.

    Who sends no origin is no page: then only this machine is taken to do without.
    """
    origin = request.headers.get("origin")
    if origin is not None and place_of(origin) is not None:
        return origin.lower().startswith("https:")
    return request.scope["scheme"] == "https" or _host(request).name not in LOOPBACK


def check_origin(request: Asked) -> None:
    """Raises Forbidden where a page of another origin sends this."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    is_ours = origin is None or place_of(origin) == _host(request).place
    if site not in ("same-origin", "none") or not is_ours:
        raise Forbidden("a page of another origin may not do this")


def _host(request: Asked) -> Host:
    try:
        return host_of(request.scope["headers"])
    except BadHost as error:
        raise Forbidden(str(error)) from error
