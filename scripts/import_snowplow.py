"""Reads files of Snowplow's atomic events: CSV or JSON Lines, plain or gzip, one or a folder."""

import csv
import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import msgspec

from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats.snowplow import event_from_snowplow_json

DEMO_FOLDER: Final = Path(__file__).parent / "demo_data" / "snowplow"
DEMO_APP_IDS: Final = frozenset({"ecom-accel", "DemoID"})

SIDE_TABLES: Final = "com_snowplowanalytics_*.csv*"
EVENT_FILES: Final = "*events*"


class BadRow(NamedTuple):
    """A row that is no event: `raw` is what a dead letter keeps of it."""

    raw: bytes
    error: InvalidEvent


class SnowplowRow(NamedTuple):
    """A row that is an event; `raw` is the row as one JSON object."""

    event: Event
    collector_tstamp: str
    raw: bytes


class SnowplowImport(NamedTuple):
    """What was read, in order of event time, and of the collector's time where that is equal."""

    rows: list[SnowplowRow]
    bad: list[BadRow]
    dropped: int

    @property
    def events(self) -> list[Event]:
        """The events in order."""
        return [row.event for row in self.rows]

    def __str__(self) -> str:
        """The counts in a sentence: 833 events read, 1 dropped by its app id, 0 bad."""
        read = len(self.rows) + len(self.bad) + self.dropped
        return f"{read} events read, {self.dropped} dropped by app id, {len(self.bad)} bad"


class _Source(msgspec.Struct):
    app_id: str | None = None
    collector_tstamp: str | None = None


Side = Mapping[str, Mapping[str, list[dict[str, str]]]]
"""Event id -> column -> entities."""


def read_snowplow(path: Path, app_ids: Collection[str] | None = None) -> SnowplowImport:
    """The events of a file, or of a folder of event files and side tables.

    `app_ids` are the apps whose events are wanted, None for all; of the rest a row that cannot be
    read is bad before it is dropped. Everything is held in memory, to be put in order. Raises
    ConfigError if there is nothing to read.
    """
    found = SnowplowImport([], [], 0)
    dropped = 0
    for raw in _records(path):
        row = raw if isinstance(raw, BadRow) else _row(raw, app_ids)
        if row is None:
            dropped += 1
        elif isinstance(row, BadRow):
            found.bad.append(row)
        else:
            found.rows.append(row)
    found.rows.sort(key=lambda row: (row.event.event_time_ms, row.collector_tstamp))
    return found._replace(dropped=dropped)


def _row(raw: bytes, app_ids: Collection[str] | None) -> SnowplowRow | BadRow | None:
    try:
        source = msgspec.json.decode(raw, type=_Source)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BadRow(raw, InvalidEvent("malformed", str(error)))
    if app_ids is not None and source.app_id not in app_ids:
        return None
    try:
        return SnowplowRow(event_from_snowplow_json(raw), source.collector_tstamp or "", raw)
    except InvalidEvent as error:
        return BadRow(raw, error)


def _records(path: Path) -> Iterator[bytes | BadRow]:
    """Each row as one JSON object, whatever the file's format."""
    files = sorted(path.glob(EVENT_FILES)) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path} has no file named like {EVENT_FILES}")
    side = _side_tables(path) if path.is_dir() else {}
    for file in files:
        with _opened(file) as lines:
            yield from _json_lines(lines) if ".json" in file.name else _csv_rows(lines, side)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Bytes that are no UTF-8 are kept as surrogates, so that one bad row is one bad row."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(
            path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as lines:
            yield lines
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _json_lines(lines: TextIO) -> Iterator[bytes]:
    return (_bytes(line.strip()) for line in lines if line.strip())


def _csv_rows(lines: TextIO, side: Side) -> Iterator[bytes | BadRow]:
    kept: list[str] = []
    reader = csv.reader(_kept(lines, kept))
    names = next(reader, [])
    if "event_id" not in names:
        raise ConfigError(f"{lines.name} has no column event_id: these are no Snowplow events")
    kept.clear()
    for values in _each(reader):
        if isinstance(values, csv.Error):
            yield _unreadable(kept, str(values))
        elif len(values) == len(names):
            yield _joined(dict(zip(names, values, strict=True)), side)
        elif values:
            yield _unreadable(kept, f"{len(values)} columns, {len(names)} wanted")
        kept.clear()


def _unreadable(lines: list[str], message: str) -> BadRow:
    return BadRow(_bytes("".join(lines)), InvalidEvent("malformed", message))


def _kept(lines: TextIO, kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _each(reader: Iterator[list[str]]) -> Iterator[list[str] | csv.Error]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a field beyond the reader's limit; it goes on behind it
            yield error


def _joined(row: dict[str, str], side: Side) -> bytes:
    """The row as JSON, with the entities that side tables hold for it."""
    present: dict[str, object] = {name: value for name, value in row.items() if value}
    present.update(side.get(row["event_id"], {}))
    return _bytes(json.dumps(present, ensure_ascii=False))


def _side_tables(folder: Path) -> Side:
    """For each event its entities by the name that their column would have."""
    side: dict[str, dict[str, list[dict[str, str]]]] = {}
    for path in sorted(folder.glob(SIDE_TABLES)):
        column = f"contexts_{path.name.split('.')[0]}"
        with _opened(path) as lines:
            for entity in csv.DictReader(lines):
                event_id = entity.get("root_id") or ""
                side.setdefault(event_id, {}).setdefault(column, []).append(entity)
    return side


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
