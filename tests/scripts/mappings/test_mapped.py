"""Mappings: what a record becomes by one, what is refused, and that one for Segment's calls makes the events of the built-in format."""

from contextlib import suppress
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.config import PROJECT
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.formats import FORMATS
from schemas.mappings.mapped import found_at, mapped_event
from schemas.mappings.mapping_rules import compile_mapping
from tests.builders import NOON

VISIT: Final = PROJECT / "tests" / "schemas" / "formats" / "visit"
BASE: Final[dict[str, Any]] = {
    "event_time_ms": {"path": "ts", "unit": "s"}, "session_id": ["sid", "user.id"], "anonymous_id": "user.id",
}  # fmt: skip
RECORD: Final[dict[str, Any]] = {
    "kind": "view", "ts": NOON / 1000, "sid": "s1", "user": {"id": "u1"}, "goods": [{"sku": 7}, {"sku": "b"}], "total": "1.299,00",
    "tags": "a, b ,,c", "a.b": "dotted",
}  # fmt: skip


def mapping(*rules: dict[str, Any], **shared: Any) -> dict[str, Any]:
    return {"fields": BASE | shared.pop("fields", {}), "rules": list(rules), **shared}


def become(record: dict[str, Any], *rules: dict[str, Any], **shared: Any) -> Event | None:
    return mapped_event(msgspec.json.encode(record), compile_mapping(mapping(*rules, **shared)))


def made(record: dict[str, Any], *rules: dict[str, Any], **shared: Any) -> Event:
    event = become(record, *rules, **shared)
    assert event is not None
    return event


def viewed(**fields: Any) -> dict[str, Any]:
    return {"event_type": "product_viewed", "fields": fields}


def test_fields_are_taken_from_their_paths() -> None:
    event = made(RECORD, viewed(item_ids="goods[].sku", channel={"value": "app"}))
    assert (event.event_type, event.event_time_ms, event.session_id, event.anonymous_id) == ("product_viewed", NOON, "s1", "u1")  # fmt: skip
    assert (event.item_ids, event.channel) == (("7", "b"), "app")
    assert made({"kind": "x", "ts": 1.7e9, "user": {"id": "u1"}}, viewed()).session_id == "u1"


def test_a_record_without_an_id_gets_the_same_one_each_time() -> None:
    assert made(RECORD, viewed()).event_id == made(RECORD, viewed()).event_id
    assert made(RECORD, viewed()).event_id != made(RECORD | {"kind": "other"}, viewed()).event_id
    assert made(RECORD, viewed(event_id="sid")).event_id == "s1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("goods[].sku", [7, "b"]), ("goods[1].sku", ["b"]), ("goods[9].sku", []), ("goods.sku", []), ("user.id", ["u1"]), ("user", [{"id": "u1"}]),
        ("a.b", ["dotted"]), ("kind.no", []), ("no", []), ("goods", [RECORD["goods"]]), ("goods[0]", [{"sku": 7}]),
    ],
)  # fmt: skip
def test_paths(path: str, expected: list[Any]) -> None:
    assert list(found_at(RECORD, path)) == expected


def test_the_first_rule_that_holds_makes_the_event_and_one_may_pass_over() -> None:
    rules = (
        {"when": {"kind": ["ping", "pong"]}, "skip": True},
        {"when": {"kind": "buy", "user.id": "u1"}, "event_type": "purchase_completed"},
        {"when": {"kind": "buy", "test": None}, "event_type": "cart_viewed"},
    )
    assert become(RECORD | {"kind": "pong"}, *rules) is None
    assert made(RECORD | {"kind": "buy"}, *rules).event_type == "purchase_completed"
    assert made(RECORD | {"kind": "buy", "user": {"id": "u2"}}, *rules).event_type == "cart_viewed"
    with pytest.raises(
        InvalidEvent, match="no rule of the mapping holds: kind is 'view'"
    ) as refused:
        become(RECORD, *rules)
    assert refused.value.reason == "unknown_event_type"


