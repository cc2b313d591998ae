"""The wire: every record round-trips, hostile bytes are InvalidEvents."""

import struct
from io import BytesIO

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import (
    CONTROL,
    DEAD_LETTER,
    DECISION,
    EVENT,
    HEADER_BYTES,
    ITEM,
    TRACE,
    WRITER_SCHEMAS,
    StateCodec,
)
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, event_from_fields
from schemas.formats.json_lines import event_from_json
from schemas.limits import EVENT_BYTES_MAX
from tests.builders import NOON, make_event

CODECS = (EVENT, ITEM, CONTROL, DECISION, TRACE, DEAD_LETTER)
GOOD = EVENT.encode(
    make_event(
        item_ids=["i1", "i2"],
        price=3.5,
        context={"device": "phone", "utc_offset_min": 60},
        candidates=[{"item_id": "c", "price": 1.0, "position": 0, "features": {"x": 1.0}}],
        properties={"a": "b"},
        consent=["email"],
    )
)

printable = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
text = st.text(printable, min_size=1, max_size=20)
events = st.builds(
    lambda **fields: event_from_fields({k: v for k, v in fields.items() if v is not None}),
    event_id=text,
    event_type=st.sampled_from(sorted(EVENT_TYPES)),
    event_time_ms=st.integers(946_684_800_000, 4_102_444_799_999),
    session_id=text,
    anonymous_id=text,
    person_id=st.none() | text,
    item_ids=st.lists(text, max_size=5),
    price=st.none() | st.floats(0, 1e9),
    value_amount=st.none() | st.floats(-1e9, 1e9),
    quantity=st.none() | st.integers(0, 1000),
    properties=st.dictionaries(text, text, max_size=4),
)


@given(events)
def test_an_event_survives_the_wire(event):  # type: ignore[no-untyped-def]
    assert EVENT.decode(EVENT.encode(event)) == event


@given(events)
def test_json_and_avro_mean_the_same(event):  # type: ignore[no-untyped-def]
    assert event_from_json(msgspec.json.encode(event)) == event


def test_the_header_is_that_of_the_avro_specification() -> None:
    for schema in WRITER_SCHEMAS:
        assert schema.header[:2] == b"\xc3\x01"
        assert len(schema.header) == HEADER_BYTES


def test_the_fingerprint_is_the_specifications() -> None:
    # Avro 1.12: the CRC-64-AVRO of the schema "int", little-endian on the wire
    crc = fastavro.schema.fingerprint('"int"', "CRC-64-AVRO")
    assert struct.unpack("<Q", bytes.fromhex(crc))[0] == 0x7275D51A3F395C8F


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_random_bytes_are_invalid_and_never_crash(data: bytes) -> None:
    for codec in CODECS:
        with pytest.raises(InvalidEvent):
            codec.decode(data)


@given(st.integers(0, len(GOOD) - 1))
def test_a_truncated_record_is_invalid_and_says_so_in_the_same_words_again(length: int) -> None:
    said = set()
    for _ in range(2):
        with pytest.raises(InvalidEvent) as refused:
            EVENT.decode(GOOD[:length])
        said.add(refused.value.message)
    assert len(said) == 1
    assert " at 0x" not in said.pop(), "an address in memory: a replay says another"


@given(st.integers(HEADER_BYTES, len(GOOD) - 1), st.binary(min_size=1, max_size=12))
@settings(max_examples=500)
def test_a_mangled_record_is_decoded_or_invalid(at: int, junk: bytes) -> None:
    for codec in CODECS:
        try:
            codec.decode(GOOD[:at] + junk + GOOD[at + len(junk) :])
            codec.decode(codec._newest.header + GOOD[at:] + junk)
        except InvalidEvent:
            pass


def test_a_wrong_fingerprint_is_named() -> None:
    with pytest.raises(InvalidEvent, match="unknown_schema"):
        EVENT.decode(b"\xc3\x01" + b"\x00" * 8 + GOOD[HEADER_BYTES:])


def test_bytes_after_the_record_are_refused() -> None:
    with pytest.raises(InvalidEvent, match="trailing_bytes"):
        EVENT.decode(GOOD + b"\x00")


