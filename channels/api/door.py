"""Door: how much one visitor may ask, send and hold open, so that nobody stands in the way of others.

A visitor is counted by session, by address and by the key of the page. A server's key has a bucket of its own, a
large one, and no other. Where there are no keys every caller is a program of this machine, and counts as a server.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from channels.api.access import Access, Caller
from channels.api.addresses import Headers, Network, is_within, name_of, whose
from channels.api.rates import Open, Rates
from schemas.rates import Rate, Shares

REFUSALS: Final = Rate(20, 100)
"""Whoever is refused more often does not listen: for BLOCK_S its connections are closed at once."""
BLOCK_S: Final = 5.0
BLOCKED_MAX: Final = 10_000
DAY_S: Final = 86_400
ALL: Final = "all"

logger = logging.getLogger(__name__)


class Limits(NamedTuple):
    """The settings KAIROS_API_*, see docs/channels.md. `address_sessions_per_day` is a number, the rest as named."""

    proxies: tuple[Network, ...]
    session_events: Rate
    session_bytes: Rate
    address_requests: Rate
    address_events: Rate
    address_bytes: Rate
    address_sessions: Rate
    address_sessions_per_day: int
    key_events: Rate
    key_bytes: Rate
    server_events: Rate
    server_bytes: Rate
    explanations: Rate
    streams: Shares
    connections: int
    address_connections: int


class Refusal(NamedTuple):
    """Too much of something: `what` names the bucket, `wait_s` says when there is room again."""

    what: str
    wait_s: float
    is_closing: bool = False

    @property
    def bucket(self) -> str:
        """Whose it is: address, key or session."""
        return self.what.partition(" ")[0]

    @property
    def detail(self) -> str:
        """As the caller is told."""
        return f"this {self.what}: ask again in {max(1, round(self.wait_s))} s"


class Visit:
    """A request under way: whose it is, and what has to be given back when it ends."""

    __slots__ = ("address", "leaving")

    def __init__(self, address: str) -> None:
        self.address = address
        self.leaving: list[Callable[[], None]] = []


class Door:
    """All buckets and counts of this process. Called in the event loop only."""

    def __init__(
        self, limits: Limits, access: Access, clock: Callable[[], float] = time.monotonic
    ) -> None:
        def rates(rate: Rate) -> Rates:
            return Rates(rate.per_s, rate.burst, clock)

        self.limits = limits
        self._access, self._clock = access, clock
        self._requests = rates(limits.address_requests)
        self._address = rates(limits.address_events), rates(limits.address_bytes)
        self._session = rates(limits.session_events), rates(limits.session_bytes)
        self._key = rates(limits.key_events), rates(limits.key_bytes)
        self._server = rates(limits.server_events), rates(limits.server_bytes)
        per_day = limits.address_sessions_per_day
        self._sessions = rates(limits.address_sessions), rates(Rate(per_day / DAY_S, per_day))
        self._explanations = rates(limits.explanations)
        self._refusals = rates(REFUSALS)
        self._blocked: OrderedDict[str, float] = OrderedDict()
        self._has_warned = False
        self.connections = Open()
        self.streams = Open()

    # --- connections -----------------------------------------------------------------------------------

    def is_blocked(self, peer: str) -> bool:
        """Whether this peer goes on without listening."""
        return self._blocked.get(name_of(peer), 0.0) > self._clock()

    def connection(self, peer: str) -> list[tuple[str, int]]:
        """The bounds of a connection from there, for `connections`: a proxy's are those of many."""
        bounds = [(ALL, self.limits.connections)]
        if not self._access.is_open and not is_within(peer, self.limits.proxies):
            bounds.append((name_of(peer), self.limits.address_connections))
        return bounds

    # --- requests ----------------------------------------------------------------------------------------

    def address_of(self, peer: str, headers: Headers) -> str:
        """Under which name a request is counted."""
        if not self.limits.proxies and not self._has_warned:
            self._warn(headers)
        return whose(peer, headers, self.limits.proxies)

    def is_server(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether whoever sends these headers has a bucket of their own, and no other."""
        return self._access.is_server(headers.get(b"authorization", b"").decode("latin-1"))

    def refusal(
        self, method: str, path: str, peer: str, address: str, headers: Mapping[bytes, bytes]
    ) -> Refusal | None:
        """Why a visitor's request is not even looked at; None = it is. Costs no more than a few look-ups."""
        refused = self._look(method, path, address, headers)
        if refused is None:
            return None
        if self._refusals.wait_s(address) and name_of(peer) == address:
            self._block(address)
        return refused._replace(is_closing=self.is_blocked(peer))

    def _look(
        self, method: str, path: str, address: str, headers: Mapping[bytes, bytes]
    ) -> Refusal | None:
        wait_s = self._requests.wait_s(address)
        if wait_s:
            return Refusal("address asks too often", wait_s)
        if method != "POST":
            return None
        if path == "/v1/sessions":
            return self._sessions_wait(address)
        events, size = self._address
        if wait_s := events.look_s(address):
            return Refusal("address sends too many events", wait_s)
        length = headers.get(b"content-length", b"")
        taken = int(length) if length.isdigit() and len(length) < 12 else 0
        if wait_s := size.wait_s(address, taken):
            return Refusal("address sends too many bytes", wait_s)
        return None

    def part(self, address: str, size: int) -> Refusal | None:
        """Takes a part of a body whose length was not said."""
        wait_s = self._address[1].wait_s(address, size)
        return Refusal("address sends too many bytes", wait_s) if wait_s else None

    # --- what is in them ---------------------------------------------------------------------------------

    def events(
        self, caller: Caller, address: str, sessions: Mapping[str, int], size: int
    ) -> Refusal | None:
        """Takes events by session, with the size of their body; what is refused takes nothing."""
        count = sum(sessions.values())
        if not caller.is_visitor:
            buckets = [("key", self._server, caller.name, count, size)]
        else:
            buckets = [
                ("key", self._key, caller.name, count, size),
                ("address", self._address, address, count, 0),  # its bytes were taken at the door
                *(("session", self._session, one, of, size) for one, of in sessions.items()),
            ]
        for what, (events, sizes), name, _, _ in buckets:
            if wait_s := events.look_s(name):
                return Refusal(f"{what} sends too many events", wait_s)
            if wait_s := sizes.look_s(name):
                return Refusal(f"{what} sends too many bytes", wait_s)
        for _, (events, sizes), name, of, taken in buckets:
            events.take(name, of)
            sizes.take(name, taken)
        return None

    def session(self, caller: Caller, address: str) -> Refusal | None:
        """Takes one of the sessions that may be made from there."""
        if not caller.is_visitor:
            return None
        refused = self._sessions_wait(address)
        if refused is None:
            for one in self._sessions:
                one.take(address, 1.0)
        return refused

    def explanation(self, caller: Caller, address: str) -> Refusal | None:
        """Takes one of the explanations that a page may ask for."""
        if not caller.is_visitor or not (wait_s := self._explanations.wait_s(address)):
            return None
        return Refusal("address asks for too many explanations", wait_s)

    def stream(self, caller: Caller, visit: Visit) -> Refusal | None:
        """Counts a stream until the visit ends."""
        total, per_key, per_address = self.limits.streams
        bounds = [(ALL, total)]
        if not self._access.is_open:
            bounds.append((f"key {caller.name}", per_key))
        if caller.is_visitor:
            bounds.append((f"address {visit.address}", per_address))
        full = self.streams.enter(bounds)
        if full is not None:
            return Refusal(f"{full.partition(' ')[0]} has too many streams open", 30)
        visit.leaving.append(lambda: self.streams.leave(bounds))
        return None

    def _sessions_wait(self, address: str) -> Refusal | None:
        wait_s = max(one.look_s(address) for one in self._sessions)
        return Refusal("address makes too many sessions", wait_s) if wait_s else None

    def _block(self, address: str) -> None:
        self._blocked[address] = self._clock() + BLOCK_S
        self._blocked.move_to_end(address)
        if len(self._blocked) > BLOCKED_MAX:
            self._blocked.popitem(last=False)

    def _warn(self, headers: Headers) -> None:
        if any(name in (b"x-forwarded-for", b"forwarded") for name, _ in headers):
            self._has_warned = True
            logger.warning(
                "requests come through a proxy, and all its visitors are counted as one address: "
                "name the proxy in KAIROS_API_PROXIES"
            )