def test_what_stands_for_what() -> None:
    kinds = {"path": "kind", "map": {"view": "product_viewed", "1": "cart_viewed"}}
    assert made(RECORD, {"fields": {"event_type": kinds}}).event_type == "product_viewed"
    assert made(RECORD | {"kind": 1}, {"fields": {"event_type": kinds}}).event_type == "cart_viewed"
    with pytest.raises(
        InvalidEvent, match="kind: 'gone' is none of what the mapping knows: view, 1"
    ):
        become(RECORD | {"kind": "gone"}, {"fields": {"event_type": kinds}})
    other = kinds | {"otherwise": "page_viewed"}
    assert made(RECORD | {"kind": "gone"}, {"fields": {"event_type": other}}).event_type == "page_viewed"  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "value"), [("s", NOON / 1000), ("s", str(NOON / 1000)), ("ms", NOON), ("us", NOON * 1000), ("ns", NOON * 10**6)]
)  # fmt: skip
def test_times_in_any_unit(unit: str, value: object) -> None:
    event = made(RECORD | {"ts": value}, viewed(event_time_ms={"path": "ts", "unit": unit}))
    assert event.event_time_ms == NOON


def test_times_without_a_unit_are_read_as_ever_and_what_is_none_is_told() -> None:
    assert made(RECORD | {"ts": "2023-11-14T22:13:20Z"}, viewed(event_time_ms="ts")).event_time_ms == NOON  # fmt: skip
    for value in ("soon", True, [1], 1e300):
        with pytest.raises(InvalidEvent):
            become(RECORD | {"ts": value}, viewed())
    with pytest.raises(InvalidEvent, match="event_time_ms: none of ts says it"):
        become(RECORD | {"ts": None}, viewed())


@pytest.mark.parametrize(
    ("text", "style", "amount"),
    [
        ("1.299,00", "1.299,00", 1299.0), ("19,99", "1.299,00", 19.99), ("1299", "1.299,00", 1299.0), ("1,299.50", "1,299.00", 1299.5),
        ("-5.25", "1,299.00", -5.25), ("19.99", None, 19.99), (7, None, 7.0),
    ],
)  # fmt: skip
def test_amounts_as_they_are_written(text: object, style: str | None, amount: float) -> None:
    source = {"path": "total"} | ({"number": style} if style else {})
    assert made(RECORD | {"total": text}, viewed(value_amount=source)).value_amount == amount


@pytest.mark.parametrize(("text", "style"), [("19.99", "1.299,00"), ("1,29", "1,299.00"), ("19,99", None), ("", "1.299,00,"), ("9 €", None)])  # fmt: skip
def test_an_amount_that_could_be_another_is_refused(text: str, style: str | None) -> None:
    if not text:
        with pytest.raises(ConfigError):
            compile_mapping(mapping(viewed(value_amount={"path": "total", "number": style})))
        return
    source = {"path": "total"} | ({"number": style} if style else {})
    with pytest.raises(InvalidEvent, match="total: "):
        become(RECORD | {"total": text}, viewed(value_amount=source))


def test_lists_of_texts_that_are_parted_and_properties() -> None:
    rule = viewed(placements={"path": "tags", "split": ","}) | {
        "properties": ["kind", "goods[0].sku"]
    }
    event = made(RECORD, rule)
    assert event.placements == ("a", "b", "c")
    assert event.properties == {"kind": "view", "sku": "7"}
    named = viewed() | {"properties": {"level": "goods[0].sku", "source": {"value": "app"}}}
    assert made(RECORD, named).properties == {"level": "7", "source": "app"}
    told = viewed(**{"context.country": {"value": "AT"}, "properties.tag": "kind"})
    event = made(RECORD, told)
    assert event.context is not None
    assert (event.context.country, event.properties) == ("AT", {"tag": "view"})


