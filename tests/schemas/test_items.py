"""Items: where they are, where and when they are to be had, and their vectors, in every way in; what no item can hold is refused."""

from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import ITEM
from schemas.errors import InvalidEvent
from schemas.formats.json_lines import item_from_json, read_item
from schemas.items import AvailableDates, Item, Point, item_from_fields
from schemas.limits import DATES_PER_ITEM_MAX, EMBEDDING_MAX, ITEM_BYTES_MAX, REGIONS_PER_ITEM_MAX
from tests.examples.write import FOLDER

JULY = {"first": "2026-07-01", "last": "2026-07-14"}
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
PLACES = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
DATES = st.builds(lambda days: AvailableDates(*sorted(map(str, days))), st.tuples(st.dates(), st.dates()))  # fmt: skip


@given(
    item=st.builds(
        Item, st.just("a"), place=st.none() | PLACES,
        regions=st.lists(st.from_regex(r"\A[A-Z]{2}(-[A-Z0-9]{1,3})?\Z"), max_size=9).map(tuple),
        available_dates=st.lists(DATES, max_size=3).map(tuple), embedding=st.lists(FLOATS, max_size=9).map(tuple),
    )
)  # fmt: skip
def test_the_log_and_json_hold_an_item_as_it_is(item: Item) -> None:
    assert ITEM.decode(ITEM.encode(item)) == item
    assert item_from_json(msgspec.json.encode(item)) == item


def test_an_embedding_has_numbers_of_32_bits_by_whichever_way_it_comes() -> None:
    by_json = item_from_json(b'{"item_id": "a", "embedding": [0.1, 1]}')
    assert by_json == item_from_fields({"item_id": "a", "embedding": [0.1, 1]})
    assert by_json.embedding == (0.10000000149011612, 1.0) != (0.1, 1.0)
    assert ITEM.decode(ITEM.encode(by_json)) == by_json


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"place": {"latitude": 90.1, "longitude": 0}}, "`float` <= 90.0 - at `$.place.latitude`"),
        ({"place": {"latitude": 0, "longitude": -181}}, "at `$.place.longitude`"),
        ({"place": {"latitude": nan, "longitude": 0}}, "at `$.place.latitude`"),
        ({"place": {"latitude": 0, "longitude": inf}}, "at `$.place.longitude`"),
        ({"place": {"latitude": 0}}, "missing required field `longitude`"),
        ({"regions": ["Germany"]}, "at `$.regions[0]`"),
        ({"regions": ["DE\n"]}, "at `$.regions[0]`"),
        ({"regions": ["DE"] * (REGIONS_PER_ITEM_MAX + 1)}, "length <= 300 - at `$.regions`"),
        ({"regions": ["DE"] * 10_000}, "length <= 300 - at `$.regions`"),
        ({"available_dates": [{"first": "2026-02-30", "last": "2026-03-01"}]}, "at `$.available_dates[0]`"),
        ({"available_dates": [{"first": "20260701", "last": "2026-07-14"}]}, "at `$.available_dates[0].first`"),
        ({"available_dates": [{"first": "2026-07-14", "last": "2026-07-01"}]}, "`first` 2026-07-14 is after `last` 2026-07-01"),
        ({"available_dates": [JULY] * (DATES_PER_ITEM_MAX + 1)}, "length <= 400 - at `$.available_dates`"),
        ({"embedding": [0.5, nan]}, "at `$.embedding[1]`"),
        ({"embedding": [-inf]}, "at `$.embedding[0]`"),
        ({"embedding": [1e39]}, "at `$.embedding[0]`"),
        ({"embedding": ["0.5"]}, "Expected `float`, got `str` - at `$.embedding[0]`"),
        ({"embedding": [0.5] * (EMBEDDING_MAX + 1)}, "length <= 256 - at `$.embedding`"),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_item_can_hold_is_refused_by_its_field(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        item_from_fields({"item_id": "a", **fields})
    assert refused.value.reason == "invalid_value"
    assert said in refused.value.message


def test_hostile_numbers_in_a_record_of_the_log_are_refused_too() -> None:
    record = bytearray(ITEM.encode(Item("a", place=Point(1.5, 1.5), embedding=(0.5,))))
    for good, bad in (
        (b"\0\0\0?", b"\0\0\xc0\x7f"),
        (b"\0\0\0\0\0\0\xf8?", b"\0\0\0\0\0\0\xf8\x7f"),
    ):
        assert good in record
        with pytest.raises(InvalidEvent):
            ITEM.decode(bytes(record).replace(good, bad, 1))


def test_an_item_as_full_as_it_may_be_fits_into_a_record() -> None:
    item = Item(
        "a", place=Point(-12.123456, -123.123456), regions=("US-CAL",) * REGIONS_PER_ITEM_MAX,
        available_dates=(AvailableDates(**JULY),) * DATES_PER_ITEM_MAX, embedding=(-0.123456789,) * EMBEDDING_MAX,
    )  # fmt: skip
    assert item_from_json(msgspec.json.encode(item)) == item
    assert len(ITEM.encode(item)) < len(msgspec.json.encode(item)) < ITEM_BYTES_MAX / 2


def test_an_item_of_the_first_version_says_nothing_of_places() -> None:
    old = ITEM.decode((FOLDER / "item/v1/everything.avro").read_bytes())
    assert (old.name, old.price, old.currency) == ("Läufer 3", 79.95, "EUR")
    assert (old.place, old.regions, old.available_dates, old.embedding) == (None, (), (), ())
    assert ITEM.decode(ITEM.encode(old)) == old


def test_a_name_that_is_nearly_ours_is_told() -> None:
    notes = read_item(b'{"item_id": "a", "lat": 1, "place": {"latitude": 1, "longitude": 2, "alt": 3}}').notes  # fmt: skip
    assert [(one.within, one.field) for one in notes] == [("", "lat"), ("place.", "alt")]
