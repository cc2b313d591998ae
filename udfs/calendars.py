"""Days and hours of the clock where somebody is, in summer and winter."""

from datetime import datetime, timedelta  # noqa: TID251 - reads calendars, never a clock
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS

QUARTER_MS: Final = 15 * MINUTE_MS
"""Since 2000 every zone's days and changes of the clock begin at a quarter of an hour."""


class Day(NamedTuple):
    """A day of a time zone."""

    start_ms: int
    end_ms: int


def local_day(time_zone: str, now_ms: int) -> Day:
    """The day of an IANA time zone that `now_ms` is in; an unknown zone raises (a policy is checked for it)."""
    return _day_of(time_zone, now_ms // QUARTER_MS)


def local_hour(now_ms: int, utc_offset_min: int | None, time_zone: str) -> int:
    """The hour of the day by somebody's offset to UTC, else that of a time zone, which is as for `local_day`."""
    if utc_offset_min is not None:
        return (now_ms + utc_offset_min * MINUTE_MS) // HOUR_MS % 24
    return _hour_of(time_zone, now_ms // QUARTER_MS)


@lru_cache(maxsize=1_024)
def _day_of(time_zone: str, quarter: int) -> Day:
    now = datetime.fromtimestamp(quarter * QUARTER_MS / SECOND_MS, ZoneInfo(time_zone))
    start = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = start + timedelta(days=1)  # of the calendar: 23 or 25 hours where the clock changes
    return Day(round(start.timestamp() * SECOND_MS), round(end.timestamp() * SECOND_MS))


@lru_cache(maxsize=1_024)
def _hour_of(time_zone: str, quarter: int) -> int:
    return datetime.fromtimestamp(quarter * QUARTER_MS / SECOND_MS, ZoneInfo(time_zone)).hour
