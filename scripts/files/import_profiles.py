"""`kairos import --profiles`: what a CRM or a warehouse knows of people, as events in the log, each at the time since when it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.event_format import format_of
from jobs.publish import Log, now_ms
from schemas.counted import counted
from schemas.doors import check_at_door
from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.events import Event, granted_in_words
from schemas.formats.field_names import Notices
from schemas.formats.profile_rows import ReadProfile, profile_of_json
from schemas.limits import DAY_MS, PERSON_EXPIRY_MS
from scripts.console import say, show, show_json
from scripts.exit_codes import passed
from scripts.files.event_files import UNSAID, Heard, assuming
from scripts.files.file_records import read_records
from scripts.files.import_events import Bad, write_events
from scripts.files.input_files import is_usable
from scripts.files.items_here import LINGER_MS
from scripts.files.publish_items import decided_of
from scripts.files.told_names import in_words
from scripts.ops.home_note import note_import
from scripts.ops.status import running_kafka
from scripts.privacy.list_of_erased import LeftOut, list_of_erased
from scripts.progress import Watched
from scripts.times import utc

NOTHING: Final = "there is no row in the files"


class ProfileRows(NamedTuple):
    """How rows are read: the time of those that say none, columns under other names, what their people agreed to; whether bad ones are left out."""

    default_ms: int | None = None
    renames: Mapping[str, str] = {}
    consent: frozenset[str] | None = None
    is_partial: bool = False


def check_options(
    is_profiles: bool, of_events: Mapping[str, object], of_profiles: Mapping[str, object]
) -> None:
    """Raises ConfigError for an option that says nothing of what is imported: of events alone, or of profiles alone."""
    if is_profiles:
        refuse_given(of_events, "is not of --profiles")
    else:
        refuse_given(of_profiles, "is of --profiles")


def refuse_given(options: Mapping[str, object], why: str) -> None:
    """Raises ConfigError for the first of these options that was given."""
    named = next((name for name, value in options.items() if value), None)
    if named is not None:
        raise ConfigError(f"{named} {why}")


class Profiles:
    """The events of files of rows, in their order; `left_out` counts rows that are none, `old` those that nobody's profile will keep."""

    def __init__(self, paths: Sequence[Path], how: ProfileRows, at_ms: int) -> None:
        self._paths, self._how, self._at_ms = paths, how, at_ms
        self.notices = Notices()
        self.left_out = self.old = 0

    def __iter__(self) -> Iterator[Event | Bad]:
        for path in self._paths:
            for number, raw, fault in read_records(path):
                try:
                    event, notes = self._read(raw, fault)
                except InvalidEvent as error:
                    self._refuse(f"{path}, line {number + 1}: {error.message}")
                    continue
                self.notices.add(notes, number)
                self.old += event.event_time_ms < self._at_ms - PERSON_EXPIRY_MS
                yield event

    def _read(self, raw: bytes, fault: str) -> ReadProfile:
        if fault:
            raise InvalidEvent("malformed", fault)
        read = profile_of_json(raw, self._how.default_ms, self._how.renames)
        check_at_door(read.event, self._at_ms)
        return read

    def _refuse(self, fault: str) -> None:
        if not self._how.is_partial:
            raise ConfigError(
                f"{fault}; nothing was written: mend it, or leave such lines out by --partial"
            )
        self.left_out += 1
        if self.left_out == 1:
            say(f"left out: {fault}")


def import_profiles(
    config: Config, files: Sequence[Path], how: ProfileRows, *, is_json: bool
) -> int:
    """Puts rows of people into the log, in order of time; the exit code. ConfigError names the line at fault, and then nothing is written.

    Rows of before their person was erased are left out.
    """
    kafka = running_kafka(config)
    erased = LeftOut(list_of_erased(kafka, config), format_of(config).decode)
    log = Log(kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
    profiles = Profiles(files, how, now_ms())
    source = Heard(profiles if how.consent is None else assuming(profiles, how.consent))
    decided = decided_of(kafka, config.topic_prefix)
    done = write_events(log, source, Watched, partial(_warn, decided), is_erased=erased)
    read = done.read + profiles.left_out
    if not read:
        raise UnusableInput(NOTHING)
    note_import(config, files)
    for notice in profiles.notices:
        say(in_words(notice))
    if profiles.old:
        say(
            f"{counted(profiles.old, 'row holds', 'rows hold')} since more than {PERSON_EXPIRY_MS // DAY_MS} days: "
            "of who did nothing since, no profile is kept for so long"
        )
    told = {"read": read, "written": done.events, "there_twice": done.duplicates, "left_out": profiles.left_out, "erased": done.erased}  # fmt: skip
    if is_json:
        show_json(told | {"warnings": [one._asdict() for one in profiles.notices]})
    else:
        show(_summary(told))
        if how.consent is not None:
            show(granted_in_words(how.consent))
    if source.is_silent:
        say(UNSAID)
    return passed(is_usable(done.events + done.duplicates + done.erased, profiles.left_out))


def _warn(decided: Callable[[int], int], earliest_ms: int | None) -> None:
    """Says so where something was decided without what holds from before it."""
    count = decided(earliest_ms) if earliest_ms is not None else 0
    if earliest_ms is not None and count:
        say(
            f"warning: {counted(count, 'decision was', 'decisions were')} made since {utc(earliest_ms)}, the earliest time in it: "
            "these rest on what was known then, and a replay would know more"
        )


def _summary(told: Mapping[str, int]) -> str:
    words = [
        f"{counted(told['read'], 'row')} read",
        f"{counted(told['written'], 'profile')} written",
    ]
    words += [f"{told['there_twice']:,} there twice"] * bool(told["there_twice"])
    words += [f"{told['left_out']:,} left out"] * bool(told["left_out"])
    words += [f"{told['erased']:,} left out, of people who were erased"] * bool(told["erased"])
    return ", ".join(words)
