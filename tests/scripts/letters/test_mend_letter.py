"""Mending: what edits make of a letter's bytes, and what they cannot."""

import json
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest

from schemas.codec import EVENT
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.errors import ConfigError, InvalidEvent, InvalidReason
from schemas.events import Event
from schemas.formats import FORMATS, confluent_avro
from schemas.formats.foreign_schema import foreign_schema
from schemas.formats.registered import header_of
from schemas.limits import DAY_MS
from schemas.mappings.mapping_rules import compile_mapping
from schemas.records import LogRecord
from scripts.letters.mend_letter import (
    Edits,
    differences,
    edited,
    edits_from,
    fields_of,
    mended,
    reading,
)
from tests.builders import NOON, make_event
from udfs.explain.fit_records import TOO_LARGE

BROKEN = {
    "event_id": "e1", "what": "product_viewed", "event_time_ms": NOON, "session_id": "s1", "anonymous_id": "a1",
    "item_ids": ["i1"], "properties": {"size": "10", "debug": "yes"},
}  # fmt: skip


def letter_of(raw: bytes, reason: InvalidReason = "invalid_value") -> DeadLetter:
    return dead_letter(LogRecord("events", 0, 7, NOON, "s1", raw), InvalidEvent(reason, "why"))


def json_letter(fields: Any) -> DeadLetter:
    return letter_of(msgspec.json.encode(fields))


def mend(letter: DeadLetter, *, form: str = "json", now_ms: int = NOON, **edits: Any) -> Event:
    asked = edits_from(edits.get("rename", ()), edits.get("set", ()), edits.get("drop", ()))
    return mended(letter, edited(fields_of(letter), asked), reading(form), now_ms)


@pytest.mark.parametrize("form", ["json", "kairos"])
def test_a_renamed_field_is_an_event_again_with_its_own_id_and_time(form: str) -> None:
    event = mend(json_letter(BROKEN), form=form, rename=["what=event_type"])
    assert (event.event_id, event.event_time_ms, event.event_type) == ("e1", NOON, "product_viewed")


def test_values_are_json_or_texts_and_names_lead_into_objects() -> None:
    edits = edits_from(
        ["what=event_type", "properties.size=properties.shoe.size"],
        ['item_ids=["i2", "i3"]', "channel=app", "quantity=2"], ["properties.debug", "gone"],
    )  # fmt: skip
    found = edited(BROKEN, edits)
    assert found["item_ids"] == ["i2", "i3"]
    assert (found["channel"], found["quantity"]) == ("app", 2)
    assert found["properties"] == {"shoe": {"size": "10"}}
    assert BROKEN["properties"] == {"size": "10", "debug": "yes"}, "what was there stays as it was"


def test_a_name_with_dots_that_is_there_is_meant_as_it_is_written() -> None:
    assert edited({"a.b": 1, "a": {"b": 2}}, Edits(renames=[("a.b", "c")])) == {
        "a": {"b": 2},
        "c": 1,
    }


@pytest.mark.parametrize(
    ("before", "edits"),
    [
        ({"a": 1}, Edits(renames=[("b", "c")])),
        ({"a": 1}, Edits(renames=[("a.b", "c")], drops=["a.b", "x.y"])),
        ({"a": [1]}, Edits(values=[("a.b", 2)])),
    ],
)
def test_what_is_not_there_or_no_object_stays(before: dict[str, Any], edits: Edits) -> None:
    assert edited(before, edits) == before


def test_records_of_avro_are_mended_by_their_fields() -> None:
    odd = letter_of(EVENT.encode(msgspec.structs.replace(make_event(), event_type="level\n")))
    with pytest.raises(InvalidEvent, match="event_type"):
        mend(odd)
    assert mend(odd, set=["event_type=page_viewed"]) == make_event()


def test_what_is_an_event_by_now_needs_no_edit() -> None:
    assert mend(letter_of(EVENT.encode(make_event()), "too_late")) == make_event()


def test_the_format_of_the_topic_reads_what_is_json() -> None:
    track = {
        "type": "track", "event": "Product Viewed", "messageId": "m1", "anonymousId": "a1", "when": "2023-11-14T22:13:20Z",
        "properties": {"product_id": "i1"},
    }  # fmt: skip
    event = mend(json_letter(track), form="segment", rename=["when=timestamp"])
    assert (event.event_type, event.event_time_ms) == ("product_viewed", NOON)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[1]", b"\xc3\x01short", b"\xff\xfe", b"null", b'"text"']
)
def test_what_says_nothing_is_told(raw: bytes) -> None:
    with pytest.raises(InvalidEvent):
        fields_of(letter_of(raw))


