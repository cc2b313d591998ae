"""Rows of tables as items: columns under the names that people give them, values as they write them."""

from typing import Any

import pytest

from schemas.errors import InvalidEvent
from schemas.formats.field_names import told
from schemas.formats.item_rows import item_of_json, item_of_row
from schemas.items import AvailableDates, Item, Point

MS = 1_769_817_600_000


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"sku": "007", "title": " Boot "}, Item("007", name="Boot")),
        ({"Product ID": 7, "Product Name": "Boot"}, Item("7", name="Boot")),
        ({"id": 1001.0, "price": 19.99}, Item("1001", price=19.99)),
        ({"id": "a", "price": "1.299,00 €"}, Item("a", price=1299.0, currency="EUR")),
        ({"id": "a", "price": "5 EUR", "currency": "eur"}, Item("a", price=5.0, currency="EUR")),
        ({"id": "a", "availability": "in stock"}, Item("a")),
        ({"id": "a", "availability": "out_of_stock"}, Item("a", stock=0)),
        ({"id": "a", "in_stock": "1"}, Item("a")),
        ({"id": "a", "in_stock": False}, Item("a", stock=0)),
        ({"id": "a", "inventory": "1"}, Item("a", stock=1)),
        ({"id": "a", "stock": "12.0"}, Item("a", stock=12)),
        ({"id": "a", "stock": -3}, Item("a", stock=0)),
        ({"id": "a", "tags": "x|y, z|x"}, Item("a", tags=("x", "y, z"))),
        ({"id": "a", "keywords": "x, y"}, Item("a", tags=("x", "y"))),
        ({"id": "a", "tags": '["x", 1]'}, Item("a", tags=("x", "1"))),
        ({"id": "a", "product_type": "Home > Dresses"}, Item("a", category="Home/Dresses")),
        ({"id": "a", "category": "Shoes", "product_type": "x"}, Item("a", category="Shoes", attributes={"product_type": "x"})),
        ({"id": "a", "Colour": "red", "sizes": [1, 2]}, Item("a", attributes={"colour": "red", "sizes": "1,2"})),
        ({"id": "a", "attributes": '{"Colour": "red"}'}, Item("a", attributes={"colour": "red"})),
        ({"id": "a", "valid_from": "2026-01-31", "deleted": "yes"}, Item("a", MS, is_gone=True)),
        ({"id": "a", "sku": "b", "title": ""}, Item("a", attributes={"sku": "b"})),
        ({"id": "a", "lat": "46.948", "Longitude": 7.4474}, Item("a", place=Point(46.948, 7.4474))),
        ({"id": "a", "place": {"latitude": -1, "longitude": 2}}, Item("a", place=Point(-1, 2))),
        ({"id": "a", "place": "Bern"}, Item("a", attributes={"place": "Bern"})),
        ({"id": "a", "delivers_to": "de, us-ca|DE"}, Item("a", regions=("DE", "US-CA"))),
        ({"id": "a", "regions": ["CH"]}, Item("a", regions=("CH",))),
        (
            {"id": "a", "available_dates": "2026-07-01/2026-07-14, 2026-08-01"},
            Item("a", available_dates=(AvailableDates("2026-07-01", "2026-07-14"), AvailableDates("2026-08-01", "2026-08-01"))),
        ),
        (
            {"id": "a", "available_dates": [{"first": "2026-07-01", "last": "2026-07-14"}]},
            Item("a", available_dates=(AvailableDates("2026-07-01", "2026-07-14"),)),
        ),
        ({"id": "a", "vector": "[0.5, -1, 1e-3]"}, Item("a", embedding=(0.5, -1, 0.001))),
        ({"id": "a", "embedding": "0.5 -1"}, Item("a", embedding=(0.5, -1))),
        ({"id": "a", "embedding": [0.5, 2]}, Item("a", embedding=(0.5, 2))),
    ],
    ids=str,
)  # fmt: skip
def test_a_row_is_the_item_that_people_mean(row: dict[str, Any], wanted: Item) -> None:
    assert item_of_row(row).item == wanted


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"title": "Boot"}, "nothing says its id"),
        ({"id": 1.5}, "write ids as text"),
        ({"id": "a", "price": "1,299"}, "price: '1,299' may be 1299 or 1.299"),
        ({"id": "a", "price": "5 EUR", "currency": "USD"}, "its price is in EUR"),
        ({"id": "a", "price": -1}, "price"),
        ({"id": "a", "stock": "some"}, "stock"),
        ({"id": "a", "stock": "5 EUR"}, "number of pieces"),
        ({"id": "a", "stock": 1.5}, "stock"),
        ({"id": "a", "attributes": "red"}, "a JSON object is wanted"),
        ({"id": "a", "valid_from": "soon"}, "valid_from"),
        ({"id": "a", "deleted": "perhaps"}, "is_gone"),
        ({"id": "a" * 300}, "item_id"),
        ({"id": "a", "name": "x" * 3_000}, "name"),
        ({"id": "a", "tags": [{"a": 1}]}, "tags"),
        ({"id": ["a"]}, "item_id"),
        ({"id": "a", "lat": 1}, "longitude: is missing"),
        ({"id": "a", "lon": 1}, "latitude: is missing"),
        ({"id": "a", "lat": 91, "lon": 1}, "place.latitude"),
        ({"id": "a", "lat": "46,9", "lon": 1}, "lat: '46,9' is no number of degrees"),
        ({"id": "a", "regions": "Germany"}, "regions"),
        ({"id": "a", "regions": ["DE"] + [f"US-{at}" for at in range(10_000)]}, "regions"),
        ({"id": "a", "available_dates": "July"}, "available_dates"),
        ({"id": "a", "available_dates": "2026-02-30"}, "day is out of range"),
        ({"id": "a", "available_dates": "2026-07-14/2026-07-01"}, "`first` 2026-07-14 is after"),
        ({"id": "a", "embedding": "0.5, x"}, "embedding"),
        ({"id": "a", "embedding": [0.0] * 257}, "embedding"),
    ],
    ids=str,
)
def test_what_no_item_can_hold_is_refused_by_its_column(row: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEvent, match=said):
        item_of_row(row)


def test_what_is_read_as_what_is_told_and_what_finds_no_room_as_well() -> None:
    row: dict[str, Any] = {"sku": "a", "colour": "red"} | {f"c{at:02}": "x" for at in range(70)}
    item, notes = item_of_row(row)
    assert len(item.attributes) == 64
    kinds = [one.kind for one in notes]
    assert (kinds.count("alias"), kinds.count("attribute"), kinds.count("no_room")) == (1, 71, 7)
    said = [told(one).reason for one in notes]
    assert said[0] == "`sku` is read as `item_id`"
    assert "kept among the attributes" in said[1]
    with pytest.raises(InvalidEvent, match="no room"):
        item_of_row(row, is_strict=True)
    assert item_of_row({"sku": "a", "colour": "red"}, is_strict=True).item.attributes


def test_attributes_of_one_name_are_told_and_long_names_are_two() -> None:
    long = "x" * 70
    row = {"sku": "a", "Hue": "red", "hue": "blue", f"{long}1": "1", f"{long}2": "2"}
    item, notes = item_of_row(row)
    assert (item.attributes["hue"], len(item.attributes)) == ("red", 3)
    assert [one.field for one in notes if one.kind == "no_room"] == ["hue"]


@pytest.mark.parametrize(
    "data", [b"[]", b"1", b"", b"{", b"\xff", b"[" * 5_000, b'{"a":' + b"1" * 200_000 + b"}"]
)
def test_what_is_no_row_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        item_of_json(data)
