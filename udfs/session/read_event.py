"""A record of `events` as the session step takes it."""

from collections.abc import Callable

from schemas.doors import check_meant
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.limits import AHEAD_OF_LOG_MAX_MS
from schemas.mask_event import masked
from schemas.records import LogRecord


def valid_event(record: LogRecord, decode: Callable[[bytes], Event]) -> Event:
    """The event of a record, its free text masked; raises InvalidEvent where it is none, or none of this key and time."""
    event = decode(record.value)
    time_ms = event.event_time_ms
    if event.session_id != record.key:
        raise InvalidEvent("wrong_key", f"the key is {record.key[:100]!r}", time_ms)
    if time_ms > record.timestamp_ms + AHEAD_OF_LOG_MAX_MS:
        ahead_s = (time_ms - record.timestamp_ms) // 1000
        raise InvalidEvent("ahead_of_log", f"{ahead_s} s ahead of the record's timestamp", time_ms)
    check_meant(event)
    return masked(event)
