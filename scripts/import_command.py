"""`kairos import`, all of it: files are checked before anything is written, and the summary is what became of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from jobs.config import Config
from jobs.publish import Log, now_ms
from schemas.events import Event
from scripts.console import complain, show, show_json
from scripts.import_events import Bad, Imported, read_items, write_events
from scripts.progress import Watched
from scripts.status import running_kafka

EXIT_UNUSABLE = 1

Reader = Callable[[Path, int], Iterable[Event | Bad]]
"""The events of a file, without those that the engine would refuse at a time."""


def run(
    config: Config, files: Sequence[Path], items: Path | None, json: bool, reader: Reader
) -> int:
    """Imports the catalogue, then the files as one log; the exit code. Raises ConfigError."""
    catalogue = list(read_items(items)) if items is not None else []
    log = Log(running_kafka(config), config.topic_prefix, config.source_format, linger_ms=5)
    for item in catalogue:
        log.item(item)
    done = write_events(log, _events(files, reader, now_ms()), Watched)
    if json:
        show_json(done._asdict())
    else:
        show(summary(done))
    if done.is_usable:
        return 0
    complain(f"kairos: {unusable(done)}")
    return EXIT_UNUSABLE


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


def _events(files: Sequence[Path], reader: Reader, at_ms: int) -> Iterator[Event | Bad]:
    for file in files:
        yield from reader(file, at_ms)
