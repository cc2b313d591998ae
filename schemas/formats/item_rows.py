"""A row of somebody's table as an item: columns under the names that people give them, values as they write them. Pure.

What is no field of ours becomes an attribute. Of two columns for one field the one that stands first in our table of names is read, the other kept as an
attribute.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats.amounts import Style, amount
from schemas.formats.field_names import ITEM_NAMES, Names, Note
from schemas.formats.foreign_json import plain
from schemas.formats.json_lines import ReadItem, check_names, json_object, text_of
from schemas.formats.place_cells import (
    DEGREES,
    dates,
    degrees,
    embedding,
    put_place,
    regions,
    with_degrees,
)
from schemas.items import item_from_fields
from schemas.limits import ITEM_BYTES_MAX, STRING_LENGTH_MAX
from schemas.meant_types import LENGTH_MAX
from schemas.times import since_of_field

ROW_NAMES: Final = Names(
    ITEM_NAMES.known - {"place"} | {*DEGREES},
    aliases={name: meant for name, meant in ITEM_NAMES.meant.items() if meant != "place"}
    | {"lat": "latitude", "lng": "longitude", "lon": "longitude"},
)
"""What is only told to be meant in our own JSON is read in tables: nobody writes them for us."""
RANK: Final = {
    name: rank for rank, name in enumerate((*sorted(ROW_NAMES.known), *ROW_NAMES.aliases))
}
ATTRIBUTES_MAX: Final = 64
EXACT: Final = 2**53
SHOWN_MAX: Final = 50
TRUE: Final = frozenset({"true", "yes", "y", "1"})
FALSE: Final = frozenset({"false", "no", "n", "0"})
FLAGS: Final = frozenset({"in_stock", "is_available"})
"""Columns that say whether there are any: 1 is no number of pieces there."""
THERE: Final = frozenset(
    {"in_stock", "available", "preorder", "pre_order", "backorder", "limited_availability"}
) | TRUE - {"1"}
NOT_THERE: Final = frozenset(
    {"out_of_stock", "unavailable", "sold_out", "discontinued"}
) | FALSE - {"0"}
"""What people write of an item that is there, or not, in the place of how many there are."""


class Columns(NamedTuple):
    """Where the fields of an item stand in rows of these columns, and under which names the others are attributes."""

    fields: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


@lru_cache(maxsize=4_096)
def columns_of(names: tuple[str, ...]) -> Columns:
    """What the columns are; the same for every row of a table."""
    taken: dict[str, str] = {}
    for name in sorted(names, key=_rank):
        field = _field(name)
        if field is not None:
            taken.setdefault(field, name)
    read = {name: field for field, name in taken.items()}
    fields = tuple((name, read[name]) for name in names if name in read)
    others = tuple((name, _attribute(name)) for name in names if name not in read)
    notes = [
        Note(name, "alias", _as(name, field)) for name, field in fields if plain(name) != field
    ]
    notes += [Note(name, "attribute", ROW_NAMES) for name, _ in others]
    return Columns(fields, others, tuple(notes))


def item_of_row(
    row: Mapping[str, Any], style: Style | None = None, *, is_strict: bool = False
) -> ReadItem:
    """The item that a row says; `style`: how its amounts are written. Raises InvalidEvent."""
    row = with_degrees(row)
    columns = columns_of(tuple(row))
    fields: dict[str, Any] = {}
    for name, field in columns.fields:
        if not is_nothing(row[name]):
            try:
                read = _is_there if plain(name) in FLAGS else READ.get(field, _text)
                fields[field] = read(row[name], style)
            except InvalidEvent as error:
                raise InvalidEvent(error.reason, f"{name[:SHOWN_MAX]}: {error.message}") from error
    if fields.get("item_id") is None:
        has = ", ".join(row)[:200]
        raise InvalidEvent(
            "invalid_value", f"nothing says its id (item_id, sku, id …); it has: {has}"
        )
    put_place(fields)
    beside = fields.pop("price", None)
    if beside is not None:
        fields["price"], currency = beside
        if currency is not None and fields.setdefault("currency", currency) != currency:
            raise InvalidEvent(
                "invalid_value",
                f"its price is in {currency}, and its currency {fields['currency']}",
            )
    lost = _add_attributes(fields, row, columns)
    item = item_from_fields({name: one for name, one in fields.items() if one is not None})
    notes = [*columns.notes, *lost]
    if is_strict:
        check_names(notes)
    return ReadItem(item, notes)


def item_of_json(data: bytes, style: Style | None = None, *, is_strict: bool = False) -> ReadItem:
    """The same of a row as a JSON object."""
    return item_of_row(json_object(data, ITEM_BYTES_MAX), style, is_strict=is_strict)


def is_nothing(value: object) -> bool:
    """Whether a cell says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def _field(name: str) -> str | None:
    known = plain(name)
    return known if known in ROW_NAMES.known else ROW_NAMES.aliases.get(known)


def _rank(name: str) -> tuple[int, str]:
    return RANK.get(plain(name), len(RANK)), name


