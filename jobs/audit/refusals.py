"""What else in the log tells whether its events are as they were when they were decided on.

A record that the job refused lies in `dead_letters` with its bytes: refusals must be the same today. And of a
decision that is not reproduced, the events it may rest on are few: those of its session since the last one
whose decisions are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from jobs.audit.logged import EventKey, Place
from schemas.codec import DEAD_LETTER
from schemas.dead_letters import REPLAYED, DeadLetter, masked_raw
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.limits import DEAD_LETTER_RAW_BYTES_MAX, EVENT_TIME_MAX_MS
from schemas.records import LogRecord
from schemas.topics import earliest_record_ms
from udfs.explain.fit_records import decision_of
from udfs.knowledge.knowledge import Knowledge
from udfs.session.drop_sensitive import masking_at


class Refused(NamedTuple):
    """An event that was refused: where it lies, when it was written, and why."""

    place: Place
    reason: str
    message: str


class Letters:
    """The dead letters that lie in a log, and those that a replay makes of its events, by their bytes.

    Where the log no longer begins with the first of them, an older one may be gone, and its absence tells nothing.
    """

    def __init__(self, records: Iterable[LogRecord], begins_at_first: bool = True) -> None:
        self._logged: dict[bytes, Refused] = {}
        self._met: set[bytes] = set()
        self._ends: dict[int, int] = {}
        self._read_ms = 0
        self._newest: LogRecord | None = None
        firsts: dict[int, int] = {}
        self.refused: list[Refused] = []
        """Made by the replay, and not logged."""
        self.too_large: set[str] = set()
        """Decisions that the job made and could not write."""
        for record in records:
            firsts.setdefault(record.partition, record.timestamp_ms)
            try:
                letter = DEAD_LETTER.decode(record.value)
            except InvalidEvent:
                continue
            if letter.reason == REPLAYED:
                continue  # of the event, where it lies now
            decision_id = decision_of(letter)
            if decision_id is None:
                self._logged[_digest(letter)] = _refused(letter)
            else:
                self.too_large.add(decision_id)
        gone_ms = max(firsts.values(), default=EVENT_TIME_MAX_MS)
        self._whole_since_ms = 0 if begins_at_first else gone_ms

    @property
    def met(self) -> int:
        """Different records that the replay has refused, or passed over as of somebody erased."""
        return len(self._met)

    def begin(self) -> None:
        """Forgets what a replay has told so far: it begins anew."""
        self._met.clear()
        self._ends.clear()
        self.refused.clear()

    def watch(self, log: Iterable[LogRecord]) -> Iterator[LogRecord]:
        """The log; how far it was read is remembered."""
        for record in log:
            self._ends[record.partition] = record.offset
            self._read_ms = record.timestamp_ms
            self._newest = record
            yield record

    def pass_over(self, knowledge: Knowledge) -> str:
        """The record that the replay read last is of somebody erased: it need not be refused again. Its session."""
        if self._newest is None:
            return ""
        masking = masking_at(knowledge, self._newest.timestamp_ms)
        raw = masked_raw(self._newest.value, masking)[:DEAD_LETTER_RAW_BYTES_MAX]
        self._met.add(sha256(raw).digest())
        return self._newest.key

    def take(self, letter: DeadLetter) -> None:
        """A dead letter that the replay made of the record that it read last."""
        digest = _digest(letter)
        is_kept = earliest_record_ms(self._read_ms) >= self._whole_since_ms
        if is_kept and digest not in self._logged:
            self.refused.append(_refused(letter))
        self._met.add(digest)

    def taken(self, topic: str) -> list[Refused]:
        """Logged ones, of events of this topic, that the replay has read and has not refused."""
        return [
            one
            for digest, one in self._logged.items()
            if digest not in self._met
            and one.place.topic == topic
            and one.place.offset <= self._ends.get(one.place.partition, -1)
        ]


class Line(NamedTuple):
    """One event of a session: None where the record is none."""

    place: Place
    event_id: str | None


def lines_of(
    log: Iterable[LogRecord], sessions: Collection[str], decode: Callable[[bytes], Event]
) -> dict[str, list[Line]]:
    """The records of these sessions in the order of the log."""
    found: dict[str, list[Line]] = {}
    for record in log:
        if record.key not in sessions:
            continue
        try:
            event_id = decode(record.value).event_id
        except InvalidEvent:
            event_id = None
        place = Place(record.topic, record.partition, record.offset)
        found.setdefault(record.key, []).append(Line(place, event_id))
    return found


def suspects(
    lines: list[Line],
    event_id: str,
    is_vouched: Callable[[EventKey], bool],
    is_foreign: Callable[[EventKey], bool],
    session_id: str,
) -> list[Place]:
    """The records that a decision on this event may rest on and nothing vouches for, the nearest first.

    Where the event is not in its session: those that no decision was logged of but should have been, or that
    are no events; else none.
    """
    at = next((at for at, line in enumerate(lines) if line.event_id == event_id), None)
    if at is None:
        return [
            line.place
            for line in lines
            if line.event_id is None or is_foreign((session_id, line.event_id))
        ]
    found = []
    for line in reversed(lines[: at + 1]):
        if line.event_id is not None and is_vouched((session_id, line.event_id)):
            break
        found.append(line.place)
    return found


def _digest(letter: DeadLetter) -> bytes:
    return sha256(letter.raw).digest()


def _refused(letter: DeadLetter) -> Refused:
    place = Place(letter.topic, letter.partition, letter.offset)
    return Refused(place, letter.reason, letter.message)
