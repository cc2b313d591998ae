"""`kairos mapping`: what a mapping says, and what it makes of the records of a file: what becomes what, and what is lost."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from jobs.mapping_file import read_mapping
from schemas.counted import counted
from schemas.errors import CheckFailed, ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats.json_lines import decoded
from schemas.limits import EVENT_BYTES_MAX
from schemas.mappings.mapped import leaves, mapped_record
from schemas.mappings.mapping_rules import Compiled
from scripts.console import show, show_json, show_table
from scripts.exit_codes import passed
from scripts.files.file_records import Record, read_records
from scripts.files.input_files import is_usable
from scripts.progress import Watched

LOST_SHOWN: Final = 20
PATHS_MAX: Final = 10_000
"""Names of fields may be data themselves; beyond so many, new ones are not counted."""


class Tried(msgspec.Struct):
    """What became of records: `events` by type, `fields` how many events have each of ours, `lost` how many records have a field that no
    rule reads. `examples`: the first events.
    """

    read: int = 0
    skipped: int = 0
    invalid: int = 0
    first_fault: str | None = None
    events: Counter[str] = msgspec.field(default_factory=Counter)
    fields: Counter[str] = msgspec.field(default_factory=Counter)
    lost: Counter[str] = msgspec.field(default_factory=Counter)
    examples: list[dict[str, Any]] = msgspec.field(default_factory=list)


def check_mapping(path: Path) -> None:
    """Says what it makes, and what to think of; CheckFailed where it cannot be used."""
    try:
        rules = read_mapping(path)
    except ConfigError as error:
        raise CheckFailed(str(error)) from error
    makes = [one for one in rules if not one.skip]
    show(f"{path} is a mapping: {counted(len(rules), 'rule')}, {len(rules) - len(makes)} of them pass records over")  # fmt: skip
    for note in notes_of(rules):
        show(f"  note: {note}")


def notes_of(rules: tuple[Compiled, ...]) -> Iterator[str]:
    """What is no mistake and may not be meant."""
    for number, rule in enumerate(rules[:-1]):
        if not rule.when:
            yield f"rules[{number}] holds of every record, so no rule behind it is ever tried"
            break
    makes = [one for one in rules if not one.skip]
    if makes and not any("event_id" in one.sources for one in makes):
        yield "nothing says `event_id`: it is made of what the record says, so the same record twice counts once"
    if makes and not any("consent" in one.sources for one in makes):
        yield "nothing says what people agree to (`consent`): say it with --consent, or KAIROS_CONSENT holds"


def try_mapping(mapping: Path, files: Sequence[Path], last: int, *, is_json: bool) -> int:
    """Shows what the mapping makes of the files' records, of `last` of them whole; exit code 1 where nothing, or less than half, is an event."""
    rules = read_mapping(mapping)
    tried, is_read = Tried(), _reads(read_paths(rules))
    for path in files:
        for record in Watched("trying", read_records(path)):
            _take(tried, record, rules, is_read, f"{path.name}, line {record.number + 1}", last)
    if is_json:
        show_json(msgspec.to_builtins(tried))
    else:
        _show(tried)
    return passed(is_usable(sum(tried.events.values()) + tried.skipped, tried.invalid))


def _take(
    tried: Tried, record: Record, rules: tuple[Compiled, ...], is_read: Callable[[str], bool], place: str, last: int
) -> None:  # fmt: skip
    tried.read += 1
    try:
        event = mapped_record(record.raw, record.fault, rules)
    except InvalidEvent as error:
        tried.invalid += 1
        tried.first_fault = tried.first_fault or f"{place}: {error.reason}: {error.message}"
        return
    if event is None:
        tried.skipped += 1
        return
    tried.events[event.event_type] += 1
    said = _said(event)
    tried.fields.update(said.keys())
    if len(tried.examples) < last:
        tried.examples.append(said)
    for path in {path for path, _ in leaves(decoded(record.raw, EVENT_BYTES_MAX))}:
        if not is_read(path) and (path in tried.lost or len(tried.lost) < PATHS_MAX):
            tried.lost[path] += 1


def _said(event: Event) -> dict[str, Any]:
    """The fields of an event that say something."""
    found: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in found.items() if value not in (None, False, [], {})}


def _reads(paths: frozenset[str]) -> Callable[[str], bool]:
    """Whether a rule reads what stands under a path: the path itself, or what it lies in."""

    @lru_cache(maxsize=PATHS_MAX)
    def is_read(path: str) -> bool:
        return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in paths)

    return is_read


def read_paths(rules: tuple[Compiled, ...]) -> frozenset[str]:
    """The paths that any rule looks at, of any element of a list."""
    paths = {path for rule in rules for path in rule.when}
    for rule in rules:
        for source in rule.sources.values():
            paths.update(source.paths)
    return frozenset(re.sub(r"\[\d+\]", "[]", one) for one in paths)


def _show(tried: Tried) -> None:
    events = sum(tried.events.values())
    show(f"{tried.read:,} read: {counted(events, 'event')}, {tried.skipped:,} passed over, {tried.invalid:,} none" + (f"; the first: {tried.first_fault}" if tried.first_fault else ""))  # fmt: skip
    show_table("", ("becomes", "events"), tried.events.most_common())
    show_table("", ("field of ours", "events that have it"), tried.fields.most_common())
    if tried.lost:
        shown = tried.lost.most_common(LOST_SHOWN)
        show_table("", ("field that no rule reads", "records that have it"), shown)
        more = len(tried.lost) - len(shown)
        if more:
            show(f"and {more:,} more: --json names them all")
    for one in tried.examples:
        show(msgspec.json.encode(one).decode())
