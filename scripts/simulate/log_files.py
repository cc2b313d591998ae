"""Where a world's log goes: a file of events, or a folder with all that others read of it."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from schemas.decisions import Decision
from schemas.errors import ConfigError
from scripts.files.event_lines import without_defaults
from scripts.simulate.scene import Row
from scripts.simulate.world_file import Setting

EVENTS: Final = "events.jsonl"
DECISIONS: Final = "decisions.jsonl"
ROWS: Final = "decisions.csv"
ITEMS: Final = "items.jsonl"
POLICY: Final = "policy.yaml"
LINES: Final = ".jsonl"


class Nowhere:
    """For a world that is played to be counted."""

    def event(self, line: bytes) -> None:
        """Nothing."""

    def decision(self, decision: Decision) -> None:
        """Nothing."""

    def row(self, row: Row) -> None:
        """Nothing."""


class LogFile(Nowhere):
    """Events alone, as lines of JSON."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def event(self, line: bytes) -> None:
        """A line."""
        self._file.write(line + b"\n")


class LogFolder(LogFile):
    """Events, decisions, and each decision with its outcome as a row."""

    def __init__(self, events: BinaryIO, decisions: BinaryIO, rows: Any) -> None:
        super().__init__(events)
        self._decisions, self._rows = decisions, csv.writer(rows, lineterminator="\n")
        self._rows.writerow(Row._fields)

    def decision(self, decision: Decision) -> None:
        """A line."""
        self._decisions.write(msgspec.json.encode(decision) + b"\n")

    def row(self, row: Row) -> None:
        """A row."""
        self._rows.writerow(row)


@contextmanager
def opened(path: Path | None, setting: Setting, policy_file: Path) -> Iterator[Nowhere]:
    """What takes the log: `x.jsonl` the events; any other path is a folder, made where it is not there; None: nothing.

    Raises ConfigError where it cannot be written.
    """
    with ExitStack() as files:
        try:
            out = _open(path, setting, policy_file, files)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        yield out


def _open(path: Path | None, setting: Setting, policy_file: Path, files: ExitStack) -> Nowhere:
    if path is None:
        return Nowhere()
    if path.suffix == LINES:
        return LogFile(files.enter_context(path.open("wb")))
    path.mkdir(parents=True, exist_ok=True)
    (path / POLICY).write_bytes(policy_file.read_bytes())
    with (path / ITEMS).open("wb") as items:
        for item in setting.goods.items:
            items.write(msgspec.json.encode(without_defaults(item)) + b"\n")
    events = files.enter_context((path / EVENTS).open("wb"))
    decisions = files.enter_context((path / DECISIONS).open("wb"))
    rows = files.enter_context((path / ROWS).open("w", newline="", encoding="utf-8"))
    return LogFolder(events, decisions, rows)
