"""`kairos dead-letters`: what could not be used, why, and how it is mended and sent again."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from jobs.config import Config
from jobs.event_format import format_named, format_of, rules_of
from jobs.mapping_file import read_mapping
from jobs.publish import Log as Writing
from jobs.publish import now_ms
from schemas.counted import counted
from schemas.dead_letters import DeadLetter, replayed
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.topics import DEAD_LETTERS
from scripts.audit.deployed_log import Log
from scripts.console import show, show_json, show_table
from scripts.exit_codes import passed
from scripts.files.import_events import write_events
from scripts.files.items_here import LINGER_MS
from scripts.letters.find_letters import Found, Wanted, find_letters, replayed_places
from scripts.letters.mend_letter import (
    Edits,
    Fields,
    Read,
    Say,
    differences,
    edited,
    fields_of,
    mended,
)
from scripts.letters.mend_letter import reading as reading_of
from scripts.ops.local_audit import audit_log_of, local_actor, note_look
from scripts.ops.status import running_kafka
from scripts.privacy.list_of_erased import LeftOut, list_of_erased
from scripts.progress import Watched
from scripts.times import utc

RAW_SHOWN: Final = 2_000
How = tuple[str | None, Path | None]
"""How what is JSON is read: a format (None: that of the topic), or the file of a mapping."""


class Kind(NamedTuple):
    """All letters of one reason and topic: how many, how many of them were sent again, the newest, and one to look at."""

    reason: str
    topic: str
    letters: int
    replayed: int
    newest_ms: int
    example: str


class Reading(NamedTuple):
    """What the bytes of a letter `say`, and how that is `read` once it is mended."""

    say: Say
    read: Read


class Mended(NamedTuple):
    """A letter, what its bytes say before and after the edits, and the event or why it is still none."""

    found: Found
    before: Fields
    after: Fields
    event: Event | None
    fault: str = ""


class Sent(NamedTuple):
    """What became of the letters that were meant: `letters` = `sent` + `replayed_before` + `invalid` + `erased` + `duplicates`.

    `duplicates` are events of which another letter was sent as well; `erased` are of people who were erased since.
    """

    letters: int
    sent: int
    replayed_before: int
    invalid: int
    erased: int
    duplicates: int
    first_fault: str | None


def list_letters(config: Config, wanted: Wanted, *, is_json: bool) -> None:
    """How many there are by reason and topic, the most frequent first."""
    kinds: dict[tuple[str, str], Kind] = {}
    for one in _found(config, running_kafka(config), wanted):
        name = (one.letter.reason, one.letter.topic)
        was = kinds.get(name, Kind(*name, 0, 0, 0, ""))
        kinds[name] = was._replace(
            letters=was.letters + 1,
            replayed=was.replayed + one.is_replayed,
            newest_ms=max(was.newest_ms, one.at_ms),
            example=one.place,
        )
    ordered = sorted(kinds.values(), key=lambda kind: (-kind.letters, kind.reason, kind.topic))
    if is_json:
        show_json([one._asdict() for one in ordered])
        return
    rows = [(*one[:4], utc(one.newest_ms), one.example) for one in ordered]
    columns = ("reason", "of", "letters", "sent again", "newest", "for example")
    show_table("", columns, rows)
    if not ordered:
        show("no such dead letters")


def show_letters(config: Config, wanted: Wanted, last: int, *, is_json: bool) -> None:
    """The newest of them whole, bytes as text; who looked stands in the audit log."""
    newest = list(deque(_found(config, running_kafka(config), wanted), last))
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
    reading, at_ms = _reading(config, how), now_ms()
    shown: deque[Mended] = deque(maxlen=last)
    count = invalid = 0
    for found in _found(config, running_kafka(config), wanted):
        one = mend(found, edits, reading, at_ms)
        count += 1
        invalid += one.event is None
        shown.append(one)
    _note(config, [one.found for one in shown])
    if is_json:
        letters = [_mended_told(one) for one in shown]
        show_json({"letters": count, "events": count - invalid, "invalid": invalid, "shown": letters})  # fmt: skip
        return passed(not invalid)
    for one in shown:
        show(f"{one.found.place}  {one.found.letter.reason}")
        for line in differences(one.before, one.after):
            show(f"  {line}")
        show(f"  {_outcome(one)}")
    show(
        f"{counted(count, 'dead letter')}: {count - invalid:,} would be events, {invalid:,} still none"
    )
    return passed(not invalid)


def replay_letters(config: Config, wanted: Wanted, edits: Edits, how: How, *, is_json: bool) -> int:
    """Sends them through the front door, mended, with their own ids and times, each once; exit code 1 where some are no events."""
    kafka, reading = running_kafka(config), _reading(config, how)
    erased = LeftOut(list_of_erased(kafka, config), format_of(config).decode)
    log = Writing(kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
    at_ms = now_ms()
    going = Going(lambda found: mend(found, edits, reading, at_ms))
    details = {"reasons": ", ".join(wanted.reasons) or "all"}
    with audit_log_of(config).recording(local_actor(), "dead letters replay", details):
        events = going.events(_found(config, kafka, wanted))
        done = write_events(log, events, Watched, is_erased=erased)
        # behind the events, which are in the log by now: sent again they count once, lost they would be gone
        for one in going.sent:
            log.dead_letter(one)
        log.flush()
        details |= {"letters": str(going.letters), "sent": str(done.events)}
    sent = Sent(
        going.letters, done.events, going.before, going.invalid, done.erased, done.duplicates,
        going.first_fault,
    )  # fmt: skip
    if is_json:
        show_json(sent._asdict())
    else:
        show(in_words(sent))
    return passed(not going.invalid)


class Going:
    """Letters on their way into the log: of those that are `sent` is kept what says so, without their bytes."""

    def __init__(self, mend_one: Callable[[Found], Mended]) -> None:
        self._mend = mend_one
        self.letters = self.before = self.invalid = 0
        self.first_fault: str | None = None
        self.sent: list[DeadLetter] = []

    def events(self, found: Iterable[Found]) -> Iterator[Event]:
        """The events of those that were not sent before."""
        for one in found:
            self.letters += 1
            if one.is_replayed:
                self.before += 1
                continue
            mended_one = self._mend(one)
            if mended_one.event is None:
                self.invalid += 1
                self.first_fault = self.first_fault or f"{one.place}: {mended_one.fault}"
                continue
            self.sent.append(replayed(one.letter))
            yield mended_one.event


def mend(found: Found, edits: Edits, reading: Reading, at_ms: int) -> Mended:
    """What the edits make of a letter."""
    before: Fields = {}
    after: Fields = {}
    try:
        before = fields_of(found.letter, reading.say)
        after = edited(before, edits)
        return Mended(found, before, after, mended(found.letter, after, reading.read, at_ms))
    except InvalidEvent as error:
        return Mended(found, before, after, None, f"{error.reason}: {error.message}")


def in_words(sent: Sent) -> str:
    """What became of them, in a sentence."""
    words = [counted(sent.letters, "dead letter"), f"{counted(sent.sent, 'event')} sent again"]
    for count, what in (
        (sent.replayed_before, "sent before"), (sent.invalid, "still no events"),
        (sent.duplicates, "told by another letter, too"), (sent.erased, "left out, of people who were erased"),
    ):  # fmt: skip
        words += [f"{count:,} {what}"] if count else []
    return ", ".join(words) + (f"; the first: {sent.first_fault}" if sent.first_fault else "")


def _reading(config: Config, how: How) -> Reading:
    form, mapping = how
    name = form or config.source_format
    rules = read_mapping(mapping) if mapping is not None else None
    if rules is None and form is None:
        rules = rules_of(config)
    read = reading_of(name, rules)
    return Reading(format_named(name, config).fields, read)


def _found(config: Config, kafka: str, wanted: Wanted) -> Iterator[Found]:
    log = Log(kafka, config)
    again = replayed_places(log.records(DEAD_LETTERS))
    letters = find_letters(log.records(DEAD_LETTERS), again)
    return (one for one in letters if wanted.has(one, config.topic_prefix))


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


def _mended_told(one: Mended) -> dict[str, Any]:
    return {
        "place": one.found.place, "reason": one.found.letter.reason, "is_replayed": one.found.is_replayed,
        "differences": differences(one.before, one.after), "is_event": one.event is not None, "fault": one.fault or None,
    }  # fmt: skip


def _outcome(one: Mended) -> str:
    if one.event is None:
        return f"still no event: {one.fault}"
    return f"an event: {one.event.event_type} of {utc(one.event.event_time_ms)}"
