"""Google Analytics 4: a row of the BigQuery export as JSON, or a body of the Measurement Protocol.

https://support.google.com/analytics/answer/7029846 (the export's schema),
https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference (the protocol)
"""

from typing import Any, Final

from schemas.enrich.enrich_event import INTERNAL
from schemas.enrich.origins import place_of
from schemas.errors import InvalidEvent
from schemas.events import TRUE, Event
from schemas.formats.field_names import NEED_ITEMS
from schemas.formats.foreign_json import (
    Given,
    carried,
    consent_said,
    first_number,
    first_of,
    id_of,
    number,
    own_type,
    part,
    read_object,
    text,
    timed_event,
    url_of,
    whole,
)
from schemas.formats.ga4_hit import NOT_SET, Hit, hit_of, set_text
from schemas.formats.ga4_names import ABOUT, KNOWN, NAMES
from schemas.limits import QUANTITY_MAX

CHANNELS: Final = {"WEB": "web", "IOS": "app", "ANDROID": "app"}
UNNAMED: Final = "unnamed"
TRAFFIC: Final = "traffic_type"
"""Parameter of a hit; `internal` is what a property of Google Analytics calls its own people: https://support.google.com/analytics/answer/10104470"""
CATEGORIES: Final = ("item_category", "item_category2", "item_category3", "item_category4", "item_category5")  # fmt: skip
NO_CAMPAIGN: Final = frozenset({NOT_SET, "(none)", "(direct)", "(organic)", "(referral)", "(data deleted)"})  # fmt: skip
MONEY: Final = {"purchase_completed": "purchase_revenue", "purchase_refunded": "refund_value"}
"""Of `ecommerce` of an exported row; else it is the parameter `value`."""
RENAMED: Final = {
    "transaction_id": "transaction_id", "tax": "tax", "shipping": "shipping", "coupon": "discount_code",
    "payment_type": "payment_method", "shipping_tier": "delivery_method", "source": "utm_source", "medium": "utm_medium",
    "term": "utm_term", "content": "utm_content",
}  # fmt: skip
"""Their parameter, our property."""
READ: Final = frozenset(
    {
        *RENAMED, "batch_ordering_id", "batch_page_id", "campaign", "campaign_id", "currency", "dclid", "debug_mode",
        "engaged_session_event", "engagement_time_msec", "entrances", "firebase_screen", "firebase_screen_class",
        "firebase_screen_id", "firebase_event_origin", "ga_session_id", "ga_session_number", "gclid", "ignore_referrer",
        "items", "link_url", "page_location", "page_path", "page_referrer", "page_title", "percent_scrolled", "search_term",
        "session_engaged", "session_id", "srsltid", "synthetic_bundle", "value", "video_url",
    }
)  # fmt: skip
"""Parameters that something is made of, or that nobody should keep."""
READ_OF_OWN: Final = READ - {"value"}
"""Likewise, of an event under the sender's own name."""
Fields = dict[str, Any]


def event_from_ga4_json(data: bytes) -> Event:
    """The event in `data`: an exported row, or a body of the protocol with one event; raises InvalidEvent."""
    return read_object(data, event_from_ga4)


def event_from_ga4(given: Given) -> Event:
    """The event that a row, or a body with one event, is.

    Its id is made of what it says, for Google gives none. Of the page only the path is taken. Raises InvalidEvent.
    """
    hit = hit_of(given)
    return timed_event(hit.time_ms, lambda: _fields(hit))


def _fields(hit: Hit) -> Fields:
    event_type = NAMES.get(hit.name) or own_type(hit.name, KNOWN)
    if event_type == "identified" and hit.user_id is None:
        raise InvalidEvent("invalid_value", f"user_id: missing, so `{hit.name}` identifies nobody")
    params, at = hit.params, hit.at
    host, path = place_of(url_of(params, "page_location", at))
    fields: Fields = {
        "event_id": hit.event_id,
        "event_type": event_type,
        "event_time_ms": hit.time_ms,
        "session_id": hit.visitor if hit.session is None else f"{hit.visitor}.{hit.session}",
        "anonymous_id": hit.visitor,
        "person_id": hit.user_id,
        "channel": _channel(hit),
        "page": path or url_of(params, "page_path", at) or text(params, "firebase_screen", at),
        "consent": consent_said(hit.told),
        "context": _context(hit, host),
    }
    return fields | _goods(hit, event_type) | _said(hit)


def _channel(hit: Hit) -> str | None:
    if "app_instance_id" in hit.around:
        return "app"
    if "client_id" in hit.around:
        return "web"
    return CHANNELS.get(text(hit.around, "platform") or "")


