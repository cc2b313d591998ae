"""Conditions: CEL expressions over named attributes, each made into one function (udfs/policy/compile_condition.py)."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

SHOWN_LENGTH_MAX: Final = 100
SHOWN_ELEMENTS_MAX: Final = 5


class Type(NamedTuple):
    """`kind` is bool, int, double, string, list or map; `of` the type of elements or of a map's values."""

    kind: str
    of: "Type | None" = None

    def __str__(self) -> str:
        return f"{self.kind} of {self.of}" if self.of else self.kind


BOOL: Final = Type("bool")
INT: Final = Type("int")
DOUBLE: Final = Type("double")
STRING: Final = Type("string")
NUMBERS: Final = {INT, DOUBLE}


def list_of(element: Type) -> Type:
    """The type of a list or tuple whose elements are of one type."""
    return Type("list", element)


def map_of(value: Type) -> Type:
    """The type of a dict from strings to values of one type."""
    return Type("map", value)


Types = Mapping[str, Type]
"""The attributes there are, by dotted name."""
Values = Mapping[str, object]
"""What they are; one that is absent or None is missing."""


class ConditionError(Exception):
    """A text that is no usable condition: why and where in it (`line` and `column` count from 1)."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


class ConditionFailed(Exception):
    """A condition is neither true nor false of these values; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Path = tuple[str, ...]
"""The name of an attribute and, if that is a map, keys within."""


class Condition(NamedTuple):
    """A condition ready for use: `holds` gives true or false, or raises ConditionFailed.

    `reads` are the attributes that it names, `paths` the same with the keys behind those that are maps;
    `cost` is how many steps it takes at worst.
    """

    text: str
    reads: frozenset[str]
    cost: int
    holds: Callable[[Values], bool]
    paths: tuple[Path, ...] = ()


def seen(condition: Condition, values: Values) -> dict[str, str]:
    """What the condition reads as it saw it, by dotted name: `missing` where missing, long values cut."""
    return {".".join(path): _shown(_looked_up(path, values)) for path in condition.paths}


def cut(text: str) -> str:
    """The text, at most SHOWN_LENGTH_MAX characters of it."""
    return text if len(text) <= SHOWN_LENGTH_MAX else text[: SHOWN_LENGTH_MAX - 1] + "…"


def _looked_up(path: Path, values: Values) -> object:
    found: object = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _shown(value: object) -> str:
    match value:
        case None:
            text = "missing"
        case bool():
            text = "true" if value else "false"
        case list() | tuple():
            text = (
                f"[{_shown_some([_shown(one) for one in value[:SHOWN_ELEMENTS_MAX]], len(value))}]"
            )
        case dict():
            some = [f"{key}: {_shown(of)}" for key, of in [*value.items()][:SHOWN_ELEMENTS_MAX]]
            text = f"{{{_shown_some(some, len(value))}}}"
        case _:
            text = str(value)
    return cut(text)


def _shown_some(some: list[str], count: int) -> str:
    return ", ".join([*some, f"… {count} in all"] if count > len(some) else some)
