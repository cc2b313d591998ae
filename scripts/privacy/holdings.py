"""What the other topics hold of a person: decisions, traces, outcomes, dead letters."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from schemas.codec import DEAD_LETTER, DECISION, OUTCOME, TRACE
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, OUTCOMES, TRACES
from scripts.audit.deployed_log import Log
from scripts.privacy.trails import Seen, Trail


class Holdings(Struct):
    """By topic how much there is, by the times of the records; `placements` that were decided for."""

    seen: dict[str, Seen] = field(default_factory=dict)
    placements: set[str] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def count(self) -> int:
        """All records."""
        return sum(one.records for one in self.seen.values())

    def topics(self, trail: Trail) -> Mapping[str, Seen]:
        """These, and the events of the trail."""
        return {**self.seen, EVENTS: trail.events}

    def add(self, topic: str, record: LogRecord) -> None:
        """One record more of a topic."""
        self.seen.setdefault(topic, Seen()).add(record.timestamp_ms)


def find_holdings(trail: Trail, log: Log, keeps_decisions: bool = False) -> Holdings:
    """Reads the topics of what was decided once each."""
    found = Holdings()
    mine: set[str] = set()
    for record, decision in _decided(log.records(DECISIONS)):
        if decision.person in trail.names or _is_on_shared(trail, decision):
            found.add(DECISIONS, record)
            found.placements.add(decision.placement)
            mine.add(decision.decision_id)
            if keeps_decisions:
                found.decisions.append(decision)
    for record in log.records(TRACES):
        if record.key in mine or _traced(record) in trail.names:
            found.add(TRACES, record)
    for record in log.records(OUTCOMES):
        person, session_id, decision_id = _came_of(record)
        if person in trail.names or session_id in trail.sessions or decision_id in mine:
            found.add(OUTCOMES, record)
    ids = [name.encode() for name in (*trail.names, *trail.sessions)]
    for record in log.records(DEAD_LETTERS):
        if _names(record, ids):
            found.add(DEAD_LETTERS, record)
    return found


def _is_on_shared(trail: Trail, decision: Decision) -> bool:
    """Of a visit in which the person signed in later, on a device of others, too."""
    return decision.session_id in trail.sessions and decision.person in trail.shared


def _decided(records: Iterable[LogRecord]) -> Iterable[tuple[LogRecord, Decision]]:
    for record in records:
        try:
            yield record, DECISION.decode(record.value)
        except InvalidEvent:
            continue


def _traced(record: LogRecord) -> str:
    try:
        return TRACE.decode(record.value).person
    except InvalidEvent:
        return ""


def _came_of(record: LogRecord) -> tuple[str, str, str]:
    """Person, visit and decision of an outcome."""
    try:
        one = OUTCOME.decode(record.value)
    except InvalidEvent:
        return "", "", ""
    return one.person, one.session_id, one.decision_id


def _names(record: LogRecord, ids: Iterable[bytes]) -> bool:
    try:
        raw = DEAD_LETTER.decode(record.value).raw
    except InvalidEvent:
        return False
    return any(one in raw for one in ids)
