"""Segment and RudderStack: what becomes of each call, field by field."""

import json
from typing import Any

import pytest

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.segment import event_from_segment, event_from_segment_json
from schemas.formats.segment_goods import READ
from schemas.limits import PROPERTIES_PER_EVENT_MAX

TIME_MS = 1_769_860_800_000
SHOES = {"product_id": "1235", "category": "Sport/Shoes", "price": 15, "currency": "EUR"}
HAT = {"sku": "1236", "category": "Hats", "price": "13.2", "currency": "EUR", "quantity": 3}


def call(kind: str = "track", **fields: Any) -> dict[str, Any]:
    made = {
        "type": kind, "messageId": "m1", "anonymousId": "a1", "timestamp": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    return {name: value for name, value in (made | fields).items() if value is not None}


def track(event: str, properties: dict[str, Any] | None = None, **fields: Any) -> Event:
    return event_from_segment(call(event=event, properties=properties or {}, **fields))


def refusal(made: dict[str, Any]) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        event_from_segment(made)
    return caught.value


@pytest.mark.parametrize("name", ["Product Viewed", "product_viewed", "productViewed", "product viewed"])  # fmt: skip
def test_a_name_is_read_in_each_form(name: str) -> None:
    event = track(name, SHOES)
    assert (event.event_type, event.item_ids, event.price) == ("product_viewed", ("1235",), 15.0)
    assert (event.category, event.currency) == ("Sport/Shoes", "EUR")


@pytest.mark.parametrize(
    ("fields", "time_ms"),
    [
        ({}, TIME_MS),
        # the browser's clock is 10 s slow, and the call waited 3 s before it was sent
        (
            {
                "timestamp": None, "originalTimestamp": "2026-01-31T11:59:47Z", "sentAt": "2026-01-31T11:59:50Z",
                "receivedAt": "2026-01-31T12:00:00.040Z",
            },
            TIME_MS - 2_960,
        ),
        ({"timestamp": None, "originalTimestamp": "2026-01-31T12:00:01"}, TIME_MS + 1_000),
        ({"timestamp": None, "sentAt": "2026-01-31T12:00:02Z"}, TIME_MS + 2_000),
        ({"timestamp": None, "receivedAt": "2026-01-31T12:00:03Z"}, TIME_MS + 3_000),
        ({"originalTimestamp": "2031-01-01", "sentAt": "2031-01-01", "receivedAt": "2031-01-01"}, TIME_MS),
    ],
)  # fmt: skip
def test_the_time_is_corrected_by_the_senders_clock(fields: dict[str, Any], time_ms: int) -> None:
    assert track("Cart Viewed", **fields).event_time_ms == time_ms


def test_without_any_time_it_is_no_event() -> None:
    error = refusal(call(event="Cart Viewed", timestamp=None))
    assert "timestamp" in error.message
    assert error.event_time_ms is None


@pytest.mark.parametrize(
    ("fields", "session_id", "anonymous_id"),
    [
        ({}, "a1", "a1"),
        ({"context": {"sessionId": 1769860700}}, "a1.1769860700", "a1"),
        ({"context": {"sessionId": "1769860700"}}, "a1.1769860700", "a1"),
        ({"context": {"sessionId": "5f1c-77"}}, "5f1c-77", "a1"),
        ({"context": {"session_id": "s2"}}, "s2", "a1"),
        ({"session_id": "s3"}, "s3", "a1"),
        ({"userId": "u1"}, "a1", "a1"),
        ({"anonymousId": None, "userId": "u1"}, "u1", "u1"),
        ({"properties": {"session_id": "video-7"}}, "a1", "a1"),
    ],
)
def test_session_and_visitor(fields: dict[str, Any], session_id: str, anonymous_id: str) -> None:
    event = event_from_segment(call(event="Video Playback Started", **fields))
    assert (event.session_id, event.anonymous_id) == (session_id, anonymous_id)
    assert event.person_id == fields.get("userId")


def test_nobody_is_no_visitor() -> None:
    assert "anonymousId" in refusal(call(event="Cart Viewed", anonymousId=None)).message


def test_a_call_without_an_id_gets_one_of_what_it_says() -> None:
    first = track("Cart Viewed", {"cart_id": "c1"}, messageId=None)
    assert first.event_id.startswith("made-")
    assert track("Cart Viewed", {"cart_id": "c1"}, messageId=None) == first
    assert track("Cart Viewed", {"cart_id": "c2"}, messageId=None).event_id != first.event_id


def test_a_purchase_is_what_was_paid_in_all_and_all_its_pieces() -> None:
    two = [SHOES | {"quantity": 1}, HAT]
    event = track(
        "Order Completed", {"order_id": "o1", "total": 60.5, "revenue": 50, "products": two}
    )
    assert (event.item_ids, event.quantity, event.value_amount) == (("1235", "1236"), 4, 60.5)
    assert (event.price, event.category) == (None, None)
    assert event.properties == {"transaction_id": "o1"}
    less = track("Order Completed", {"revenue": "50", "products": [SHOES, HAT]})
    assert (less.quantity, less.value_amount) == (None, 50.0)


def test_an_amount_of_the_cart_is_not_taken_for_the_carts_total() -> None:
    assert track("Product Added", HAT | {"value": 39.6}).value_amount is None


@pytest.mark.parametrize(
    ("event", "properties", "attribute", "value"),
    [
        ("Product List Filtered", {"filters": [{"type": "size", "value": 9}, {"type": "size", "value": 10}]}, "size", "10"),
        ("Product List Filtered", {"sorts": [{"type": "price", "value": "desc"}]}, "sort", "price desc"),
        ("Product List Viewed", {"list_id": "hot", "category": "Deals"}, "list", "hot"),
        ("Product List Viewed", {"category": "Deals"}, "list", "Deals"),
        ("Product List Viewed", {}, "list", "unnamed"),
        ("Promotion Clicked", {"promotion_id": "p", "name": "Spring"}, "promotion", "p"),
        ("Checkout Step Completed", {"step": 3}, "checkout_step", "3"),
        ("Payment Info Entered", {}, "checkout_step", "payment"),
        ("Checkout Started", {}, None, None),
        ("Product Reviewed", {"product_id": "1", "rating": 4}, None, "4"),
        ("Product Viewed", SHOES | {"value": 18.99, "attribute": "x"}, None, None),
        ("filter_applied", {"attribute": "size", "value": 10}, "size", "10"),
        ("help_viewed", {"value": "Returns"}, None, "Returns"),
    ],
)  # fmt: skip
def test_what_was_chosen_seen_or_clicked(
    event: str, properties: dict[str, Any], attribute: str | None, value: str | None
) -> None:
    made = track(event, properties)
    assert (made.attribute, made.value) == (attribute, value)


def test_a_reaction_names_its_decision() -> None:
    made = track("decision_clicked", {"decision_id": "d1", "request_id": "r1", "placement": "home"})
    assert (made.decision_id, made.request_id) == ("d1", "r1")
    assert made.properties == {"placement": "home"}


def test_a_search_has_its_query() -> None:
    assert track("Products Searched", {"query": " running shoes "}).query == "running shoes"


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (call(event="Product Viewed", properties={}), "properties.product_id"),
        (call(event="Order Completed", properties={"products": [SHOES, 3]}), "properties.products[1]"),
        (call(event="Order Completed", properties={"products": {"a": 1}}), "properties.products"),
        (call(event="Order Completed", properties={"products": [SHOES | {"quantity": 1.5}]}), "properties.products[0].quantity"),
        (call(event="Order Completed", properties={"total": "1.299,00"}), "properties.total"),
        (call(event="Product List Filtered", properties={}), "properties.filters"),
        (call(event="Cart Viewed", properties=[]), "properties"),
        (call(event="Cart Viewed", context="x"), "context"),
        (call(event="Cart Viewed", context={"page": []}), "context.page"),
        (call(event="Cart Viewed", context={"device": {"type": {}}}), "context.device.type"),
        (call(event="Cart Viewed", messageId="x" * 300), "messageId"),
        (call(), "event"),
        (call("identify"), "userId"),
        (call(event="Signed In"), "userId"),
        (call("group"), "groupId"),
        (call("alias", previousId="other", userId="u1"), "previousId"),
        (call(kind=""), "type"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(made: dict[str, Any], field: str) -> None:
    assert refusal(made).message.startswith(f"{field}: ")


def test_who_signs_in_is_identified_and_their_traits_are_not_kept() -> None:
    made = call("identify", userId="u1", traits={"email": "jo@shop.example", "age": 40})
    event = event_from_segment(made)
    assert (event.event_type, event.person_id, event.properties) == ("identified", "u1", {})
    alias = event_from_segment(call("alias", anonymousId=None, previousId="old", userId="u1"))
    assert (alias.event_type, alias.anonymous_id, alias.session_id) == ("identified", "old", "old")


def test_a_group_is_a_fact_of_the_person() -> None:
    event = event_from_segment(call("group", userId="u1", groupId="g1", traits={"name": "X"}))
    assert (event.event_type, event.attribute, event.value) == ("profile_updated", "group", "g1")


def test_pages_and_screens_are_pages() -> None:
    page = event_from_segment(call("page", name="Home", properties={"path": "/home?token=1"}))
    assert (page.event_type, page.page, page.channel) == ("page_viewed", "/home", "web")
    screen = event_from_segment(call("screen", name="Cart"))
    assert (screen.event_type, screen.page, screen.channel) == ("page_viewed", "Cart", "app")


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        ({}, None),
        ({"Functional": True, "C0004": False}, None),
        ({"Personalization": True, "Analytics": True, "Advertising": False}, ("personalisation", "analytics")),
        ({"personalisation": False}, ()),
        # whoever says nothing of personalisation says nothing, but for a denial: then only what is named is granted
        ({"Analytics": True, "Advertising": True}, None),
        ({"Analytics": True, "Advertising": False}, ("analytics",)),
        ({"Personalization": True, "Personalisation": False}, ()),
    ],
)  # fmt: skip
def test_consent_is_what_categories_name(
    said: dict[str, bool], granted: tuple[str, ...] | None
) -> None:
    context = {"consent": {"categoryPreferences": said}}
    assert track("Cart Viewed", context=context).consent == granted


