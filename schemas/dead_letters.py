"""DeadLetter: a record that could not be used, with its reason and its raw bytes."""

from msgspec import Struct

from schemas.errors import InvalidEvent
from schemas.limits import DEAD_LETTER_RAW_BYTES_MAX
from schemas.records import LogRecord


class DeadLetter(Struct, frozen=True):
    """Why a record was not used and where it lies: topic, partition, offset; `raw` its bytes."""

    reason: str
    message: str
    raw: bytes
    topic: str
    partition: int
    offset: int
    event_time_ms: int | None


def dead_letter(record: LogRecord, error: InvalidEvent) -> DeadLetter:
    """The dead letter of `record`; raw bytes over the limit are cut, and the message says so."""
    cut = len(record.value) - DEAD_LETTER_RAW_BYTES_MAX
    note = f" (the last {cut} raw bytes are left out)" if cut > 0 else ""
    return DeadLetter(
        reason=error.reason,
        message=error.message[:500] + note,
        raw=record.value[:DEAD_LETTER_RAW_BYTES_MAX],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_time_ms=error.event_time_ms,
    )
