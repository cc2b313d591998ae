"""Times on the command line: what `schemas.times` reads, with an error that ends the command."""

from schemas.errors import ConfigError, InvalidEvent
from schemas.times import time_ms, utc

__all__ = ["parse_time", "time_or_none", "utc"]


def parse_time(text: str) -> int:
    """Epoch milliseconds of `text`; raises ConfigError with one line."""
    try:
        return time_ms(text)
    except InvalidEvent as error:
        raise ConfigError(error.message) from error


def time_or_none(text: str | None) -> int | None:
    """The same of an option that may be left out."""
    return parse_time(text) if text else None