def test_several_values_for_one_field_are_refused() -> None:
    with pytest.raises(InvalidEvent, match="2 values for `category`"):
        become(RECORD, viewed(category="goods[].sku"))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "rules"), ({"rules": []}, "rules"), ("text", "mapping"), (mapping({"event_type": "product_veiwed"}), "`product_viewed` is meant?"), (mapping({"event_type": ""}), "no name of an event"), (mapping({}), "event_type"),
        (mapping(viewed(level="x")), "no field `level`"), (mapping(viewed(channel="a..b")), "no path"), (mapping(viewed(channel={})), "a path or a value"),
        (mapping(viewed(channel={"path": "a", "value": 1})), "a path or a value"), (mapping(viewed(channel={"path": "a", "unit": "s"})), "of times"),
        (mapping(viewed(channel={"path": "a", "split": ","})), "of lists"), (mapping(viewed(channel={"path": "a", "otherwise": 1})), "otherwise"),
        (mapping(viewed(channel={"path": "a", "colour": 1})), "colour"), (mapping({"when": {"a": {"b": 1}}, "skip": True}), "a value"),
        (mapping(viewed(is_unproven="x")), "no field"), ({"rules": [viewed()]}, "event_time_ms"),
        (mapping({"fields": {"event_type": {"path": "kind", "map": {"a": "purchases"}}}}), "`purchase_completed` is meant?"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_mapping_is_said(document: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compile_mapping(document)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 5000])
def test_what_is_no_object_is_told(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        mapped_event(data, compile_mapping(mapping(viewed())))


@pytest.mark.parametrize("depth", [100, 900, 990])
def test_what_is_nested_deeply_is_an_event_or_a_reason(depth: int) -> None:
    data = msgspec.json.encode(RECORD)[:-1] + b',"deep":' + b"[" * depth + b"]" * depth + b"}"
    with suppress(InvalidEvent):
        assert mapped_event(data, compile_mapping(mapping(viewed()))) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sku", "id", "x"]), inner, max_size=3),
    max_leaves=9,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["kind", "ts", "sid", "user", "goods", "total", "tags"]), json_values
    )
)
def test_whatever_comes_is_an_event_or_a_reason(changes: dict[str, Any]) -> None:
    rules = compile_mapping(
        mapping(
            {"when": {"kind": "buy"}, "event_type": "purchase_completed"},
            viewed(item_ids="goods[].sku", value_amount={"path": "total", "number": "1.299,00"}, placements={"path": "tags", "split": ","})
            | {"properties": ["kind", "user.id"]},
        )
    )  # fmt: skip
    try:
        data = msgspec.json.encode(RECORD | changes)
    except (ValueError, OverflowError):
        return
    try:
        event = mapped_event(data, rules)
    except InvalidEvent:
        return
    assert event is not None
    assert event.event_type in EVENT_TYPES


DECIDING: Final = (
    "event_id", "event_type", "event_time_ms", "session_id", "anonymous_id", "person_id", "item_ids", "query", "quantity", "price", "currency",
    "value_amount",
)  # fmt: skip


def test_a_mapping_makes_of_segments_calls_what_the_built_in_format_does() -> None:
    """The visit of tests/schemas/formats/visit: the fields that decide."""
    kinds = {
        "Product Viewed": "product_viewed", "Product Added": "product_added_to_cart", "Products Searched": "search_performed",
        "Cart Viewed": "cart_viewed", "Checkout Started": "checkout_started", "Order Completed": "purchase_completed",
    }  # fmt: skip
    one = ("properties.products[0]", "properties")
    rules = compile_mapping(
        {
            "fields": {
                "event_id": "messageId", "event_time_ms": "timestamp", "anonymous_id": "anonymousId", "person_id": "userId",
                "session_id": "properties.session",
            },
            "rules": [
                {"when": {"type": "identify"}, "event_type": "identified"},
                {"when": {"type": "track"}, "fields": {
                    "event_type": {"path": "event", "map": kinds}, "query": "properties.query", "currency": ["properties.currency", "properties.products[0].currency"],
                    "item_ids": ["properties.products[].product_id", "properties.product_id"], "price": [f"{at}.price" for at in one],
                    "quantity": [f"{at}.quantity" for at in one], "value_amount": ["properties.total", "properties.value", "properties.revenue"],
                }},
            ],
        }
    )  # fmt: skip
    lines = (VISIT / "segment.jsonl").read_bytes().splitlines()
    for line in lines:
        built_in = FORMATS["segment"].decode(line)
        call = msgspec.json.decode(line)
        call.setdefault("properties", {})["session"] = (
            built_in.session_id
        )  # it is made of two fields there
        event = mapped_event(msgspec.json.encode(call), rules)
        assert event is not None
        found, expected = (
            {name: getattr(one, name) for name in DECIDING} for one in (event, built_in)
        )
        assert found == expected
    assert len(lines) > 5
