"""The dead letters of a running log: counted, mended, and sent again through the front door."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from channels.api.audit_log import Actor
from jobs.config import Config
from jobs.event_format import format_named, format_of, rules_of
from jobs.publish import Log as Writing
from jobs.publish import now_ms
from schemas.counted import counted
from schemas.dead_letters import DeadLetter, replayed
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.mappings.mapping_rules import Compiled
from schemas.topics import DEAD_LETTERS
from scripts.audit.deployed_log import Log
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
    reading,
)
from scripts.ops.local_audit import audit_log_of
from scripts.privacy.list_of_erased import LeftOut, list_of_erased
from scripts.progress import Watched

ALL: Final = Wanted()


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


class Tried(NamedTuple):
    """What edits would make of `letters` of them: of so many `events`, of others none yet; the newest are `shown`."""

    letters: int
    events: int
    shown: list[Mended]

    @property
    def invalid(self) -> int:
        """Those that would still be no events."""
        return self.letters - self.events


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


class Letters:
    """The letters in one Kafka."""

    def __init__(self, config: Config, kafka: str) -> None:
        self._config, self._kafka = config, kafka

    def found(self, wanted: Wanted) -> Iterator[Found]:
        """Those that are meant, in the order of their log."""
        log = Log(self._kafka, self._config)
        again = replayed_places(log.records(DEAD_LETTERS))
        letters = find_letters(log.records(DEAD_LETTERS), again)
        return (one for one in letters if wanted.has(one, self._config.topic_prefix))

    def newest(self, wanted: Wanted, last: int) -> list[Found]:
        """The last of them."""
        return list(deque(self.found(wanted), last))

    def kinds(self, wanted: Wanted = ALL) -> list[Kind]:
        """How many there are by reason and topic, the most frequent first."""
        kinds: dict[tuple[str, str], Kind] = {}
        for one in self.found(wanted):
            name = (one.letter.reason, one.letter.topic.removeprefix(self._config.topic_prefix))
            was = kinds.get(name, Kind(*name, 0, 0, 0, ""))
            kinds[name] = was._replace(
                letters=was.letters + 1,
                replayed=was.replayed + one.is_replayed,
                newest_ms=max(was.newest_ms, one.at_ms),
                example=one.place,
            )
        return sorted(kinds.values(), key=lambda kind: (-kind.letters, kind.reason, kind.topic))

    def tried(self, wanted: Wanted, edits: Edits, reading: Reading, last: int) -> Tried:
        """What the edits would make of them; nothing is written."""
        at_ms, count, events = now_ms(), 0, 0
        shown: deque[Mended] = deque(maxlen=last)
        for found in self.found(wanted):
            one = mend(found, edits, reading, at_ms)
            count += 1
            events += one.event is not None
            shown.append(one)
        return Tried(count, events, list(shown))

    def send(self, actor: Actor, wanted: Wanted, edits: Edits, reading: Reading) -> Sent:
        """Sends them through the front door, mended, with their own ids and times, each once; the audit log keeps who did."""
        config, at_ms = self._config, now_ms()
        erased = LeftOut(list_of_erased(self._kafka, config), format_of(config).decode)
        log = Writing(self._kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
        going = Going(lambda found: mend(found, edits, reading, at_ms))
        details = {"reasons": ", ".join(wanted.reasons) or "all"}
        with audit_log_of(config).recording(actor, "dead letters replay", details):
            events = going.events(self.found(wanted))
            done = write_events(log, events, Watched, is_erased=erased)
            # behind the events, which are in the log by now: sent again they count once, lost they would be gone
            for one in going.sent:
                log.dead_letter(one)
            log.flush()
            details |= {"letters": str(going.letters), "sent": str(done.events)}
        return Sent(
            going.letters, done.events, going.before, going.invalid, done.erased, done.duplicates,
            going.first_fault,
        )  # fmt: skip


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


def reading_of(config: Config, form: str | None, rules: tuple[Compiled, ...] | None) -> Reading:
    """How what is JSON is read: by rules, or in a format, or (neither named) as the topic `events` is."""
    name = form or config.source_format
    if rules is None and form is None:
        rules = rules_of(config)
    read = reading(name, rules)
    return Reading(format_named(name, config).fields, read)


def mended_told(one: Mended) -> dict[str, Any]:
    """What became of a letter, for programs and pages."""
    return {
        "place": one.found.place, "reason": one.found.letter.reason, "is_replayed": one.found.is_replayed,
        "differences": differences(one.before, one.after), "is_event": one.event is not None, "fault": one.fault or None,
    }  # fmt: skip