def test_a_decision_that_was_too_large_is_no_event() -> None:
    with pytest.raises(InvalidEvent, match="too large"):
        fields_of(DeadLetter(TOO_LARGE, "d1: 9 bytes", b"", "events", 0, 0, NOON))


def test_the_door_refuses_what_the_engine_would_refuse() -> None:
    with pytest.raises(InvalidEvent, match="names nobody"):
        mend(
            json_letter(BROKEN | {"what": "identified", "person_id": "null"}),
            rename=["what=event_type"],
        )
    with pytest.raises(InvalidEvent, match="ahead"):
        mend(json_letter(BROKEN), rename=["what=event_type"], now_ms=NOON - DAY_MS)


@pytest.mark.parametrize(
    ("rename", "values"), [(["a"], []), (["=b"], []), (["a="], []), ([], ["a"]), ([], ["=1"])]
)
def test_an_edit_that_says_nothing_is_refused(rename: list[str], values: list[str]) -> None:
    with pytest.raises(ConfigError, match="wants"):
        edits_from(rename, values, [])


def test_a_value_may_be_empty_and_may_hold_the_sign() -> None:
    assert edits_from([], ["query=", "page=/a?b=c"], []).values == [
        ("query", ""),
        ("page", "/a?b=c"),
    ]


def test_differences_are_field_by_field() -> None:
    after = edited(BROKEN, edits_from(["what=event_type"], ["channel=app"], ["properties.debug"]))
    assert differences(BROKEN, after) == [
        '- what: "product_viewed"',
        '- properties: {"size":"10","debug":"yes"}', '+ properties: {"size":"10"}',
        '+ event_type: "product_viewed"', '+ channel: "app"',
    ]  # fmt: skip


def test_a_mapping_mends_too_and_may_pass_over() -> None:
    rules = compile_mapping(
        {"rules": [{"when": {"what": "noise"}, "skip": True}, {"fields": {"event_type": "what", "event_time_ms": "event_time_ms", "session_id": "session_id", "anonymous_id": "anonymous_id", "event_id": "event_id"}}]}
    )  # fmt: skip
    letter = json_letter(BROKEN)
    event = mended(letter, fields_of(letter), reading("json", rules), NOON)
    assert (event.event_id, event.event_type, event.item_ids) == ("e1", "product_viewed", ())
    noise = json_letter(BROKEN | {"what": "noise"})
    with pytest.raises(InvalidEvent, match="it is passed over"):
        mended(noise, fields_of(noise), reading("json", rules), NOON)


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="segment"):
        reading("sgment")


def test_a_record_whose_schema_had_not_come_is_an_event_when_it_has() -> None:
    """As it lay there, and with a field that its writer calls otherwise."""
    fields = [{"name": name, "type": "string"} for name in ("event_id", "what", "session_id", "anonymous_id")]  # fmt: skip
    schema = {"type": "record", "name": "A", "fields": [*fields, {"name": "timestamp", "type": "long"}]}  # fmt: skip
    body = BytesIO()
    said = {"event_id": "e1", "what": "page_viewed", "session_id": "s1", "anonymous_id": "a1", "timestamp": NOON}  # fmt: skip
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), said)
    letter = letter_of(header_of(7) + body.getvalue(), "schema_unavailable")
    known = foreign_schema(json.dumps(schema))
    there = confluent_avro({7: known}.__getitem__).fields
    assert fields_of(letter, there) == said
    event = mended(letter, edited(fields_of(letter, there), Edits([("what", "event_type")])), reading("confluent-avro"), NOON)  # fmt: skip
    assert (event.event_id, event.event_type, event.event_time_ms) == ("e1", "page_viewed", NOON)
    with pytest.raises(InvalidEvent, match="schema_unavailable"):
        fields_of(letter, FORMATS["confluent-avro"].fields)


def test_json_behind_a_header_is_mended_as_json() -> None:
    letter = letter_of(header_of(7) + msgspec.json.encode(BROKEN))
    said = fields_of(letter, FORMATS["json-schema"].fields)
    event = mended(letter, edited(said, Edits([("what", "event_type")])), reading("json-schema"), NOON)  # fmt: skip
    assert event.event_type == "product_viewed"