def _as(name: str, field: str) -> Names:
    """For a note: how a column was written is nobody's table."""
    return Names(ROW_NAMES.known, aliases={name: field})


def _attribute(name: str) -> str:
    """`Variant Colour` is `variant_colour`: as conditions and events name it."""
    return (plain(name) if len(name) <= LENGTH_MAX else name) or name


def _add_attributes(fields: dict[str, Any], row: Mapping[str, Any], columns: Columns) -> list[Note]:
    """Adds to the attributes what is no field, as far as there is room; notes of the others."""
    found: dict[str, Any] = fields.get("attributes") or {}
    lost = []
    for name, attribute in columns.attributes:
        if is_nothing(row[name]):
            continue
        said = _joined(row[name])
        has_room = attribute not in found and len(found) < ATTRIBUTES_MAX
        if said is None or not has_room or max(len(attribute), len(said)) > STRING_LENGTH_MAX:
            lost.append(Note(name, "no_room", ROW_NAMES))
        else:
            found[attribute] = said
    if found:
        fields["attributes"] = found
    return lost


def _joined(value: object) -> str | None:
    """A value as an attribute has it, several with commas between; None of one that has parts of its own."""
    if isinstance(value, list):
        parts = [text_of(one) for one in value if not is_nothing(one)]
        return ",".join(map(str, parts)) if all(isinstance(one, str) for one in parts) else None
    said = text_of(value)
    return said.strip() if isinstance(said, str) else None


# --- values -------------------------------------------------------------------------------------


def _text(value: object, _: Style | None) -> object:
    said = text_of(value)
    return said.strip() if isinstance(said, str) else said


def _id(value: object, style: Style | None) -> object:
    """A text; of a number the whole one that it is, for programs write ids as 1001.0 where one is missing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= EXACT:
            raise InvalidEvent("invalid_value", f"{value} is no id: write ids as text")
        value = int(value)
    return _text(str(value), style)


def _category(value: object, style: Style | None) -> object:
    """A path; "Home > Dresses" is "Home/Dresses"."""
    said = _text(value, style)
    if not isinstance(said, str) or ">" not in said:
        return said
    return "/".join(part for one in said.split(">") if (part := one.strip()))


def _price(value: object, style: Style | None) -> tuple[object, str | None]:
    if isinstance(value, str):
        return amount(value, style)
    return value, None


def _currency(value: object, style: Style | None) -> object:
    said = _text(value, style)
    return said.upper() if isinstance(said, str) and len(said) == 3 else said


def _stock(value: object, style: Style | None) -> object:
    """How many there are; nothing of what is there in an unknown number, none of what is oversold."""
    if isinstance(value, bool):
        return None if value else 0
    if isinstance(value, str):
        word = plain(value.strip())
        if word in THERE:
            return None
        said = amount("0" if word in NOT_THERE else value, style)
        if said.currency is not None:
            raise InvalidEvent("invalid_value", f"{value[:SHOWN_MAX]!r} is no number of pieces")
        value = said.number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return max(0, value) if isinstance(value, int) else value


def _is_there(value: object, style: Style | None) -> object:
    word = str(value).strip().lower()
    return _stock(word in TRUE, style) if word in TRUE | FALSE else _stock(value, style)


def _tags(value: object, _: Style | None) -> object:
    """A list, or a text of several: `a|b`, `a, b`, `a;b`, `["a", "b"]`."""
    if isinstance(value, str):
        text = value.strip()
        listed = _json(text, "[")
        mark = next((one for one in "|,;" if one in text), None)
        value = listed if listed is not None else text.split(mark) if mark else [text]
    if not isinstance(value, list):
        return value
    parts = [text_of(one) for one in value if not is_nothing(one)]
    if not all(isinstance(one, str) for one in parts):
        return parts  # to be refused by its type
    return list(dict.fromkeys(str(one).strip() for one in parts))


def _attributes(value: object, _: Style | None) -> object:
    if isinstance(value, str):
        value = _json(value.strip(), "{")
        if value is None:
            raise InvalidEvent("invalid_value", "a JSON object is wanted")
    if not isinstance(value, dict):
        return value
    return {plain(name): said for name, one in value.items() if (said := _joined(one))}


def _json(text: str, begins: str) -> Any:
    if not text.startswith(begins):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _gone(value: object, _: Style | None) -> object:
    word = str(value).strip().lower()
    return word in TRUE if word in TRUE | FALSE else value


def _since(value: object, _: Style | None) -> object:
    return since_of_field("time", _number_or(value))


def _number_or(value: object) -> object:
    """Of 1763700000000.0 the whole number that it is."""
    return (
        int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < EXACT
        else value
    )


READ: Final = {
    "item_id": _id, "category": _category, "price": _price, "currency": _currency, "stock": _stock, "tags": _tags,
    "attributes": _attributes, "is_gone": _gone, "created_ms": _since, "effective_from_ms": _since,
    "latitude": degrees, "longitude": degrees, "regions": regions, "available_dates": dates, "embedding": embedding,
}  # fmt: skip
"""How a field's value is read; the others are texts."""
