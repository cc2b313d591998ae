"""Who calls, and what they may: keys with scopes, signed sessions, person tokens, roles of the console.

Without a file of keys all is open, on loopback only: every caller has every right.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, get_args

from channels.api.signing import Signing
from channels.security.keys import ANY_ORIGIN, ROLES, Key, Role, Scope, hash_of, read_keys
from channels.security.tokens import BadToken, Value
from schemas.errors import ConfigError

SESSION_S: Final = 86_400
"""A session's token opens it for so long; then a new session is made with the old token."""
VISITOR_S: Final = 400 * 86_400
"""For so long an old token proves whose the anonymous id is."""
PERSON_S: Final = 86_400
CONSOLE_S: Final = 8 * 3_600
RELOAD_S: Final = 1.0
"""How soon a key that is created or revoked counts."""
KEY_LENGTH_MAX: Final = 200
ID_BYTES: Final = 16
ALL_SCOPES: Final = frozenset(get_args(Scope))
BEARER: Final = "bearer "
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

logger = logging.getLogger(__name__)


class Unauthorized(Exception):
    """It is not known who calls (401); the message says what is missing or wrong."""


class Forbidden(Exception):
    """The caller is known and may not do this (403)."""


class Caller(NamedTuple):
    """Who calls. `session_id`, `anonymous_id` and `person` are those of their tokens, proven."""

    name: str
    scopes: frozenset[Scope]
    role: Role | None = None
    is_browser: bool = False
    session_id: str | None = None
    anonymous_id: str | None = None
    person: str | None = None

    @property
    def is_visitor(self) -> bool:
        """Whether anybody may be it: a page's key is public, and a token alone is no server's."""
        return self.is_browser or not self.scopes


class SignedSession(NamedTuple):
    """A session that the API has made for a browser; its token proves that it is the holder's own."""

    session_id: str
    anonymous_id: str
    token: str


