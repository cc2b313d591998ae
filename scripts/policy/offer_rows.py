"""Conditions that one row of a form can say (`session.cart_value >= 50.0`), read from a policy and written into one."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from schemas.policy import Policy
from udfs.facts.attributes import ATTRIBUTE_TYPES
from udfs.facts.types import BOOL, STRING, STRINGS, Type
from udfs.policy.compiled_events import fact_types
from udfs.policy.conditions import NUMBERS

SIGNS: Final = {
    "is": "==", "is_not": "!=", "at_least": ">=", "at_most": "<=", "above": ">", "below": "<",
}  # fmt: skip
HOWS: Final = {sign: how for how, sign in SIGNS.items()}
OF_NUMBERS: Final = ("at_least", "at_most", "is", "is_not", "above", "below")
NAME: Final = r"[a-z][\w.]*"
BARE: Final = re.compile(rf"(!?)\s*({NAME})")
COMPARED: Final = re.compile(rf"({NAME})\s*(==|!=|>=|<=|>|<)\s*(.+)")
CONTAINED: Final = re.compile(rf"(.+?)\s+in\s+({NAME})")
NOT_CONTAINED: Final = re.compile(rf"!\s*\((.+?)\s+in\s+({NAME})\s*\)")
NUMBER: Final = re.compile(r"-?\d{1,12}(\.\d{1,6})?")


class Row(NamedTuple):
    """An attribute or `segment.NAME`, how it compares, and with what; `value` is empty of what is true or false."""

    of: str
    how: str
    value: str = ""


class Unsaid(Exception):
    """A row that makes no condition; the message says what is wanted, in plain words."""


def types_of(policy: Policy) -> dict[str, Type]:
    """What rows may be about: attributes without maps, and the policy's segments."""
    attributes = {**ATTRIBUTE_TYPES, **fact_types(policy.facts)}
    rows = {name: kind for name, kind in attributes.items() if hows_of(kind)}
    return {f"segment.{one.name}": BOOL for one in policy.segments} | rows


def hows_of(kind: Type) -> tuple[str, ...]:
    """How a row compares what is of this type, the most likely first; empty = no row can."""
    if kind in NUMBERS:
        return OF_NUMBERS
    if kind == STRINGS:
        return ("has", "has_not")
    return ("is", "is_not") if kind in (BOOL, STRING) else ()


def row_of(when: str, types: Mapping[str, Type]) -> Row | None:
    """The row that says the same as a condition; None = none does."""
    text = when.strip()
    found = _read(text)
    if found is None or found.how not in hows_of(types.get(found.of, Type("none"))):
        return None
    try:
        said = condition_of(found, types)
    except Unsaid:
        return None
    return found if _read(said) == found else None


def condition_of(row: Row, types: Mapping[str, Type]) -> str:
    """The condition that a row says; raises Unsaid."""
    kind = types.get(row.of)
    if kind is None:
        raise Unsaid("choose what it is about")
    if row.how not in hows_of(kind):
        raise Unsaid("choose how it compares")
    if kind == BOOL:
        return row.of if row.how == "is" else f"!{row.of}"
    if kind in NUMBERS:
        value = row.value.strip()
        if not NUMBER.fullmatch(value):
            raise Unsaid("a number such as 50 or 12.5 is wanted")
        return f"{row.of} {SIGNS[row.how]} {value}"
    if not row.value:
        raise Unsaid("say with what it compares")
    text = msgspec.json.encode(row.value).decode()
    if kind == STRING:
        return f"{row.of} {SIGNS[row.how]} {text}"
    return f"{text} in {row.of}" if row.how == "has" else f"!({text} in {row.of})"


def name_of(row: Row) -> str:
    """What verdicts call a new row: `cart_value_at_least_50`."""
    words = [row.of.partition(".")[2], *([] if not row.value else [row.how, row.value])]
    if row.how in ("is_not", "has_not") and not row.value:
        words.insert(0, "not")
    return re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower()).strip("_")[:60]


def _read(text: str) -> Row | None:
    """A condition of one of the shapes that rows have, whatever its types."""
    if found := BARE.fullmatch(text):
        return Row(found[2], "is_not" if found[1] else "is")
    if found := NOT_CONTAINED.fullmatch(text):
        return _with(found[2], "has_not", _string(found[1]))
    if found := CONTAINED.fullmatch(text):
        return _with(found[2], "has", _string(found[1]))
    if found := COMPARED.fullmatch(text):
        value = found[3].strip()
        is_number = NUMBER.fullmatch(value) is not None
        return _with(found[1], HOWS[found[2]], value if is_number else _string(value))
    return None


def _with(of: str, how: str, value: str | None) -> Row | None:
    return Row(of, how, value) if value is not None else None


def _string(text: str) -> str | None:
    """What a quoted text says; None where it is none, or is written in a way that only CEL knows."""
    if len(text) > 1 and text[0] == text[-1] == "'" and not {'"', "\\", "'"} & set(text[1:-1]):
        text = f'"{text[1:-1]}"'
    if not text.startswith('"'):
        return None
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.MsgspecError:
        return None
