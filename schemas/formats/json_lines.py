"""JSON: one object with the names of Event (or Item); absent and null mean the same."""

from typing import Any

import msgspec

from schemas.errors import InvalidEvent
from schemas.events import Event, event_from_fields
from schemas.items import Item, item_from_fields
from schemas.limits import EVENT_BYTES_MAX, ITEM_BYTES_MAX


def event_from_json(data: bytes) -> Event:
    """The event in `data`; raises InvalidEvent."""
    return event_from_fields(_fields(data, EVENT_BYTES_MAX))


def item_from_json(data: bytes) -> Item:
    """The item in `data`; raises InvalidEvent."""
    return item_from_fields(_fields(data, ITEM_BYTES_MAX))


def _fields(data: bytes, bytes_max: int) -> dict[str, Any]:
    if len(data) > bytes_max:
        raise InvalidEvent("too_large", f"{len(data)} bytes, at most {bytes_max}")
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", str(error)) from error
    if not isinstance(fields, dict):
        raise InvalidEvent("malformed", f"a JSON object is wanted, not {type(fields).__name__}")
    return {name: value for name, value in fields.items() if value is not None}
