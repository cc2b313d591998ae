"""Records of a topic as values, for tools: what is none is left out, counted and told, as the jobs do."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from schemas.counted import counted
from schemas.errors import InvalidEvent
from schemas.records import LogRecord

T = TypeVar("T")


def decoded(
    records: Iterable[LogRecord], decode: Callable[[bytes], T], say: Callable[[str], None]
) -> Iterator[T]:
    """The values of the records that are some; once all are read, `say` is told how many were none."""
    left_out, first = 0, ""
    for record in records:
        try:
            value = decode(record.value)
        except InvalidEvent as error:
            left_out += 1
            first = first or f"{record.topic}/{record.partition}/{record.offset}: {error.reason}"
            continue
        yield value
    if left_out:
        say(f"{counted(left_out, 'record')} cannot be read, left out; the first: {first}")
