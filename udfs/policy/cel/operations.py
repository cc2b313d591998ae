"""What operators and functions do with values; the tables name them as a condition does."""

import operator
from collections.abc import Callable
from math import copysign, inf, nan
from typing import Any, Final

from udfs.policy.cel.closures import INT_MAX, INT_MIN
from udfs.policy.cel.parts import Failed
from udfs.policy.conditions import DOUBLE, INT, STRING, Type


def _whole(number: int) -> object:
    return number if INT_MIN <= number <= INT_MAX else Failed("integer overflow")


def whole_of(operate: Callable[..., int]) -> Callable[..., object]:
    """An operation on whole numbers that fails where the result has no 64 bits."""
    return lambda *numbers: _whole(operate(*numbers))


def _divide_whole(one: int, other: int) -> object:
    """Truncates towards zero."""
    if other == 0:
        return Failed("division by zero")
    share = abs(one) // abs(other)
    return _whole(share if (one < 0) == (other < 0) else -share)


def _remain(one: int, other: int) -> object:
    """What that division leaves: its sign is that of the first."""
    if other == 0:
        return Failed("division by zero")
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _divide(one: float, other: float) -> float:
    """As IEEE 754 has it: by zero it is infinite, or no number."""
    if other != 0:
        return one / other
    return copysign(inf, one) * copysign(1.0, other) if one > 0 or one < 0 else nan


def is_among(one: object, elements: Any) -> bool:
    """`in` of a list."""
    return one in elements


def has_key(key: str, fields: dict[str, object]) -> bool:
    """`in` of a map."""
    return fields.get(key) is not None


def lower_ascii(text: str) -> str:
    """Only A to Z change: bytes know no other letters."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


COMPARISONS: Final[dict[str, Callable[[Any, Any], object]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CALCULATIONS: Final[dict[tuple[str, Type], Callable[[Any, Any], object]]] = {
    ("+", INT): whole_of(operator.add),
    ("-", INT): whole_of(operator.sub),
    ("*", INT): whole_of(operator.mul),
    ("/", INT): _divide_whole,
    ("%", INT): _remain,
    ("+", DOUBLE): operator.add,
    ("-", DOUBLE): operator.sub,
    ("*", DOUBLE): operator.mul,
    ("/", DOUBLE): _divide,
    ("+", STRING): operator.add,
}
SEARCHES: Final[dict[str, Callable[[str, str], object]]] = {
    "contains": operator.contains,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
MACROS: Final[dict[str, bool | None]] = {"exists": True, "all": False, "exists_one": None}
