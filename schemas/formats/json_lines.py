"""JSON: one object with the names of Event (or Item); absent and null mean the same."""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.errors import InvalidEvent
from schemas.events import Event, event_from_fields
from schemas.formats.json_values import fault_of
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
        raise InvalidEvent("malformed", fault_of(data, error)) from error
    return said(fields)


def said(fields: object) -> dict[str, Any]:
    """The fields that say something: null is as if absent, also among the properties, whose numbers and booleans
    become text. Raises InvalidEvent where it is no object.
    """
    if not isinstance(fields, Mapping):
        raise InvalidEvent("malformed", f"a JSON object is wanted, not {type(fields).__name__}")
    found = {name: value for name, value in fields.items() if value is not None}
    properties = found.get("properties")
    if isinstance(properties, Mapping):
        found["properties"] = {
            name: text_of(value) for name, value in properties.items() if value is not None
        }
    return found


def text_of(value: object) -> object:
    """`10` of 10.0, `true` of True, texts as they are; what is none of these is left to be refused."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value) if isinstance(value, int) else value
