"""JSON cut into values: as a decoder reads them where all are good, and the others where one is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.formats.json_values import fault_of, members_of, values_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=8), st.sampled_from([None, 2]), st.booleans())
def test_an_array_is_cut_as_it_is_decoded(
    values: list[Any], indent: int | None, is_ascii: bool
) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=is_ascii).encode(errors="surrogatepass")
    assert [json.loads(one.decode(errors="surrogatepass")) for one in values_of(data)] == values


@given(st.dictionaries(st.text(alphabet="abc", min_size=1), JSON, max_size=6))
def test_an_object_is_cut_into_its_members(fields: dict[str, Any]) -> None:
    found = members_of(json.dumps(fields).encode())
    assert {name.decode(): json.loads(value) for name, value in found.items()} == fields


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6))
def test_objects_one_after_the_other_are_values(values: list[Any]) -> None:
    data = "\n".join(json.dumps(one, indent=1) for one in values).encode()
    assert [json.loads(one) for one in values_of(data)] == values


@pytest.mark.parametrize(
    "broken", [rb'{"a":"shoe \ud83d"}', b'{"a":1e999}', b'{"a":"\xff\xfe"}', b'{"a":nope}', b"{]}"]
)
def test_a_broken_element_costs_itself(broken: bytes) -> None:
    found = list(values_of(b'[{"x":"[,"}, ' + broken + b', {"y":2}]'))
    assert found[0] == b'{"x":"[,"}'
    if b"]" not in broken:
        assert found[1:] == [broken, b'{"y":2}']


@given(st.binary(max_size=200))
def test_any_bytes_are_cut_without_an_error(data: bytes) -> None:
    assert all(one.strip(b" \t\r\n") for one in values_of(data))
    assert isinstance(members_of(data), dict)


def test_what_was_cut_inside_an_emoji_is_said_in_words() -> None:
    error = ValueError("Input data was truncated")
    assert "cut inside a character" in fault_of(rb'{"a":"shoe \ud83d"}', error)
    assert fault_of(rb'{"a":"shoe \ud83d\ude00"', error) == "Input data was truncated"
