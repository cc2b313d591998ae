"""`kairos dead-letters`: what could not be used, why, and how it is mended and sent again."""

from pathlib import Path
from typing import Any, Final

from jobs.config import Config
from jobs.mapping_file import read_mapping
from schemas.counted import counted
from schemas.dead_letters import DeadLetter
from scripts.console import show, show_json, show_table
from scripts.exit_codes import passed
from scripts.letters.find_letters import Found, Wanted
from scripts.letters.letters_of_log import (
    Letters,
    Mended,
    Reading,
    in_words,
    mended_told,
    reading_of,
)
from scripts.letters.mend_letter import Edits, differences
from scripts.ops.local_audit import local_actor, note_look
from scripts.ops.status import running_kafka
from scripts.times import utc

RAW_SHOWN: Final = 2_000
How = tuple[str | None, Path | None]
"""How what is JSON is read: a format (None: that of the topic), or the file of a mapping."""


def list_letters(config: Config, wanted: Wanted, *, is_json: bool) -> None:
    """How many there are by reason and topic, the most frequent first."""
    kinds = _letters(config).kinds(wanted)
    if is_json:
        show_json([one._asdict() for one in kinds])
        return
    rows = [(*one[:4], utc(one.newest_ms), one.example) for one in kinds]
    columns = ("reason", "of", "letters", "sent again", "newest", "for example")
    show_table("", columns, rows)
    if not kinds:
        show("no such dead letters")


def show_letters(config: Config, wanted: Wanted, last: int, *, is_json: bool) -> None:
    """The newest of them whole, bytes as text; who looked stands in the audit log."""
    newest = _letters(config).newest(wanted, last)
    _note(config, newest)
    if is_json:
        show_json([_told(one) for one in newest])
        return
    for one in newest:
        told = _told(one)
        show(f"{told['place']}  {told['reason']}: {told['message']}")
        show(f"  written {utc(one.at_ms)}" + (", sent again" if one.is_replayed else ""))
        show(f"  {told['raw'][:RAW_SHOWN]}")
    if not newest:
        show("no such dead letters")


def repair_letters(
    config: Config, wanted: Wanted, edits: Edits, how: How, last: int, *, is_json: bool
) -> int:
    """Shows what the edits make of the letters, and writes nothing; exit code 1 where some would still be no events."""
    tried = _letters(config).tried(wanted, edits, _reading(config, how), last)
    _note(config, [one.found for one in tried.shown])
    if is_json:
        show_json({"letters": tried.letters, "events": tried.events, "invalid": tried.invalid, "shown": [mended_told(one) for one in tried.shown]})  # fmt: skip
        return passed(not tried.invalid)
    for one in tried.shown:
        show(f"{one.found.place}  {one.found.letter.reason}")
        for line in differences(one.before, one.after):
            show(f"  {line}")
        show(f"  {_outcome(one)}")
    show(
        f"{counted(tried.letters, 'dead letter')}: {tried.events:,} would be events, {tried.invalid:,} still none"
    )
    return passed(not tried.invalid)


def replay_letters(config: Config, wanted: Wanted, edits: Edits, how: How, *, is_json: bool) -> int:
    """Sends them through the front door, mended, each once; exit code 1 where some are no events."""
    reading = _reading(config, how)
    sent = _letters(config).send(local_actor(), wanted, edits, reading)
    if is_json:
        show_json(sent._asdict())
    else:
        show(in_words(sent))
    return passed(not sent.invalid)


def _letters(config: Config) -> Letters:
    return Letters(config, running_kafka(config))


def _reading(config: Config, how: How) -> Reading:
    form, mapping = how
    return reading_of(config, form, None if mapping is None else read_mapping(mapping))


def _note(config: Config, found: list[Found]) -> None:
    if found:
        note_look(config, "read dead letters", (), {"letters": str(len(found)), "newest": found[-1].place})  # fmt: skip


def _told(found: Found) -> dict[str, Any]:
    letter: DeadLetter = found.letter
    return {
        "place": found.place, "reason": letter.reason, "message": letter.message, "at_ms": found.at_ms,
        "event_time_ms": letter.event_time_ms, "is_replayed": found.is_replayed,
        "raw": letter.raw.decode("utf-8", "backslashreplace"),
    }  # fmt: skip


def _outcome(one: Mended) -> str:
    if one.event is None:
        return f"still no event: {one.fault}"
    return f"an event: {one.event.event_type} of {utc(one.event.event_time_ms)}"
