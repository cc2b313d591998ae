"""What is counted of some records of `events`, by source: events in, counts out, nobody's values kept. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from msgspec import Struct, field

from schemas.errors import InvalidEvent, PassedOver
from schemas.events import Event
from schemas.limits import SECOND_MS
from schemas.mask_attributes import NO_NAMES
from schemas.records import LogRecord
from scripts.quality.said_fields import fields_said, identity_of, value_of
from udfs.session.deduplicate import hash_of

NAMED_FROM: Final = 5
"""A value that fewer sessions have said is never named: it may be somebody's own."""
SOURCES_MAX: Final = 50
KINDS_MAX: Final = 100
VALUES_MAX: Final = 200
"""What is told apart of sources, of the types of one, of the values of a field; what comes beyond is counted as OTHERS."""
OTHERS: Final = "(others)"
TEXT_MAX: Final = 60
"""Letters of a value that are kept."""
AHEAD_MS: Final = 5 * SECOND_MS
"""An event that is further ahead of its sending is from the future."""
TICK: Final = "clock_ticked"
CODES: Final = (
    "event_type", "currency", "attribute", "placements", "properties",
    "context.device", "context.os", "context.browser", "context.country",
)  # fmt: skip
"""Fields of few values, which may be named; of `properties` that is their names. No text of people, no id."""
NAMING: Final = ("attribute", "properties")
"""Those of which a policy may declare values sensitive."""


class Source(NamedTuple):
    """Who sends: the channel that events name, and whether they come with a browser's public key."""

    channel: str | None
    is_unproven: bool

    @property
    def name(self) -> str:
        """As operators read it."""
        return f"{self.channel or 'no channel'}, {'unproven' if self.is_unproven else 'proven'}"


class Read(NamedTuple):
    """The event of a record, and whether its name is one that neither we nor the policy know."""

    event: Event
    is_without_role: bool = False


ReadRecord = Callable[[LogRecord], Read]
"""Raises InvalidEvent where the record is no event."""


class Kind(Struct):
    """Events of one type, and how many of them say a field."""

    events: int = 0
    said: Counter[str] = field(default_factory=Counter)


class Values(Struct):
    """How often each value of a field was said, and by which sessions: as many as it takes to name it."""

    counts: Counter[str] = field(default_factory=Counter)
    sessions: dict[str, set[bytes]] = field(default_factory=dict)

    @property
    def is_many(self) -> bool:
        """Whether there are too many to know them all."""
        return OTHERS in self.counts

    def take(self, value: str, session: bytes) -> None:
        """One more of a value."""
        name = bounded(value[:TEXT_MAX], self.counts, VALUES_MAX)
        self.counts[name] += 1
        note(session, self.sessions.setdefault(name, set()))

    def is_nameable(self, value: str) -> bool:
        """Whether enough sessions have said it."""
        return value == OTHERS or len(self.sessions.get(value, ())) >= NAMED_FROM


class Heard(Struct):
    """What was heard of one source; `sessions`: as many as it takes to name it.

    `repeated` came before with the same id and time, `reused` with the same id and another time. `lags_ms`: of events that tell when they were sent, or
    whose record was written at another time than theirs; of these `ahead` are from the future.
    """

    events: int = 0
    repeated: int = 0
    reused: int = 0
    without_role: int = 0
    ahead: int = 0
    sessions: set[bytes] = field(default_factory=set)
    lags_ms: list[int] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    values: dict[str, Values] = field(default_factory=dict)
    times: dict[bytes, set[int]] = field(default_factory=dict)

    @property
    def is_nameable(self) -> bool:
        """Whether enough sessions send so."""
        return len(self.sessions) >= NAMED_FROM


class Sample:
    """Takes records one by one. `hidden`: names in small letters that are never told, of attributes and properties."""

    def __init__(self, hidden: frozenset[str] = NO_NAMES) -> None:
        self._hidden = hidden
        self.records = self.events = 0
        self.from_ms = self.to_ms = 0
        self.invalid: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.sources: dict[Source, Heard] = {}

    def take(self, record: LogRecord, read: ReadRecord) -> None:
        """One record; one that is no event is counted by its reason, and one that counts for nothing as a record alone."""
        at_ms = record.timestamp_ms
        self.from_ms = min(self.from_ms, at_ms) if self.records else at_ms
        self.to_ms = max(self.to_ms, at_ms)
        self.records += 1
        try:
            found = read(record)
        except PassedOver:
            return
        except InvalidEvent as error:
            self.invalid[error.reason] += 1
            self.examples.setdefault(
                error.reason, f"{record.topic}/{record.partition}/{record.offset}"
            )
            return
        if found.event.event_type != TICK:
            self._count(found, at_ms)

    def _count(self, found: Read, at_ms: int) -> None:
        event = found.event
        heard = self._heard(Source(event.channel and event.channel[:TEXT_MAX], event.is_unproven))
        self.events += 1
        heard.events += 1
        heard.without_role += found.is_without_role
        name = bounded(event.event_type[:TEXT_MAX], heard.kinds, KINDS_MAX)
        kind = heard.kinds.setdefault(name, Kind())
        kind.events += 1
        kind.said.update(fields_said(event))
        session = hash_of(event.session_id)
        note(session, heard.sessions)
        for code, value in codes_of(event, self._hidden):
            heard.values.setdefault(code, Values()).take(value, session)
        self._place(event, heard, at_ms)

    def _heard(self, source: Source) -> Heard:
        if source not in self.sources and len(self.sources) >= SOURCES_MAX:
            source = Source(OTHERS, source.is_unproven)
        return self.sources.setdefault(source, Heard())

    def _place(self, event: Event, heard: Heard, at_ms: int) -> None:
        """In time, and among those of its source that came before."""
        sent_ms = at_ms if event.sent_at_ms is None else event.sent_at_ms
        if event.sent_at_ms is not None or at_ms != event.event_time_ms:
            heard.lags_ms.append(sent_ms - event.event_time_ms)
            heard.ahead += event.event_time_ms - sent_ms > AHEAD_MS
        times = heard.times.setdefault(identity_of(event), set())
        if times:
            is_same = event.event_time_ms in times
            heard.repeated += is_same
            heard.reused += not is_same
        times.add(event.event_time_ms)


def codes_of(event: Event, hidden: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The fields of few values that an event says, and what; of one that lists several each of them, once."""
    for name in CODES:
        value = event.event_type if name == "event_type" else value_of(event, name)
        for one in (value,) if isinstance(value, str) else frozenset(cast(Iterable[str], value or ())):  # fmt: skip
            if one and not (name in NAMING and one.lower() in hidden):
                yield name, one


def note(session: bytes, known: set[bytes]) -> None:
    """One session more, as long as that says anything."""
    if len(known) < NAMED_FROM:
        known.add(session)


def bounded(name: str, known: Mapping[str, object], most: int) -> str:
    """The name, or OTHERS where it would be one too many."""
    return name if name in known or len(known) < most else OTHERS
