"""The console's routes: pages, sign-in, what is shown, what may be changed and by whom."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Protocol, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from channels.api.access import CONSOLE_S, LOOPBACK, Access, Caller, Forbidden, Unauthorized
from channels.api.audit_log import Actor
from channels.api.bodies import BODY_BYTES_MAX
from channels.api.origins import BadHost, Host, host_of, place_of
from channels.api.problems import problem_response
from channels.api.requests import body_of, decoded
from channels.console.facts import Facts, Shown
from channels.security.keys import Role
from schemas.errors import ConfigError

EXTRA: Final = "console"
"""Under this name the Facts lie among the services."""
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
AUDIT_SHOWN: Final = 200

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = {
    "": ("index.html", "text/html"),
    "console.css": ("console.css", "text/css"),
    "console.js": ("console.js", "text/javascript"),
    "charts.js": ("charts.js", "text/javascript"),
    "dom.js": ("dom.js", "text/javascript"),
    "views.js": ("views.js", "text/javascript"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
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
Asked = Request[Any, Any, Any]
Looked = Annotated[str, QueryParameter(min_length=1, max_length=500)]
Version = Annotated[str, Meta(max_length=300)]


class Services(Protocol):
    """What the console needs of the API's services; without `extra["console"]` it says that it cannot."""

    access: Access
    extra: dict[str, Any]


class SignIn(Struct, forbid_unknown_fields=True):
    """The key, as `kairos key create --role` has printed it."""

    key: Annotated[str, Meta(min_length=1, max_length=500)]


class PolicyText(Struct, forbid_unknown_fields=True):
    """A policy file's text (YAML)."""

    text: Annotated[str, Meta(max_length=BODY_BYTES_MAX)]


class Named(Struct, forbid_unknown_fields=True):
    """A version; empty = the one before the present one."""

    version: Version = ""


SIGN_IN: Final = msgspec.json.Decoder(SignIn)
POLICY_TEXT: Final = msgspec.json.Decoder(PolicyText)
NAMED: Final = msgspec.json.Decoder(Named)


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


def console_router(services: Services) -> Router:
    """Everything under /console."""
    desk = Desk(services)
    return Router(
        path="/console",
        route_handlers=[*_pages(), *_sign_in(desk), *_shown(desk), *_changes(desk)],
        response_headers=HEADERS,
        exception_handlers={
            Unauthorized: _problem(401),
            Forbidden: _problem(403),
            ConfigError: _problem(503),
            TimeoutError: _problem(503, TOO_LATE),
        },
        request_max_body_size=None,  # `body_of` bounds it
        include_in_schema=False,
    )


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


def _pages() -> list[Any]:
    @get("/{name:str}")
    async def page(name: FromPath[str]) -> Response[bytes]:
        if name not in PAGES:
            raise NotFoundException(f"there is no page {name!r}")
        return _file(name)

    @get("/")
    async def index() -> Response[bytes]:
        return _file("")

    return [page, index]


def _sign_in(desk: Desk) -> list[Any]:
    @post("/api/sign-in", status_code=200)
    async def sign_in(request: Asked) -> Response[Shown]:
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
        desk.signed(request, "viewer")
        response: Response[Shown] = Response({})
        for is_secure in (False, True):
            response.set_cookie(_cookie("", is_secure=is_secure, max_age=0))
        return response

    @get("/api/me")
    async def me(request: Asked) -> Shown:
        caller = desk.signed(request, "viewer").caller
        return _me(desk, caller, cookie_of(request))

    return [sign_in, sign_out, me]


def _shown(desk: Desk) -> list[Any]:
    async def show(
        request: Asked, role: Role, ask: Callable[[Facts], Shown | None]
    ) -> Response[Any]:
        facts = desk.signed(request, role).facts
        found = await desk.answer(lambda: ask(facts))
        if found is None:
            raise NotFoundException("nothing is known of it here")
        return Response(found)

    @get("/api/live")
    async def live(request: Asked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.live())

    @get("/api/traffic")
    async def traffic(request: Asked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.traffic())

    @get("/api/letters")
    async def letters(request: Asked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.letters())

    @get("/api/person")
    async def person(request: Asked, named: Looked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.person(named))

    @get("/api/decision")
    async def decision(request: Asked, decision_id: Looked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.decision(decision_id))

    @get("/api/why-not")
    async def why_not(request: Asked, person: Looked, action: Looked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.why_not(person, action))

    @get("/api/policy")
    async def policy(
        request: Asked,
        version: Annotated[str, QueryParameter(max_length=300)] = "",
    ) -> Response[Any]:
        return await show(request, "viewer", lambda facts: facts.policy(version))

    @get("/api/models")
    async def models(request: Asked) -> Response[Any]:
        return await show(request, "viewer", lambda facts: {"models": facts.models()})

    @get("/api/audit")
    async def audit(request: Asked) -> Response[Any]:
        return await show(request, "operator", lambda facts: facts.audit(AUDIT_SHOWN))

    return [live, traffic, letters, person, decision, why_not, policy, models, audit]


