"""Days and times of the clock, as people of a time zone write them, to epoch milliseconds: what the clock skips or shows twice is told."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import ConfigError
from schemas.limits import EVENT_TIME_MAX_MS
from scripts.times import parse_time

WANTED: Final = "a day and time such as 2026-11-30T09:00 is wanted"
SHOWN: Final = "%Y-%m-%dT%H:%M"


def moment_of(text: str, zone: ZoneInfo) -> int:
    """Epoch milliseconds of a day and time of this zone, or with an offset of its own; raises ValueError with one sentence."""
    try:
        moment = datetime.fromisoformat(text)
        is_own = moment.tzinfo is not None
        first = moment if is_own else moment.replace(tzinfo=zone)
        time_ms = round(first.timestamp() * 1000)
    except (ValueError, OverflowError):
        time_ms = -1
    if not 0 <= time_ms < EVENT_TIME_MAX_MS:
        raise ValueError(WANTED)
    if not is_own:
        _check_clock(first, zone)
    return time_ms


def moment_shown(time_ms: int, zone: ZoneInfo) -> str:
    """The day and time of this zone, as a form takes it."""
    return datetime.fromtimestamp(time_ms / 1000, zone).strftime(SHOWN)


def time_given(text: str | None) -> int | None:
    """Epoch milliseconds of an option that may be left out: as everywhere on the command line, or a day, a time and the
    name of a zone, such as `2026-11-30T09:00 Europe/Berlin`; raises ConfigError with one line.
    """
    if not text:
        return None
    moment, _, name = text.strip().rpartition(" ")
    if not moment or not name[:1].isalpha():
        return parse_time(text)
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ConfigError(
            f"there is no time zone {name!r}: Europe/Berlin is one, UTC another"
        ) from error
    try:
        return moment_of(moment.strip(), zone)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no time: {error}") from error


def time_ahead(text: str, field: str, zone: ZoneInfo, now_ms: int) -> int | None:
    """Epoch milliseconds of what was typed in a form's field, None of nothing; raises ConfigError where it is no time, or past."""
    if not text.strip():
        return None
    try:
        found = moment_of(text.strip(), zone)
    except ValueError as error:
        raise ConfigError(f"{field}: {error}") from error
    if found <= now_ms:
        raise ConfigError(
            f"{field}: {moment_shown(found, zone).replace('T', ' ')} in {zone.key} is past: choose a time to come, or leave it empty"
        )
    return found


def in_zone(time_ms: int, name: str) -> str:
    """What the clock of this zone shows then, in a sentence's half; empty of UTC, which is said anyway."""
    if name == "UTC":
        return ""
    return f"{moment_shown(time_ms, ZoneInfo(name)).replace('T', ' ')} in {name}"


def _check_clock(first: datetime, zone: ZoneInfo) -> None:
    """Raises ValueError where the clock of the zone never shows this time on this day, or shows it twice."""
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return
    said = f"{first:%H:%M} on {first:%Y-%m-%d} in {zone.key}"
    back = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back != first.replace(tzinfo=None):
        gap = abs((second.utcoffset() or timedelta()) - (first.utcoffset() or timedelta()))
        raise ValueError(
            f"there is no {said}: the clocks go forward; {first + gap:%H:%M} is the same moment"
        )
    offsets = " or ".join(one.isoformat(timespec="minutes") for one in (first, second))
    raise ValueError(
        f"the clocks show {said} twice, for they go back: choose another time, or write which one, {offsets}"
    )
