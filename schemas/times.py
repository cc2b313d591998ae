"""Times as people and programs write them, on the command line and in records -> epoch milliseconds. Pure.

A whole number is epoch milliseconds; eight digits are a date (20310215), as ISO 8601 has it; anything else
is ISO 8601, UTC where it names no zone. What looks like seconds or microseconds is told, not guessed.
"""

import math
from datetime import UTC, date, datetime, timedelta  # noqa: TID251 - reads timestamps, never a clock
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import InvalidEvent
from schemas.limits import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS

MINUTE: Final = timedelta(minutes=1)
DATE_DIGITS: Final = 8
SHOWN_MAX: Final = 60
NUMBER_MAX: Final = 10**SHOWN_MAX
UNITS: Final = (("seconds", 1_000), ("microseconds", 1e-3), ("nanoseconds", 1e-6))
WANTED: Final = "epoch milliseconds or ISO 8601 are wanted, such as 2026-01-31T12:00:00Z"


def time_ms(value: str | float) -> int:
    """Epoch milliseconds of `value`, within the times that an event may have.

    Raises InvalidEvent with one line that says what was meant.
    """
    if isinstance(value, str):
        text = value.strip()
        number = _number(text)
        if number is None or (len(text) == DATE_DIGITS and isinstance(number, int)):
            return _within(_iso_time(text), text)
    elif isinstance(value, int) and abs(value) >= NUMBER_MAX:
        text, number = "a number of so many digits", math.inf
    else:
        text, number = str(value), value
    if _is_within(number):
        return round(number)
    raise InvalidEvent("invalid_value", f"{text[:SHOWN_MAX]!r} is no time: {_meant(number)}")


def time_of_field(name: str, value: object) -> object:
    """What the field `name`, a time, says: text and numbers are read, anything else is left to be refused by its type.

    Raises InvalidEvent with one line that says what was meant.
    """
    if type(value) is int and EVENT_TIME_MIN_MS <= value < EVENT_TIME_MAX_MS:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        return time_ms(value)
    except InvalidEvent as error:
        raise InvalidEvent(error.reason, f"{name}: {error.message}") from error


def since_of_field(name: str, value: object) -> object:
    """As `time_of_field`, of a time from which on something holds: whole numbers that are no time are left, for 0 is since ever."""
    if type(value) is int and abs(value) < NUMBER_MAX and _unit(value) is None:
        return value
    return time_of_field(name, value)


def utc(milliseconds: int) -> str:
    """ISO 8601 in UTC to the millisecond, as people read it; `long ago` and `never` of times beyond the calendar."""
    try:
        time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return "long ago" if milliseconds < 0 else "never"
    return time.isoformat(timespec="milliseconds")


def utc_offset_min(zone_name: str | None, milliseconds: int) -> int | None:
    """How far a zone's clocks are from UTC at a time that an event may have; None if the zone is not known."""
    zone = _zone(zone_name) if zone_name else None
    if zone is None:
        return None
    offset = datetime.fromtimestamp(milliseconds / 1000, zone).utcoffset()
    return None if offset is None else offset // MINUTE


def day_number(day: str) -> int:
    """Which day of the calendar "2026-07-01" is, so that the next one has the next number; raises ValueError for one that is none."""
    return date.fromisoformat(day).toordinal()


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no proper name; a folder of zones
        return None


def _number(text: str) -> float | None:
    """The number that `text` is, in ASCII digits; None where it is none."""
    if not text.isascii() or "_" in text:
        return None
    digits = text.removeprefix("-")
    if digits.isdigit():
        return int(text) if len(digits) <= SHOWN_MAX else float(text)
    try:
        return float(text)
    except ValueError:
        return None


def _is_within(number: float) -> bool:
    return EVENT_TIME_MIN_MS <= number < EVENT_TIME_MAX_MS  # NaN is not


def _within(milliseconds: int, text: str) -> int:
    if not _is_within(milliseconds):
        raise InvalidEvent(
            "invalid_value", f"{text[:SHOWN_MAX]!r} is no time: from 2000 to 2099 are taken"
        )
    return milliseconds


def iso_ms(text: str) -> int:
    """Epoch milliseconds of ISO 8601, UTC where it names no zone; raises ValueError or OverflowError."""
    time = datetime.fromisoformat(text)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000)


def _iso_time(text: str) -> int:
    try:
        if not text.isascii():
            raise ValueError(text)
        return iso_ms(text)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent("invalid_value", f"{text[:SHOWN_MAX]!r} is no time: {WANTED}") from error


def _meant(number: float) -> str:
    """What a number that is no time in milliseconds would be in other units."""
    unit = _unit(number)
    if unit is None:
        return WANTED
    name, factor = unit
    meant = round(number * factor)
    return f"in {name} it would be {utc(meant)}, which is {meant}"


def _unit(number: float) -> tuple[str, float] | None:
    """The unit in which a number is a time that is none in milliseconds, and how many of these it has."""
    return next((one for one in UNITS if _is_within(number * one[1])), None)