def test_a_change_of_consent_names_a_purpose() -> None:
    name, told = "Segment Consent Preference Updated", {"Analytics": True, "Advertising": False}
    event = track(name, context={"consent": {"categoryPreferences": told}})
    assert (event.event_type, event.consent) == ("consent_changed", ("analytics",))
    other = {"consent": {"categoryPreferences": {"C0001": True}}}
    error = refusal(call(event=name, context=other))
    assert error.message == "context.consent.categoryPreferences: none of C0001 is a purpose"
    wrong = {"consent": {"categoryPreferences": {"Analytics": "yes"}}}
    assert "Analytics" in refusal(call(event="Cart Viewed", context=wrong)).message


def test_where_it_came_from() -> None:
    page = {
        "url": "https://jo:pw@Shop.example:8080/p/1?q=x#y",
        "referrer": "https://news.example/a?" + "b" * 5_000,
    }
    context = {
        "page": page, "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/109.0 Safari/537.36 Edg/109.0",
        "timezone": "Europe/Prague", "ip": "192.0.2.1", "location": {"country": "CZ", "city": "Brno"},
        "campaign": {"name": "autumn", "source": "letter", "medium": "email"}, "locale": "cs-CZ",
    }  # fmt: skip
    event = track("Cart Viewed", context=context)
    found = event.context
    assert found is not None
    assert (found.device, found.os, found.browser) == ("desktop", "Windows", "Edge")
    assert (found.country, found.city, found.utc_offset_min) == ("CZ", "Brno", 60)
    assert (found.referrer, found.campaign, event.page) == ("news.example", "autumn", "/p/1")
    assert event.properties == {"utm_source": "letter", "utm_medium": "email", "locale": "cs-CZ"}
    assert "192.0.2.1" not in str(event)


