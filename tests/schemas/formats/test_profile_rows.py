"""Rows of people: what is said of whom since when, and nothing of who they are."""

import json
from typing import Any

import pytest

from schemas.errors import InvalidEvent
from schemas.events import is_outside_visit
from schemas.formats.profile_rows import profile_of_json, profile_of_row

AT_MS = 1_769_817_600_000
ROW: dict[str, Any] = {
    "Customer ID": 7.0,
    "validFrom": "2026-01-31",
    "Loyalty Tier": " gold ",
    "score": 0.87,
    "vip": True,
}


def test_a_row_is_told_of_its_person_from_its_time_on() -> None:
    event, notes = profile_of_row(ROW)
    assert (event.person_id, event.event_time_ms, is_outside_visit(event)) == ("7", AT_MS, True)
    assert event.properties == {"loyalty_tier": "gold", "score": "0.87", "vip": "true"}
    assert notes == ()
    again = profile_of_json(json.dumps(dict(reversed(ROW.items()))).encode()).event
    assert again.event_id == event.event_id
    assert profile_of_row(ROW | {"score": 0.5}).event.event_id != event.event_id


def test_what_says_who_somebody_is_and_what_is_no_fact_is_left_out() -> None:
    names = (
        "e-mail",
        "Phone Number",
        "firstName",
        "last_name",
        "street",
        "ip",
        "Mail",
        "long",
        "n" * 65,
        "parts",
    )
    said = dict.fromkeys(names, "x") | {"long": "x" * 257, "parts": {"a": 1}}
    event, notes = profile_of_row(ROW | said)
    assert event.properties == profile_of_row(ROW).event.properties
    assert {one.field for one in notes} == set(names)


def test_of_two_columns_of_one_name_the_first_is_read_and_the_other_told() -> None:
    event, notes = profile_of_row(ROW | {"loyalty_tier": "silver"})
    assert event.properties["loyalty_tier"] == "gold"
    assert [one.field for one in notes] == ["loyalty_tier"]


def test_the_person_and_the_time_are_the_first_columns_that_say_them() -> None:
    row = ROW | {"id": "row-1", "person_id": "mia", "updated_at": 5, "effective_from": AT_MS + 1}
    event = profile_of_row(row).event
    assert (event.person_id, event.event_time_ms) == ("mia", AT_MS + 1)
    assert event.properties["id"] == "row-1"
    renamed = profile_of_json(b'{"kd": "tom", "since": "2026-01-31", "a": "1"}', None, {"kd": "person_id", "since": "as_of"})  # fmt: skip
    assert (renamed.event.person_id, renamed.event.event_time_ms) == ("tom", AT_MS)
    assert profile_of_row({"uid": "a", "b": 1}, AT_MS).event.event_time_ms == AT_MS


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"tier": "x"}, "nothing says whom"),
        ({"id": "a", "tier": "x"}, "nothing says since when"),
        ({"id": "undefined", "as_of": AT_MS, "tier": "x"}, "names nobody"),
        ({"id": True, "as_of": AT_MS, "tier": "x"}, "no id"),
        ({"id": 1.5, "as_of": AT_MS, "tier": "x"}, "no id"),
        ({"id": ["a"], "as_of": AT_MS, "tier": "x"}, "no id"),
        ({"id": "a" * 300, "as_of": AT_MS, "tier": "x"}, "person_id"),
        ({"id": "a", "as_of": AT_MS // 1000, "tier": "x"}, "in seconds"),
        ({"id": "a", "as_of": [1], "tier": "x"}, "a time is wanted"),
        ({"id": "a", "as_of": AT_MS}, "says nothing of the person"),
        ({"id": "a", "as_of": AT_MS} | {f"c{at}": "x" for at in range(33)}, "33 facts"),
    ],
    ids=range(11),
)
def test_what_is_no_row_of_a_person_is_refused(row: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEvent, match=said):
        profile_of_row(row)


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"\xff", b"{", b"[" * 9_999, b'{"id":"\\ud83d","as_of":1,"a":2}', b" " * 1_000_001])  # fmt: skip
def test_bytes_that_are_no_row_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        profile_of_json(data, AT_MS)
