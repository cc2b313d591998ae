"""`kairos bench decode`: how many records of each format one core makes events of, and looks over as the session step does."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from jobs.flink.task import settle_memory
from schemas.events import Event
from schemas.records import LogRecord
from scripts.bench.enrich import Cost, enriching
from scripts.bench.made_records import RECORDS, events, readers
from scripts.bench.setting import as_title, describe
from scripts.console import say, show, show_json, show_table
from udfs.knowledge.knowledge import Knowledge
from udfs.session.give_meaning import give_meaning
from udfs.session.read_event import valid_event

TURNS: Final = 5
"""Of which the median counts: formats in turns, since the machine's speed changes."""
NOTHING_KNOWN: Final = Knowledge()


class Row(NamedTuple):
    """Of one format: bytes of a record, microseconds of processor time an event: read alone, and looked over, too (masked, checked, given its meaning)."""

    format: str
    record_bytes: int
    decode_us: float
    taken_us: float
    events_per_s: int


def bench(count: int, is_json: bool, places: Path | None = None) -> None:
    """Prints a row for each format, over `count` records of it, and what it costs to look up where events came from; `places`: a database of addresses."""
    decodes = {name: one.decode for name, one in readers().items()}
    made = {name: _records(name, count, decode) for name, decode in decodes.items()}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in decodes}
    settle_memory()  # as the operators do
    for turn in range(TURNS + 1):
        for name, records in made.items():
            decode = decodes[name]
            alone = _seconds(partial(_read, decode=decode), records)
            whole = _seconds(partial(_taken, decode=decode), records)
            if turn:  # the first warms up
                took[name].append((alone, whole))
        say(f"{turn} of {TURNS} turns")
    rows = [_row(name, made[name], took[name]) for name in decodes]
    _show(rows, enriching(count, places), count, is_json)


def _read(record: LogRecord, decode: Callable[[bytes], Event]) -> Event:
    return decode(record.value)


def _taken(record: LogRecord, decode: Callable[[bytes], Event]) -> Event:
    """What the session step does with a record before it looks at its state."""
    return give_meaning(valid_event(record, decode), NOTHING_KNOWN).event


def _records(name: str, count: int, decode: Callable[[bytes], Event]) -> list[LogRecord]:
    found = []
    for number, event in enumerate(events(count)):
        value = RECORDS[name](event)
        key = decode(value).session_id
        found.append(LogRecord("events", 0, number, event.event_time_ms, key, value))
    return found


def _seconds(read: Callable[[LogRecord], Event], records: Sequence[LogRecord]) -> float:
    """Processor time, whoever else is on the core."""
    begun_s = time.process_time()
    for record in records:
        read(record)
    return time.process_time() - begun_s


def _row(name: str, records: Sequence[LogRecord], took: Sequence[tuple[float, float]]) -> Row:
    decode_s, taken_s = map(median, zip(*took, strict=True))
    size = sum(len(one.value) for one in records) // len(records)
    return Row(
        name, size, round(decode_s / len(records) * 1e6, 2), round(taken_s / len(records) * 1e6, 2),
        round(len(records) / taken_s),
    )  # fmt: skip


def _show(rows: Sequence[Row], cost: Cost, count: int, is_json: bool) -> None:
    setting = describe() | {"records": count}
    if is_json:
        show_json(
            setting | {"formats": [row._asdict() for row in rows], "enriching": cost._asdict()}
        )
        return
    columns = (
        "format",
        "bytes a record",
        "read, us",
        "and looked over, us",
        "events a second and core",
    )
    texts = [(row.format, row.record_bytes, f"{row.decode_us:.1f}", f"{row.taken_us:.1f}", f"{row.events_per_s:,}") for row in rows]  # fmt: skip
    show_table(as_title(setting), columns, texts)
    show(
        f"to look up where an event came from takes {cost.event_us:.1f} us more where its user agent is known, and {cost.new_agent_us:.0f} us where it is new"
    )
