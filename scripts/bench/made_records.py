"""Made-up records of a visit, in each format of the topic `events`: what is looked at, searched for, put into the cart and bought."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from schemas.codec import EVENT, HEADER_BYTES, SCHEMA_FOLDER
from schemas.events import Context, Event
from schemas.formats import CONFLUENT_AVRO, FORMATS, SNOWPLOW, EventFormat, confluent_avro
from schemas.formats.foreign_schema import foreign_schema
from schemas.formats.registered import header_of
from schemas.formats.snowplow_tsv import COLUMNS

SCHEMA_ID: Final = 7
BEGUN_MS: Final = 1_767_225_600_000
KINDS: Final = ("product_viewed", "product_viewed", "search_performed", "product_viewed", "product_added_to_cart", "purchase_completed")  # fmt: skip
SEGMENT: Final = {
    "product_viewed": "Product Viewed", "search_performed": "Products Searched", "product_added_to_cart": "Product Added",
    "purchase_completed": "Order Completed",
}  # fmt: skip
GA4: Final = {
    "product_viewed": "view_item", "search_performed": "search", "product_added_to_cart": "add_to_cart", "purchase_completed": "purchase",
}  # fmt: skip
SNOWPLOW_ACTIONS: Final = {"product_viewed": "product_view", "product_added_to_cart": "add_to_cart", "purchase_completed": "transaction"}  # fmt: skip
VENDOR: Final = "com.snowplowanalytics.snowplow"
ECOMMERCE: Final = f"{VENDOR}.ecommerce"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
Given = dict[str, Any]


def events(count: int) -> Iterator[Event]:
    """So many events of ours, six to a visit."""
    for number in range(count):
        kind, visit = KINDS[number % len(KINDS)], number // len(KINDS)
        has_item = kind != "search_performed"
        is_bought = kind == "purchase_completed"
        yield Event(
            event_id=f"e{number:012}", event_type=kind, event_time_ms=BEGUN_MS + number * 250, session_id=f"visit-{visit:09}",
            anonymous_id=f"visitor-{visit % 9_973:09}", channel="web", page=f"/shop/shoes/{number % 997}",
            item_ids=(f"item-{number % 9_973}",) if has_item else (), query=None if has_item else "running shoes",
            quantity=1 if is_bought else None, price=float(number % 400) + 0.99 if has_item else None, currency="EUR" if has_item else None,
            value_amount=float(number % 400) + 0.99 if is_bought else None, consent=("personalisation", "analytics"),
            context=Context(device="desktop", os="Linux", browser="Chrome", country="DE", referrer="search.example"),
            properties={"list": "trending", "variant": str(number % 7)},
        )  # fmt: skip


def _segment(event: Event) -> bytes:
    said = {
        "product_id": event.item_ids[0] if event.item_ids else None, "query": event.query, "price": event.price, "quantity": event.quantity,
        "currency": event.currency, "total": event.value_amount, **event.properties,
    }  # fmt: skip
    return _json(
        {
            "type": "track", "event": SEGMENT[event.event_type], "messageId": event.event_id, "anonymousId": event.anonymous_id,
            "timestamp": event.event_time_ms, "properties": {name: one for name, one in said.items() if one is not None},
            "context": {
                "sessionId": event.session_id, "page": {"path": event.page, "referrer": "https://search.example/"}, "userAgent": AGENT,
                "locale": "de-DE", "consent": {"categoryPreferences": {"personalisation": True, "analytics": True}},
            },
        }
    )  # fmt: skip


def _ga4(event: Event) -> bytes:
    item = {"item_id": event.item_ids[0], "price": event.price, "quantity": event.quantity or 1} if event.item_ids else None  # fmt: skip
    params = {"ga_session_id": event.session_id, "page_location": f"https://shop.example{event.page}", "search_term": event.query, "value": event.value_amount}  # fmt: skip
    return _json(
        {
            "event_name": GA4[event.event_type], "event_timestamp": event.event_time_ms * 1_000, "user_pseudo_id": event.anonymous_id,
            "event_params": [_param(name, one) for name, one in params.items() if one is not None], "items": [item] if item else [],
            "platform": "WEB", "device": {"category": "desktop", "operating_system": "Linux", "web_info": {"browser": "Chrome"}},
            "geo": {"country": "Germany", "city": "Berlin"},
        }
    )  # fmt: skip


def _param(name: str, value: str | float) -> Given:
    kind = "string_value" if isinstance(value, str) else "double_value"
    return {"key": name, "value": {kind: value}}


def _cloudevents(event: Event) -> bytes:
    data = msgspec.to_builtins(event)
    kind, event_id = data.pop("event_type"), data.pop("event_id")
    return _json(
        {"specversion": "1.0", "id": event_id, "source": "/shop", "type": f"example.{kind}", "data": data}
    )  # fmt: skip


def _snowplow(event: Event) -> bytes:
    """The line that Enrich writes, with the e-commerce entities."""
    product = {"id": event.item_ids[0], "price": event.price, "currency": event.currency, "quantity": event.quantity or 1} if event.item_ids else None  # fmt: skip
    entities = [_entity(f"{ECOMMERCE}/product", product)] if product else []
    if event.event_type == "purchase_completed":
        entities.append(_entity(f"{ECOMMERCE}/transaction", {"transaction_id": event.event_id, "revenue": event.value_amount, "currency": event.currency}))  # fmt: skip
    said = _entity(f"{VENDOR}/site_search", {"terms": [event.query]}) if event.query else _entity(f"{ECOMMERCE}/snowplow_ecommerce_action", {"type": SNOWPLOW_ACTIONS[event.event_type]})  # fmt: skip
    columns = {
        "app_id": "shop", "platform": "web", "event": "unstruct", "event_id": event.event_id, "collector_tstamp": _time(event.event_time_ms),
        "derived_tstamp": _time(event.event_time_ms), "domain_userid": event.anonymous_id, "domain_sessionid": event.session_id,
        "page_urlhost": "shop.example", "page_urlpath": event.page or "", "refr_urlhost": "search.example", "useragent": AGENT, "geo_country": "DE",
        "event_name": "site_search" if event.query else "snowplow_ecommerce_action",
        "contexts": _json(_entity(f"{VENDOR}/contexts", entities)).decode() if entities else "",
        "unstruct_event": _json(_entity(f"{VENDOR}/unstruct_event", said)).decode(),
    }  # fmt: skip
    return "\t".join(columns.get(name, "") for name in COLUMNS).encode()


def _entity(kind: str, said: object) -> Given:
    return {"schema": f"iglu:{kind}/jsonschema/1-0-0", "data": said}


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _confluent_avro(event: Event) -> bytes:
    """By the newest schema of ours, as another's writer would have registered it."""
    return header_of(SCHEMA_ID) + EVENT.encode(event)[HEADER_BYTES:]


def _json_schema(event: Event) -> bytes:
    return header_of(SCHEMA_ID) + msgspec.json.encode(event)


def _json(given: Given) -> bytes:
    return json.dumps(given).encode()


RECORDS: Final[dict[str, Callable[[Event], bytes]]] = {
    "kairos": EVENT.encode,
    "json": msgspec.json.encode,
    "segment": _segment,
    "ga4": _ga4,
    "cloudevents": _cloudevents,
    SNOWPLOW: _snowplow,
    "json-schema": _json_schema,
    CONFLUENT_AVRO: _confluent_avro,
}
"""How an event of ours would have been written, by format."""


def readers() -> dict[str, EventFormat]:
    """What reads them: every format, with the one schema that a registry would have."""
    newest = max(SCHEMA_FOLDER.glob("event.v*.avsc"), key=lambda path: int(path.stem[len("event.v") :]))  # fmt: skip
    schema = foreign_schema(newest.read_text())
    return FORMATS | {CONFLUENT_AVRO: confluent_avro(lambda _: schema)}
