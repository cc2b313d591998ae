"""Records of a topic of others as events of ours: whatever key they have, by a format, by a mapping, or as our own JSON or Avro."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.mapping_file import read_mapping
from schemas.codec import EVENT, MARKER
from schemas.enrich.places import Places
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats import FORMATS
from schemas.formats.field_names import EVENT_NAMES
from schemas.formats.foreign_json import plain
from schemas.formats.json_lines import json_object, read_event
from schemas.mappings.mapped import mapped_event
from schemas.records import LogRecord
from scripts.files.foreign_records import json_of
from scripts.files.made_ids import BEGINNING, DIGITS

OURS: Final = ("kairos", "json")
TIME: Final = "event_time_ms"
TIMES: Final = frozenset({TIME}).union(
    *({name for name, ours in table.items() if ours == TIME} for table in (EVENT_NAMES.aliases, EVENT_NAMES.meant))
)  # fmt: skip
"""Names that mean when it was."""

Parts = Callable[[bytes], Iterator[bytes]]
ReadPart = Callable[[LogRecord, bytes], Event | None]


class TopicEvents(NamedTuple):
    """How records become events: of which format, by which mapping, and what is granted where they say nothing of consent."""

    form: str = "kairos"
    mapping: Path | None = None
    consent: frozenset[str] | None = None


class Reader(NamedTuple):
    """What a record's value holds, part by part (raises InvalidEvent), and what a part becomes: an event, None of what is passed over, or InvalidEvent."""

    parts: Parts
    read: ReadPart


def reader_of(config: Config, how: TopicEvents) -> Reader:
    """How records are read; raises ConfigError where that cannot be."""
    if how.mapping is not None:
        if how.form not in OURS:
            raise ConfigError("--mapping says how records are read: leave --format out")
        rules = read_mapping(how.mapping)
        return Reader(_said(config), lambda _, said: mapped_event(said, rules))
    if how.form in OURS:
        places = Places(config.places) if config.places is not None else None
        return Reader(_said(config), lambda record, said: _ours(record, said, places))
    if how.form not in FORMATS:
        raise ConfigError(f"--format {how.form} is of files")
    form = FORMATS[how.form]
    said_of = json_of(config)
    return Reader(lambda data: iter(form.split(said_of(data))), lambda _, said: form.decode(said))


def _said(config: Config) -> Parts:
    said_of = json_of(config)
    return lambda data: iter((said_of(data),))


def _ours(record: LogRecord, said: bytes, places: Places | None) -> Event:
    """Of our Avro, or our JSON: an event without an id or a time has those of its record."""
    if said[:2] == MARKER:
        return EVENT.decode(said)
    lacks = _lacks(record, said)
    if lacks:
        said = msgspec.json.encode(json_object(said) | lacks)
    return read_event(said, places=places).event


def _lacks(record: LogRecord, said: bytes) -> dict[str, Any]:
    """What JSON does not say of itself and its record does. A time under a name that is not read is no missing one: that is refused."""
    if b'"event_id"' in said and b'"event_time_ms"' in said:
        return {}  # nearly always, and what is amiss there is refused
    fields = json_object(said)
    found: dict[str, Any] = {}
    if fields.get("event_id") is None:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        found["event_id"] = BEGINNING + sha256(place.encode()).hexdigest()[:DIGITS]
    if not any(value is not None and plain(name) in TIMES for name, value in fields.items()):
        found["event_time_ms"] = record.timestamp_ms
    return found


def events_in(reader: Reader, record: LogRecord) -> Iterator[Event | InvalidEvent | None]:
    """What became of each part of a record: an event, None of what is passed over, or why it is none."""
    try:
        parts = list(reader.parts(record.value))
    except InvalidEvent as error:
        parts = []
        yield error
    for one in parts:
        try:
            yield reader.read(record, one)
        except InvalidEvent as error:
            yield error
