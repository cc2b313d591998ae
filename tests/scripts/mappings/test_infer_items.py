"""What events tell of items: a file that `items import` takes, and how much of it is known."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.formats.json_lines import item_from_json
from scripts.mappings.infer_items import ProposedItems, items_in, written_items
from scripts.mappings.infer_mapping import look_at, propose

VISIT: Final = Path(__file__).parents[2] / "schemas" / "formats" / "visit"
NESTED: Final = {
    "items": [
        {"sku": "a", "title": "Felt hat", "categories": "Hats > Felt", "price": "19,90 EUR", "quantity": 3, "index": 1, "colour": "red"},
        {"sku": "b", "price": 5, "email": "x@example.org"},
    ]
}  # fmt: skip


def told(proposed: ProposedItems) -> dict[str, dict[str, Any]]:
    lines = [json.loads(one) for one in written_items(proposed).splitlines()]
    return {one.pop("item_id"): one for one in lines}


def test_what_stands_beside_an_id_in_its_own_object_is_of_the_item() -> None:
    found = items_in([NESTED], ["items[].sku"])
    assert told(found) == {
        "a": {"name": "Felt hat", "category": "Hats/Felt", "price": 19.9, "currency": "EUR", "attributes": {"colour": "red"}},
        "b": {"price": 5.0},
    }  # fmt: skip
    assert found.shares == {"price": 1.0, "name": 0.5, "category": 0.5, "currency": 0.5, "attributes": 0.5}  # fmt: skip


def test_of_an_event_only_what_cannot_be_its_own_is_of_the_item() -> None:
    flat = {"id": "e1", "product_id": "a", "title": "The page", "product_name": "Felt hat", "price": 9, "quantity": 2, "user": "u1", "value": 18}  # fmt: skip
    assert told(items_in([flat], ["product_id"])) == {"a": {"name": "Felt hat", "price": 9.0}}
    assert told(items_in([{"skus": ["a", "b"], "price": 9}], ["skus[]"])) == {"a": {}, "b": {}}


def test_a_place_is_of_the_item_in_whose_object_it_stands_and_else_of_whoever_looked() -> None:
    place = {"latitude": 1.5, "longitude": 2, "regions": "DE"}
    said = {"place": {"latitude": 1.5, "longitude": 2.0}, "regions": ["DE"]}
    assert told(items_in([{"item": {"id": "a", **place}}], ["item.id"])) == {"a": said}
    assert told(items_in([{"item_id": "a", "price": 2, **place}], ["item_id"])) == {"a": {"price": 2.0}}  # fmt: skip
    odd = {"item": {"id": "a", "price": 2, **place, "latitude": 91}}
    assert told(items_in([odd], ["item.id"])) == {"a": {"price": 2.0}}


def test_of_each_field_the_last_word_counts_and_a_price_that_cannot_be_read_is_left_out() -> None:
    records: list[dict[str, Any]] = [
        {"product": {"sku": "a", "name": "Old", "brand": "B"}}, {"product": {"sku": "a", "name": "New", "brand": ""}},
        {"product": {"sku": "c", "name": "Odd", "price": "1,299"}}, {"product": {"sku": " "}}, {"product": {"sku": {"x": 1}}}, {"product": 5},
    ]  # fmt: skip
    assert told(items_in(records, ["product.sku"])) == {"a": {"name": "New", "brand": "B"}, "c": {"name": "Odd"}}  # fmt: skip


@pytest.mark.parametrize("name", ["segment.jsonl", "ga4.jsonl"])
def test_of_a_visit_in_a_format_of_others_the_items_are_proposed_by_what_infer_finds(
    name: str,
) -> None:
    records = [json.loads(one) for one in (VISIT / name).read_bytes().splitlines()]
    proposal = propose(*look_at(records))
    found = items_in(records, proposal.fields["item_ids"].paths)
    assert found.items
    for line in written_items(found).splitlines():
        assert item_from_json(line).item_id


@given(st.lists(st.dictionaries(st.sampled_from(["sku", "price", "name", "tags", "x"]), st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=3)), max_size=5))  # fmt: skip
def test_whatever_stands_there_is_an_item_or_is_left_out(products: list[dict[str, Any]]) -> None:
    found = items_in([{"product": one} for one in products], ["product.sku"])
    for line in written_items(found).splitlines():
        assert item_from_json(line).item_id
