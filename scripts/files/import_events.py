"""`kairos import`: files of events into the log, in order of time, bad lines into the dead letters."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from jobs.publish import Log
from schemas.dead_letters import MASKED, Masking, dead_letter
from schemas.doors import check_at_door
from schemas.enrich.places import Places
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats import EventFormat
from schemas.formats.field_names import MADE_ID, Notices
from schemas.formats.json_lines import read_event
from schemas.records import LogRecord
from scripts.files.input_files import is_usable, read_values
from scripts.files.made_ids import MadeIds
from scripts.files.sorted_events import Encoded, already_in_order, in_order_of_time

T = TypeVar("T")


class Watch(Protocol):
    """Goes through things under a name, and shows how far it is."""

    def __call__(self, name: str, things: Iterable[T], /) -> Iterable[T]: ...


class Imported(NamedTuple):
    """What became of the lines of the files: `read` = `events` + `duplicates` + `invalid` + `erased`.

    `events` are in the log, `duplicates` were there twice in what was read, `invalid` are dead letters;
    `first_fault` says where the first of these lies, and why. `erased` are of people who were erased since.
    """

    read: int = 0
    events: int = 0
    duplicates: int = 0
    invalid: int = 0
    first_fault: str | None = None
    erased: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether at least half of what was read was worth reading."""
        return is_usable(self.events + self.duplicates + self.erased, self.invalid)


class Bad(NamedTuple):
    """A line that is no event: its file, its number from 0, its bytes, and why."""

    name: str
    line: int
    raw: bytes
    error: InvalidEvent

    @property
    def fault(self) -> str:
        """For a person: lines count from 1 there."""
        return f"{self.name}, line {self.line + 1}: {self.error.message}"


def read_json_lines(
    path: Path,
    at_ms: int | None = None,
    notices: Notices | None = None,
    *,
    is_strict: bool = False,
    places: Places | None = None,
) -> Iterator[Event | Bad]:
    """The events of a file of JSON in its order; blank lines are skipped.

    A line without an `event_id` gets one (`MadeIds`). With `at_ms`, the wall clock, what the engine would refuse then is bad as well; if it `is_strict`, what says
    says something that nobody `notices` take what there is to say of names.
    """
    ids = MadeIds()
    for number, line in read_values(path):
        named = ids.named(line)
        try:
            event, notes = read_event(named or line, is_strict=is_strict, places=places)
            if notices is not None and (notes or named):
                notices.add([*notes, MADE_ID] if named else notes, number)
            if at_ms is not None:
                check_at_door(event, at_ms)
            yield event
        except InvalidEvent as error:
            yield Bad(path.name, number, line, error)


def read_records(path: Path, form: EventFormat, at_ms: int | None = None) -> Iterator[Event | Bad]:
    """The events of a file whose values are records of a format of the topic, in its order; with `at_ms` likewise."""
    for number, value in read_values(path):
        for raw in form.split(value):
            try:
                event = form.decode(raw)
                if at_ms is not None:
                    check_at_door(event, at_ms)
                yield event
            except InvalidEvent as error:
                yield Bad(path.name, number, raw, error)


def checked(events: Iterable[Event | Bad], name: str, at_ms: int) -> Iterator[Event | Bad]:
    """Events of another format's file, in which one that the engine would refuse is bad, too."""
    for number, one in enumerate(events):
        if isinstance(one, Event):
            try:
                check_at_door(one, at_ms)
            except InvalidEvent as error:
                yield Bad(name, number, msgspec.json.encode(one), error)
                continue
        yield one


def write_events(
    log: Log,
    source: Iterable[Event | Bad],
    watch: Watch = lambda _, things: things,
    before: Callable[[int | None], None] = lambda _: None,
    is_erased: Callable[[Encoded], bool] = lambda _: False,
    masking: Masking = MASKED,
    *,
    is_in_order: bool = False,
) -> Imported:
    """Writes a source to the log in order of time, and says what became of it; `watch` shows progress.

    `before` is called once, with the time of the earliest event, before that is written. What `is_erased` is counted and not written.
    Bad lines are masked as `masking` says.

    A bad line becomes a dead letter of the topic `import:NAME` whose offset is the line's number. No event is in
    the log before all have been read, unless the source `is_in_order` as it comes. What is in the source twice (session, id and time) is written once.
    """
    reading = _Reading(log, source, watch, masking)
    events = duplicates = erased = 0
    time_ms = 0
    now: set[tuple[str, str]] = set()
    ordered = (already_in_order if is_in_order else in_order_of_time)(reading)
    first = next(ordered, None)
    before(first.time_ms if first else None)
    for one in watch("importing", chain([first] if first else [], ordered)):
        if one.time_ms != time_ms:
            time_ms = one.time_ms
            now.clear()
        name = (one.session_id, one.event_id)
        if name in now:
            duplicates += 1
            continue
        now.add(name)
        if is_erased(one):
            erased += 1
            continue
        log.imported(one.session_id, one.value, one.time_ms)
        events += 1
    log.flush()
    read = events + duplicates + reading.invalid + erased
    return Imported(read, events, duplicates, reading.invalid, reading.first, erased)


class _Reading:
    """The source's events as the log takes them; bad lines go to the dead letters at once."""

    def __init__(
        self, log: Log, source: Iterable[Event | Bad], watch: Watch, masking: Masking
    ) -> None:
        self._log, self._source, self._watch, self._masking = log, source, watch, masking
        self.invalid = 0
        self.first: str | None = None

    def __iter__(self) -> Iterator[Encoded]:
        for one in self._watch("reading", self._source):
            if isinstance(one, Bad):
                self._put_aside(one)
            else:
                value = self._log.to_import(one)
                yield Encoded(one.event_time_ms, one.session_id, one.event_id, value)

    def _put_aside(self, bad: Bad) -> None:
        record = LogRecord(f"import:{bad.name}", 0, bad.line, 0, "", bad.raw)
        self._log.dead_letter(dead_letter(record, bad.error, self._masking))
        self.invalid += 1
        self.first = self.first or bad.fault