def _context(hit: Hit, own_host: str | None) -> Fields:
    device = part(hit.around, "device")
    web = part(device, "web_info", "device.")
    place = part(hit.around, "geo") or part(hit.around, "user_location")
    offset_s = whole(device, "time_zone_offset_seconds", "device.")
    referrer = place_of(url_of(hit.params, "page_referrer", hit.at))[0]
    traffic = part(hit.around, "collected_traffic_source")
    campaign = text(hit.params, "campaign", hit.at) or text(
        traffic, "manual_campaign_name", "collected_traffic_source."
    )
    return {
        "device": set_text(device, "category", "device."),
        "os": set_text(device, "operating_system", "device."),
        "browser": set_text(web, "browser", "device.web_info.")
        or set_text(device, "browser", "device."),
        "country": set_text(place, "country", "geo.")
        or text(place, "country_id", "user_location."),
        "city": set_text(place, "city", "geo."),
        "referrer": referrer if referrer != own_host else None,
        "campaign": campaign if campaign not in NO_CAMPAIGN else None,
        "utc_offset_min": None if offset_s is None else offset_s // 60,
    }


def _said(hit: Hit) -> Fields:
    """What was searched for, seen or clicked, and how far it was scrolled."""
    if hit.name in ("search", "view_search_results"):
        return {"query": text(hit.params, "search_term", hit.at)}
    if hit.name == "scroll":
        return {"value": text(hit.params, "percent_scrolled", hit.at)}
    if hit.name not in ABOUT:
        return {}
    attribute, names = ABOUT[hit.name]
    if attribute == "checkout_step":
        return {"attribute": attribute, "value": hit.name.split("_")[1]}
    first = hit.items[0] if hit.items else {}
    value = first_of(hit.params, names, hit.at) or first_of(first, names, f"{hit.items_at}[0].")
    return {"attribute": attribute, "value": value or UNNAMED}


# --- goods --------------------------------------------------------------------------------------


def _goods(hit: Hit, event_type: str) -> Fields:
    """Items, amounts and properties; the price of a thing only where it is the only one."""
    items, at = hit.items, hit.items_at
    ids = [
        found for number, one in enumerate(items) if (found := _item_id(one, f"{at}[{number}]."))
    ]
    if event_type in NEED_ITEMS and not ids:
        raise InvalidEvent("invalid_value", f"{at}[0].item_id: missing")
    only = items[0] if len(items) == 1 else {}
    is_money = event_type in MONEY
    return {
        "item_ids": ids,
        "category": _category(items, at),
        "price": number(only, "price", f"{at}[0]."),
        "quantity": _pieces(items, at) if is_money else whole(only, "quantity", f"{at}[0]."),
        "currency": text(hit.params, "currency", hit.at) or text(only, "currency", f"{at}[0]."),
        "value_amount": _amount(hit, MONEY[event_type]) if is_money else None,
        "properties": _properties(hit),
    }


def _item_id(item: Given, at: str) -> str | None:
    found = id_of(item, "item_id", at)
    return None if found == NOT_SET else found


def _category(items: list[Given], at: str) -> str | None:
    """The path of categories of all items, where they have the same."""
    found = set()
    for index, one in enumerate(items):
        path = f"{at}[{index}]."
        names = [set_text(one, name, path) for name in CATEGORIES if name in one]
        found.add("/".join(name for name in names if name is not None))
    return (found.pop() or None) if len(found) == 1 else None


def _pieces(items: list[Given], at: str) -> int | None:
    """How many pieces in all, where each item says it."""
    counts = [whole(one, "quantity", f"{at}[{index}].") for index, one in enumerate(items)]
    known = [one for one in counts if one is not None]
    return min(sum(known), QUANTITY_MAX) if known and len(known) == len(counts) else None


def _amount(hit: Hit, name: str) -> float | None:
    said = number(part(hit.around, "ecommerce"), name, "ecommerce.")
    return first_number(hit.params, ("value",), hit.at) if said is None else said


def _properties(hit: Hit) -> dict[str, str]:
    found = {
        ours: said
        for theirs, ours in RENAMED.items()
        if theirs in hit.params
        and (said := text(hit.params, theirs, hit.at)) is not None
        and said not in NO_CAMPAIGN
    }
    ecommerce = part(hit.around, "ecommerce")
    if "transaction_id" not in found:
        said = set_text(ecommerce, "transaction_id", "ecommerce.")
        if said is not None:
            found["transaction_id"] = said
    if text(hit.params, TRAFFIC, hit.at) == INTERNAL:
        found[INTERNAL] = TRUE
    return carried(hit.params, READ if hit.name in KNOWN else READ_OF_OWN, found)
