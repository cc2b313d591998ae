"""Where and when an item is to be had, and its vector, as cells of tables write them. Pure.

A place has two columns, or is an object; regions and dates stand one after another: `DE, AT`, `2026-07-01/2026-07-14, 2026-08-01`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats.amounts import Style
from schemas.numbers import number_in

SHOWN_MAX: Final = 50
DEGREES: Final = ("latitude", "longitude")
"""Columns that are two halves of `place`."""
PARTS: Final = re.compile(r"[\s,;|]+")


def with_degrees(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with the degrees of a `place` that is an object as columns of their own; any other `place` is no point on the earth, but an attribute."""
    place = row.get("place")
    if not isinstance(place, dict) or not place.keys() >= set(DEGREES):
        return row
    beside = {name: value for name, value in row.items() if name != "place"}
    return beside | {name: place[name] for name in DEGREES}


def put_place(fields: dict[str, Any]) -> None:
    """Makes one place of its two halves among the fields; raises InvalidEvent where one is missing."""
    found = {name: fields.pop(name) for name in DEGREES if name in fields}
    if len(found) == 1:
        missing = "longitude" if "latitude" in found else "latitude"
        raise InvalidEvent("invalid_value", f"{missing}: is missing, and half a place is none")
    if found:
        fields["place"] = found


def degrees(value: object, _: Style | None) -> object:
    """A number, also as text, with a point."""
    found = number_in(value.strip()) if isinstance(value, str) else value
    if found is None:
        raise InvalidEvent("invalid_value", f"{str(value)[:SHOWN_MAX]!r} is no number of degrees")
    return found


def regions(value: object, _: Style | None) -> object:
    """Codes in capitals, each once."""
    parts = _parts(value)
    if not isinstance(parts, list):
        return parts
    said = [one.upper() if isinstance(one, str) else one for one in parts]
    return list(dict.fromkeys(said)) if all(isinstance(one, str) for one in said) else said


def dates(value: object, _: Style | None) -> object:
    """Ranges of days, the first and the last with `/` between them, as ISO 8601 has it; a day by itself is a range of one."""
    parts = _parts(value)
    return [_range(one) for one in parts] if isinstance(parts, list) else parts


def embedding(value: object, _: Style | None) -> object:
    """Numbers: a list, or a text of one, in brackets or not."""
    parts = _parts(value.strip().removeprefix("[").removesuffix("]")) if isinstance(value, str) else value  # fmt: skip
    if not isinstance(parts, list):
        return parts
    return [_number(one) if isinstance(one, str) else one for one in parts]


def _parts(value: object) -> object:
    """A list, or what a text has between commas, blanks, `;` or `|`."""
    if not isinstance(value, str):
        return value
    if value.strip().startswith("["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return value  # to be refused by its type
    return [one for one in PARTS.split(value) if one]


def _range(one: object) -> object:
    if not isinstance(one, str):
        return one
    first, mark, last = one.partition("/")
    return {"first": first, "last": last if mark else first}


def _number(text: str) -> object:
    found = number_in(text)
    return text if found is None else found  # to be refused by its type