class Access:
    """The keys in force. Asked at each request; keys created or revoked count within RELOAD_S."""

    def __init__(
        self, path: Path | None, secret: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        """Reads the file of keys (None: open); raises ConfigError where it cannot be used."""
        self._path, self._given, self._clock = path, secret, clock
        self._keys: Mapping[str, Key] = {}
        self._signing = Signing(clock)
        self._seen: object = None
        self._next_look_s = 0.0
        if path is not None:
            self._seen = _identity(path)
            self._read(path)

    @property
    def is_open(self) -> bool:
        """Whether every caller has every right."""
        return self._path is None

    def is_server(self, authorization: str) -> bool:
        """Whether this header holds a key that no page holds; where all is open, everybody is one."""
        if self.is_open:
            return True
        if not authorization.lower().startswith(BEARER):
            return False
        self._look()
        said = authorization[len(BEARER) :].strip()
        key = self._keys.get(hash_of(said)) if len(said) <= KEY_LENGTH_MAX else None
        return (
            key is not None
            and bool(key.scopes)
            and not key.is_browser
            and not self._has_expired(key)
        )

    def check_host(self, host: str) -> None:
        """Raises ConfigError where all is open and `host` is not this machine alone."""
        if self.is_open and host not in LOOPBACK:
            raise ConfigError(
                f"without keys anybody may do anything, so the API answers on {LOOPBACK[0]} only, "
                f"not on {host}: make keys with `kairos key create` and name their file in "
                "KAIROS_API_KEYS"
            )

    @property
    def origins(self) -> frozenset[str]:
        """Where pages with a browser key come from: the list for CORS; `*` = from anywhere."""
        self._look()
        keys = [key for key in self._keys.values() if not self._has_expired(key)]
        return frozenset(origin for key in keys for origin in key.origins)

    def caller(
        self,
        authorization: str | None,
        session_token: str | None = None,
        person_token: str | None = None,
        origin: str | None = None,
    ) -> Caller:
        """Who sends these headers; raises Unauthorized, or Forbidden for a page of a foreign origin."""
        caller = self._of_key(authorization, person_token, origin)
        if session_token:
            session_id, anonymous_id = self._session(session_token)
            caller = caller._replace(session_id=session_id, anonymous_id=anonymous_id)
        if person_token:
            caller = caller._replace(person=self._person(person_token))
        return caller

    def may(self, caller: Caller, scope: Scope) -> bool:
        """Whether the caller has this scope; `admin` has them all."""
        return scope in caller.scopes or "admin" in caller.scopes

    def may_role(self, caller: Caller, role: Role) -> bool:
        """Whether the caller's role on the console is this one or one that may more."""
        return caller.role is not None and ROLES.index(caller.role) >= ROLES.index(role)

    def may_write(self, caller: Caller, session_id: str) -> bool:
        """Whether the caller may write events of this session: a browser only those of its own."""
        return self.may(caller, "events:write") and _is_own(caller, session_id)

    def may_speak_for(self, caller: Caller, anonymous_id: str, person_id: str | None) -> bool:
        """Whether a caller's event may name these ids: a browser only those that its tokens prove.

        Else a page could say that it is somebody, and be told what was decided for them.
        """
        if not caller.is_browser:
            return True
        return caller.anonymous_id == anonymous_id and person_id in (None, caller.person)

    def may_read_session(self, caller: Caller, session_id: str) -> bool:
        """Whether the caller may read decisions of this session: a browser only those of its own."""
        return self.may(caller, "decisions:read") and _is_own(caller, session_id)

    def may_read_person(self, caller: Caller, person: str) -> bool:
        """Whether the caller may read a person's decisions: with the person's token, or a server's key."""
        is_servers = self.may(caller, "decisions:read") and not caller.is_browser
        return is_servers or caller.person == person

    def new_session(self, previous_token: str | None = None) -> SignedSession:
        """A new session; the anonymous id is the previous token's, else new. Ids are ours: none is guessed."""
        try:
            anonymous_id = self._opened("session", previous_token or "", 2, VISITOR_S)[1]
        except Unauthorized:
            anonymous_id = f"a-{secrets.token_urlsafe(ID_BYTES)}"
        session_id = f"s-{secrets.token_urlsafe(ID_BYTES)}"
        return SignedSession(
            session_id, str(anonymous_id), self.session_token(session_id, str(anonymous_id))
        )

    def session_token(self, session_id: str, anonymous_id: str) -> str:
        """The token that opens this session."""
        return self._signing_now().token("session", session_id, anonymous_id)

    def person_token(self, person: str) -> str:
        """The token that opens a person's decisions for PERSON_S: for the shop's server to hand out."""
        return self._signing_now().token("person", person)

    def sign_in(self, key: str) -> tuple[Caller, str]:
        """The caller of the console with this key, and the cookie that stands for it for CONSOLE_S."""
        found = self._key(key)
        if found.role is None:
            raise Forbidden(f"the key {found.name!r} has no role on the console")
        cookie = self._signing_now().token("console", found.key_sha256)
        return Caller(found.name, frozenset(), found.role), cookie

    def console_caller(self, cookie: str | None) -> Caller:
        """Who is signed in on the console; raises Unauthorized. A revoked key's cookie opens nothing."""
        if self.is_open:
            return OPEN
        if not cookie:
            raise Unauthorized("sign in first")
        (key_sha256,) = self._opened("console", cookie, 1, CONSOLE_S)
        key = self._keys.get(str(key_sha256))
        if key is None or key.role is None or self._has_expired(key):
            raise Unauthorized("the key was revoked, or has expired")
        return Caller(key.name, frozenset(), key.role)

    def csrf_token(self, cookie: str | None) -> str:
        """What a page of ours sends with each change; pages of others cannot read it."""
        return self._signing_now().proof("csrf", cookie or "")

    def is_csrf_token(self, cookie: str | None, given: str) -> bool:
        """Whether a page of ours has sent it, with this cookie."""
        return self._signing_now().is_proof("csrf", cookie or "", given)

    def _of_key(
        self, authorization: str | None, person_token: str | None, origin: str | None
    ) -> Caller:
        if self.is_open:
            return OPEN
        if not authorization:
            if person_token:
                return Caller("person", frozenset())
            raise Unauthorized("send a key: `Authorization: Bearer KEY`")
        if not authorization.lower().startswith(BEARER):
            raise Unauthorized("Authorization has to be `Bearer KEY`")
        key = self._key(authorization[len(BEARER) :].strip())
        if key.is_browser and origin and not {origin, ANY_ORIGIN} & set(key.origins):
            raise Forbidden(f"the key {key.name!r} is not for pages of this origin")
        return Caller(key.name, frozenset(key.scopes), key.role, key.is_browser)

    def _key(self, key: str) -> Key:
        self._look()
        found = self._keys.get(hash_of(key)) if 0 < len(key) <= KEY_LENGTH_MAX else None
        if found is None:
            raise Unauthorized("the key is unknown, or was revoked")
        if self._has_expired(found):
            raise Unauthorized("the key has expired")
        return found

    def _has_expired(self, key: Key) -> bool:
        return key.expires is not None and key.expires.timestamp() <= self._clock()

    def _session(self, token: str) -> tuple[str, str]:
        session_id, anonymous_id = self._opened("session", token, 2, SESSION_S)
        return str(session_id), str(anonymous_id)

    def _person(self, token: str) -> str:
        return str(self._opened("person", token, 1, PERSON_S)[0])

    def _opened(self, purpose: str, token: str, count: int, seconds_max: int) -> list[Value]:
        """The `count` values of a token; where all is open, signatures and age count for nothing."""
        try:
            return self._signing_now().opened(
                purpose, token, count, seconds_max, is_checked=not self.is_open
            )
        except BadToken as error:
            raise Unauthorized(f"the {purpose} token is no good: {error}") from error

    def _signing_now(self) -> Signing:
        self._look()
        return self._signing

    def _look(self) -> None:
        """Reads the file again where it was changed; one that cannot be used changes nothing."""
        if self._path is None or self._clock() < self._next_look_s:
            return
        self._next_look_s = self._clock() + RELOAD_S
        seen = _identity(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._read(self._path)
        except ConfigError as error:
            logger.warning("the keys stay as they were: %s", error)

    def _read(self, path: Path) -> None:
        file = read_keys(path)
        self._signing = Signing(self._clock, path, file, self._given)
        self._keys = {key.key_sha256: key for key in file.keys}


OPEN: Final = Caller("open", ALL_SCOPES, "operator")
"""The caller where there is no file of keys."""


def _is_own(caller: Caller, session_id: str) -> bool:
    return not caller.is_browser or caller.session_id == session_id


def _identity(path: Path) -> object:
    """What changes when the file is changed; None = it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
