"""Reads files of Snowplow's events: the lines that Enrich writes, atomic events as CSV, or JSON Lines, plain, gzip or zstd, one or a folder."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import msgspec

from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.events import Event
from schemas.formats.snowplow import event_from_snowplow_json
from schemas.formats.snowplow_tsv import is_enriched, row_of_enriched
from schemas.limits import EVENT_BYTES_MAX
from scripts.files.csv_rows import Row, read_rows
from scripts.files.input_files import open_text, read_values

DEMO_FOLDER: Final = Path(__file__).parent.parent / "demo_data" / "snowplow"
DEMO_APP_IDS: Final = frozenset({"ecom-accel", "DemoID"})

SIDE_TABLES: Final = "com_snowplowanalytics_*.csv*"
EVENT_FILES: Final = "*events*"
LINE_LENGTH_MAX: Final = EVENT_BYTES_MAX
"""Of what is looked at to tell what a file is."""


class BadRow(NamedTuple):
    """A row that is no event: `raw` is what a dead letter keeps of it, `line` its number from 0 in the file `name`."""

    raw: bytes
    error: InvalidEvent
    name: str = ""
    line: int = 0


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
        said = (
            f"{counted(read, 'event')} read, {self.dropped} dropped by app id, {len(self.bad)} bad"
        )
        if not self.bad:
            return said
        first = self.bad[0]
        where = f"{first.name}, line {first.line + 1}: " if first.name else ""
        return f"{said}; the first: {where}{first.error.message}"


class Place(NamedTuple):
    """Where a row stands: its file, and its line from 0."""

    name: str
    line: int


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
    for place, raw in _records(path):
        row = raw if isinstance(raw, BadRow) else _row(raw, app_ids)
        if row is None:
            dropped += 1
        elif isinstance(row, BadRow):
            found.bad.append(row._replace(name=place.name, line=place.line))
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


def _records(path: Path) -> Iterator[tuple[Place, bytes | BadRow]]:
    """Each row as one JSON object, whatever the file's format; rows of side tables only where they are bad."""
    files = sorted(path.glob(EVENT_FILES)) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path} has no file named like {EVENT_FILES}")
    side: dict[str, dict[str, list[dict[str, str]]]] = {}
    if path.is_dir():
        yield from _side_tables(path, side)
    for file in files:
        if _is_json(file):
            yield from ((Place(file.name, one.number), one.raw) for one in read_values(file))
        elif _is_enriched(file):
            with open_text(file) as lines:
                yield from _enriched_rows(file.name, lines)
        else:
            with open_text(file) as lines:
                yield from _csv_rows(file.name, lines, side)


def _is_json(file: Path) -> bool:
    return ".json" in file.name


def _is_enriched(file: Path) -> bool:
    """Whether its lines are those that Enrich writes, which have no header."""
    with open_text(file) as lines:
        return is_enriched(_bytes(lines.readline(LINE_LENGTH_MAX)))


def _enriched_rows(name: str, lines: TextIO) -> Iterator[tuple[Place, bytes | BadRow]]:
    for number, line in enumerate(lines):
        raw = _bytes(line.rstrip("\r\n"))
        try:
            if raw:
                yield Place(name, number), msgspec.json.encode(row_of_enriched(raw))
        except InvalidEvent as error:
            yield Place(name, number), BadRow(raw, error)


def _csv_rows(name: str, lines: TextIO, side: Side) -> Iterator[tuple[Place, bytes | BadRow]]:
    rows = read_rows(lines)
    names = next(rows, Row(0, "", [])).values or []
    if "event_id" not in names:
        raise UnusableInput(f"{name} has no column event_id: these are no Snowplow events")
    for row in rows:
        place = Place(name, row.line)
        if (fault := _fault(row, names)) is not None:
            yield place, fault
        elif row.values:
            yield place, _joined(dict(zip(names, row.values, strict=True)), side)


def _fault(row: Row, names: Sequence[str]) -> BadRow | None:
    """The row as a bad one; None of one that fits its header, and of an empty one."""
    if row.values is None:
        message = row.fault
    elif row.values and len(row.values) != len(names):
        message = f"{len(row.values)} columns, {len(names)} wanted"
    else:
        return None
    return BadRow(_bytes(row.text), InvalidEvent("malformed", message))


def _joined(row: dict[str, str], side: Side) -> bytes:
    """The row as JSON, with the entities that side tables hold for it."""
    present: dict[str, object] = {name: value for name, value in row.items() if value}
    present.update(side.get(row["event_id"], {}))
    return _bytes(json.dumps(present, ensure_ascii=False))


def _side_tables(
    folder: Path, side: dict[str, dict[str, list[dict[str, str]]]]
) -> Iterator[tuple[Place, BadRow]]:
    """Fills `side`: for each event its entities by the name that their column would have. Yields bad rows."""
    for path in sorted(folder.glob(SIDE_TABLES)):
        column = f"contexts_{path.name.split('.')[0]}"
        with open_text(path) as lines:
            rows = read_rows(lines)
            names = next(rows, Row(0, "", [])).values or []
            for row in rows:
                if (fault := _fault(row, names)) is not None:
                    yield Place(path.name, row.line), fault
                elif row.values:
                    entity = dict(zip(names, row.values, strict=True))
                    event_id = entity.get("root_id") or ""
                    side.setdefault(event_id, {}).setdefault(column, []).append(entity)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
