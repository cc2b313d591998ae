"""Google Analytics 4: rows of the export and bodies of the protocol, field by field."""

import json
from typing import Any

import pytest

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.ga4 import event_from_ga4, event_from_ga4_json
from schemas.formats.ga4_hit import EVENTS_MAX, ga4_records

TIME_MS = 1_769_860_800_000
POT = {
    "item_id": "pot",
    "item_category": "Tea",
    "item_category2": "Pots",
    "price": 44.0,
    "quantity": "2",
}
MUG = {
    "item_id": "mug",
    "item_category": "Tea",
    "item_category2": "Cups",
    "price": "14",
    "quantity": 1,
}


def value(said: object) -> dict[str, Any]:
    """As the export writes it: whole numbers as text, the other kinds null."""
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    whole = str(said) if isinstance(said, int) else said
    return dict.fromkeys(("string_value", "int_value", "float_value", "double_value")) | {
        kinds[type(said)]: whole
    }


def row(name: str, *items: dict[str, Any], params: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:  # fmt: skip
    made = {
        "event_name": name, "event_timestamp": f"{TIME_MS}123", "user_pseudo_id": "12.34", "items": list(items),
        "event_params": [{"key": key, "value": value(one)} for key, one in (params or {}).items()],
    }  # fmt: skip
    return made | fields


def body(name: str, params: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    events = [{"name": name, "params": params or {}}]
    return {"client_id": "12.34", "timestamp_micros": TIME_MS * 1_000, "events": events} | fields


def refusal(made: dict[str, Any]) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        event_from_ga4(made)
    return caught.value


def test_a_row_is_one_event_of_its_session() -> None:
    params = {
        "ga_session_id": 1769860700,
        "page_location": "https://shop.example/p/pot?gclid=x",
        "currency": "EUR",
    }
    event = event_from_ga4(row("view_item", POT | {"quantity": None}, params=params))
    assert (event.event_type, event.event_time_ms) == ("product_viewed", TIME_MS)
    assert (event.session_id, event.anonymous_id) == ("12.34.1769860700", "12.34")
    assert (event.item_ids, event.category, event.price) == (("pot",), "Tea/Pots", 44.0)
    assert (event.currency, event.page, event.quantity) == ("EUR", "/p/pot", None)
    assert event.properties == {}


def test_a_row_has_an_id_of_what_it_says() -> None:
    first = event_from_ga4(row("view_item", POT))
    assert event_from_ga4(row("view_item", POT)) == first
    others = [
        row("view_item", MUG),
        row("view_item", POT, event_bundle_sequence_id="7"),
        row("view_item", POT, event_timestamp=f"{TIME_MS}124"),
    ]
    assert len({first.event_id, *(event_from_ga4(one).event_id for one in others)}) == 4


def test_without_a_session_the_visitor_is_one() -> None:
    assert event_from_ga4(row("page_view")).session_id == "12.34"
    assert event_from_ga4(body("page_view")).session_id == "12.34"


def test_the_protocol_says_the_same() -> None:
    params = {
        "session_id": "9",
        "items": [POT],
        "currency": "EUR",
        "value": 88,
        "transaction_id": "t1",
    }
    event = event_from_ga4(body("purchase", params, user_id="u1"))
    assert (event.event_type, event.session_id, event.person_id) == (
        "purchase_completed",
        "12.34.9",
        "u1",
    )
    assert (event.value_amount, event.quantity, event.currency) == (88.0, 2, "EUR")
    assert event.properties == {"transaction_id": "t1"}
    assert (event.channel, event.item_ids) == ("web", ("pot",))
    app = event_from_ga4(
        {"app_instance_id": "i"} | {k: v for k, v in body("page_view").items() if k != "client_id"}
    )
    assert (app.channel, app.anonymous_id) == ("app", "i")


def test_the_time_of_an_event_goes_before_that_of_its_body() -> None:
    made = body("page_view")
    made["events"][0]["timestamp_micros"] = (TIME_MS + 5) * 1_000
    assert event_from_ga4(made).event_time_ms == TIME_MS + 5


def test_a_purchase_of_the_export_is_what_its_record_of_the_order_says() -> None:
    order = {"purchase_revenue": 102.0, "transaction_id": "T-1", "total_item_quantity": "3"}
    event = event_from_ga4(row("purchase", POT, MUG, params={"value": 99}, ecommerce=order))
    assert (event.value_amount, event.quantity, event.item_ids) == (102.0, 3, ("pot", "mug"))
    assert (event.price, event.category) == (None, None)
    assert event.properties == {"transaction_id": "T-1"}
    refund = event_from_ga4(row("refund", MUG, ecommerce={"refund_value": "14"}))
    assert (refund.event_type, refund.value_amount, refund.price) == (
        "purchase_refunded",
        14.0,
        14.0,
    )


def test_what_an_addition_is_worth_is_not_the_carts_total() -> None:
    event = event_from_ga4(row("add_to_cart", POT, params={"value": 88.0}))
    assert (event.value_amount, event.quantity) == (None, 2)


@pytest.mark.parametrize(
    ("name", "params", "attribute", "said"),
    [
        ("view_item_list", {"item_list_name": "Hot", "item_list_id": "h"}, "list", "Hot"),
        ("select_item", {"item_list_id": "h"}, "list", "h"),
        ("select_promotion", {"promotion_name": "Spring"}, "promotion", "Spring"),
        ("add_payment_info", {}, "checkout_step", "payment"),
        ("add_shipping_info", {}, "checkout_step", "shipping"),
        ("begin_checkout", {}, None, None),
        ("scroll", {"percent_scrolled": 90}, None, "90"),
        ("click", {"link_domain": "other.example"}, "link", "other.example"),
        ("form_start", {}, "form", "unnamed"),
    ],
)
def test_what_was_seen_or_clicked(
    name: str, params: dict[str, Any], attribute: str | None, said: str | None
) -> None:
    event = event_from_ga4(row(name, params=params))
    assert (event.attribute, event.value) == (attribute, said)


@pytest.mark.parametrize("name", ["search", "view_search_results"])
def test_a_search_has_its_query(name: str) -> None:
    event = event_from_ga4(row(name, params={"search_term": "green tea"}))
    assert (event.event_type, event.query) == ("search_performed", "green tea")


def test_a_list_is_named_by_its_items_where_nothing_else_does() -> None:
    event = event_from_ga4(row("select_item", POT | {"item_list_name": "Hot"}))
    assert (event.attribute, event.value) == ("list", "Hot")


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (row("view_item"), "items[0].item_id"),
        (row("view_item", {"item_id": "(not set)", "item_name": "Pot"}), "items[0].item_id"),
        (row("view_item", POT | {"price": "19,99"}), "items[0].price"),
        (row("purchase", POT, MUG | {"quantity": "two"}), "items[1].quantity"),
        (row("purchase", POT, params={"value": "1.299,00"}), "event_params.value"),
        (row("login"), "user_id"),
        (row("page_view", user_pseudo_id=None), "user_pseudo_id"),
        (row("page_view", event_name=None), "event_name"),
        (row("page_view", event_params={"a": 1}), "event_params"),
        (row("page_view", event_params=["a"]), "event_params[0]"),
        (row("page_view", event_params=[{"key": "a", "value": 1}]), "event_params[0].value"),
        (row("page_view", device=[]), "device"),
        (row("page_view", privacy_info={"ads_storage": "maybe"}), "privacy_info.ads_storage"),
        (body("page_view", timestamp_micros=None), "timestamp_micros"),
        (body("page_view", client_id=None), "client_id"),
        (body("page_view", events=[]), "events"),
        (body("page_view", events={}), "events"),
        (body("", {}), "events[0].name"),
        (body("page_view", events=[{"name": "page_view", "params": []}]), "events[0].params"),
        (body("add_to_cart", {"items": [POT | {"price": {}}]}), "events[0].params.items[0].price"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(made: dict[str, Any], field: str) -> None:
    assert refusal(made).message.startswith(f"{field}: ")


def test_who_signs_in_is_identified() -> None:
    for name in ("login", "sign_up"):
        event = event_from_ga4(row(name, user_id="u1"))
        assert (event.event_type, event.person_id, event.anonymous_id) == (
            "identified",
            "u1",
            "12.34",
        )


@pytest.mark.parametrize(
    ("made", "granted"),
    [
        (row("page_view"), None),
        (row("page_view", privacy_info={"analytics_storage": "Yes", "ads_storage": "Yes"}), None),
        (row("page_view", privacy_info={"analytics_storage": "Yes", "ads_storage": "No"}), ("analytics",)),
        (row("page_view", privacy_info={"analytics_storage": "No", "ads_storage": "No"}), ()),
        (row("page_view", privacy_info={"analytics_storage": "Unset", "ads_storage": None}), None),
        (body("page_view", consent={"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}), None),
        (body("page_view", consent={"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}), ()),
        (body("page_view", consent={"ad_user_data": "denied"}), ()),
        (body("page_view", non_personalized_ads=True), ()),
    ],
)  # fmt: skip
def test_a_denial_is_kept_and_no_more_is_granted_than_is_named(
    made: dict[str, Any], granted: tuple[str, ...] | None
) -> None:
    assert event_from_ga4(made).consent == granted


def test_where_it_came_from() -> None:
    params = {
        "page_location": "https://shop.example/a", "page_referrer": "https://news.example/b", "campaign": "autumn",
        "source": "letter", "medium": "(none)", "gclid": "secret",
    }  # fmt: skip
    device = {
        "category": "tablet", "operating_system": "Android", "web_info": {"browser": "Chrome"}, "time_zone_offset_seconds": "-12600",
    }  # fmt: skip
    event = event_from_ga4(
        row(
            "page_view",
            params=params,
            device=device,
            geo={"country": "Canada", "city": "(not set)"},
            platform="WEB",
        )
    )
    found = event.context
    assert found is not None
    assert (found.device, found.os, found.browser) == ("tablet", "Android", "Chrome")
    assert (found.country, found.city, found.utc_offset_min) == ("Canada", None, -210)
    assert (found.referrer, found.campaign, event.channel) == ("news.example", "autumn", "web")
    assert event.properties == {"utm_source": "letter"}


def test_what_is_not_set_is_as_if_it_were_not_there() -> None:
    event = event_from_ga4(
        row(
            "page_view",
            params={"campaign": "(direct)", "content_group": "(not set)", "plan": "gold"},
        )
    )
    assert event.context is not None
    assert (event.context.campaign, event.properties) == (None, {"plan": "gold"})


# --- several events of one body -----------------------------------------------------------------


@pytest.mark.parametrize(("said", "is_internal"), [("internal", True), ("developer", False)])
def test_what_its_owners_people_do_is_internal(said: str, is_internal: bool) -> None:
    found = event_from_ga4(row("page_view", params={"traffic_type": said}))
    assert (found.properties.get("internal") == "true") is is_internal
    assert found.properties["traffic_type"] == said


def several(count: int) -> dict[str, Any]:
    made = body("page_view", user_id='u"1')
    made["events"] = [
        {"name": "search", "params": {"search_term": f"a, ]}} {one}"}} for one in range(count)
    ]
    return made


def read(data: bytes) -> list[Event]:
    return [event_from_ga4_json(one) for one in ga4_records(data)]


def test_a_file_may_have_several_events_in_a_body() -> None:
    events = read(json.dumps(several(3), indent=1).encode())
    assert [one.query for one in events] == ["a, ]} 0", "a, ]} 1", "a, ]} 2"]
    assert {one.person_id for one in events} == {'u"1'}
    assert len({one.event_id for one in events}) == 3


def test_a_topic_has_one_event_a_record() -> None:
    assert "events: 2 in one record" in refusal(several(2)).message


def test_more_events_than_the_protocol_has_are_one_record_that_is_refused() -> None:
    data = json.dumps(several(EVENTS_MAX + 1)).encode()
    assert list(ga4_records(data)) == [data]
    assert len(read(json.dumps(several(EVENTS_MAX)).encode())) == EVENTS_MAX


def test_one_broken_event_of_a_body_costs_itself() -> None:
    data = json.dumps(several(2)).encode().replace(b'"a, ]} 1"', b'"\\ud83d"')
    good, broken = ga4_records(data)
    assert event_from_ga4_json(good).query == "a, ]} 0"
    with pytest.raises(InvalidEvent, match="cut inside a character"):
        event_from_ga4_json(broken)
