"""What is told under a name that a policy declares sensitive is masked in the raw bytes of dead letters, and nothing else is."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import DEAD_LETTER, EVENT
from schemas.dead_letters import Masking, dead_letter
from schemas.errors import InvalidEvent
from schemas.formats import FORMATS
from schemas.mask_attributes import mask_named
from schemas.records import LogRecord
from tests.builders import NOON, make_event

NAMES: Final = frozenset({"religion", "health_status"})
SECRET: Final = "zoroastrian"
LONG: Final = "x" * 80
TOLD: Final[list[dict[str, Any]]] = [
    {"attribute": "religion", "value": SECRET},
    {"attribute": "Religion", "value": SECRET * 20},
    {"properties": {"religion": SECRET, "role": "buyer"}},
    {"properties": {"role": "buyer", "HEALTH_STATUS": SECRET}},
    {"properties": {LONG: "buyer", "religion": SECRET, "z": "1"}},
]


@pytest.mark.parametrize("source_format", FORMATS)
@pytest.mark.parametrize("told", TOLD)
def test_in_every_format_of_events_the_value_is_masked_and_the_rest_stays(
    source_format: str, told: dict[str, Any]
) -> None:
    raw = FORMATS[source_format].encode(make_event(event_type="profile_updated", **told))
    masked = mask_named(raw, NAMES)
    assert SECRET.encode() in raw
    assert SECRET.encode() not in masked
    event = FORMATS[source_format].decode(masked)
    assert event.event_id == make_event().event_id
    assert {*(event.value or ""), *event.properties.get("religion", "")} <= {"*"}
    assert event.properties.get("role", "buyer") == "buyer"


def test_without_names_the_bytes_are_the_same_object() -> None:
    raw = EVENT.encode(make_event(attribute="religion", value=SECRET))
    assert mask_named(raw, frozenset()) is raw
    assert mask_named(raw, frozenset({"role"})) == raw


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ('{"religion": "a b", "role": "x"}', '{"religion": "***", "role": "x"}'),
        ('{"traits": {"Religion": 12.5}, "n": 1}', '{"traits": {"Religion": ****}, "n": 1}'),
        ('{"reli\\u0067ion": "a\\"b"}', '{"reli\\u0067ion": "****"}'),
        ('{"religion": {"is": ["a", 1]}, "n": ["b"]}', '{"religion": {"**": ["*", *]}, "n": ["b"]}'),
        ('{"value": "ab", "attribute": "religion"}', '{"value": "**", "attribute": "religion"}'),
        ('{"value": "ab", "attribute": "role"}', '{"value": "ab", "attribute": "role"}'),
        ('[{"attribute": "religion"}, {"value": "ab"}]', '[{"attribute": "religion"}, {"value": "ab"}]'),
        ('{"attribute": "religion", "value": "cut o', '{"attribute": "religion", "value": "*****'),
        ('{"query": "religion: none", "tags": ["religion"]}', '{"query": "religion: none", "tags": ["religion"]}'),
    ],
)  # fmt: skip
def test_in_json_what_stands_under_the_name(given: str, masked: str) -> None:
    assert mask_named(given.encode(), NAMES).decode() == masked


def test_a_text_of_one_letter_and_what_is_no_text_leave_the_rest_readable() -> None:
    for properties in ({"religion": "m"}, {"religion": ""}, {"a": "1", "religion": "m", "b": "2"}):
        raw = EVENT.encode(make_event(properties=properties, query="religion"))
        event = EVENT.decode(mask_named(raw, NAMES))
        assert event.properties == properties | {"religion": "*" * len(properties["religion"])}
    unsaid = EVENT.encode(make_event(attribute="religion", value=None))
    assert mask_named(unsaid, NAMES) == unsaid


RAW: Final = st.one_of(
    st.binary(),
    st.tuples(st.binary(), st.binary()).map(lambda ends: ends[0] + b"\x10religion" + ends[1]),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text()),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("religion", "value", "attribute", "x")), inner),
    ).map(lambda value: json.dumps([value]).encode()),
)  # fmt: skip


@given(RAW)
def test_raw_bytes_keep_their_number_and_are_masked_once_for_all(raw: bytes) -> None:
    masked = mask_named(raw, NAMES)
    assert len(masked) == len(raw)
    assert mask_named(masked, NAMES) == masked


def test_a_dead_letter_holds_none_and_addresses_are_masked_as_well() -> None:
    raw = EVENT.encode(make_event(attribute="religion", value=SECRET, query="anna@shop.example"))
    record = LogRecord("events", 0, 0, NOON, "s", raw)
    letter = dead_letter(record, InvalidEvent("wrong_key", "the key is 's'"), Masking(NAMES))
    assert len(letter.raw) == len(raw)
    written = DEAD_LETTER.encode(letter)
    assert SECRET.encode() not in written
    assert b"anna@" not in written
