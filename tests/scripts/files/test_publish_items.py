"""A catalogue of a file: what of it is new to the log, and from when on that holds."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.items import Item
from scripts.files.item_files import Given, ItemForm
from scripts.files.publish_items import late_warning, read_catalogue, versions_to_write
from tests.builders import NOON

FIRST, NOW = NOON - 86_400_000, NOON


def given(price: float, item_id: str = "i1", from_ms: int | None = None) -> Given:
    item = Item(item_id, from_ms or 0, price=price)
    return Given(item, from_ms is not None)


def test_a_new_item_holds_from_the_earliest_event_and_a_changed_one_from_its_import() -> None:
    (first,) = versions_to_write([given(9.0)], [], FIRST, NOW)
    assert (first.effective_from_ms, first.price) == (FIRST, 9.0)
    known = [first]
    assert versions_to_write([given(9.0)], known, NOW, NOW + 5) == []
    (changed,) = versions_to_write([given(8.0), given(9.0, "i2")][:1], known, FIRST, NOW)
    assert (changed.effective_from_ms, changed.price) == (NOW, 8.0)


def test_an_item_that_says_when_is_taken_at_its_word_and_once() -> None:
    (item,) = versions_to_write([given(9.0, from_ms=FIRST)], [], NOW, NOW)
    assert item.effective_from_ms == FIRST
    assert versions_to_write([given(9.0, from_ms=FIRST)], [item], NOW, NOW) == []
    (zero,) = versions_to_write([Given(Item("i1", 0, price=9.0), True)], [], NOW, NOW)
    assert zero.effective_from_ms == 0


def test_an_item_twice_in_a_file_is_two_versions() -> None:
    found = versions_to_write([given(9.0), given(9.0), given(8.0)], [], FIRST, NOW)
    assert [(one.price, one.effective_from_ms) for one in found] == [(9.0, FIRST), (8.0, NOW)]


def test_versions_that_say_when_are_written_once_however_many_an_item_has() -> None:
    both = [given(9.0, from_ms=FIRST), given(8.0, from_ms=NOW)]
    written = versions_to_write(both, [], NOW, NOW)
    assert [one.price for one in written] == [9.0, 8.0]
    assert versions_to_write(both, written, NOW, NOW) == []
    assert versions_to_write([given(8.0)], written, NOW + 5, NOW + 5) == []


def test_a_change_never_lies_before_what_it_changes() -> None:
    known = [Item("i1", NOW + 1_000, price=9.0)]
    (item,) = versions_to_write([given(8.0)], known, FIRST, NOW)
    assert item.effective_from_ms == NOW + 1_000


def test_a_catalogue_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"item_id":"a"}\n{"item_id":"b","price":-1}\n{"item_id":"c","effective_from_ms":5}\n'
    )
    said: list[str] = []
    with pytest.raises(ConfigError, match=r"line 2: .*nothing was written.*--partial"):
        read_catalogue(path, False, said.append)
    found = read_catalogue(path, True, said.append)
    assert [(one.item.item_id, one.is_timed) for one in found] == [("a", False), ("c", True)]
    assert [one.startswith("left out: ") for one in said] == [True]


def test_items_that_hold_from_before_they_are_published_are_told_where_something_was_decided_since() -> (
    None
):
    items = [Item("a", FIRST), Item("b", NOW + 5)]
    said = late_warning(items, NOW, lambda since_ms: 12 if since_ms == FIRST else 0)
    assert said is not None
    assert said.startswith(
        "1 of the items hold from 2023-11-13T22:13:20.000+00:00 on, and 12 decisions"
    )
    assert late_warning(items, NOW, lambda _: 0) is None
    assert late_warning(items[1:], NOW, lambda _: 12) is None


def test_what_holds_first_is_written_first() -> None:
    found = versions_to_write([given(9.0, "b", NOW), given(9.0, "a", FIRST)], [], NOW, NOW)
    assert [one.item_id for one in found] == ["a", "b"]


def test_an_items_title_is_told_and_strictly_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id":"a","title":"Shoe"}')
    said: list[str] = []
    assert len(read_catalogue(path, False, said.append)) == 1
    assert "`title` is no field, and not read: `name` is meant" in said[0]
    with pytest.raises(ConfigError, match="line 1: `title` is no field"):
        read_catalogue(path, False, said.append, ItemForm(is_strict=True))
