"""What the fields of a policy take, in words and as written in the file: bounds, lengths, moments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final, Literal

from msgspec import inspect

from schemas.actions import Condition, MomentMs, Sentence
from schemas.counted import counted
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

MOMENT: Final = inspect.type_info(MomentMs)
CONDITION: Final = inspect.type_info(Condition)
SENTENCE: Final = inspect.type_info(Sentence)
UNITS: Final = {"d": DAY_MS, "h": HOUR_MS, "min": MINUTE_MS, "s": SECOND_MS, "ms": 1}
IN_MS: Final = "_ms"
"""A field that ends so may be given without it: as a length of time, or as a moment."""
LENGTH: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?(d|h|min|s|ms)")
WHOLE: Final = re.compile(r"-?(0|[1-9]\d{0,17})")
NUMBER: Final = re.compile(r"-?\d{1,20}(\.\d{1,20})?([eE][-+]?\d{1,3})?")
FOUND_LENGTH_MAX: Final = 60


class Unfit(Exception):
    """A value that its field does not take: the message says what was expected, `found` what is there
    (empty: the value itself).
    """

    def __init__(self, expected: str, found: str = "") -> None:
        super().__init__(expected)
        self.found = found


def length_of(text: str) -> int:
    """Milliseconds of a length such as `20 min`. Raises Unfit."""
    found = LENGTH.fullmatch(text)
    length_ms = Decimal(found[1]) * UNITS[found[2]] if found else Decimal("0.1")
    if length_ms != int(length_ms):
        raise Unfit("a length of time such as 20 min, 1.5 h, 30 d or 45 s")
    return int(length_ms)


def moment_of(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 moment with its time zone. Raises Unfit."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unfit("a moment with its time zone such as 2026-01-31T18:00+01:00")
    return round(moment.timestamp() * 1000)


def number_of(text: str, kind: inspect.IntType | inspect.FloatType) -> int | float:
    """The number; raises Unfit where it is none. Bounds are for `check_bounds`."""
    if isinstance(kind, inspect.IntType):
        if WHOLE.fullmatch(text):
            return int(text)
    elif NUMBER.fullmatch(text) and isfinite(float(text)):
        return float(text)
    raise Unfit(wanted(kind), _of_percent(text))


Time = Literal["moment", "length"]


def _of_percent(text: str) -> str:
    """What is found where a share is written in percent."""
    number = text.removesuffix("%").rstrip()
    is_percent = number != text and NUMBER.fullmatch(number) is not None
    return f"{text!r}: {number} % is {float(number) / 100:g}" if is_percent else ""


def check_bounds(
    value: float, kind: inspect.IntType | inspect.FloatType, time: Time | None = None
) -> None:
    """Raises Unfit, naming the bound, where the value is beyond it; `time`: how it was written."""
    ways: dict[Time | None, tuple[str, Callable[[Any], str]]] = {
        None: (_number(kind), _digits),
        "moment": ("a moment", moment_text),
        "length": ("a length of time", length_text),
    }
    what, show = ways[time]
    if kind.ge is not None and value < kind.ge:
        raise Unfit(f"{what} of at least {show(kind.ge)}")
    if kind.le is not None and value > kind.le:
        raise Unfit(f"{what} of at most {show(kind.le)}")
    if kind.gt is not None and value <= kind.gt:
        raise Unfit(f"{what} above {show(kind.gt)}")
    if kind.lt is not None and value >= kind.lt:
        raise Unfit(f"{what} below {show(kind.lt)}")


def check_text(text: str, kind: inspect.StrType) -> None:
    """Raises Unfit where the text is too short, too long or of another form."""
    if kind.min_length is not None and len(text) < kind.min_length:
        raise Unfit(f"a text of at least {_characters(kind.min_length)}")
    if kind.max_length is not None and len(text) > kind.max_length:
        raise Unfit(f"a text of at most {_characters(kind.max_length)}", f"{len(text):,}")
    if kind.pattern is not None and not re.search(kind.pattern, text):
        raise Unfit(f"a text that matches {kind.pattern}")


def wanted(kind: inspect.Type) -> str:
    """What a field of this type takes, in words."""
    if kind == CONDITION:
        return "a condition"
    if kind == SENTENCE:
        return "texts by language"
    match kind:
        case inspect.UnionType():
            return " or ".join(wanted(one) for one in kind.types)
        case inspect.NoneType():
            return "nothing"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType():
            return "one of " + ", ".join(map(str, kind.values))
        case inspect.IntType() | inspect.FloatType():
            return _number(kind) + _range(kind)
        case inspect.StrType():
            return "a text" + (f" that matches {kind.pattern}" if kind.pattern else "")
        case inspect.VarTupleType():
            return "a list"
        case inspect.DictType() | inspect.StructType():
            return "a mapping"
        case _:
            raise TypeError(f"no words for {kind}")


def given(kind: inspect.Type) -> inspect.Type:
    """The type of a value that is there, of one that may be left out."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    (given,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    return given


def length_text(length_ms: int) -> str:
    """The length in the largest unit in which it is whole."""
    unit = next(name for name, in_ms in UNITS.items() if length_ms % in_ms == 0)
    return f"{length_ms // UNITS[unit]} {'s' if length_ms == 0 else unit}"


def moment_text(time_ms: int) -> str:
    """ISO 8601 in UTC, without a fraction where there is none."""
    precision = "milliseconds" if time_ms % SECOND_MS else "seconds"
    return datetime.fromtimestamp(time_ms / SECOND_MS, UTC).isoformat(timespec=precision)


def shortened(text: str) -> str:
    """A value as a message quotes it."""
    return repr(text if len(text) <= FOUND_LENGTH_MAX else text[: FOUND_LENGTH_MAX - 1] + "…")


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    return "a whole number" if isinstance(kind, inspect.IntType) else "a number"


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {_digits(kind.ge)} to {_digits(kind.le)}"
    bounds = (
        ("of at least", kind.ge), ("above", kind.gt), ("of at most", kind.le), ("below", kind.lt),
    )  # fmt: skip
    words = [f"{word} {_digits(bound)}" for word, bound in bounds if bound is not None]
    return f" {' and '.join(words)}" if words else ""


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else str(number)


def _characters(count: int) -> str:
    return counted(count, "character")
