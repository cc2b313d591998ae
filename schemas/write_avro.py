"""The body of an Avro record, written by functions that are made once of its schema (Avro specification 1.12, "Binary encoding").

fastavro reads, and is what these bytes are tested against; its writer wants a dictionary and looks each type up again for each
value, which took a seventh of a decision. Of our schemas every kind of type is here; another one is refused when a module is imported.
"""

from collections.abc import Callable
from keyword import iskeyword
from struct import Struct
from typing import Any, Final

Write = Callable[[Any], bytes]
END: Final = b"\x00"
"""Of an array or a map; also the branch `null` of a union."""
VALUE: Final = b"\x02"
"""The branch of a union that is not null."""
LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1
TEXT_KEPT_BYTES: Final = 64
TEXTS_KEPT: Final = 16_384
"""Of short texts, which come again and again: item ids, sources, verdicts; some 3 MB."""

_texts: Final[dict[str, bytes]] = {}


def writer_of(schema: Any) -> Write:
    """Writes a value of a schema that fastavro has parsed: a struct for a record, fields by name. Raises ValueError for
    a kind of type that none of our schemas has.
    """
    return _writer(schema, {})


def _writer(schema: Any, named: dict[str, Write]) -> Write:
    if isinstance(schema, list):
        return _optional(schema, named)
    if isinstance(schema, str):
        return named[schema] if schema in named else _primitive(schema)
    kind = schema["type"]
    if kind == "record":
        return named.setdefault(schema["name"], _record(schema["fields"], named))
    if kind == "enum":
        return {name: write_long(place) for place, name in enumerate(schema["symbols"])}.__getitem__
    if kind == "array":
        return _array(_writer(schema["items"], named))
    if kind == "map":
        return _map(_writer(schema["values"], named))
    return _writer(kind, named)


def _primitive(kind: str) -> Write:
    if kind not in PRIMITIVES:
        raise ValueError(f"no writer of the Avro type {kind!r}")
    return PRIMITIVES[kind]


def _record(fields: list[dict[str, Any]], named: dict[str, Write]) -> Write:
    """One expression over all fields: a loop over them takes twice as long."""
    known: dict[str, Any] = {"join": b"".join, "texts": _texts}
    parts = []
    for number, one in enumerate(fields):
        name, write = one["name"], _writer(one["type"], named)
        if not name.isidentifier() or iskeyword(name):
            raise ValueError(f"no field is named {name!r}")
        known[f"write_{number}"] = write
        said = f"write_{number}(value.{name})"
        parts.append(f"texts.get(value.{name}) or {said}" if write is write_text else said)
    found: Write = eval(f"lambda value: join(({', '.join(parts)},))", known)  # noqa: S307
    return found


def _optional(branches: list[Any], named: dict[str, Write]) -> Write:
    if len(branches) != len((END, VALUE)) or branches[0] != "null":
        raise ValueError(f"no writer of the Avro union {branches}")
    write = _writer(branches[1], named)
    return lambda value: END if value is None else VALUE + write(value)


def _array(write: Write) -> Write:
    def write_all(values: Any) -> bytes:
        if not values:
            return END
        return b"".join([write_long(len(values)), *map(write, values), END])

    return write_all


def _map(write: Write) -> Write:
    def write_all(values: dict[str, Any]) -> bytes:
        if not values:
            return END
        parts = [write_text(name) + write(value) for name, value in values.items()]
        return b"".join([write_long(len(values)), *parts, END])

    return write_all


def write_text(value: str) -> bytes:
    """Raises UnicodeEncodeError for a text that is no Unicode."""
    known = _texts.get(value)
    if known is not None:
        return known
    data = value.encode()
    written = write_long(len(data)) + data
    if len(data) <= TEXT_KEPT_BYTES:
        if len(_texts) >= TEXTS_KEPT:
            _texts.clear()
        _texts[value] = written
    return written


def write_long(value: int) -> bytes:
    """Zigzag and seven bits a byte, the lowest first; raises OverflowError for more than 64 bits."""
    if not LONG_MIN <= value <= LONG_MAX:
        raise OverflowError(f"{value} has more than 64 bits")
    left = value << 1 if value >= 0 else ~(value << 1)
    if left < 0x80:
        return left.to_bytes(1, "little")
    found = bytearray()
    while left >= 0x80:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def _write_bytes(value: bytes) -> bytes:
    return write_long(len(value)) + value


PRIMITIVES: Final[dict[str, Write]] = {
    "null": lambda _: b"",
    "boolean": lambda value: b"\x01" if value else b"\x00",
    "int": write_long,
    "long": write_long,
    "float": Struct("<f").pack,
    "double": Struct("<d").pack,
    "bytes": _write_bytes,
    "string": write_text,
}
