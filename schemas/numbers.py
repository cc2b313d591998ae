"""Numbers and texts with their bounds: every field of a schema is of one of these types, or of its own with bounds.

What is not a number (NaN) meets no bound, so it is refused with the infinite ones.
"""

import re
from math import isfinite
from typing import Annotated, Final

from msgspec import Meta

from schemas.limits import (
    AMOUNT_MAX,
    EPOCH_MAX,
    EVENT_TIME_MAX_MS,
    FLOAT32_MAX,
    FLOAT_MAX,
    ID_LENGTH_MAX,
    LATITUDE_MAX,
    LONGITUDE_MAX,
    RECORD_TEXT_MAX,
    STRING_LENGTH_MAX,
    TIME_MAX_MS,
    WHOLE_MAX,
)

ROUNDING: Final = 1e-6
"""A sum of shares may be so much more than one."""

Whole = Annotated[int, Meta(ge=-WHOLE_MAX, le=WHOLE_MAX)]
Count = Annotated[int, Meta(ge=0, le=WHOLE_MAX)]
Finite = Annotated[float, Meta(ge=-FLOAT_MAX, le=FLOAT_MAX)]
Float32 = Annotated[float, Meta(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]
Latitude = Annotated[float, Meta(ge=-LATITUDE_MAX, le=LATITUDE_MAX)]
Longitude = Annotated[float, Meta(ge=-LONGITUDE_MAX, le=LONGITUDE_MAX)]
Weighed = Annotated[float, Meta(ge=0, le=AMOUNT_MAX)]
"""A count or interest that fades."""
Chance = Annotated[float, Meta(ge=0, le=1 + ROUNDING)]
Moment = Annotated[int, Meta(ge=0, lt=EVENT_TIME_MAX_MS)]
"""The time of something that has happened, in epoch milliseconds; 0 = since ever."""
Until = Annotated[int, Meta(ge=0, le=TIME_MAX_MS)]
"""A time that may lie ahead of the last event there can be: the end of what holds for a while."""
Epoch = Annotated[int, Meta(ge=0, le=EPOCH_MAX)]

Name = Annotated[str, Meta(max_length=ID_LENGTH_MAX)]
"""An id that may be empty."""
Said = Annotated[str, Meta(max_length=RECORD_TEXT_MAX)]
"""A text made from others: as long as a record may be."""
Line = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]

WRITTEN: Final = re.compile(r"[+-]?[0-9]*\.?[0-9]+(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)


def number_in(text: str) -> float | None:
    """The number that a text is, as programs write them (`-3`, `19.99`, `1e3`); None for any other: "19,99" says nothing for certain."""
    if not WRITTEN.fullmatch(text):
        return None
    number = float(text)
    return number if isfinite(number) else None
