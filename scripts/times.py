"""Times on the command line: what `schemas.times` reads, with an error that ends the command; lengths in words."""

from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.times import time_ms, utc

__all__ = ["length_in_words", "parse_time", "time_or_none", "utc"]


def parse_time(text: str) -> int:
    """Epoch milliseconds of `text`; raises ConfigError with one line."""
    try:
        return time_ms(text)
    except InvalidEvent as error:
        raise ConfigError(error.message) from error


def time_or_none(text: str | None) -> int | None:
    """The same of an option that may be left out."""
    return parse_time(text) if text else None


def length_in_words(span_ms: int) -> str:
    """`6.5 days`, `3 hours`, `20 minutes`."""
    for unit_ms, noun in ((DAY_MS, "day"), (HOUR_MS, "hour")):
        if span_ms >= unit_ms:
            return (
                f"{round(span_ms / unit_ms, 1):g} {noun}{'s' if span_ms >= 1.05 * unit_ms else ''}"
            )
    return counted(max(1, span_ms // MINUTE_MS), "minute")
