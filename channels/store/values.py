"""What lies in the store as it is read: what is not ours is as if absent."""

from typing import Final

import msgspec
from msgspec import Struct
from redis import ResponseError

from schemas.limits import WHOLE_MAX

FALLBACK_BYTES_MAX: Final = 4_000_000
TREND_MAX: Final = 1e15
"""A slate that is larger, or has items that are trending more, is not ours."""
SEQUENCE_DIGITS_MAX: Final = 16


class Trend(Struct, array_like=True, frozen=True):
    """An item of a fallback slate: its short-lived interest as of a time, in epoch milliseconds."""

    item_id: str
    interest: float
    at_ms: int


_TRENDS: Final = msgspec.json.Decoder(list[Trend])


def is_of_another_type(error: ResponseError) -> bool:
    """Whether the server refuses because another kind of value lies there."""
    return str(error).startswith("WRONGTYPE")


def whole_of(data: bytes | None) -> int | None:
    """A whole number that we could have written; None of anything else."""
    is_ours = data is not None and data.isdigit() and len(data) <= SEQUENCE_DIGITS_MAX
    return int(data) if is_ours and data is not None else None


def text_of(data: bytes | None) -> str | None:
    """A text; None of anything else."""
    try:
        return data.decode() if data else None
    except UnicodeDecodeError:
        return None


def trends_of(data: bytes | None) -> list[Trend] | None:
    """The slate; None where there is none, or something else."""
    if data is None or len(data) > FALLBACK_BYTES_MAX:
        return None
    try:
        found = _TRENDS.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return [one for one in found if 0.0 < one.interest < TREND_MAX and 0 <= one.at_ms < WHOLE_MAX]
