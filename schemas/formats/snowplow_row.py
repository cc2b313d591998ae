"""What stands in a row of Snowplow's atomic events: values, entities, times, the device."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta  # noqa: TID251 - reads timestamps, never a clock
from functools import lru_cache
from math import isfinite
from typing import Final

import msgspec

from schemas.errors import InvalidEvent
from schemas.limits import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS

Entity = Mapping[str, object]
Entities = dict[str, list[Entity]]

ENTITIES: Final = {
    "mobile_screen": "screen",
    "snowplow_client_session": "client_session",
    "snowplow_ecommerce_action": "action",
    "snowplow_ecommerce_cart": "cart",
    "snowplow_ecommerce_checkout_step": "checkout_step",
    "snowplow_ecommerce_page": "page",
    "snowplow_ecommerce_product": "product",
    "snowplow_ecommerce_promotion": "promotion",
    "snowplow_ecommerce_refund": "refund",
    "snowplow_ecommerce_snowplow_ecommerce_action": "action",
    "snowplow_ecommerce_transaction": "transaction",
    "snowplow_ecommerce_transaction_error": "transaction_error",
    "snowplow_ecommerce_user": "user",
    "snowplow_site_search": "search",
}
"""The entities that are read, by the middle of their column's name."""

COLUMN: Final = re.compile(
    r"(?:contexts|unstruct_event)_com_snowplowanalytics_(.+?)_\d+(?:_\d+_\d+)?"
)

SELF_DESCRIBING: Final = re.compile(r"unstruct_event_(.+?)_\d+(?:_\d+_\d+)?")
"""The column of what an event says itself: vendor, name and version of its schema."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def entities_of(row: Mapping[str, object]) -> Entities:
    """The entities of `row` by their short names; of several columns the first non-empty counts."""
    found: Entities = {}
    for column, value in row.items():
        name = _entity_name(column)
        if name is not None and name not in found:
            objects = _objects(column, value)
            if objects:
                found[name] = objects
    return found


def said_itself(row: Mapping[str, object], name: str) -> Entity | None:
    """What the self-describing event of this name (in small letters, with underscores) says; None where the row has no such column."""
    for column, value in row.items():
        match = SELF_DESCRIBING.fullmatch(column)
        if match and match[1].endswith(f"_{name}"):
            return next(iter(_objects(column, value)), None)
    return None


@lru_cache(maxsize=1024)
def _entity_name(column: str) -> str | None:
    match = COLUMN.fullmatch(column)
    return ENTITIES.get(match[1]) if match else None


def _objects(column: str, value: object) -> list[Entity]:
    """A column is empty, an object, a list of objects, or one of these as JSON text."""
    if isinstance(value, str) and value.strip():
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidEvent("malformed", f"{column}: {error}") from error
    objects = value if isinstance(value, list) else [value] if value else []
    entities: list[Entity] = [one for one in objects if isinstance(one, dict)]
    if len(entities) < len(objects):
        raise InvalidEvent("malformed", f"{column}: a JSON object or a list of them is wanted")
    return entities


def one_of(entities: Entities, name: str) -> Entity:
    """The only entity of that name that an event has, or an empty one."""
    return next(iter(entities.get(name, ())), {})


def text_of(value: object) -> str | None:
    """The value as text without blanks around it; empty is None."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip() or None
        case int() | float():
            return str(value)
    raise InvalidEvent("invalid_value", f"text or a number is wanted, not {type(value).__name__}")


def number_of(entity: Entity, name: str) -> float | None:
    """The number under `name`, which may be written as text."""
    text = text_of(entity.get(name))
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise InvalidEvent("invalid_value", f"{name}: {text[:50]!r} is no number") from error
    if not isfinite(number):
        raise InvalidEvent("not_finite", f"{name}: {text[:50]}")
    return number


def whole_of(entity: Entity, name: str) -> int | None:
    """The whole number under `name`."""
    number = number_of(entity, name)
    if number is None:
        return None
    if not number.is_integer():
        raise InvalidEvent("invalid_value", f"{name}: {number} is no whole number")
    return int(number)


def time_ms_of(row: Mapping[str, object], name: str) -> int:
    """The timestamp under `name` in epoch milliseconds; without an offset it is UTC."""
    text = text_of(row.get(name)) or ""
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError as error:
        raise InvalidEvent("invalid_value", f"{name}: {text[:50]!r} is no timestamp") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    time_ms = (moment - EPOCH) // MILLISECOND
    if not EVENT_TIME_MIN_MS <= time_ms < EVENT_TIME_MAX_MS:
        raise InvalidEvent("invalid_value", f"{name}: {text[:50]} is out of range")
    return time_ms