def _changes(desk: Desk) -> list[Any]:
    async def change(
        request: Asked,
        role: Role,
        decoder: "msgspec.json.Decoder[T] | None",
        make: Callable[[Facts, Actor, T], Shown],
    ) -> Response[Any]:
        """Who may not is told so before anything is read."""
        caller, facts = desk.signed(request, role)
        actor = Actor(caller.name, caller.role or "", _address(request))
        given: Any = decoded(decoder, await body_of(request)) if decoder else None
        try:
            return Response(await desk.answer(lambda: make(facts, actor, given)))
        except ConfigError as error:
            return _answer(409, str(error), request)

    @post("/api/policy/check", status_code=200)
    async def check(request: Asked) -> Response[Any]:
        def made(facts: Facts, _: Actor, given: PolicyText) -> Shown:
            return facts.check(given.text)

        return await change(request, "marketer", POLICY_TEXT, made)

    @post("/api/policy/publish", status_code=200)
    async def publish(request: Asked) -> Response[Any]:
        def made(facts: Facts, actor: Actor, given: PolicyText) -> Shown:
            return facts.publish_policy(actor, given.text)

        return await change(request, "marketer", POLICY_TEXT, made)

    @post("/api/policy/rollback", status_code=200)
    async def rollback(request: Asked) -> Response[Any]:
        def made(facts: Facts, actor: Actor, given: Named) -> Shown:
            return facts.roll_back_policy(actor, given.version)

        return await change(request, "marketer", NAMED, made)

    @post("/api/models/publish", status_code=200)
    async def publish_model(request: Asked) -> Response[Any]:
        def made(facts: Facts, actor: Actor, given: Named) -> Shown:
            return facts.publish_model(actor, given.version)

        return await change(request, "operator", NAMED, made)

    @post("/api/models/rollback", status_code=200)
    async def rollback_model(request: Asked) -> Response[Any]:
        def made(facts: Facts, actor: Actor, _: None) -> Shown:
            return facts.roll_back_model(actor)

        return await change(request, "operator", None, made)

    return [check, publish, rollback, publish_model, rollback_model]


def _me(desk: Desk, caller: Caller, cookie: str | None) -> Shown:
    return {
        "name": caller.name,
        "role": caller.role,
        "is_open": desk.access.is_open,
        "csrf": desk.access.csrf_token(cookie),
    }


def _record(desk: Desk, who: str, role: str, request: Asked, what: str, outcome: str) -> None:
    desk.facts.record(Actor(who, role, _address(request)), what, outcome, {})


def _cookie(value: str, *, is_secure: bool, max_age: int = CONSOLE_S) -> Cookie:
    """A name with the prefix `__Host-` wants the path `/`; nothing but the console reads it."""
    name, path = (SECURE_COOKIE, "/") if is_secure else (COOKIE, "/console")
    return Cookie(
        name, value=value, path=path, max_age=max_age, httponly=True, samesite="strict", secure=is_secure,
    )  # fmt: skip


def _host(request: Asked) -> Host:
    try:
        return host_of(request.scope["headers"])
    except BadHost as error:
        raise Forbidden(str(error)) from error


def _address(request: Asked) -> str:
    return request.client.host if request.client else ""


def _file(name: str) -> Response[bytes]:
    file, media_type = PAGES[name]
    return Response((STATIC / file).read_bytes(), media_type=media_type)


def _problem(status: int, detail: str = "") -> Callable[[Asked, Exception], Response[bytes]]:
    def handler(request: Asked, error: Exception) -> Response[bytes]:
        return _answer(status, detail or str(error), request)

    return handler


def _answer(status: int, detail: str, request: Asked) -> Response[bytes]:
    response = problem_response(request, status, detail)
    response.headers.update(HEADERS)
    return response
