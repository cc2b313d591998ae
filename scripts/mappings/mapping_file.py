"""The events of files of JSON, by a mapping."""

from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.counted import counted
from schemas.doors import check_at_door
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.mappings.mapped import mapped_record
from schemas.mappings.mapping_rules import Compiled
from scripts.console import say as say_it
from scripts.files.file_records import read_records
from scripts.files.import_events import Bad


def read_mapped(
    path: Path,
    rules: tuple[Compiled, ...],
    at_ms: int | None = None,
    say: Callable[[str], None] = say_it,
) -> Iterator[Event | Bad]:
    """The events of a file of records by the rules, in its order, and what is none; with `at_ms`, now, without those that the engine would refuse.

    How many records were passed over is said at its end.
    """
    skipped = 0
    for number, value, fault in read_records(path, say):
        try:
            event = mapped_record(value, fault, rules)
            if event is None:
                skipped += 1
                continue
            if at_ms is not None:
                check_at_door(event, at_ms)
        except InvalidEvent as error:
            yield Bad(path.name, number, value, error)
            continue
        yield event
    if skipped:
        say(f"{path.name}: {counted(skipped, 'record')} passed over by the mapping")
