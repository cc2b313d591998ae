"""Items proposed from a sample of events: what events say of the items that they name, with how many say what. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats.foreign_json import PERSONAL_WORDS, plain
from schemas.formats.item_rows import ROW_NAMES, is_nothing, item_of_row
from schemas.formats.json_lines import text_of
from schemas.items import Item
from schemas.mappings.mapped import found_at

ITEMS_MAX: Final = 100_000
OF_PLACE: Final = frozenset({"latitude", "longitude", "regions", "available_dates", "embedding"})
FIELDS: Final = OF_PLACE | {"name", "category", "brand", "price", "currency", "image", "tags"}
PER_EVENT: Final = frozenset(
    {
        "affiliation", "amount", "cart_id", "checkout_id", "coupon", "creative_name", "creative_slot", "discount", "index", "item_list_id",
        "item_list_name", "list", "list_id", "list_name", "location_id", "order_id", "position", "promotion_id", "promotion_name", "qty",
        "quantity", "total", "value",
    }
)  # fmt: skip
"""Names, in their plain form, of what stands beside an item and is of the event: how many, where in the list."""
OF_THE_EVENT: Final = frozenset({"name", "title", "image", "picture", "tags", "tag", "labels", "keywords"})  # fmt: skip
"""Names that say something of the event, or of a page, where an item has no object of its own."""


class ProposedItems(NamedTuple):
    """The items in the order in which they were met first, and the share of them that has each field."""

    items: list[Item]
    shares: dict[str, float]


def items_in(records: Iterable[Mapping[str, Any]], paths: Sequence[str]) -> ProposedItems:
    """The items whose ids stand under one of the paths; of each field what was said last. What can be no item is left out."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        for path in paths:
            for item_id, said in _mentions(record, path):
                if item_id in rows or len(rows) < ITEMS_MAX:
                    rows.setdefault(item_id, {}).update(said)
    items = [one for one in map(_item, rows, rows.values()) if one is not None]
    has = Counter(name for one in items for name in said_of(one))
    return ProposedItems(
        items,
        {name: number / len(items) for name, number in has.most_common() if name != "item_id"},
    )


def said_of(item: Item) -> dict[str, Any]:
    """What is known of an item, by the names of our fields."""
    said: dict[str, Any] = msgspec.to_builtins(item)
    nothing = msgspec.to_builtins(Item(""))
    return {name: value for name, value in said.items() if value != nothing[name]}


def written_items(proposed: ProposedItems) -> bytes:
    """A file of items: JSON Lines."""
    return b"".join(msgspec.json.encode(said_of(one)) + b"\n" for one in proposed.items)


def _mentions(record: Mapping[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    home, _, name = path.rpartition(".")
    if path.endswith("[]"):  # ids alone: what stands beside the list is of none of them
        for one in found_at(record, path):
            yield from _row(one, {})
        return
    for one in found_at(record, home) if home else (record,):
        if isinstance(one, dict) and name in one:
            beside = {key: value for key, value in one.items() if key != name and _tells(key, has_home=bool(home))}  # fmt: skip
            yield from _row(one[name], beside)


def _row(item_id: Any, beside: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    said = text_of(item_id)
    if isinstance(said, str) and said.strip():
        yield said.strip(), {name: value for name, value in beside.items() if not is_nothing(value)}


def _tells(name: str, *, has_home: bool) -> bool:
    """Whether what has this name beside an item's id is of the item."""
    known = plain(name)
    if known in PER_EVENT or PERSONAL_WORDS & set(known.split("_")):
        return False
    field = known if known in ROW_NAMES.known else ROW_NAMES.aliases.get(known)
    if has_home:
        return field is None or field in FIELDS
    return field in FIELDS - OF_PLACE and known not in OF_THE_EVENT


def _item(item_id: str, said: dict[str, Any]) -> Item | None:
    """An item; without what cannot be read as its price, or as where it is, where that is what is wrong."""
    row = {"item_id": item_id} | said
    for left_out in ((), ("price", "currency"), OF_PLACE, ("price", "currency", *OF_PLACE)):
        left = {name: value for name, value in row.items() if _field(name) not in left_out}
        try:
            return item_of_row(left).item
        except InvalidEvent:
            continue
    return None


def _field(name: str) -> str:
    return ROW_NAMES.aliases.get(plain(name), plain(name))