def test_a_huge_length_is_refused_without_a_huge_allocation() -> None:
    out = BytesIO(EVENT._newest.header)
    out.seek(HEADER_BYTES)
    fastavro.schemaless_writer(out, {"type": "long"}, 2**62)
    with pytest.raises(InvalidEvent, match="malformed"):
        EVENT.decode(out.getvalue())
    with pytest.raises(InvalidEvent):
        EVENT.decode(out.getvalue() + b"\xff" * 9 + b"\x01")


def test_ten_megabytes_are_refused_by_their_size_alone() -> None:
    with pytest.raises(InvalidEvent, match="too_large"):
        EVENT.decode(EVENT._newest.header + b"x" * 10_000_000)
    with pytest.raises(InvalidEvent, match="too_large"):
        event_from_json(b'{"event_id":"' + b"x" * EVENT_BYTES_MAX + b'"}')


@pytest.mark.parametrize(
    "json",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 5000, b'{"a":' * 5000, b"NaN",
        b'{"event_id": 1}', b'"text"', b"{}", b'{"event_time_ms": 1e400}',
    ],
)  # fmt: skip
def test_hostile_json_is_invalid(json: bytes) -> None:
    with pytest.raises(InvalidEvent):
        event_from_json(json)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"event_type": ""}, "invalid_value"),
        ({"event_type": "x" * 101}, "invalid_value"),
        ({"event_type": "level\x1b[31m"}, "invalid_value"),
        ({"event_type": "level\n"}, "invalid_value"),
        ({"price": float("nan")}, "invalid_value"),
        ({"value_amount": float("nan")}, "invalid_value"),
        ({"price": float("inf")}, "invalid_value"),
        ({"price": -1.0}, "invalid_value"),
        ({"event_time_ms": 0}, "invalid_value"),
        ({"event_time_ms": -1}, "invalid_value"),
        ({"event_time_ms": 2**62}, "invalid_value"),
        ({"event_time_ms": "now"}, "invalid_value"),
        ({"event_id": ""}, "invalid_value"),
        ({"session_id": "x" * 300}, "invalid_value"),
        ({"page": "x" * 3000}, "invalid_value"),
        ({"item_ids": ["i"] * 1000}, "invalid_value"),
        ({"placements": ["p"] * 17}, "invalid_value"),
        ({"properties": {str(n): "" for n in range(65)}}, "invalid_value"),
        ({"consent": ["everything"]}, "invalid_value"),
        ({"candidates": [{"item_id": "a", "features": {"x": float("inf")}}]}, "invalid_value"),
        ({"candidates": [{"item_id": "a", "price": float("nan")}]}, "invalid_value"),
        ({"candidates": [{"item_id": "a"}] * 1001}, "invalid_value"),
    ],
)
def test_a_bad_value_is_named(overrides: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        make_event(**overrides)
    assert caught.value.reason == reason


def test_a_bad_event_keeps_its_time_where_it_has_one() -> None:
    with pytest.raises(InvalidEvent) as caught:
        make_event(event_id="")
    assert caught.value.event_time_ms == NOON


class Old(msgspec.Struct, array_like=True):
    name: str


class New(msgspec.Struct, array_like=True):
    name: str
    size: int


def test_state_of_an_old_version_is_upgraded() -> None:
    old = StateCodec(Old, version=1)
    new = StateCodec(New, version=2, upgrades={1: lambda fields: [*fields, 7]})
    assert new.decode(old.encode(Old("a"))) == New("a", 7)


def test_state_from_the_future_is_a_bug() -> None:
    newer = StateCodec(New, version=2).encode(New("a", 1))
    with pytest.raises(ValueError, match="version 2"):
        StateCodec(Old, version=1).decode(newer)


def test_an_empty_list_of_candidates_is_another_thing_than_none_in_every_format() -> None:
    said = {
        "event_id": "e", "event_type": "ranking_requested", "event_time_ms": 1_700_000_000_000, "session_id": "s",
        "anonymous_id": "a",
    }  # fmt: skip
    absent = event_from_json(msgspec.json.encode(said))
    empty = event_from_json(msgspec.json.encode(said | {"candidates": []}))
    assert (absent.has_no_candidates, empty.has_no_candidates) == (False, True)
    for event in (absent, empty):
        assert EVENT.decode(EVENT.encode(event)) == event
        # all fields are written here, the empty ones as well
        assert event_from_json(msgspec.json.encode(event)) == event
    other = said | {"event_type": "page_viewed", "candidates": []}
    assert not event_from_json(msgspec.json.encode(other)).has_no_candidates
