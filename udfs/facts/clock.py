"""Clock: the hour and the day of the event that asks."""

from typing import Final

from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from udfs.facts.fact import Room, context
from udfs.facts.types import BOOL, INT, STRING
from udfs.moment import Moment

WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
SATURDAY: Final = 5
FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""


def hour(m: Moment) -> int:
    """The hour of the day, local where the offset to UTC is known."""
    return _local_ms(m) // HOUR_MS % 24


def weekday(m: Moment) -> int:
    """0 = Monday, local where the offset to UTC is known."""
    return (_local_ms(m) // DAY_MS + FIRST_WEEKDAY) % 7


def _local_ms(m: Moment) -> int:
    return m.now_ms + (m.told.utc_offset_min or 0) * MINUTE_MS


FACTS: Final = (
    context("hour", INT, "hour of the day, 0 to 23, local where the offset to UTC is known", hour, "context_hour"),
    context("weekday", STRING, "monday to sunday, local where the offset to UTC is known", lambda m: WEEKDAYS[weekday(m)], "context_weekday", scale=WEEKDAYS.index),
    context("is_weekend", BOOL, "whether that is a Saturday or Sunday", lambda m: weekday(m) >= SATURDAY),
)  # fmt: skip

ROOM: Final = Room("clock", FACTS)
