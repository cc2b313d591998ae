"""Whose data a home holds: what was noted, and what lies there."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from jobs.config import Config
from jobs.publish import now_ms
from jobs.stack.private import write_private
from schemas.counted import counted
from scripts.times import utc

NOTE: Final = "holds.json"
BEGUN: Final = Path("kafka", "log", "meta.properties")
"""Written when the log of a home is made, and never again."""


class Note(msgspec.Struct, frozen=True):
    """What nobody sees from the log of a home: whose it is, the files of its last import, and what its engine grants where nothing is said
    of consent (None: an engine of before noted nothing).
    """

    is_demo: bool = False
    has_shop: bool = False
    imported: str = ""
    imported_ms: int = 0
    consent: str | None = None


def read_note(home: Path) -> Note:
    """What was noted of a home; nothing where there is none."""
    try:
        return msgspec.json.decode((home / NOTE).read_bytes(), type=Note)
    except (FileNotFoundError, msgspec.DecodeError):
        return Note()


def write_note(home: Path, **new: Any) -> None:
    """Notes that, and leaves the rest as it is."""
    noted = msgspec.structs.replace(read_note(home), **new)
    write_private(home / NOTE, msgspec.json.encode(noted).decode())


def forget_start(home: Path) -> None:
    """Takes away the note of a start that came to nothing: there is no log that it would be of."""
    if not has_data(home):
        (home / NOTE).unlink(missing_ok=True)


def note_import(config: Config, files: Sequence[Path]) -> None:
    """Notes what was imported into the log of this home; another Kafka's log is not its own."""
    if config.kafka is not None or not has_data(config.home):
        return
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    with suppress(OSError):  # a full disk: what was imported is in the log all the same
        write_note(config.home, imported=f"{files[0].name}{more}", imported_ms=now_ms())


def has_data(home: Path) -> bool:
    """Whether something was ever started in this home, so that it has a log."""
    return (home / BEGUN).exists()


def whose(home: Path, items: int | None = None) -> str:
    """Whose data a home holds, since when, how many items where that is known, and what was imported last."""
    if not has_data(home):
        return f"{home} holds no data"
    note = read_note(home)
    since_ms = int((home / BEGUN).stat().st_mtime * 1_000)
    owner = "the demo's" if note.is_demo else "your"
    words = [f"{owner} data since {_day(since_ms)}"]
    if items is not None:
        words.append(counted(items, "item"))
    if note.has_shop and not note.is_demo:
        words.append("the demo shop's among them")
    if note.imported:
        words.append(f"last import {note.imported} on {_day(note.imported_ms)}")
    return f"{home} holds {', '.join(words)}"


def _day(time_ms: int) -> str:
    return utc(time_ms)[:10]
