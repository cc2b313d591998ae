"""DeadLetter: a record that could not be used, with its reason and its raw bytes."""

from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct, structs

from schemas.errors import InvalidEvent
from schemas.limits import DEAD_LETTER_MESSAGE_MAX, DEAD_LETTER_RAW_BYTES_MAX, EVENT_BYTES_MAX
from schemas.mask_attributes import NO_NAMES, mask_named
from schemas.mask_text import mask_bytes, mask_text
from schemas.numbers import Line, Whole
from schemas.records import LogRecord
from schemas.sizes import size_at_most

REPLAYED: Final = "replayed"
"""The reason of what says that the letter of the same place was sent again (`kairos dead-letters replay`)."""
NOTE_BYTES: Final = 100
"""Room for what the message says of a cut, and for the bytes' own length."""


class Masking(NamedTuple):
    """What is masked in the bytes of a record: always what is told under `names` (in small letters); e-mail and network addresses, phone
    numbers and cards unless the operator `keeps` them (KAIROS_DEAD_LETTER_RAW).
    """

    names: frozenset[str] = NO_NAMES
    keeps: bool = False


MASKED: Final = Masking()


class DeadLetter(Struct, frozen=True):
    """Why a record was not used and where it lies: topic, partition, offset; `raw` its bytes."""

    reason: Line
    message: Line
    raw: Annotated[bytes, Meta(max_length=EVENT_BYTES_MAX)]
    topic: Line
    partition: Whole
    offset: Whole
    event_time_ms: Whole | None


def dead_letter(record: LogRecord, error: InvalidEvent, masking: Masking = MASKED) -> DeadLetter:
    """The dead letter of `record`, masked. Raw bytes over the limit are cut, and the message says so, in which nothing is ever kept."""
    raw = masked_raw(record.value, masking)
    cut = len(raw) - DEAD_LETTER_RAW_BYTES_MAX
    note = f" (the last {cut} raw bytes are left out)" if cut > 0 else ""
    return DeadLetter(
        reason=error.reason,
        message=mask_text(error.message)[:DEAD_LETTER_MESSAGE_MAX] + note,
        raw=raw[:DEAD_LETTER_RAW_BYTES_MAX],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_time_ms=error.event_time_ms,
    )


def replayed(letter: DeadLetter) -> DeadLetter:
    """What says so of a letter; none of its bytes are in it."""
    return structs.replace(letter, reason=REPLAYED, message="it was sent again", raw=b"")


def masked_raw(raw: bytes, masking: Masking) -> bytes:
    """The bytes of a record as its dead letter has them, but for those over the limit."""
    named = mask_named(raw, masking.names)
    return named if masking.keeps else mask_bytes(named)


def key_of(letter: DeadLetter) -> str:
    """The key of its record: the place of what could not be used."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def fit_letter(letter: DeadLetter, bytes_max: int) -> DeadLetter:
    """The letter in a record whose key and value have at most so many bytes: raw ones are cut, and it says so."""
    rest = structs.replace(letter, raw=b"")
    size = size_at_most(rest) + len(key_of(letter).encode()) + NOTE_BYTES
    cut = len(letter.raw) - max(0, bytes_max - size)
    if cut <= 0:
        return letter
    note = f" (the last {cut} raw bytes are left out)"
    return structs.replace(letter, raw=letter.raw[:-cut], message=letter.message + note)
