"""Snowplow's enriched events: what becomes of each action, field by field, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Context, Event
from schemas.formats.snowplow import (
    ACTIONS,
    EVENT_NAMES,
    event_from_snowplow,
    event_from_snowplow_json,
)
from schemas.limits import EVENT_BYTES_MAX

ACTION = "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1"
ECOMMERCE = "contexts_com_snowplowanalytics_snowplow_ecommerce_"
SESSION = "contexts_com_snowplowanalytics_snowplow_client_session_1"
SCREEN = "contexts_com_snowplowanalytics_mobile_screen_1"
TIME_MS = 1_668_945_181_347

SHOES = {"id": "1235", "category": "Sport/Shoes", "price": 15, "currency": "EUR"}
HAT = {"id": "1236", "category": "Hats", "price": "13.2", "currency": "EUR"}


def make_row(action: str | None = None, **columns: Any) -> dict[str, Any]:
    """A web event of that action."""
    row = {
        "event_id": "e1",
        "event_name": "snowplow_ecommerce_action",
        "derived_tstamp": "2022-11-20 11:53:01.347",
        "domain_sessionid": "s1",
        "domain_userid": "a1",
        "platform": "web",
        ACTION: {"type": action},
    }
    return row | columns


def entity(name: str, *objects: dict[str, Any]) -> dict[str, Any]:
    return {f"{ECOMMERCE}{name}_1": list(objects)}


def mapped(action: str | None = None, **columns: Any) -> Event:
    return event_from_snowplow(make_row(action, **columns))


def refusal(**columns: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        mapped("product_view", **columns)
    return caught.value


@pytest.mark.parametrize(
    ("action", "event_type"),
    [
        ("product_view", "product_viewed"),
        ("list_view", "page_viewed"),
        ("list_click", "element_clicked"),
        ("promo_view", "page_viewed"),
        ("promo_click", "element_clicked"),
        ("add_to_cart", "product_added_to_cart"),
        ("remove_from_cart", "product_removed_from_cart"),
        ("checkout_step", "checkout_started"),
        ("transaction", "purchase_completed"),
        ("refund", "purchase_refunded"),
        ("trns_error", "page_viewed"),
        (None, "page_viewed"),
        ("", "page_viewed"),
    ],
)
def test_each_action_is_one_event_type(action: str | None, event_type: str) -> None:
    assert mapped(action).event_type == event_type


@pytest.mark.parametrize(
    ("event_name", "event_type"),
    [("page_view", "page_viewed"), ("screen_view", "page_viewed"), ("page_ping", "page_scrolled")],
)
def test_an_event_that_is_no_action_goes_by_its_name(event_name: str, event_type: str) -> None:
    event = mapped("list_view", event_name=event_name)
    assert (event.event_type, event.attribute) == (event_type, None)


def test_every_type_that_is_mapped_to_is_one_of_ours() -> None:
    assert {*ACTIONS.values(), *EVENT_NAMES.values()} <= EVENT_TYPES


def test_a_web_event_goes_by_its_cookies() -> None:
    event = mapped("product_view", page_urlpath="/shoes/1235")
    assert (event.event_id, event.session_id, event.anonymous_id) == ("e1", "s1", "a1")
    assert (event.event_time_ms, event.channel, event.page) == (TIME_MS, "web", "/shoes/1235")


@pytest.mark.parametrize(
    ("session_key", "user_key"), [("sessionId", "userId"), ("session_id", "user_id")]
)
def test_an_app_event_goes_by_its_client_session(session_key: str, user_key: str) -> None:
    session = {session_key: "s2", user_key: "a2"}
    event = mapped(
        "product_view",
        domain_sessionid=None,
        domain_userid="",
        platform="mob",
        **{SESSION: [session], SCREEN: [{"id": "v1", "name": "Shoes"}]},
    )
    assert (event.session_id, event.anonymous_id) == ("s2", "a2")
    assert (event.channel, event.page) == ("app", "Shoes")


@pytest.mark.parametrize(
    "text",
    [
        "2022-11-20 11:53:01.347",
        "2022-11-20 11:53:01.347000 UTC",
        "2022-11-20 11:53:01.347999+00:00",
        "2022-11-20T11:53:01.347Z",
        "2022-11-20T12:53:01.347+01:00",
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert mapped("product_view", derived_tstamp=text).event_time_ms == TIME_MS


def test_one_product_gives_its_category_price_and_quantity() -> None:
    event = mapped("product_view", **entity("product", {**SHOES, "quantity": "2"}))
    assert (event.item_ids, event.category) == (("1235",), "Sport/Shoes")
    assert (event.price, event.currency, event.quantity) == (15.0, "EUR", 2)
    assert event.value_amount is None


def test_several_products_give_only_what_they_share() -> None:
    event = mapped("list_view", **entity("product", SHOES, HAT))
    assert event.item_ids == ("1235", "1236")
    assert (event.category, event.price, event.quantity) == (None, None, None)
    assert event.currency == "EUR"


def test_a_product_without_an_id_is_no_item() -> None:
    assert mapped("product_view", **entity("product", {"name": "?"}, HAT)).item_ids == ("1236",)


@pytest.mark.parametrize("action", ["list_view", "list_click"])
def test_a_list_is_named(action: str) -> None:
    named = mapped(action, **{ACTION: {"type": action, "name": "recommended"}})
    assert (named.attribute, named.value) == ("list", "recommended")
    assert (mapped(action).attribute, mapped(action).value) == ("list", "unnamed")


@pytest.mark.parametrize("action", ["promo_view", "promo_click"])
def test_a_promotion_goes_by_its_id_or_its_name(action: str) -> None:
    by_id = mapped(action, **entity("promotion", {"id": "p1", "name": "Sale"}))
    by_name = mapped(action, **entity("promotion", {"id": None, "name": "Sale"}))
    assert [by_id.value, by_name.value, mapped(action).value] == ["p1", "Sale", "unnamed"]
    assert by_id.attribute == "promotion"


def test_a_failed_payment_goes_by_its_error() -> None:
    event = mapped("trns_error", **entity("transaction_error", {"error_code": "E05"}))
    assert (event.attribute, event.value) == ("transaction_error", "E05")


@pytest.mark.parametrize("step", [2, "2", "2.0"])
def test_a_checkout_step_tells_its_number(step: object) -> None:
    entities = entity("checkout_step", {"step": step, "delivery_method": "post"})
    event = mapped("checkout_step", **entities)
    assert (event.attribute, event.value) == ("checkout_step", "2")
    assert event.properties == {"delivery_method": "post"}


def test_a_checkout_without_a_step_has_none() -> None:
    assert mapped("checkout_step").attribute is None


@pytest.mark.parametrize("action", ["add_to_cart", "remove_from_cart"])
def test_a_cart_event_tells_the_cart_and_what_its_own_items_are_worth(action: str) -> None:
    cart = {"cart_id": "c1", "total_value": "40.0", "currency": "EUR"}
    two_shoes = {**SHOES, "quantity": 2}
    event = mapped(action, **entity("cart", cart), **entity("product", two_shoes, HAT))
    assert (event.value_amount, event.currency) == (40.0, "EUR")
    assert event.properties == {"cart_id": "c1", "items_value": "43.2"}


@pytest.mark.parametrize(
    "product", [{"id": "1"}, {**SHOES, "currency": "USD"}, {"id": "1", "price": None}]
)
def test_items_are_worth_nothing_that_is_not_known(product: dict[str, Any]) -> None:
    cart = {"total_value": 40, "currency": "EUR"}
    event = mapped("add_to_cart", **entity("cart", cart), **entity("product", SHOES, product))
    assert event.properties == {}


def test_a_cart_that_is_only_seen_is_no_amount() -> None:
    assert mapped("product_view", **entity("cart", {"total_value": 40})).value_amount is None


def test_a_transaction_tells_revenue_quantity_and_order() -> None:
    order = {
        "transaction_id": "t1",
        "revenue": "26.5",
        "total_quantity": "3",
        "currency": "EUR",
        "payment_method": "card",
        "tax": 1.5,
    }
    event = mapped("transaction", **entity("transaction", order), **entity("product", HAT))
    assert (event.value_amount, event.quantity, event.currency) == (26.5, 3, "EUR")
    assert (event.item_ids, event.price) == (("1236",), 13.2)
    assert event.properties == {"transaction_id": "t1", "payment_method": "card", "tax": "1.5"}


def test_a_price_in_another_currency_than_the_amount_is_left_out() -> None:
    order = {"transaction_id": "t1", "revenue": 20, "total_quantity": 1, "currency": "USD"}
    event = mapped("transaction", **entity("transaction", order), **entity("product", HAT))
    assert (event.value_amount, event.currency, event.price) == (20.0, "USD", None)


def test_a_refund_tells_its_amount() -> None:
    refund = {"transaction_id": "t1", "refund_amount": 5, "currency": "EUR"}
    event = mapped("refund", **entity("refund", refund))
    assert (event.value_amount, event.currency) == (5.0, "EUR")
    assert event.properties == {"transaction_id": "t1"}


def test_the_shops_user_is_a_property_and_never_the_person() -> None:
    event = mapped("product_view", **entity("user", {"id": "U1", "is_guest": True}))
    assert event.person_id is None
    assert event.properties == {"shop_user_id": "U1", "is_guest": "true"}


def test_no_address_is_taken_over() -> None:
    user = {"id": "jo@example.com", "email": "jo@example.com"}
    step = {"step": 1, "billing_full_address": "1 Rue", "billing_postcode": "1000"}
    event = mapped(
        "checkout_step",
        user_ipaddress="192.0.2.1",
        page_url="https://shop.example/?email=jo@example.com",
        page_urlpath="/checkout",
        **entity("user", user),
        **entity("checkout_step", step),
    )
    assert event.properties == {}
    assert event.page == "/checkout"


@pytest.mark.parametrize(
    ("terms", "query"),
    [(["green", "tea"], "green tea"), ("tea", "tea"), ([" tea ", None, 7], "tea 7"), ([], None), (None, None)],
)  # fmt: skip
def test_a_site_search_is_a_search_for_its_words(terms: object, query: str | None) -> None:
    search = "unstruct_event_com_snowplowanalytics_snowplow_site_search_1"
    fields: dict[str, Any] = {ACTION: None, search: {"terms": terms}}
    event = mapped(event_name="site_search", **fields)
    assert (event.event_type, event.query) == ("search_performed", query)


def test_a_search_for_something_else_than_words_is_refused() -> None:
    search = "unstruct_event_com_snowplowanalytics_snowplow_site_search_1"
    assert refusal(event_name="site_search", **{search: {"terms": [{}]}}).reason == "invalid_value"


def test_the_page_type_is_a_property() -> None:
    assert mapped(**entity("page", {"type": "homepage"})).properties == {"page_type": "homepage"}


MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/106.0 Safari/537"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) Version/16.0 Mobile Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/109.0 Safari/537.36 Edg/109.0"


@pytest.mark.parametrize(
    ("platform", "agent", "wanted"),
    [
        ("web", MAC, Context("desktop", "macOS", "Chrome")),
        ("web", IPHONE, Context("mobile", "iOS", "Safari")),
        ("web", EDGE, Context("desktop", "Windows", "Edge")),
        ("mob", "snowplow/andr-5.0.0 android/11", Context("mobile", "Android")),
        ("tv", None, Context()),
    ],
)
def test_device_and_browser_are_read_from_the_user_agent(
    platform: str, agent: str | None, wanted: Context
) -> None:
    assert mapped(platform=platform, useragent=agent).context == wanted


def test_named_columns_go_before_the_user_agent() -> None:
    context = mapped(useragent=MAC, os_name="Haiku", br_family="WebPositive").context
    assert context == Context("desktop", "Haiku", "WebPositive")


@pytest.mark.parametrize(
    ("host", "wanted"), [("shop.example", None), ("news.example", "news.example")]
)
def test_only_another_site_is_a_referrer(host: str, wanted: str | None) -> None:
    context = mapped(page_urlhost="shop.example", refr_urlhost=host).context
    assert context is not None
    assert context.referrer == wanted


def test_place_and_campaign_are_context() -> None:
    context = mapped(geo_country="GR", geo_city="Athens", mkt_campaign="autumn").context
    assert context is not None
    assert (context.country, context.city, context.campaign) == ("GR", "Athens", "autumn")


@pytest.mark.parametrize(
    ("day", "zones", "offset_min"),
    [
        ("2022-07-01", {"os_timezone": "Europe/Prague"}, 120),
        ("2022-12-01", {"os_timezone": "Europe/Prague"}, 60),
        ("2022-12-01", {"os_timezone": "Asia/Kathmandu", "geo_timezone": "UTC"}, 345),
        ("2022-12-01", {"os_timezone": "Nowhere/None", "geo_timezone": "Europe/Athens"}, 120),
        ("2022-12-01", {"os_timezone": "../../etc/passwd"}, None),
        ("2022-12-01", {"os_timezone": "Europe"}, None),
        ("2022-12-01", {"os_timezone": "x" * 5000}, None),
        ("2022-12-01", {}, None),
    ],
)
def test_the_utc_offset_is_that_of_the_zone_at_the_time(
    day: str, zones: dict[str, str], offset_min: int | None
) -> None:
    context = mapped(derived_tstamp=f"{day} 12:00:00", **zones).context
    assert context is not None
    assert context.utc_offset_min == offset_min


@pytest.mark.parametrize("suffix", ["1", "1_0_0", "2_0_13"])
def test_an_entitys_column_may_name_its_version(suffix: str) -> None:
    event = mapped("product_view", **{f"{ECOMMERCE}product_{suffix}": [HAT]})
    assert event.item_ids == ("1236",)


def test_of_several_versions_the_first_that_is_not_empty_counts() -> None:
    columns = {f"{ECOMMERCE}product_{v}": value for v, value in (("1_0_0", []), ("1_0_1", [HAT]))}
    assert mapped("product_view", **columns).item_ids == ("1236",)


def test_the_same_event_comes_from_objects_and_from_json_text() -> None:
    row = make_row("add_to_cart", **entity("product", HAT), **entity("cart", {"total_value": 1}))
    texts = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()}
    assert event_from_snowplow_json(json.dumps(row).encode()) == event_from_snowplow(texts)


def test_the_event_can_be_written_to_the_log() -> None:
    event = mapped("add_to_cart", useragent=MAC, **entity("product", SHOES, HAT))
    assert EVENT.decode(EVENT.encode(event)) == event


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"event_name": "page_veiw"}, "'page_veiw': `page_view` is meant?"),
        ({"event_name": "social_click"}, "'social_click'"),
        ({"event_name": None}, "event_name: missing"),
        ({ACTION: {"type": "add_to_crat"}}, "'add_to_crat': `add_to_cart` is meant?"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(columns: dict[str, Any], said: str) -> None:
    assert refusal(**columns).message == said


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"event_id": None}, "invalid_value"),
        ({"event_id": "x" * 257}, "invalid_value"),
        ({"event_id": ["e1"]}, "invalid_value"),
        ({"domain_sessionid": ""}, "invalid_value"),
        ({"domain_userid": " "}, "invalid_value"),
        ({"event_name": "social_click"}, "unknown_event_type"),
        ({"event_name": None}, "unknown_event_type"),
        ({ACTION: {"type": "teleport"}}, "unknown_event_type"),
        ({ACTION: "{"}, "malformed"),
        ({ACTION: "[1]"}, "malformed"),
        ({ACTION: 7}, "malformed"),
        (entity("product", {"id": "1", "price": "cheap"}), "invalid_value"),
        (entity("product", {"id": "1", "price": "nan"}), "not_finite"),
        (entity("product", {"id": "1", "price": "1e999"}), "not_finite"),
        (entity("product", {"id": "1", "price": -1}), "invalid_value"),
        (entity("product", {"id": "1", "quantity": "1.5"}), "invalid_value"),
        (entity("product", {"id": "1", "quantity": 1e300}), "invalid_value"),
        (entity("product", *[{"id": "1"}] * 201), "invalid_value"),
        (entity("product", {"id": {"a": 1}}), "invalid_value"),
    ],
)
def test_what_cannot_be_used_is_an_invalid_event(columns: dict[str, Any], reason: str) -> None:
    error = refusal(**columns)
    assert error.reason == reason
    assert error.event_time_ms == TIME_MS


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "1668945181347", "1999-12-31", "2100-01-01", "0001-01-01"]
)
def test_an_event_without_a_usable_time_is_invalid(text: str | None) -> None:
    error = refusal(derived_tstamp=text)
    assert (error.reason, error.event_time_ms) == ("invalid_value", None)


def test_products_worth_more_than_an_amount_can_be_are_invalid() -> None:
    product = {"id": "1", "price": "1e300", "quantity": 10**20, "currency": "EUR"}
    with pytest.raises(InvalidEvent, match="invalid_value"):
        mapped("add_to_cart", **entity("product", product))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"{", "malformed"),
        (b'{"event_id": "\xff"}', "malformed"),
        (b'{"a": ' * 5000, "malformed"),
        (b'{"a": ' + b"9" * 5000 + b"}", "malformed"),
        (b"{}", "invalid_value"),
        (b" " * (EVENT_BYTES_MAX + 1), "too_large"),
    ],
)
def test_bytes_that_are_no_row_are_an_invalid_event(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        event_from_snowplow_json(data)
    assert caught.value.reason == reason


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    column=st.sampled_from([*make_row(), f"{ECOMMERCE}product_1", "os_timezone", "useragent"]),
    value=VALUES,
)
def test_any_value_in_any_column_gives_an_event_or_an_invalid_event(
    column: str, value: object
) -> None:
    row = make_row("add_to_cart", **entity("product", SHOES)) | {column: value}
    try:
        event = event_from_snowplow(row)
    except InvalidEvent:
        return
    assert EVENT.decode(EVENT.encode(event)) == event


@given(fields=st.dictionaries(st.sampled_from(["id", "price", "quantity", "currency"]), VALUES))
def test_any_product_gives_an_event_or_an_invalid_event(fields: dict[str, Any]) -> None:
    row = make_row("add_to_cart", **entity("product", {"id": "1", **fields}))
    try:
        event = event_from_snowplow(row)
    except InvalidEvent:
        return
    assert EVENT.decode(EVENT.encode(event)) == event


LEVEL = "unstruct_event_com_acme_level_completed_1"


@pytest.mark.parametrize("name", ["level_completed", "levelCompleted"])
@pytest.mark.parametrize("column", [LEVEL, f"{LEVEL}_0_2"])
def test_a_self_describing_event_is_one_of_its_own_name_with_all_that_it_says(
    name: str, column: str
) -> None:
    said = {"level": 7, "hard": True, "boss": "dragon", "email": "a@b.example", "loot": [1]}
    event = event_from_snowplow(make_row(None, event_name=name, **{column: said}))
    assert event.event_type == "level_completed"
    assert event.properties == {"level": "7", "hard": "true", "boss": "dragon"}
    assert (event.event_id, event.session_id) == ("e1", "s1")


def test_what_it_is_about_is_told_too_and_json_text_is_read() -> None:
    told = make_row(None, event_name="level_completed", **{LEVEL: '{"level": 7}'})
    event = event_from_snowplow(told | entity("product", {"id": "sword"}))
    assert (event.item_ids, event.properties["level"]) == (("sword",), "7")


def test_a_name_without_what_it_says_or_one_of_ours_is_none() -> None:
    other = {"unstruct_event_com_acme_other_1": {"a": 1}}
    assert refusal(event_name="level_completed", **other).reason == "unknown_event_type"
    assert refusal(event_name="level_completed", **{LEVEL: ""}).reason == "unknown_event_type"
    column = "unstruct_event_com_acme_product_viewed_1"
    ours = refusal(event_name="product_viewed", **{column: {"a": 1}})
    assert ours.reason == "unknown_event_type"
    assert refusal(event_name="level_completed", **{LEVEL: "{"}).reason == "malformed"