def test_the_own_site_is_no_referrer() -> None:
    page = {"url": "https://shop.example/b", "referrer": "https://shop.example/a"}
    found = track("Cart Viewed", context={"page": page}).context
    assert found is not None
    assert found.referrer is None


def test_other_properties_are_kept_but_for_who_somebody_is() -> None:
    given = {
        "colour": "red",
        "sizes": [1],
        "gift": True,
        "level": 3.0,
        "email": "jo@shop.example",
        "First Name": "Jo",
        "customerEmail": "x",
        "shipTo_address": "y",
    }
    event = track("Cart Viewed", given | {"long": "x" * 3_000, "nothing": None})
    assert event.properties == {"colour": "red", "gift": "true", "level": "3"}


def test_more_properties_than_there_is_room_for_are_left_out() -> None:
    event = track(
        "Cart Viewed", {f"p{one:03}": one for one in range(500)}, context={"locale": "de"}
    )
    assert len(event.properties) == PROPERTIES_PER_EVENT_MAX - 1
    assert event.properties["p000"] == "0"


def test_what_is_read_is_not_a_property_too() -> None:
    given = {
        name: "1" for name in READ if name not in ("products", "filters", "sorts", "placements")
    }
    event = track("Product Viewed", given)
    assert set(event.properties) == {
        "transaction_id", "payment_method", "shipping", "tax", "discount_amount", "discount_code", "cart_id", "delivery_method",
    }  # fmt: skip


def test_a_page_may_ask_for_its_placements() -> None:
    made = call("page", properties={"path": "/", "placements": ["home", "banner"]})
    assert event_from_segment_json(json.dumps(made).encode()).placements == ("home", "banner")
