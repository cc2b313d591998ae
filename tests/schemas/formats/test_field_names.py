"""Names as people write them: which are read, which are told, and what was meant; one table for every door."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.field_names import (
    EVENT_NAMES,
    ITEM_NAMES,
    NEED_ITEMS,
    NOTICES_MAX,
    Notices,
    meant_by,
    renamed,
)
from schemas.formats.json_lines import ReadEvent, built_event, event_fields, read_event, read_item
from schemas.items import Item
from schemas.proof import UNPROVEN
from tests.builders import NOON

WHOLE: dict[str, Any] = {
    "event_id": "e", "event_type": "product_viewed", "event_time_ms": NOON, "session_id": "s", "anonymous_id": "a",
    "item_ids": ["i1"],
}  # fmt: skip


def told_of(**said: Any) -> list[str]:
    notices = Notices()
    kept = {name: value for name, value in (WHOLE | said).items() if value is not None}
    notices.add(read_event(json.dumps(kept).encode()).notes, 0)
    return [one.reason for one in notices]


def event_of(**said: Any) -> Event:
    kept = {name: value for name, value in (WHOLE | said).items() if value is not None}
    return read_event(json.dumps(kept).encode()).event


@pytest.mark.parametrize(
    ("alias", "said", "field"),
    [
        ("event", "product_viewed", "event_type"),
        ("timestamp", NOON, "event_time_ms"),
        ("product_id", "i1", "item_ids"),
        ("item_id", "i1", "item_ids"),
        ("product_ids", ["i1"], "item_ids"),
    ],
)
def test_an_alias_is_read_and_told(alias: str, said: object, field: str) -> None:
    assert event_of(**{field: None, alias: said}) == event_of()
    assert told_of(**{field: None, alias: said}) == [f"`{alias}` is read as `{field}`"]


def test_what_has_a_name_of_its_own_wins_over_an_alias() -> None:
    assert event_of(product_id="other").item_ids == ("i1",)
    assert told_of(product_id="other") == ["`product_id` is not read beside `item_ids`"]
    assert event_of(item_ids=[], product_id=17).item_ids == ("17",)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("user_id", "person_id"), ("userId", "person_id"), ("customerId", "person_id"), ("sessionId", "session_id"),
        ("productId", "item_ids"), ("item-ids", "item_ids"), ("sku", "item_ids"), ("eventType", "event_type"),
        ("evnt_type", "event_type"), ("ts", "event_time_ms"), ("qty", "quantity"), ("country", "context.country"),
        ("revenue", "value_amount"), ("anonymousId", "anonymous_id"), ("frobnicate", None), ("", None), ("x" * 9_999, None),
    ],
)  # fmt: skip
def test_what_was_meant_by_a_name_that_is_none(name: str, meant: str | None) -> None:
    assert meant_by(name, EVENT_NAMES) == meant


@pytest.mark.parametrize(
    ("name", "meant"), [("title", "name"), ("id", "item_id"), ("description", "text"), ("imageUrl", "image")]
)  # fmt: skip
def test_what_was_meant_of_an_item(name: str, meant: str) -> None:
    item, notes = read_item(json.dumps({"item_id": "i", name: "x"}).encode())
    notices = Notices()
    notices.add(notes, 0)
    assert item == Item("i")
    assert [(one.field, one.meant) for one in notices] == [(name, meant)]


def test_names_within_are_told_with_where_they_stand() -> None:
    told = told_of(
        context={"device": "mobile", "deviceType": "x"},
        candidates=[{"item_id": "a", "pos": 3, "rank": 1}],
    )
    assert [one.partition(" is no field")[0] for one in told] == [
        "`context.deviceType`", "`candidates.pos`", "`candidates.rank`",
    ]  # fmt: skip
    assert "`candidates.position` is meant?" in told[2]


@pytest.mark.parametrize("event_type", sorted(NEED_ITEMS))
def test_an_event_about_an_item_that_names_none_is_told(event_type: str) -> None:
    assert told_of(event_type=event_type, item_ids=[]) == [
        "an event about an item names none in `item_ids`"
    ]


def test_events_need_items_that_there_are() -> None:
    assert UNPROVEN.keys() >= NEED_ITEMS


def test_strictly_what_would_be_ignored_is_refused() -> None:
    ignored: list[dict[str, Any]] = [{"user_id": "u"}, {"item_ids": []}, {"product_id": "other"}]
    for said in ignored:
        line = json.dumps(WHOLE | said).encode()
        assert read_event(line).event.event_id == "e"
        with pytest.raises(InvalidEvent) as refused:
            read_event(line, is_strict=True)
        assert refused.value.reason == "invalid_value"
    aliased = {"event": "page_viewed", "event_type": None}
    assert read_event(json.dumps(WHOLE | aliased).encode(), is_strict=True)
    with pytest.raises(InvalidEvent, match="`title` is no field, and not read: `name` is meant"):
        read_item(b'{"item_id":"i","title":"Shoe"}', is_strict=True)


def test_why_something_is_missing_is_told() -> None:
    line = json.dumps({**WHOLE, "session_id": None, "sessionId": "s"}).encode()
    with pytest.raises(InvalidEvent, match=r"required field `session_id`.*`sessionId` is no field"):
        read_event(line)
    with pytest.raises(InvalidEvent, match=r"required field `item_id`.*`item_id` is meant"):
        read_item(b'{"id":"i"}')


def test_notices_are_counted_and_few_however_many_names_there_are() -> None:
    notices = Notices()
    for at in range(50):
        notices.add(renamed({f"x{at}": 1, "user_id": "u"}, EVENT_NAMES).notes, at)
    told = list(notices)
    assert len(told) == NOTICES_MAX
    (known,) = [one for one in told if one.field == "user_id"]
    assert (known.at, known.times, known.meant) == (0, 50, "person_id")


def test_the_tables_name_fields_that_there_are() -> None:
    for names, kind in ((EVENT_NAMES, Event), (ITEM_NAMES, Item)):
        own = {one.name for one in fields(kind)}
        assert names.known == own
        assert {*names.aliases.values(), *names.meant.values()} <= own
        assert not own & {*names.aliases, *names.meant}
        for part in names.parts.values():
            assert set(part.meant.values()) <= part.known


@pytest.mark.parametrize(
    ("field", "written", "expected"),
    [
        ("effective_from_ms", "2030-12-01", 1_922_313_600_000), ("effective_from_ms", 0, 0),
        ("created_ms", "2030-12-01T00:00:00Z", 1_922_313_600_000),
    ],
)  # fmt: skip
def test_times_of_items_are_read_as_all_times(field: str, written: object, expected: int) -> None:
    item = read_item(json.dumps({"item_id": "i", field: written}).encode()).item
    assert getattr(item, field) == expected
    with pytest.raises(InvalidEvent, match="in seconds it would be 2030-12-02"):
        read_item(json.dumps({"item_id": "i", field: 1_922_400_000}).encode())


ANY = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3)
FIELDS = st.sampled_from([*sorted(EVENT_NAMES.known), "event", "user_id"])
WITHIN = st.fixed_dictionaries(
    {},
    optional={
        "item_ids": st.lists(st.text(max_size=2) | st.integers(0, 9), max_size=2),
        "properties": st.dictionaries(st.text(max_size=2), ANY, max_size=2),
        "context": st.dictionaries(
            st.sampled_from(["device", "country", "utc_offset_min", "odd"]), ANY, max_size=2
        ),
        "candidates": st.lists(
            st.fixed_dictionaries(
                {"item_id": st.text(max_size=2)},
                optional={"price": ANY, "position": ANY, "features": ANY, "odd": ANY},
            ),
            max_size=2,
        ),
        "event_time_ms": st.sampled_from([NOON, "2026-01-31", 1_700_000_000, None]),
    },
)


@settings(max_examples=500)
@given(st.dictionaries(FIELDS, ANY, max_size=3), WITHIN)
def test_the_fast_way_and_the_close_one_read_the_same(
    said: dict[str, Any], within: dict[str, Any]
) -> None:
    line = msgspec.json.encode(WHOLE | said | within)

    def close() -> ReadEvent:
        known = event_fields(msgspec.json.decode(line))
        return built_event(known.fields, known.notes)

    assert outcome(lambda: read_event(line)) == outcome(close)


def outcome(read: Callable[[], ReadEvent]) -> object:
    try:
        found = read()
    except InvalidEvent as error:
        return str(error)
    return found.event, list(found.notes)


def test_a_text_in_the_place_of_a_list_is_no_list_of_one() -> None:
    for said in ({"item_ids": "a,b"}, {"item_ids": None, "product_ids": "a,b"}):
        with pytest.raises(InvalidEvent, match="Expected `array`"):
            event_of(**said)
    assert event_of(item_ids=None, product_id="a,b").item_ids == ("a,b",)
