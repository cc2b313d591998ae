"""What was logged of decisions: the records of `decisions` and `traces` in a file, found by their event."""

from collections.abc import Iterable, Iterator
from typing import IO, Final, NamedTuple

from msgspec import Struct

from schemas.codec import DECISION, TRACE
from schemas.decisions import Decision, DecisionTrace, Versions
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.topics import DECISIONS, earliest_record_ms
from udfs.items.orders import ORDERS

NO_MODELS: Final = frozenset(ORDERS)
EventKey = tuple[str, str]
"""Session id and event id."""
Seen = tuple[str, int, int]
"""Policy, catalogue and knowledge: what all decisions on an event see alike."""
Logged = Decision | DecisionTrace
FOR_EVER_MS: Final = 2**62


class Place(NamedTuple):
    """Where a record lies in the log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Scope(NamedTuple):
    """Which decisions are looked at: one, or those on events of [from_ms, to_ms), or a `sample` of these by id."""

    from_ms: int = 0
    to_ms: int = FOR_EVER_MS
    decision_id: str | None = None
    sample: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether it holds every decision of its time."""
        return self.decision_id is None and self.sample is None

    def holds(self, logged: Logged) -> bool:
        """Whether a logged record is of it."""
        is_within = self.from_ms <= logged.event_time_ms < self.to_ms
        is_picked = self.sample is None or logged.decision_id in self.sample
        return is_within and is_picked and self.decision_id in (None, logged.decision_id)


class Kept(NamedTuple):
    """A logged record: where it lies in the log and in the file, and the versions that it names.

    `has_left_out`: a trace that had no room for all of it.
    """

    place: Place
    at: int
    size: int
    versions: Versions
    has_left_out: bool = False


class LoggedDecision(Struct):
    """All records of one decision, as often as each was written, in the order of the log."""

    decision_id: str
    event: EventKey
    person: str
    placement: str
    event_time_ms: int
    decisions: list[Kept] = []
    traces: list[Kept] = []

    @property
    def versions(self) -> Versions:
        """What its newest record names."""
        return (self.decisions or self.traces)[-1].versions


class Fault(NamedTuple):
    """A record that cannot be what was written: it is none, or stands under a foreign key."""

    place: Place
    key: str
    what: str
    value: bytes = b""


class LoggedDecisions:
    """The logged decisions of a scope. Their bytes are in the file, only their places in memory.

    `past` are the versions that the decisions before them name, of the same persons: what a person was
    offered before is part of what the later decisions rest on. `orders` are each person's events that
    were decided on, in the order of the log.
    """

    def __init__(self, file: IO[bytes], scope: Scope) -> None:
        self._file, self.scope = file, scope
        self._events: dict[EventKey, dict[str, LoggedDecision]] = {}
        self._past: dict[EventKey, Versions] = {}
        self._versions: dict[Versions, Versions] = {}
        self.orders: dict[str, list[EventKey]] = {}
        self.persons: set[str] = set()
        self.faults: list[Fault] = []
        self.count = 0
        self.newest_ms = 0

    def __len__(self) -> int:
        return self.count

    def read(self, records: Iterable[LogRecord], name: str) -> None:
        """Takes the records of one of the two topics; `name` says which."""
        for record in records:
            logged = self._decoded(record, name)
            if logged is None:
                continue
            self.newest_ms = max(self.newest_ms, logged.event_time_ms)
            if self.scope.holds(logged):
                self._add(logged, record)

    def read_past(self, records: Iterable[LogRecord]) -> None:
        """Takes of `decisions`, from its beginning, what the persons of the scope were offered before."""
        orders: dict[str, dict[EventKey, None]] = {}
        for record in records:
            if record.key not in self.persons:
                continue
            try:
                decision = DECISION.decode(record.value)
            except InvalidEvent:
                continue
            if decision.kind != "decided":
                continue
            event = (decision.session_id, decision.event_id)
            order = orders.setdefault(decision.person, {})
            order.pop(event, None)  # of one written twice the newest counts
            order[event] = None
            self._past[event] = self._shared(decision.versions)
        self.orders = {person: list(order) for person, order in orders.items()}

    def of(self, event: EventKey) -> dict[str, LoggedDecision]:
        """The logged decisions on an event, by id."""
        return self._events.get(event, {})

    def named(self, event: EventKey) -> list[Versions]:
        """The different versions that the records on an event name, the newest last; [] = none is logged."""
        found: dict[Seen, Versions] = {}
        for kept in self._kept_of(event):
            one = kept.versions
            before = found.pop(seen_by(one), one)
            # who is held out gets an order that is no model: the model is what another placement names
            found[seen_by(one)] = before if one.model in NO_MODELS else one
        return list(found.values()) or [one for one in (self._past.get(event),) if one is not None]

    def bytes_of(self, kept: Kept) -> bytes:
        """The record's value as it was logged."""
        self._file.seek(kept.at)
        return self._file.read(kept.size)

    def __iter__(self) -> Iterator[LoggedDecision]:
        for decisions in self._events.values():
            yield from decisions.values()

    def _kept_of(self, event: EventKey) -> Iterator[Kept]:
        """Of the event: traces first, so that of two that name other versions the decision's come last."""
        mine = self.of(event).values()
        yield from (kept for one in mine for kept in one.traces)
        yield from sorted(
            (kept for one in mine for kept in one.decisions), key=lambda kept: kept.place.offset
        )

    def _decoded(self, record: LogRecord, name: str) -> Logged | None:
        try:
            logged: Logged = (DECISION if name == DECISIONS else TRACE).decode(record.value)
        except InvalidEvent as error:
            self._fault(record, str(error))
            return None
        if isinstance(logged, Decision) and logged.kind != "decided":
            return None  # what was taken back has no trace, and rests on nothing
        expected = logged.person if isinstance(logged, Decision) else logged.decision_id
        if record.key != expected:
            self._fault(record, f"its key is not {expected!r}")
            return None
        return logged

    def _fault(self, record: LogRecord, what: str) -> None:
        scope = self.scope
        is_mine = scope.decision_id in (None, record.key) or record.topic.endswith(DECISIONS)
        # it tells no event time, and its own says only that the event is not much later
        if is_mine and earliest_record_ms(scope.from_ms) <= record.timestamp_ms:
            self.faults.append(Fault(_place(record), record.key, what, record.value))

    def _add(self, logged: Logged, record: LogRecord) -> None:
        event = (logged.session_id, logged.event_id)
        mine = self._events.setdefault(event, {})
        one = mine.get(logged.decision_id)
        if one is None:
            self.count += 1
            one = mine[logged.decision_id] = LoggedDecision(
                logged.decision_id, event, logged.person, logged.placement, logged.event_time_ms
            )
        self.persons.add(logged.person)
        versions = self._shared(logged.versions)
        records = one.decisions if isinstance(logged, Decision) else one.traces
        if all(kept.place != _place(record) for kept in records):  # a topic may be read twice
            has_left_out = isinstance(logged, DecisionTrace) and logged.left_out is not None
            place, size = _place(record), len(record.value)
            kept = Kept(place, self._file.tell(), size, versions, has_left_out)
            records.append(kept)
            self._file.write(record.value)

    def _shared(self, versions: Versions) -> Versions:
        return self._versions.setdefault(versions, versions)


def seen_by(versions: Versions) -> Seen:
    """What tells one way in which an event was decided on from another."""
    return versions.policy, versions.catalogue, versions.knowledge


def _place(record: LogRecord) -> Place:
    return Place(record.topic, record.partition, record.offset)
