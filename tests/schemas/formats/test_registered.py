"""Confluent's framing: an event or a reason, whatever stands behind the id and whatever the schema says."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import EVENT, SCHEMA_FOLDER
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats import FORMATS, confluent_avro
from schemas.formats.foreign_schema import ForeignSchema, foreign_schema
from schemas.formats.json_lines import event_from_json
from schemas.formats.registered import HEADER_BYTES, header_of, schema_id_of
from schemas.limits import (
    DECIMAL_BYTES_MAX,
    EVENT_BYTES_MAX,
    SCHEMA_BYTES_MAX,
    SCHEMA_DEPTH_MAX,
    SCHEMA_TYPES_MAX,
)
from tests.builders import NOON, make_event

ID = 300
NEEDED: list[dict[str, Any]] = [
    {"name": name, "type": "string"}
    for name in ("event_id", "event_type", "session_id", "anonymous_id")
]
IDS = {"event_id": "e1", "event_type": "product_viewed", "session_id": "s1", "anonymous_id": "a1"}
AT: dict[str, Any] = {
    "name": "event_time_ms",
    "type": {"type": "long", "logicalType": "timestamp-millis"},
}
WHEN = datetime.fromtimestamp(NOON / 1000, UTC)


def record(*fields: dict[str, Any], name: str = "shop.Viewed") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [*NEEDED, AT, *fields]}


def written(schema: Any, value: Any, *references: Any) -> bytes:
    """As another's writer frames it, with fastavro's own encoding of times and amounts."""
    named: dict[str, Any] = {}
    for one in references:
        fastavro.parse_schema(json.loads(json.dumps(one)), named_schemas=named)
    body = BytesIO()
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)), named_schemas=named)
    fastavro.schemaless_writer(body, parsed, value)
    return header_of(ID) + body.getvalue()


def read(schema: Any, data: bytes, *references: Any) -> Event:
    made = foreign_schema(json.dumps(schema), [json.dumps(one) for one in references])
    return confluent_avro(lambda _: made).decode(data)


def said(schema: Any, value: dict[str, Any], *references: Any) -> Event:
    data = written(schema, IDS | {"event_time_ms": WHEN} | value, *references)
    return read(schema, data, *references)


def reason(schema: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        foreign_schema(schema if isinstance(schema, str) else json.dumps(schema))
    return caught.value


# --- what is said -------------------------------------------------------------------------------


def test_names_are_read_as_those_of_json_with_their_aliases() -> None:
    schema = record(
        {"name": "product_id", "type": ["null", "string"], "default": None},
        {"name": "price", "type": ["null", "double"]},
        {"name": "quantity", "type": "int"},
        {"name": "properties", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}},
    )
    event = said(
        schema,
        {"product_id": "i1", "price": 19.99, "quantity": 2, "properties": {"size": 43, "list": "top", "none": None}, "colour": "BLUE"},
    )  # fmt: skip
    assert event == make_event(
        event_id="e1", event_type="product_viewed", session_id="s1", anonymous_id="a1", event_time_ms=NOON,
        item_ids=("i1",), price=19.99, quantity=2, properties={"size": "43", "list": "top"},
        page=event.page, placements=event.placements,
    )  # fmt: skip


def test_times_and_amounts_become_what_json_could_say() -> None:
    def field(name: str, kind: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "type": ["null", kind]}

    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    schema = record(
        field("sent_at_ms", micros), field("price", decimal), field("value", {"type": "int", "logicalType": "date"}),
        field("query", {"type": "string", "logicalType": "uuid"}), field("category", {"type": "bytes"}),
        {"name": "properties", "type": {"type": "map", "values": decimal}},
    )  # fmt: skip
    event = said(
        schema,
        {
            "sent_at_ms": datetime(2026, 1, 31, 12, tzinfo=UTC), "price": Decimal("1299.05"), "value": date(1969, 12, 31),
            "query": "6f2c8a54-0000-4000-8000-000000000001", "category": "späte".encode("latin-1"),
            "properties": {"weight": Decimal("-0.25")},
        },
    )  # fmt: skip
    assert (event.price, event.value, event.category) == (1299.05, "1969-12-31", "späte")
    assert event.query == "6f2c8a54-0000-4000-8000-000000000001"
    assert event.properties == {"weight": "-0.25"}


def test_an_older_and_a_newer_writer_are_read_alike() -> None:
    older = record()
    newer = record({"name": "query", "type": "string"}, {"name": "campaign_tier", "type": "string"})
    first = said(older, {})
    later = said(newer, {"query": "shoes", "campaign_tier": "gold"})
    assert first.query is None
    assert later.query == "shoes"
    wider = {**older, "fields": [*older["fields"], {"name": "quantity", "type": "long"}]}
    assert said(wider, {"quantity": 3}).quantity == 3


def test_types_of_other_schemas_are_known_by_their_references() -> None:
    place = {"type": "record", "name": "geo.Place", "fields": [{"name": "country", "type": "string"}, {"name": "city", "type": ["null", "string"]}]}  # fmt: skip
    schema = record({"name": "context", "type": ["null", "geo.Place"]})
    event = said(schema, {"context": {"country": "DE", "city": None}}, place)
    assert event.context is not None
    assert (event.context.country, event.context.city) == ("DE", None)
    assert reason(schema).message == "no type is called geo.Place"


def test_our_own_schema_registered_elsewhere_is_read_as_our_own() -> None:
    event = make_event(item_ids=("i1", "i2"), properties={"a": "b"}, consent=("analytics",))
    newest = sorted(SCHEMA_FOLDER.glob("event.v*.avsc"))[-1]
    data = header_of(ID) + EVENT.encode(event)[10:]
    assert read(json.loads(newest.read_text()), data) == event


def test_what_we_add_to_the_topic_is_told_by_its_beginning() -> None:
    event = make_event()
    for name in ("confluent-avro", "json-schema"):
        assert FORMATS[name].decode(FORMATS[name].encode(event)) == event


def test_json_behind_the_header_is_our_json_and_asks_no_registry() -> None:
    data = b'{"event_id": "e1", "event": "page_viewed", "timestamp": 1769860800000, "session_id": "s1", "anonymous_id": "a1"}'
    event = FORMATS["json-schema"].decode(header_of(2**32 - 1) + data)
    assert (event.event_type, event.event_time_ms) == ("page_viewed", 1_769_860_800_000)
    with pytest.raises(InvalidEvent, match="a byte 0 and the id of a schema are wanted first"):
        FORMATS["json-schema"].decode(data)


def test_an_id_has_its_high_byte_first() -> None:
    assert header_of(ID) == b"\x00\x00\x00\x01\x2c"
    assert schema_id_of(header_of(2**32 - 1)) == 2**32 - 1


# --- what is none -------------------------------------------------------------------------------

GOOD = written(record(), IDS | {"event_time_ms": WHEN})
PLAIN = foreign_schema(json.dumps(record()))
SCHEMA = foreign_schema(json.dumps(record({"name": "tags", "type": {"type": "array", "items": "string"}})))  # fmt: skip


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "malformed"),
        (b"\x00\x00\x00\x01", "malformed"),
        (b"\x01" + GOOD[1:], "malformed"),
        (GOOD[:HEADER_BYTES], "malformed"),
        (GOOD[:-1], "malformed"),
        (GOOD + b"\x00", "trailing_bytes"),
        (b"\x00" * (EVENT_BYTES_MAX + 1), "too_large"),
        (b"{}", "malformed"),
    ],
)
def test_a_record_that_is_none_says_why(data: bytes, wanted: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        read(record(), data)
    assert caught.value.reason == wanted


def test_every_truncation_is_refused() -> None:
    for end in range(len(GOOD)):
        with pytest.raises(InvalidEvent):
            read(record(), GOOD[:end])


def taken(schema: ForeignSchema, data: bytes) -> Event | InvalidEvent:
    """What becomes of it: never another error."""
    try:
        return confluent_avro(lambda _: schema).decode(data)
    except InvalidEvent as error:
        return error


@given(st.binary(max_size=300))
@settings(derandomize=True, max_examples=300)
def test_random_bytes_are_an_event_or_a_reason(body: bytes) -> None:
    assert taken(SCHEMA, header_of(ID) + body)


@given(st.integers(0, 2**40), st.integers(0, len(GOOD) - 1))
@settings(derandomize=True, max_examples=200)
def test_flipped_bytes_are_an_event_or_a_reason(noise: int, place: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= 1 + noise % 255
    data[(place * 7 + 3) % len(data)] ^= noise % 256
    assert taken(PLAIN, bytes(data))


def test_a_list_that_says_it_is_longer_than_its_bytes_ends_with_them() -> None:
    long = header_of(ID) + GOOD[HEADER_BYTES:] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
    with pytest.raises(InvalidEvent, match="malformed"):
        confluent_avro(lambda _: SCHEMA).decode(long)


def test_a_record_that_is_no_object_and_one_that_is_no_event() -> None:
    with pytest.raises(InvalidEvent, match="a record is wanted, not str"):
        read("string", header_of(ID) + b"\x02a")
    with pytest.raises(InvalidEvent, match="event_id"):
        read({"type": "record", "name": "A", "fields": [{"name": "what", "type": "string"}]}, header_of(ID) + b"\x02a")  # fmt: skip


def test_an_amount_of_many_bytes_is_refused_before_it_is_counted() -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema("bytes"), b"\x7f" * 900_000)
    schema = record({"name": "price", "type": decimal})
    with pytest.raises(InvalidEvent, match=f"at most {DECIMAL_BYTES_MAX}"):
        read(schema, GOOD + body.getvalue())


# --- schemas ------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    kind: Any = "string"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("17", "a type is wanted, not int"),
        ('"nonsense"', "no type is called nonsense"),
        ({"type": "record", "name": "A"}, "a record has fields"),
        ({"type": "record", "name": "A", "fields": []}, "a record has fields"),
        ({"type": "record", "fields": [{"name": "a", "type": "int"}]}, "record: it has no name"),
        (
            {"type": "record", "name": "A", "fields": [{"name": "a"}]},
            "a type is wanted, not NoneType",
        ),
        ({"type": "enum", "name": "A", "symbols": [1]}, "an enum has symbols"),
        ({"type": "fixed", "name": "A", "size": 0}, "a fixed has a size above 0"),
        (LIST, "L lies within itself"),
        ({"type": "array", "items": "null"}, "`null` outside of a union"),
        ({"type": "map", "values": "null"}, "`null` outside of a union"),
        (
            {"type": "record", "name": "A", "fields": [{"name": "a", "type": "null"}]},
            "`null` outside of a union",
        ),
        ([["null"]], "a union of no types, or of unions"),
        ([{"type": "long", "logicalType": "timestamp-micros"}, "string"], "a union of several types"),
        ({"type": "bytes", "logicalType": "decimal", "scale": 10**9}, "a decimal of a scale"),
        (nested(SCHEMA_DEPTH_MAX + 2), f"of more than {SCHEMA_DEPTH_MAX} types within each other"),
        (["string"] * (SCHEMA_TYPES_MAX + 1), f"of more than {SCHEMA_TYPES_MAX:,} types"),
        ('"' + "a" * SCHEMA_BYTES_MAX + '"', "of more than 500,000 bytes"),
        ({"__fastavro_parsed": True, "__named_schemas": 5, "type": "string", "x": 1}, None),
    ],
)  # fmt: skip
def test_a_schema_that_is_not_read_says_why(schema: Any, message: str | None) -> None:
    if message is None:
        assert foreign_schema(json.dumps(schema)).parsed == "string", "a mark of the reader's own"
        return
    error = reason(schema)
    assert error.reason == "schema_invalid"
    assert message in error.message


def test_a_type_that_many_others_use_is_walked_once() -> None:
    """Twice as many values with each type, so what is unfolded would never end."""
    fields = [{"name": "a", "type": "string"}]
    kind: Any = {"type": "record", "name": "T0", "fields": fields}
    for number in range(1, SCHEMA_DEPTH_MAX - 1):
        name = f"T{number}"
        both = [{"name": "a", "type": kind}, {"name": "b", "type": f"T{number - 1}"}]
        kind = {"type": "record", "name": name, "fields": both}
    assert isinstance(foreign_schema(json.dumps(kind)), ForeignSchema)


def reason_or_none(schema: Any) -> str | None:
    try:
        foreign_schema(json.dumps(schema))
    except InvalidEvent as error:
        return error.reason
    return None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["string", "null", "record", "array", "long"]), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "name", "fields", "items", "values", "symbols", "size", "logicalType", "scale", "namespace", "aliases", "default"]), inner, max_size=5), max_leaves=12))  # fmt: skip
@settings(derandomize=True, max_examples=60)
def test_any_json_is_a_schema_or_a_reason(schema: Any) -> None:
    assert reason_or_none(schema) in (None, "schema_invalid")


FOLDER = Path(__file__).parent / "registered"


def test_the_examples_are_the_events_that_stand_beside_them() -> None:
    """Of a shop's own schema, as Confluent's serializers write them; the ids of the schemas are 4711 and 4712."""
    shop = foreign_schema((FOLDER / "shop_event.avsc").read_text())
    expected = [event_from_json(one) for one in (FOLDER / "expected.jsonl").read_bytes().splitlines()]  # fmt: skip
    readers = {"confluent-avro": confluent_avro(lambda _: shop), "json-schema": FORMATS["json-schema"]}  # fmt: skip
    assert len(expected) > 8
    for (name, form), schema_id in zip(readers.items(), (4711, 4712), strict=True):
        lines = [bytes.fromhex(one) for one in (FOLDER / f"{name}.hex").read_text().split()]
        assert [form.decode(one) for one in lines] == expected
        assert {schema_id_of(one) for one in lines} == {schema_id}
