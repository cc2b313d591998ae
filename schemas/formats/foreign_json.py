"""JSON of others, read by the paths that they give their fields: a value of the wanted kind, or a reason that names the field. Pure."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec

from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, PURPOSES, Event, Purpose, event_from_fields
from schemas.formats.json_lines import json_object, text_of
from schemas.limits import (
    EVENT_BYTES_MAX,
    EVENT_NAME_LENGTH_MAX,
    ID_LENGTH_MAX,
    PROPERTIES_PER_EVENT_MAX,
    STRING_LENGTH_MAX,
)
from schemas.meant_types import HUMP, LENGTH_MAX, LIKENESS
from schemas.times import time_of_field

Given = Mapping[str, Any]
T = TypeVar("T")

NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
"""A number as text. `19,99` and `1.299,00` are none: what was meant is not guessed."""
SHOWN_MAX: Final = 50
MADE: Final = "made-"
DIGITS: Final = 32
IN_ORDER: Final = msgspec.json.Encoder(order="deterministic")
ROOM: Final = PROPERTIES_PER_EVENT_MAX - 1
"""Of properties, one is left for what an import marks as assumed."""
HUMPED: Final = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
BETWEEN: Final = re.compile(r"[\W_]+")
PERSONAL: Final = frozenset(
    {
        "age", "avatar", "birthday", "date_of_birth", "first_name", "full_name", "gender", "last_name", "mobile", "name",
        "postal_code", "street", "title", "url", "user_name", "username", "zip",
    }
)  # fmt: skip
"""Properties of others that are not taken over, by their plain names: they say who somebody is, or hold addresses of pages."""
PERSONAL_WORDS: Final = frozenset(
    {"address", "email", "firstname", "iban", "ip", "lastname", "mail", "password", "phone", "surname", "telephone", "token"}
)  # fmt: skip
"""Nor those with one of these words in their names."""


def read_object(data: bytes, read: Callable[[Given], T]) -> T:
    """What `read` makes of the JSON object in `data`; raises InvalidEvent."""
    given = json_object(data)
    try:
        return read(given)
    except RecursionError as error:
        raise InvalidEvent("malformed", "nested too deeply") from error


def timed_event(time_ms: int, fields: Callable[[], Mapping[str, object]]) -> Event:
    """The event of the fields; raises InvalidEvent, which then knows the time."""
    try:
        return event_from_fields(fields())
    except InvalidEvent as error:
        error.event_time_ms = time_ms
        raise


# --- values by their paths ----------------------------------------------------------------------


def part(given: Given, name: str, at: str = "") -> Given:
    """The object under `name`, empty where there is none."""
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wanted(at + name, "an object", value)
    return value


def parts(given: Given, name: str, at: str = "") -> list[Given]:
    """The objects of the list under `name`."""
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wanted(at + name, "a list", value)
    for number, one in enumerate(value):
        if not isinstance(one, dict):
            raise _wanted(f"{at}{name}[{number}]", "an object", one)
    return value


def text(given: Given, name: str, at: str = "", most: int = STRING_LENGTH_MAX) -> str | None:
    """The text under `name` without blanks around it; numbers become text, what is empty is None."""
    value = given.get(name)
    if value is None:
        return None
    found = value if type(value) is str else text_of(value)
    if type(found) is not str:
        raise _wanted(at + name, "a text", value)
    found = found.strip()
    if len(found) > most:
        raise InvalidEvent(
            "invalid_value", f"{at}{name}: {len(found):,} characters, at most {most:,}"
        )
    return found or None


def id_of(given: Given, name: str, at: str = "") -> str | None:
    """The id under `name`."""
    return text(given, name, at, ID_LENGTH_MAX)


def url_of(given: Given, name: str, at: str = "") -> str | None:
    """The address under `name`, of which less is kept than it may have."""
    return text(given, name, at, EVENT_BYTES_MAX)


def first_of(given: Given, names: tuple[str, ...], at: str = "") -> str | None:
    """The first of the texts under these names that says something."""
    for name in names:
        if (found := text(given, name, at)) is not None:
            return found
    return None


def number(given: Given, name: str, at: str = "") -> float | None:
    """The number under `name`, which may be written as text."""
    value = given.get(name)
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        return None
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            raise InvalidEvent(
                "invalid_value",
                f"{at}{name}: {value[:SHOWN_MAX]!r} is no number: digits and one point are wanted, such as 1299.00",
            )
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise _wanted(at + name, "a number", value)
    try:
        found = float(value)
    except OverflowError:
        found = float("inf")
    if not isfinite(found):
        raise InvalidEvent("not_finite", f"{at}{name}: {str(value)[:SHOWN_MAX]}")
    return found


def first_number(given: Given, names: tuple[str, ...], at: str = "") -> float | None:
    """The first of the numbers under these names that is there."""
    for name in names:
        if (found := number(given, name, at)) is not None:
            return found
    return None


def whole(given: Given, name: str, at: str = "") -> int | None:
    """The whole number under `name`."""
    found = number(given, name, at)
    if found is None:
        return None
    if not found.is_integer():
        raise InvalidEvent("invalid_value", f"{at}{name}: {found} is no whole number")
    return int(found)


def time(given: Given, name: str, at: str = "") -> int:
    """The time under `name`, which is there, in epoch milliseconds: what other units would be is told, not guessed."""
    value = time_of_field(at + name, given[name])
    if type(value) is not int:
        raise _wanted(at + name, "a time", value)
    return value


def _wanted(path: str, kind: str, value: object) -> InvalidEvent:
    return InvalidEvent("invalid_value", f"{path}: {kind} is wanted, not {type(value).__name__}")


# --- what formats have in common ----------------------------------------------------------------


def consent_said(told: Mapping[Purpose, bool]) -> list[Purpose] | None:
    """What an event says of consent whose sender tells of these purposes; None: nothing.

    `consent` names all that is granted, so a purpose that is not told of is not granted where any is denied. Where all
    that are told of are granted and `personalisation` is none of them, nothing is said: the sender knows nothing of it.
    """
    if not told or (all(told.values()) and "personalisation" not in told):
        return None
    return [one for one in PURPOSES if told.get(one)]


def carried(given: Given, taken: frozenset[str], found: dict[str, str]) -> dict[str, str]:
    """`found` and those properties of others that nothing else is made of, as far as there is room.

    Lists and objects, what is longer than a text may be, and what says who somebody is are left out.
    """
    for name, value in given.items():
        if len(found) >= ROOM:
            break
        if name in taken or name in found or value is None or len(name) > STRING_LENGTH_MAX:
            continue
        said = text_of(value)
        if isinstance(said, str) and len(said) <= STRING_LENGTH_MAX and not is_personal(name):
            found[name] = said
    return found


@lru_cache(maxsize=1_024)
def is_personal(name: str) -> bool:
    """Whether a property of this name says who somebody is."""
    found = plain(name)
    return found in PERSONAL or not PERSONAL_WORDS.isdisjoint(found.split("_"))


def made_id(*said: object) -> str:
    """An id for a record that has none: of what it says, so that the same record read again is the same event."""
    return MADE + sha256(IN_ORDER.encode(said)).hexdigest()[:DIGITS]


@lru_cache(maxsize=4_096)
def plain(name: str) -> str:
    """The name in one form: `Product Viewed`, `productViewed` and `product_viewed` are one."""
    return HUMP.sub("_", name[:LENGTH_MAX]).strip("_").lower()


def own_type(name: str, known: frozenset[str]) -> str:
    """What a sender's own name is here: `Level Completed` and `levelCompleted` are `level_completed`. Raises InvalidEvent for one that is a type
    of ours, which their own names cannot say.
    """
    found = BETWEEN.sub("_", HUMPED.sub("_", name)).strip("_").lower()[:EVENT_NAME_LENGTH_MAX]
    if found in EVENT_TYPES or not name.isprintable():
        raise unknown(name, known)
    return found or name[:EVENT_NAME_LENGTH_MAX]


def unknown(name: str, known: frozenset[str]) -> InvalidEvent:
    """The refusal of a name that is none of those known, with the nearest of them."""
    near = _nearest(name[:LENGTH_MAX], known)
    hint = f": `{near}` is meant?" if near else ""
    return InvalidEvent("unknown_event_type", f"{name[:100]!r}{hint}")


@lru_cache(maxsize=1_024)
def _nearest(name: str, known: frozenset[str]) -> str | None:
    by_form = {plain(one): one for one in sorted(known, reverse=True)}
    close = get_close_matches(plain(name), sorted(by_form), 1, LIKENESS)
    return by_form[close[0]] if close else None
