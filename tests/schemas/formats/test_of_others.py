"""Formats of others: what stands in their examples, and whatever else comes, is an event or a reason, and never a crash."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event, event_from_fields
from schemas.formats import FORMATS, OF_OTHERS
from schemas.formats.ga4_names import NAMES
from schemas.formats.json_lines import event_from_json
from schemas.formats.segment_names import TRACKED
from schemas.limits import EVENT_BYTES_MAX

FOLDER = Path(__file__).parent / "examples"
TIME = "2026-01-31T12:00:00Z"
TIME_MS = 1_769_860_800_000
SEGMENT = {
    "type": "track", "event": "Product Viewed", "messageId": "m1", "anonymousId": "a1", "timestamp": TIME,
    "properties": {"product_id": "p1", "price": 19.99}, "context": {"sessionId": "s1"},
}  # fmt: skip
GA4 = {
    "event_name": "view_item", "event_timestamp": str(TIME_MS * 1_000), "user_pseudo_id": "a1", "event_params": [],
    "items": [{"item_id": "p1", "price": 19.99}],
}  # fmt: skip
OURS = {"session_id": "s1", "anonymous_id": "a1", "item_ids": ["p1"], "price": 19.99}
CLOUD = {
    "specversion": "1.0", "id": "m1", "source": "/shop", "type": "example.product_viewed", "time": TIME, "data": OURS,
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {"segment": SEGMENT, "ga4": GA4, "cloudevents": CLOUD}


def records(name: str) -> Iterator[bytes]:
    for line in (FOLDER / f"{name}.jsonl").read_bytes().splitlines():
        yield from FORMATS[name].split(line)


def with_price(name: str, price: object) -> bytes:
    """The good record of a format with this as its price."""
    made = json.loads(json.dumps(GOOD[name]))
    holder = {"segment": "properties", "ga4": "items", "cloudevents": "data"}[name]
    (made[holder][0] if name == "ga4" else made[holder])["price"] = price
    return json.dumps(made).encode()


def with_time(name: str, time: object) -> bytes:
    field = {"segment": "timestamp", "ga4": "event_timestamp", "cloudevents": "time"}[name]
    return json.dumps(GOOD[name] | {field: time}).encode()


def taken(name: str, data: bytes) -> Event | InvalidEvent:
    """What becomes of a record; an event is within every bound, and its bytes are read again."""
    try:
        event = FORMATS[name].decode(data)
    except InvalidEvent as error:
        return error
    assert event_from_fields(msgspec.to_builtins(event)) == event
    assert EVENT.decode(EVENT.encode(event)) == event
    return event


@pytest.mark.parametrize("name", OF_OTHERS)
def test_each_example_is_the_event_that_stands_beside_it(name: str) -> None:
    wanted = [event_from_json(one) for one in expected(name)]
    assert [FORMATS[name].decode(one) for one in records(name)] == wanted
    assert len(wanted) > 8


def expected(name: str) -> list[bytes]:
    return (FOLDER / f"{name}.expected.jsonl").read_bytes().splitlines()


def test_every_name_stands_for_a_type_of_ours() -> None:
    assert {*TRACKED.values(), *NAMES.values()} <= EVENT_TYPES


def test_every_file_of_examples_is_of_a_format() -> None:
    files = {path.name.partition(".")[0] for path in FOLDER.iterdir()}
    assert files == set(OF_OTHERS) == set(GOOD)


@pytest.mark.parametrize("name", OF_OTHERS)
@pytest.mark.parametrize(
    ("price", "wanted"),
    [
        (19.99, 19.99), (20, 20.0), (None, None), ("19,99", None), ("1.299,00", None), ("1,299.00", None), ("€ 5", None),
        (True, None), ([19.99], None), ({"amount": 1}, None), (-1, None), (1e13, None), ("NaN", None), ("1e999", None),
        ("1_000", None), ("\uff11\uff19", None), (10**400, None),
    ],
)  # fmt: skip
def test_a_price_is_what_was_written_or_refused_by_its_name(
    name: str, price: object, wanted: float | None
) -> None:
    found = taken(name, with_price(name, price))
    if price is None or wanted is not None:
        assert isinstance(found, Event)
        assert found.price == wanted
    else:
        assert isinstance(found, InvalidEvent)
        assert "price" in found.message or found.reason == "malformed"


@pytest.mark.parametrize("name", ["segment", "ga4"])
@pytest.mark.parametrize("price", ["19.99", " 19.99 ", "1999e-2", "+19.99"])
def test_a_number_may_be_written_as_text(name: str, price: str) -> None:
    found = taken(name, with_price(name, price))
    assert isinstance(found, Event)
    assert found.price == 19.99


@pytest.mark.parametrize("name", ["segment", "cloudevents"])
@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (TIME, TIME_MS), ("2026-01-31T12:00:00.250", TIME_MS + 250), ("2026-01-31T13:00:00+01:00", TIME_MS), (TIME_MS, TIME_MS),
        (str(TIME_MS), TIME_MS), (TIME_MS // 1_000, None), (TIME_MS * 1_000, None), ("31.01.2026 12:00", None),
        ("yesterday", None), (True, None), ({}, None), (0, None), (-5, None), (1e300, None), ("", None),
    ],
)  # fmt: skip
def test_a_time_is_in_milliseconds_or_iso_and_other_units_are_told(
    name: str, time: object, wanted: int | None
) -> None:
    found = taken(name, with_time(name, time))
    if wanted is not None:
        assert isinstance(found, Event)
        assert found.event_time_ms == wanted
    else:
        assert isinstance(found, InvalidEvent)
        assert "time" in found.message


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (TIME_MS * 1_000 + 999, TIME_MS), (f"{TIME_MS}000", TIME_MS), (TIME_MS, None), (TIME_MS // 1_000, None), (TIME, None),
        (TIME_MS * 1_000_000, None), (None, None), (1.5e15 + 0.5, None), ([], None),
    ],
)  # fmt: skip
def test_a_time_of_google_is_in_microseconds(time: object, wanted: int | None) -> None:
    found = taken("ga4", with_time("ga4", time))
    if wanted is not None:
        assert isinstance(found, Event)
        assert found.event_time_ms == wanted
    else:
        assert isinstance(found, InvalidEvent)
        assert "event_timestamp" in found.message


BAD = {
    "nothing": (b"", "malformed"),
    "nul": (b"\0" * 50, "malformed"),
    "no_object": (b'["a"]', "malformed"),
    "a_text": (b'"a"', "malformed"),
    "latin_1": ('{"a": "é"}'.encode("latin-1"), "malformed"),
    "a_lone_surrogate": (b'{"a": "\\ud83d"}', "malformed"),
    "nested": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed"),
    "nested_objects": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "malformed"),
    "two_values": (b"{} {}", "malformed"),
    "ten_megabytes": (b'{"a": "' + b"x" * 10_000_000 + b'"}', "too_large"),
    "nothing_said": (b"{}", "invalid_value"),
    "avro_of_nobody": (b"\xc3\x01" + b"\0" * 20, "unknown_schema"),
}


@pytest.mark.parametrize("name", OF_OTHERS)
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_record_is_refused_with_its_reason(name: str, kind: str) -> None:
    data, reason = BAD[kind]
    found = taken(name, data)
    assert isinstance(found, InvalidEvent)
    assert found.reason == reason


@pytest.mark.parametrize("name", OF_OTHERS)
def test_what_nobody_reads_changes_nothing(name: str) -> None:
    more = {"__proto__": {"event": "x"}, "constructor": None, "emoji 🫖": "🫖", "nul": "a\0b"}
    found = taken(name, json.dumps(GOOD[name] | more).encode())
    plain = taken(name, json.dumps(GOOD[name]).encode())
    assert isinstance(found, Event)
    assert found == plain


@pytest.mark.parametrize("name", OF_OTHERS)
def test_of_a_name_that_comes_twice_the_last_counts(name: str) -> None:
    data = with_price(name, 1).replace(b'"price": 1', b'"price": 1, "price": 2')
    found = taken(name, data)
    assert isinstance(found, Event)
    assert found.price == 2.0


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_long_field_is_refused_by_its_name(name: str) -> None:
    long = "x" * 3_000
    field = {
        "segment": ("anonymousId", {"anonymousId": long}),
        "ga4": ("user_pseudo_id", {"user_pseudo_id": long}),
        "cloudevents": ("id", {"id": long}),
    }[name]
    found = taken(name, json.dumps(GOOD[name] | field[1]).encode())
    assert isinstance(found, InvalidEvent)
    assert field[0] in found.message


@pytest.mark.parametrize(
    ("name", "change", "meant"),
    [
        ("segment", {"event": "Clock Ticked"}, "'Clock Ticked'"),
        ("segment", {"type": "trak"}, "`track` is meant?"),
        ("ga4", {"event_name": "erasure_requested"}, "'erasure_requested'"),
        ("ga4", {"event_name": "level\x1b[31m"}, "level"),
    ],
)
def test_what_their_names_cannot_say_is_refused_with_the_nearest(
    name: str, change: dict[str, Any], meant: str
) -> None:
    found = taken(name, json.dumps(GOOD[name] | change).encode())
    assert isinstance(found, InvalidEvent)
    assert found.reason == "unknown_event_type"
    assert meant in found.message
    assert found.event_time_ms == TIME_MS or change.get("type") == "trak"


@pytest.mark.parametrize(
    ("name", "change", "own", "said"),
    [
        (
            "segment", {"event": "Level Completed", "properties": {"level": 3, "value": 1.5, "sku": "s1"}}, "level_completed",
            {"level": "3", "value": "1.5", "sku": "s1"},
        ),
        ("segment", {"event": "levelCompleted", "properties": {}}, "level_completed", {}),
        ("segment", {"event": "Niveau terminé", "properties": {}}, "niveau_terminé", {}),
        ("segment", {"event": "关卡完成", "properties": {}}, "关卡完成", {}),
        ("ga4", {"event_name": "level_completed", "event_params": [{"key": "value", "value": {"int_value": 7}}]}, "level_completed", {"value": "7"}),
        ("cloudevents", {"type": "example.level_completed"}, "level_completed", None),
    ],
)  # fmt: skip
def test_their_own_names_are_taken_with_what_they_say(
    name: str, change: dict[str, Any], own: str, said: dict[str, str] | None
) -> None:
    found = taken(name, json.dumps(GOOD[name] | change).encode())
    assert isinstance(found, Event)
    assert found.event_type == own
    assert said is None or found.properties.items() >= said.items()


# --- whatever comes -----------------------------------------------------------------------------

NAMES_WITHIN = sorted(
    {"properties", "context", "products", "data", "data_base64", "items", "events", "params", "event_params", "value"}
    | {name for one in GOOD.values() for name in one}
    | {"userId", "client_id", "privacy_info", "consent", "device", "campaign", "page", "filters", "type", "product_id"}
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.sampled_from([TIME, TIME_MS, "19,99", "\0", "Yes", "GRANTED", "segment"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES_WITHIN) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", OF_OTHERS)
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused(name: str, data: bytes) -> None:
    assert isinstance(taken(name, data), InvalidEvent)


@pytest.mark.parametrize("name", OF_OTHERS)
@given(data=st.data())
def test_whatever_stands_in_a_record_it_is_an_event_or_a_reason(
    name: str, data: st.DataObject
) -> None:
    changed = dict(GOOD[name])
    for field in data.draw(st.lists(st.sampled_from(NAMES_WITHIN), max_size=3)):
        changed[field] = data.draw(VALUES)
    found = taken(name, json.dumps(changed).encode())
    assert isinstance(found, Event) or found.message


@pytest.mark.parametrize("name", OF_OTHERS)
@given(data=st.data())
def test_a_record_that_was_cut_is_refused(name: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(sorted(records(name))))
    at = data.draw(st.integers(0, len(whole) - 1))
    assert isinstance(taken(name, whole[:at]), InvalidEvent)


@pytest.mark.parametrize("name", OF_OTHERS)
@given(data=st.data())
def test_what_a_file_holds_is_split_without_a_loss(name: str, data: st.DataObject) -> None:
    value = data.draw(st.binary(max_size=200) | VALUES.map(lambda one: json.dumps(one).encode()))
    assert list(FORMATS[name].split(value))


def test_our_own_events_in_their_topics_are_avro_and_read_as_they_were() -> None:
    event = event_from_json(json.dumps(OURS | {"event_id": "e", "event_type": "cart_viewed", "event_time_ms": 1_769_860_800_000}).encode())  # fmt: skip
    for name in OF_OTHERS:
        assert FORMATS[name].decode(EVENT.encode(event)) == event


def test_an_envelope_may_hold_our_avro() -> None:
    event = FORMATS["segment"].decode(json.dumps(SEGMENT).encode())
    within = base64.b64encode(EVENT.encode(event)).decode()
    found = taken("cloudevents", json.dumps(CLOUD | {"data": None, "data_base64": within}).encode())
    assert isinstance(found, Event)
    assert found.event_id == "m1"
    assert found.properties == {"source": "/shop"}
    assert len(within) < EVENT_BYTES_MAX
