"""What the log holds of a person: their sessions and devices, and which events are theirs.

Read twice: first to find the sessions in which the person signed in and the devices of these, then whether others use the devices
as well, and what is whose. Memory is that of the one person.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct, field

from schemas.counted import counted
from schemas.doors import check_identity, is_certain
from schemas.errors import InvalidEvent
from schemas.events import ERASURE_REQUESTED, IDENTIFIED, Event
from schemas.records import LogRecord
from scripts.times import utc
from udfs.session.follow_identity import is_unmerge

Decode = Callable[[bytes], Event]


class Seen(Struct):
    """Records of one kind: how many, and the times of the first and the last (epoch ms, 0 = none)."""

    records: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def add(self, time_ms: int) -> None:
        """One more."""
        self.records += 1
        self.first_ms = min(self.first_ms or time_ms, time_ms)
        self.last_ms = max(self.last_ms, time_ms)


class Session(NamedTuple):
    """A session of the person: whose device it was on, and its newest event."""

    session_id: str
    anonymous_id: str
    last_ms: int


class Trail(Struct):
    """A person in the log. `own` are devices that nobody else has signed in on, `shared` the others."""

    person: str
    sessions: dict[str, Session] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    events: Seen = field(default_factory=Seen)

    @property
    def names(self) -> set[str]:
        """Every id under which decisions were made for the person alone."""
        return {self.person, *self.own}

    def is_theirs(self, event: Event) -> bool:
        """Whether an event is the person's; who names somebody else is not."""
        if event.person_id is not None:
            return event.person_id in self.names
        return event.anonymous_id in self.own or event.session_id in self.sessions


def find_trail(
    person: str, anonymous_ids: Iterable[str], log: Iterable[LogRecord], decode: Decode
) -> Trail:
    """The person's trail in a log that can be read twice; `anonymous_ids` are devices that are theirs, whoever else used them."""
    trail = Trail(person)
    given = set(anonymous_ids)
    devices = set(given)
    for event in _done_in(log, decode):
        if event.anonymous_id == person:
            devices.add(person)
        if event.person_id == person and not _is_doubtful(event):
            devices.add(event.anonymous_id)
            _follow(trail, event)
    trail.own, signed_in = set(devices), dict[str, str]()
    for event in _done_in(log, decode):
        is_near = event.anonymous_id in devices or event.session_id in trail.sessions
        if is_near and event.person_id is not None and is_certain(event):
            signed_in[event.session_id] = event.person_id
        named = event.person_id or signed_in.get(event.session_id)
        is_others = named not in (None, person) or is_unmerge(event)
        if event.anonymous_id in devices and is_others and not _is_doubtful(event):
            trail.own.discard(event.anonymous_id)
    trail.own |= given | (devices & {person})
    trail.shared = devices - trail.own
    for event in _done_in(log, decode):
        if trail.is_theirs(event):
            trail.events.add(event.event_time_ms)
            if not _is_doubtful(event):
                _follow(trail, event)
    return trail


def _is_doubtful(event: Event) -> bool:
    """Whether it says of whom its device is perhaps: that makes nobody's device theirs."""
    return event.event_type == IDENTIFIED and not is_certain(event)


def trail_in_words(trail: Trail) -> str:
    """What is theirs, in a sentence."""
    found = trail.events
    if not found.records:
        return "The log holds no event of theirs."
    shared = f"; shared with others, so kept: {', '.join(sorted(trail.shared))}" if trail.shared else ""  # fmt: skip
    return (
        f"{counted(found.records, 'event')} in {counted(len(trail.sessions), 'session')}, {utc(found.first_ms)} to "
        f"{utc(found.last_ms)}, on {counted(len(trail.own), 'device')} of their own{shared}."
    )


def events_in(log: Iterable[LogRecord], decode: Decode) -> Iterator[Event]:
    """The events of a log; what is none is passed over."""
    for record in log:
        try:
            event = decode(record.value)
            check_identity(event)
        except InvalidEvent:
            continue
        yield event


def _done_in(log: Iterable[LogRecord], decode: Decode) -> Iterator[Event]:
    """What people did: erasures of before say nothing of whose a device is."""
    return (one for one in events_in(log, decode) if one.event_type != ERASURE_REQUESTED)


def _follow(trail: Trail, event: Event) -> None:
    known = trail.sessions.get(event.session_id)
    last_ms = max(event.event_time_ms, known.last_ms if known else 0)
    trail.sessions[event.session_id] = Session(event.session_id, event.anonymous_id, last_ms)
