"""`kairos import`: files of events into the log, bad lines into the dead letters."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jobs.publish import Log
from schemas.dead_letters import dead_letter
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats.json_lines import event_from_json, item_from_json
from schemas.items import Item
from schemas.records import LogRecord


class Imported(NamedTuple):
    """What became of the lines of a file."""

    read: int
    events: int
    invalid: int


class Bad(NamedTuple):
    """A line that is no event: its number from 0, its bytes, and why."""

    line: int
    raw: bytes
    error: InvalidEvent


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not empty, with their number from 0; raises ConfigError."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if line.strip():
                    yield number, line.strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def read_json_lines(path: Path) -> Iterator[Event | Bad]:
    """The events of a JSON Lines file in its order; empty lines are skipped."""
    for number, line in read_lines(path):
        try:
            yield event_from_json(line)
        except InvalidEvent as error:
            yield Bad(number, line, error)


def read_items(path: Path) -> Iterator[Item]:
    """The items of a JSON Lines file; ConfigError names the line at fault."""
    for number, line in read_lines(path):
        try:
            yield item_from_json(line)
        except InvalidEvent as error:
            raise ConfigError(f"{path}, line {number + 1}: {error}") from error


def write_events(log: Log, source: Iterable[Event | Bad], name: str) -> Iterator[Imported]:
    """Writes a source to the log and yields the counts after each line, for a progress bar.

    A bad line becomes a dead letter of the topic `import:NAME`, its offset is the line's number.
    """
    events = invalid = 0
    for read, one in enumerate(source, start=1):
        if isinstance(one, Bad):
            invalid += 1
            record = LogRecord(f"import:{name}", 0, one.line, 0, "", one.raw)
            log.dead_letter(dead_letter(record, one.error))
        else:
            events += 1
            log.event(one)
        yield Imported(read, events, invalid)
    log.flush()
