"""Files of items in any format that Kairos reads, one item after the other, each with what there is to say of it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from jobs.publish import now_ms
from schemas.errors import ConfigError, InvalidEvent
from schemas.formats.amounts import Style
from schemas.formats.field_names import Note, Notices
from schemas.formats.foreign_json import plain
from schemas.formats.google_feed import NEEDED, item_of_entry
from schemas.formats.item_rows import item_of_json
from schemas.formats.json_lines import ReadItem, read_item
from schemas.formats.shopify import HANDLE, item_of_product
from schemas.items import Item
from scripts.console import say as say_it
from scripts.files.feed_files import (
    Product,
    products_in_json,
    products_in_lines,
    products_in_rows,
    xml_entries,
)
from scripts.files.file_records import Record, kind_of, names_in, read_records
from scripts.files.input_files import BOM, chunks_of
from scripts.files.told_names import in_words

ItemFormat = Literal["auto", "kairos", "table", "shopify", "google"]
PRODUCTS: Final = re.compile(rb'\s*\{\s*"products"\s*:\s*\[')
"""How Shopify's JSON begins."""


class Given(NamedTuple):
    """An item of a file; `is_timed`: it says itself from when on it holds."""

    item: Item
    is_timed: bool


class ItemForm(NamedTuple):
    """How a file of items is read: its format (auto: by what is in it), how amounts are written, whether what nobody reads is a fault."""

    format: ItemFormat = "auto"
    style: Style | None = None
    is_strict: bool = False


AUTO = ItemForm()


class Found(NamedTuple):
    """What stands at a place of the file, from 0: an item, or why there is none."""

    number: int
    given: Given | None
    notes: tuple[Note, ...] = ()
    fault: str = ""


def items_in(
    path: Path, form: ItemForm = AUTO, say: Callable[[str], None] = say_it
) -> Iterator[Found]:
    """What a file holds, in its order; raises ConfigError where it cannot be read at all."""
    name = format_of(path) if form.format == "auto" else form.format
    if name in ("kairos", "table"):
        read = _read_own if name == "kairos" else _read_row
        for record in read_records(path, say):
            yield _found(record, form, read)
        return
    now = now_ms()
    for product in _products(path, name, say):
        yield _found_product(product, form, None if name == "shopify" else now)


def format_of(path: Path) -> ItemFormat:
    """The format of a file of items, by what is in it."""
    kind = kind_of(path)
    if kind == "xml":
        return "google"
    if kind == "json":
        is_shopify = PRODUCTS.match(next(chunks_of(path), b"").removeprefix(BOM))
        return "shopify" if is_shopify else "kairos"
    names = {plain(name) for name in names_in(path)} if kind == "csv" else set()
    if names & set(HANDLE) and any(name.startswith(("variant_", "option1_")) for name in names):
        return "shopify"
    return "google" if names >= NEEDED else "table"


def _products(path: Path, name: ItemFormat, say: Callable[[str], None]) -> Iterator[Product]:
    """The entries of a feed."""
    kind = kind_of(path)
    if kind == "xml":
        return xml_entries(path)
    if name == "google" or kind != "json":
        records = read_records(path, say)
        return products_in_rows(records) if name == "shopify" else products_in_lines(records)
    is_page = PRODUCTS.match(next(chunks_of(path), b"").removeprefix(BOM))
    return products_in_json(path) if is_page else products_in_lines(read_records(path, say))


def _found_product(product: Product, form: ItemForm, now: int | None) -> Found:
    """What an entry is; `now`: of Google's feeds, by which their sales hold."""
    if product.fault:
        return Found(product.number, None, fault=product.fault)
    try:
        if now is None:
            item, notes = item_of_product(product.said, is_strict=form.is_strict)
        else:
            item, notes = item_of_entry(product.said, now, is_strict=form.is_strict)
    except InvalidEvent as error:
        return Found(product.number, None, fault=error.message)
    lost = tuple(one for one in notes if one.kind == "no_room")
    return Found(product.number, Given(item, is_timed=False), lost)


def read_items(path: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[Item]:
    """The items of a file in any format; what nobody reads of them is said at its end. ConfigError names the line at fault."""
    notices = Notices()
    for one in items_in(path, say=say):
        if one.given is None:
            raise ConfigError(f"{path}, line {one.number + 1}: {one.fault}")
        notices.add(one.notes, one.number)
        yield one.given.item
    for notice in notices:
        say(f"{path.name}: {in_words(notice)}")


Read = Callable[[bytes, ItemForm], tuple[ReadItem, bool]]
"""A record, and how it is read -> the item, and whether it says from when on it holds."""


def found_in(record: Record, form: ItemForm) -> Found:
    """What a record of a topic is: JSON under our names or those of others, or a product of Shopify's."""
    if form.format in ("shopify", "google"):
        now = None if form.format == "shopify" else now_ms()
        return _found_product(next(products_in_lines([record])), form, now)
    return _found(record, form, _read_own if form.format == "kairos" else _read_row)


def _found(record: Record, form: ItemForm, read: Read) -> Found:
    if record.fault:
        return Found(record.number, None, fault=record.fault)
    try:
        (item, notes), is_timed = read(record.raw, form)
    except InvalidEvent as error:
        return Found(record.number, None, fault=error.message)
    return Found(record.number, Given(item, is_timed), tuple(notes))


def _format(path: Path, form: ItemForm) -> ItemFormat:
    if form.format != "auto":
        return form.format
    return "kairos" if kind_of(path) == "json" else "table"


def _read_own(raw: bytes, form: ItemForm) -> tuple[ReadItem, bool]:
    read = read_item(raw, is_strict=form.is_strict)
    return read, msgspec.json.decode(raw).get("effective_from_ms") is not None


def _read_row(raw: bytes, form: ItemForm) -> tuple[ReadItem, bool]:
    read = item_of_json(raw, form.style, is_strict=form.is_strict)
    return read, read.item.effective_from_ms > 0
