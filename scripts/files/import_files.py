"""`kairos import`, all of it: files are checked before anything is written, and the summary is what became of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.publish import AHEAD_MS, Log, now_ms
from schemas.formats.field_names import Notices
from schemas.items import Item
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.files.event_files import EventFiles
from scripts.files.file_order import are_in_order
from scripts.files.import_events import Imported, write_events
from scripts.files.publish_items import (
    Given,
    Taken,
    decided_of,
    flink_of,
    late_warning,
    published_items,
    read_catalogue,
    versions_to_write,
)
from scripts.files.told_names import in_words
from scripts.ops.status import running_kafka
from scripts.progress import Watched

LINGER_MS: Final = 100.0
"""Nobody waits for a single event of an import; full batches cost all of them less."""


class Items(NamedTuple):
    """A file of the catalogue; `is_partial`: lines that are no items are left out."""

    path: Path
    is_partial: bool
    is_strict: bool = False


def run(config: Config, files: EventFiles, items: Items | None, *, is_json: bool) -> int:
    """Imports the files as one log, behind the catalogue; the exit code. Raises ConfigError.

    Files of JSON that are in order of time are written while they are read.
    """
    catalogue = (
        []
        if items is None
        else read_catalogue(items.path, items.is_partial, say, is_strict=items.is_strict)
    )
    kafka = running_kafka(config)
    log = Log(kafka, config.topic_prefix, config.source_format, linger_ms=LINGER_MS)
    written: list[Item] = []

    def publish(earliest_ms: int | None) -> None:
        if catalogue:
            written.extend(_publish(config, kafka, log, catalogue, earliest_ms))

    notices = Notices()
    is_in_order = files.is_json and are_in_order(files.paths)
    source = files.read(now_ms(), notices)
    done = write_events(log, source, Watched, publish, is_in_order=is_in_order)
    for notice in notices:
        say(in_words(notice))
    if is_json:
        told = {"warnings": [one._asdict() for one in notices]}
        show_json(done._asdict() | told | ({"items": len(written)} if items is not None else {}))
    else:
        show(summary(done))
    if not done.is_usable:
        complain(f"kairos: {unusable(done)}")
    return passed(done.is_usable)


def _publish(
    config: Config, kafka: str, log: Log, catalogue: Sequence[Given], earliest_ms: int | None
) -> list[Item]:
    """Writes what the log does not have of the catalogue; returns when every operator has taken it.

    So no event of the import is decided on without it.
    """
    at_ms = now_ms()
    known = list(published_items(kafka, config.topic_prefix))
    first_ms = at_ms + AHEAD_MS if earliest_ms is None else min(earliest_ms, at_ms)
    new = versions_to_write(catalogue, known, first_ms, at_ms + AHEAD_MS)
    taken = Taken(flink_of(config))

    warning = late_warning(new, at_ms, decided_of(kafka, config.topic_prefix))
    for item in new:
        log.item(item)
    log.flush()
    taken.wait(len(new), say)
    say(f"{len(new):,} items written, {len(catalogue) - len(new):,} were there already")
    if warning is not None:
        say(f"warning: {warning}")
    return new


def summary(done: Imported) -> str:
    """What became of the lines, in a sentence."""
    words = [
        f"{done.read:,} read", f"{done.events:,} events written", f"{done.invalid:,} dead letters"
    ]  # fmt: skip
    if done.duplicates:
        words.insert(2, f"{done.duplicates:,} there twice")
    fault = f"; the first: {done.first_fault}" if done.first_fault else ""
    return ", ".join(words) + fault


def unusable(done: Imported) -> str:
    """Why so little of it could be used."""
    if not done.read:
        return "there is nothing in it"
    return f"{done.invalid:,} of {done.read:,} lines are no events: is the --format right?"
