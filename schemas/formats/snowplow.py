"""Snowplow: one enriched event, from the web or an app, with its e-commerce entities."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from schemas.enrich.user_agents import agent_of
from schemas.errors import InvalidEvent
from schemas.events import Event, event_from_fields
from schemas.formats.foreign_json import carried, own_type, plain, unknown
from schemas.formats.json_lines import json_object
from schemas.formats.snowplow_goods import goods_of
from schemas.formats.snowplow_row import (
    Entities,
    Entity,
    entities_of,
    one_of,
    said_itself,
    text_of,
    time_ms_of,
    whole_of,
)
from schemas.formats.snowplow_tsv import is_enriched, row_of_enriched, unfolded
from schemas.limits import EVENT_BYTES_MAX
from schemas.times import utc_offset_min

ACTIONS: Final = {
    "product_view": "product_viewed",
    "list_view": "page_viewed",
    "list_click": "element_clicked",
    "promo_view": "page_viewed",
    "promo_click": "element_clicked",
    "add_to_cart": "product_added_to_cart",
    "remove_from_cart": "product_removed_from_cart",
    "checkout_step": "checkout_started",
    "transaction": "purchase_completed",
    "refund": "purchase_refunded",
    "trns_error": "page_viewed",
    None: "page_viewed",
}
"""Type of an e-commerce action -> event_type. An action that lost its type was seen on a page."""

EVENT_NAMES: Final = {
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
    "page_ping": "page_scrolled",
    "site_search": "search_performed",
}
"""Events that are no e-commerce action."""

ECOMMERCE: Final = "snowplow_ecommerce_action"
KNOWN_NAMES: Final = frozenset({ECOMMERCE, *EVENT_NAMES})
KNOWN_ACTIONS: Final = frozenset(one for one in ACTIONS if one is not None)

DEVICE_OF_PLATFORM: Final = {"web": "desktop", "mob": "mobile"}
"""Where the user agent does not tell."""

CHANNELS: Final = {"mob": "app", "pc": "app"}
"""Platforms that have another name here; the others (web, app, tv ...) keep theirs."""

UNNAMED: Final = "unnamed"


class Own(NamedTuple):
    """A self-describing event: its name here, and what it says."""

    event_type: str
    said: Entity


def event_from_snowplow_json(data: bytes) -> Event:
    """The event in `data`, one enriched event as a JSON object; raises InvalidEvent."""
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidEvent("too_large", f"{len(data)} bytes, at most {EVENT_BYTES_MAX}")
    try:
        row = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", str(error)) from error
    return event_from_snowplow(unfolded(row))


def event_from_snowplow_record(data: bytes) -> Event:
    """The event in a record of a topic, likewise or as the line that Enrich writes; raises InvalidEvent."""
    return event_from_snowplow(row_of_enriched(data)) if is_enriched(data) else event_from_snowplow_json(data)  # fmt: skip


def fields_of_snowplow(data: bytes) -> dict[str, Any]:
    """What such a record says by its columns; raises InvalidEvent."""
    return row_of_enriched(data) if is_enriched(data) else json_object(data)


def event_from_snowplow(row: Mapping[str, object]) -> Event:
    """The event in a row of atomic columns; entities as objects or as JSON text.

    The time is `derived_tstamp`. The shop's own user id becomes the property `shop_user_id` unless
    it is an address; it does not identify the person here. Raises InvalidEvent.
    """
    time_ms = time_ms_of(row, "derived_tstamp")
    try:
        return event_from_fields(_fields(row, entities_of(row), time_ms))
    except InvalidEvent as error:
        error.event_time_ms = time_ms
        raise


def _fields(row: Mapping[str, object], entities: Entities, time_ms: int) -> dict[str, object]:
    session = one_of(entities, "client_session")
    action = _action(row, entities)
    own = _own(row)
    attribute, value = _named(action, entities)
    return {
        "event_id": text_of(row.get("event_id")),
        "event_type": own.event_type if own is not None else _event_type(row, action),
        "event_time_ms": time_ms,
        "session_id": _first(row.get("domain_sessionid"), session, "sessionId", "session_id"),
        "anonymous_id": _first(row.get("domain_userid"), session, "userId", "user_id"),
        "channel": _channel(row),
        "page": _page(row, entities),
        "query": _query(entities),
        "attribute": attribute,
        "value": value,
        "context": _context(row, time_ms),
        **_goods(action, entities, own),
    }


def _own(row: Mapping[str, object]) -> Own | None:
    """The event, where it is a self-describing one that none of ours stands for; raises InvalidEvent where its name is one of ours."""
    name = text_of(row.get("event_name"))
    if name is None or name in KNOWN_NAMES:
        return None
    said = said_itself(row, plain(name))
    return None if said is None else Own(own_type(name, KNOWN_NAMES), said)


def _goods(action: str | None, entities: Entities, own: Own | None) -> dict[str, object]:
    """Of an event under the sender's own name also all that it says: what it is, the policy says."""
    if own is None:
        return goods_of(action, entities)
    goods = goods_of(None, entities)
    properties: dict[str, str] = dict(goods["properties"])  # type: ignore[call-overload]
    return goods | {"properties": carried(own.said, frozenset(), properties)}


