"""Events of any order -> events in order of time, with bounded memory: an external merge sort.

What is equal in time stays in the order of its lines. Up to RUN_BYTES_MAX lie in memory; beyond, sorted runs lie in a
temporary folder, as long as the events themselves, and are merged.
"""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple

import msgspec

RUN_BYTES_MAX: Final = 96 * 2**20
ENTRY_BYTES: Final = 250
"""What Python needs beside the bytes of an encoded event, about."""
BLOCK: Final = 2_000
"""Events that are read back from a run at a time."""
LENGTH_BYTES: Final = 4


class Encoded(NamedTuple):
    """An event as the log takes it, and what it is put in order and written by."""

    time_ms: int
    session_id: str
    event_id: str
    value: bytes


_BY_TIME: Final = itemgetter(0)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Encoded])


def already_in_order(events: Iterable[Encoded]) -> Iterator[Encoded]:
    """Events that are said to be in order of time, as they come; should one be older after all, the rest is put in order."""
    newest_ms = 0
    source = iter(events)
    for event in source:
        if event.time_ms < newest_ms:
            yield from in_order_of_time(chain([event], source))
            return
        newest_ms = event.time_ms
        yield event


def in_order_of_time(
    events: Iterable[Encoded], run_bytes_max: int = RUN_BYTES_MAX
) -> Iterator[Encoded]:
    """All events, by time. The first comes when the last has been read."""
    with ExitStack() as files:
        runs: list[Iterable[Encoded]] = []
        held: list[Encoded] = []
        size = 0
        for event in events:
            held.append(event)
            size += len(event.value) + ENTRY_BYTES
            if size > run_bytes_max:
                held.sort(key=_BY_TIME)
                runs.append(_written(held, files.enter_context(TemporaryFile())))
                held, size = [], 0
        held.sort(key=_BY_TIME)
        # merge is stable: of equal times the earlier run comes first
        yield from heapq.merge(*runs, held, key=_BY_TIME) if runs else held


def _written(run: list[Encoded], file: IO[bytes]) -> Iterator[Encoded]:
    for begin in range(0, len(run), BLOCK):
        block = _encoder.encode(run[begin : begin + BLOCK])
        file.write(len(block).to_bytes(LENGTH_BYTES, "big") + block)
    file.seek(0)
    return _read(file)


def _read(file: IO[bytes]) -> Iterator[Encoded]:
    while length := file.read(LENGTH_BYTES):
        yield from _decoder.decode(file.read(int.from_bytes(length, "big")))
