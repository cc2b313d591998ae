"""Rows of a Google Merchant feed as items, whatever holds them: RSS, Atom or a table. Pure.

https://support.google.com/merchants/answer/7052112
"""

from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import InvalidEvent
from schemas.formats.foreign_json import plain
from schemas.formats.item_rows import is_nothing, item_of_row
from schemas.formats.json_lines import ReadItem
from schemas.formats.shopify import plain_text
from schemas.times import time_ms

STYLE: Final = "1,299.00"
NEEDED: Final = frozenset({"id", "title", "link", "price", "availability"})
"""Columns by which a table is known as a feed."""
WINDOW: Final = "sale_price_effective_date"


def item_of_entry(entry: Mapping[str, Any], now_ms: int, *, is_strict: bool = False) -> ReadItem:
    """The item that an entry is, at the price at which it is sold `now_ms`. Raises InvalidEvent.

    Of attributes that are given several times the first is what the item has where it has one.
    """
    row = {plain(name): value for name, value in entry.items() if not is_nothing(value)}
    if _is_on_sale(row, now_ms):
        row["price"] = row.pop("sale_price")
    single = {name: _first(row[name]) for name in ("id", "title", "price", "product_type", "image_link", "availability", "brand") if name in row}  # fmt: skip
    text = {"description": plain_text(_first(row["description"]))} if "description" in row else {}
    if "title" in single and "name" not in row:
        single["title"] = plain_text(single["title"])
    said = {name: one for name, one in (row | single | text).items() if one is not None}
    return item_of_row(said, STYLE, is_strict=is_strict)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _is_on_sale(row: Mapping[str, Any], now_ms: int) -> bool:
    """Whether its sale price holds: always, or between the two times that are given with it."""
    if "sale_price" not in row:
        return False
    window = _first(row.get(WINDOW))
    if not isinstance(window, str):
        return True
    begin, mark, end = window.partition("/")
    try:
        return bool(mark) and time_ms(begin) <= now_ms < time_ms(end)
    except InvalidEvent as error:
        raise InvalidEvent(error.reason, f"{WINDOW}: {error.message}") from error
