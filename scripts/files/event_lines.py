"""Files of events as a log: lines stay the bytes that they are, put in order of time."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from sys import intern
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
from msgspec import NODEFAULT, Struct

from schemas.counted import counted
from schemas.doors import check_meant
from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.events import Event
from schemas.formats.field_names import MADE_ID, Notices
from schemas.formats.json_lines import read_event
from schemas.mask_event import masked
from schemas.records import LogRecord
from scripts.files.input_files import is_usable, read_values
from scripts.files.made_ids import MadeIds
from scripts.files.told_names import in_words

TOPIC: Final = "file"


class Placed(NamedTuple):
    """A line of a file and where it stands: its number from 0 in the file `name`; `has_made_id`: it had none."""

    name: str
    number: int
    raw: bytes
    has_made_id: bool = False


class EventLines:
    """The valid events of files in order of time; `invalid` counts the other lines, `first_fault` says of the first
    of them why.

    Can be read again and again; a record's value is the line, which event_from_json decodes. Held in
    memory, because files need not be in order: each line's bytes and 60 more. `notices` are of their fields' names.
    """

    def __init__(self, lines: Iterable[bytes | Placed]) -> None:
        self.invalid = 0
        self.first_fault = ""
        self.notices = Notices()
        self._times = array("q")
        self._session_ids: list[str] = []
        self._lines: list[bytes] = []
        for line in lines:
            self._add(line)
        order = np.argsort(np.array(self._times, dtype=np.int64), kind="stable")
        self._order: Sequence[int] = array("q", order.astype(np.int64).tobytes())

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[LogRecord]:
        for offset, at in enumerate(self._order):
            time_ms, session_id = self._times[at], self._session_ids[at]
            yield LogRecord(TOPIC, 0, offset, time_ms, session_id, self._lines[at])

    def check(self, say: Callable[[str], None]) -> Self:
        """Says how many lines were no events; raises UnusableInput where nothing, or less than half, is one."""
        if not self.invalid and not len(self):
            raise UnusableInput("there is no event in the files: nothing to learn from")
        if not is_usable(len(self), self.invalid):
            raise UnusableInput(
                f"{self.invalid:,} of {self.invalid + len(self):,} lines are no events"
                + (f"; the first: {self.first_fault}" if self.first_fault else "")
            )
        if self.invalid:
            say(
                f"{counted(self.invalid, 'line is no event', 'lines are no events')} and left out; the first: {self.first_fault}"
            )
        for notice in self.notices:
            say(in_words(notice))
        return self

    def _add(self, placed: bytes | Placed) -> None:
        line = placed if isinstance(placed, bytes) else placed.raw
        try:
            event, notes = read_event(line)
            check_meant(event)
        except InvalidEvent as error:
            if not self.invalid:
                self.first_fault = _fault(placed, error)
            self.invalid += 1
            return
        if isinstance(placed, Placed) and placed.has_made_id:
            notes = [*notes, MADE_ID]
        if notes:
            self.notices.add(notes, len(self._lines) + self.invalid)
        self._times.append(event.event_time_ms)
        self._session_ids.append(intern(event.session_id))  # one copy for all of its events
        self._lines.append(line)


def _fault(placed: bytes | Placed, error: InvalidEvent) -> str:
    """For a person: lines count from 1 there."""
    if isinstance(placed, bytes):
        return str(error)
    return f"{placed.name}, line {placed.number + 1}: {error.message}"


def lines_of(paths: Iterable[Path]) -> Iterator[Placed]:
    """The values of files of JSON, one file after the other; those without an id get one. Raises ConfigError."""
    for path in paths:
        ids = MadeIds()
        for number, raw in read_values(path):
            named = ids.named(raw)
            yield Placed(path.name, number, named or raw, named is not None)


def write_lines(events: Iterable[Event], path: Path) -> int:
    """Writes events as JSON Lines, without the fields that say nothing and with their free text masked; how many they were."""
    count = 0
    try:
        with path.open("wb") as file:
            for event in events:
                file.write(msgspec.json.encode(without_defaults(masked(event))) + b"\n")
                count += 1
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return count


def without_defaults(value: object) -> object:
    """The value without the fields that are as if absent."""
    if isinstance(value, Struct):
        defaults = _defaults(type(value))
        fields = {name: getattr(value, name) for name in defaults}
        return {n: without_defaults(one) for n, one in fields.items() if one != defaults[n]}
    return [without_defaults(one) for one in value] if isinstance(value, tuple) else value


@cache
def _defaults(kind: type[Struct]) -> dict[str, object]:
    return {
        one.name: one.default if one.default_factory is NODEFAULT else one.default_factory()
        for one in msgspec.structs.fields(kind)
    }