def _first(value: object, entity: Entity, *names: str) -> str | None:
    values = (value, *(entity.get(name) for name in names))
    return next((text for one in values if (text := text_of(one))), None)


def _action(row: Mapping[str, object], entities: Entities) -> str | None:
    if text_of(row.get("event_name")) in EVENT_NAMES:
        return None
    return text_of(one_of(entities, "action").get("type"))


def _event_type(row: Mapping[str, object], action: str | None) -> str:
    name = text_of(row.get("event_name"))
    if name == ECOMMERCE:
        if action in ACTIONS:
            return ACTIONS[action]
        raise unknown(action or "", KNOWN_ACTIONS)
    if name is None:
        raise InvalidEvent("unknown_event_type", "event_name: missing")
    if name in EVENT_NAMES:
        return EVENT_NAMES[name]
    raise unknown(name, KNOWN_NAMES)


def _named(action: str | None, entities: Entities) -> tuple[str | None, str | None]:
    """What was seen or clicked if it was no product, and which checkout step was taken."""
    if action in ("list_view", "list_click"):
        return "list", _first(None, one_of(entities, "action"), "name") or UNNAMED
    if action in ("promo_view", "promo_click"):
        return "promotion", _first(None, one_of(entities, "promotion"), "id", "name") or UNNAMED
    if action == "trns_error":
        error = one_of(entities, "transaction_error")
        return "transaction_error", _first(None, error, "error_code") or UNNAMED
    if action == "checkout_step":
        step = whole_of(one_of(entities, "checkout_step"), "step")
        return (None, None) if step is None else ("checkout_step", str(step))
    return None, None


def _query(entities: Entities) -> str | None:
    """The words of a site search, which are a list."""
    terms = one_of(entities, "search").get("terms")
    said = (text_of(one) for one in (terms if isinstance(terms, list) else [terms]))
    return " ".join(one for one in said if one is not None) or None


def _channel(row: Mapping[str, object]) -> str | None:
    platform = text_of(row.get("platform"))
    return CHANNELS.get(platform, platform) if platform else None


def _page(row: Mapping[str, object], entities: Entities) -> str | None:
    """The path, without the query, which may hold what is nobody's business; or the screen."""
    return text_of(row.get("page_urlpath")) or text_of(one_of(entities, "screen").get("name"))


def _context(row: Mapping[str, object], time_ms: int) -> dict[str, object]:
    agent = agent_of(text_of(row.get("useragent")))
    platform = text_of(row.get("platform"))
    host = text_of(row.get("refr_urlhost"))
    return {
        "device": agent.device or DEVICE_OF_PLATFORM.get(platform or ""),
        "os": text_of(row.get("os_name")) or agent.os,
        "browser": text_of(row.get("br_family")) or agent.browser,
        "country": text_of(row.get("geo_country")),
        "city": text_of(row.get("geo_city")),
        "referrer": host if host != text_of(row.get("page_urlhost")) else None,
        "campaign": text_of(row.get("mkt_campaign")),
        "utc_offset_min": _offset_min(row, time_ms),
    }


def _offset_min(row: Mapping[str, object], time_ms: int) -> int | None:
    """By the device's time zone, or else the one of its place."""
    zones = (text_of(row.get(name)) for name in ("os_timezone", "geo_timezone"))
    return next((m for zone in zones if (m := utc_offset_min(zone, time_ms)) is not None), None)
