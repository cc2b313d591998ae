"""Our writer of Avro writes what fastavro's does, of every kind of type that our schemas have; others it refuses."""

from io import BytesIO
from types import SimpleNamespace
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema
from hypothesis import given
from hypothesis import strategies as st

from schemas import write_avro
from schemas.write_avro import TEXT_KEPT_BYTES, TEXTS_KEPT, write_long, writer_of

longs = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)
POINT = {
    "type": "record",
    "name": "Point",
    "fields": [{"name": "x", "type": "double"}, {"name": "said", "type": "string"}],
}
WHOLE = parse_schema({
    "type": "record",
    "name": "Whole",
    "fields": [
        {"name": "count", "type": "long"},
        {"name": "part", "type": "int"},
        {"name": "is_it", "type": "boolean"},
        {"name": "raw", "type": "bytes"},
        {"name": "short", "type": "float"},
        {"name": "maybe", "type": ["null", "long"]},
        {"name": "one", "type": POINT},
        {"name": "others", "type": {"type": "array", "items": "Point"}},
        {"name": "named", "type": {"type": "map", "values": "Point"}},
        {"name": "perhaps", "type": ["null", {"type": "array", "items": "string"}]},
    ],
})  # fmt: skip
points = st.fixed_dictionaries({"x": st.floats(), "said": texts})
wholes = st.fixed_dictionaries({
    "count": longs, "part": st.integers(-(2**31), 2**31 - 1), "is_it": st.booleans(), "raw": st.binary(max_size=200), "short": st.floats(width=32),
    "maybe": st.none() | longs, "one": points, "others": st.lists(points, max_size=70),
    "named": st.dictionaries(texts, points, max_size=4), "perhaps": st.none() | st.lists(texts, max_size=3),
})  # fmt: skip


def as_fastavro(schema: Any, value: object) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def point(fields: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**fields)


@given(wholes)
def test_a_record_of_every_kind_of_type_is_written_as_fastavro_writes_it(
    fields: dict[str, Any],
) -> None:
    value = SimpleNamespace(**fields)
    value.one = point(fields["one"])
    value.others = tuple(point(one) for one in fields["others"])
    value.named = {name: point(one) for name, one in fields["named"].items()}
    assert writer_of(WHOLE)(value) == as_fastavro(WHOLE, fields)


@given(longs)
def test_a_long_is_written_as_fastavro_writes_it(value: int) -> None:
    assert write_long(value) == as_fastavro("long", value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_what_has_more_than_64_bits_is_refused(value: int) -> None:
    with pytest.raises(OverflowError):
        write_long(value)


@pytest.mark.parametrize(
    "schema",
    [
        ["null", "string", "long"],
        ["string", "null"],
        {"type": "fixed", "name": "F", "size": 4},
        "duration",
        {"type": "record", "name": "R", "fields": [{"name": "a.b", "type": "long"}]},
        {"type": "record", "name": "R", "fields": [{"name": "from", "type": "long"}]},
    ],
)
def test_a_kind_of_type_without_a_writer_is_refused_before_anything_is_written(
    schema: Any,
) -> None:
    with pytest.raises(ValueError, match=r"no writer|no field"):
        writer_of(schema)


def test_so_many_short_texts_are_kept_and_no_long_ones() -> None:
    write = writer_of("string")
    write_avro._texts.clear()
    assert write("x" * (TEXT_KEPT_BYTES + 1)) == as_fastavro("string", "x" * (TEXT_KEPT_BYTES + 1))
    assert not write_avro._texts
    for number in range(TEXTS_KEPT + 10):
        write(str(number))
    assert len(write_avro._texts) <= TEXTS_KEPT
    assert write("7") == as_fastavro("string", "7")
