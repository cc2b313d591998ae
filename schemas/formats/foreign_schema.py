"""An Avro schema of others: cleaned to what reading needs, within bounds, and how its records become what JSON could say. Pure.

https://avro.apache.org/docs/1.12.0/specification/

A schema is as foreign as a record. A type within itself would let a record's bytes say how deep the reader goes (which ends the process),
a type without bytes how long a list is, so neither is read. Times and amounts are made here: the reader's own take minutes for a large amount.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from schemas.errors import InvalidEvent
from schemas.limits import (
    DAY_MS,
    DECIMAL_BYTES_MAX,
    SCHEMA_BYTES_MAX,
    SCHEMA_DEPTH_MAX,
    SCHEMA_TYPES_MAX,
)
from schemas.times import utc

PRIMITIVES: Final = frozenset({"boolean", "int", "long", "float", "double", "bytes", "string"})
SCALE_MAX: Final = 38
DATE_CHARS: Final = len("2026-01-31")
SHOWN_MAX: Final = 100

Plain = Callable[[Any], Any]
"""What is read -> what JSON would say."""


class ForeignSchema(NamedTuple):
    """A schema as it is read by, and what turns what was read into what JSON would say (None: it is that already)."""

    parsed: Any
    plain: Plain | None


class _Type(NamedTuple):
    """A type, cleaned, with how deep it goes. `is_null`: it takes no bytes, so it stands in unions only."""

    schema: Any
    depth: int = 0
    plain: Plain | None = None
    is_null: bool = False


def foreign_schema(text: str, references: Iterable[str] = ()) -> ForeignSchema:
    """The schema in `text`, which may name the types of `references`, each of which may name those before it. Raises InvalidEvent: `schema_invalid`."""
    texts = [*references, text]
    if sum(map(len, texts)) > SCHEMA_BYTES_MAX:
        raise _invalid(f"of more than {SCHEMA_BYTES_MAX:,} bytes")
    cleaning, named, parsed, last = _Cleaning(), {}, None, _Type(None)  # type: ignore[var-annotated]
    try:
        for one in texts:
            last = cleaning.clean(msgspec.json.decode(one), "")
            parsed = parse_schema(last.schema, named_schemas=named)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _invalid(f"no JSON: {error}") from error
    except (SchemaParseException, UnknownType, ValueError, TypeError, KeyError) as error:
        raise _invalid(str(error)) from error
    return ForeignSchema(parsed, last.plain)


def _invalid(message: str) -> InvalidEvent:
    return InvalidEvent("schema_invalid", message[: 2 * SHOWN_MAX])


class _Cleaning:
    """The walk through a schema. `_known`: named types that are whole, `_open`: those that it is within."""

    def __init__(self) -> None:
        self._known: dict[str, _Type] = {}
        self._open: set[str] = set()
        self._count = 0

    def clean(self, given: Any, namespace: str) -> _Type:
        """The type that is given, in a namespace; raises InvalidEvent."""
        self._count += 1
        if self._count > SCHEMA_TYPES_MAX:
            raise _invalid(f"of more than {SCHEMA_TYPES_MAX:,} types")
        found = self._of(given, namespace)
        if found.depth > SCHEMA_DEPTH_MAX:
            raise _invalid(f"of more than {SCHEMA_DEPTH_MAX} types within each other")
        return found

    def _of(self, given: Any, namespace: str) -> _Type:
        if isinstance(given, str):
            return self._named(given, namespace)
        if isinstance(given, list):
            return self._union(given, namespace)
        if not isinstance(given, dict):
            raise _invalid(f"a type is wanted, not {type(given).__name__}")
        kind = given.get("type")
        if isinstance(kind, dict | list):
            return self.clean(kind, namespace)
        if kind in PRIMITIVES:
            return _primitive(given)
        if kind in ("array", "map"):
            return self._many(given, namespace)
        if kind in ("record", "error", "enum", "fixed"):
            return self._defined(given, namespace)
        return self._named(str(kind), namespace)

    def _named(self, name: str, namespace: str) -> _Type:
        if name in PRIMITIVES:
            return _primitive({"type": name})
        if name == "null":
            return _Type("null", is_null=True)
        full = _full(name, namespace)
        if full in self._open:
            raise _invalid(f"{full[:SHOWN_MAX]} lies within itself")
        known = self._known.get(full)
        if known is None:
            raise _invalid(f"no type is called {full[:SHOWN_MAX]}")
        return known._replace(schema=full)

    def _union(self, given: list[Any], namespace: str) -> _Type:
        if not given or any(isinstance(one, list) for one in given):
            raise _invalid("a union of no types, or of unions")
        types = [self.clean(one, namespace) for one in given]
        schema, depth = [one.schema for one in types], 1 + max(one.depth for one in types)
        said = [one.plain for one in types if not one.is_null]
        if not any(said):
            return _Type(schema, depth)
        if len(said) > 1:
            raise _invalid("a union of several types, one of which is no JSON's, such as a time")
        (plain,) = said
        return _Type(schema, depth, lambda value: None if value is None else plain(value))  # type: ignore[misc]

    def _many(self, given: Mapping[str, Any], namespace: str) -> _Type:
        kind = given["type"]
        name = "items" if kind == "array" else "values"
        inner = self._with_bytes(given.get(name), namespace)
        plain = inner.plain
        whole: Plain | None = None
        if plain is not None and kind == "array":
            whole = lambda values: [plain(one) for one in values]  # noqa: E731 - closures, each of its own type
        elif plain is not None:
            whole = lambda values: {key: plain(one) for key, one in values.items()}  # noqa: E731
        return _Type({"type": kind, name: inner.schema}, inner.depth + 1, whole)

    def _with_bytes(self, given: Any, namespace: str) -> _Type:
        found = self.clean(given, namespace)
        if found.is_null:
            raise _invalid("`null` outside of a union")
        return found

    def _defined(self, given: Mapping[str, Any], namespace: str) -> _Type:
        name = given.get("name")
        if not isinstance(name, str) or not name:
            raise _invalid(f"{given['type']}: it has no name")
        own = given.get("namespace")
        full = _full(name, own if isinstance(own, str) else namespace)
        if full in self._known or full in self._open:
            raise _invalid(f"{full[:SHOWN_MAX]} is defined twice")
        self._open.add(full)
        found = self._body(given, full)
        self._open.remove(full)
        self._known[full] = found
        return found

    def _body(self, given: Mapping[str, Any], full: str) -> _Type:
        kind = given["type"]
        if kind == "enum":
            symbols = given.get("symbols")
            if not isinstance(symbols, list) or not all(isinstance(one, str) for one in symbols):
                raise _invalid(f"{full[:SHOWN_MAX]}: an enum has symbols")
            return _Type({"type": "enum", "name": full, "symbols": symbols})
        if kind == "fixed":
            size = given.get("size")
            if type(size) is not int or size < 1:
                raise _invalid(f"{full[:SHOWN_MAX]}: a fixed has a size above 0")
            return _Type({"type": "fixed", "name": full, "size": size}, plain=_bytes_plain(given))
        return self._record(given, full)

    def _record(self, given: Mapping[str, Any], full: str) -> _Type:
        fields = given.get("fields")
        if not isinstance(fields, list) or not fields:
            raise _invalid(f"{full[:SHOWN_MAX]}: a record has fields")
        made, depth, plains = [], 0, {}
        for one in fields:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise _invalid(f"{full[:SHOWN_MAX]}: a field has a name and a type")
            found = self._with_bytes(one.get("type"), full.rpartition(".")[0])
            depth = max(depth, found.depth)
            made.append({"name": one["name"], "type": found.schema})
            if found.plain is not None:
                plains[one["name"]] = found.plain
        schema = {"type": "record", "name": full, "fields": made}
        return _Type(schema, depth + 1, _record_plain(plains) if plains else None)


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _record_plain(plains: Mapping[str, Plain]) -> Plain:
    def plain(record: dict[str, Any]) -> dict[str, Any]:
        return record | {name: one(record[name]) for name, one in plains.items()}

    return plain


# --- what JSON has no type for ------------------------------------------------------------------


def _primitive(given: Mapping[str, Any]) -> _Type:
    kind = given["type"]
    if kind == "bytes":
        return _Type(kind, plain=_bytes_plain(given))
    logical = given.get("logicalType")
    if kind == "int" and logical == "date":
        return _Type(kind, plain=_date)
    if kind == "long" and isinstance(logical, str):
        parts = PARTS_OF_MS.get(logical.removeprefix("local-"))
        if parts is not None:
            return _Type(kind, plain=lambda value: value // parts)
    return _Type(kind)


PARTS_OF_MS: Final = {"timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}
"""Times become milliseconds, as numbers are read where an event has a time."""


def _date(days: int) -> str:
    found = utc(days * DAY_MS)[:DATE_CHARS]
    if not found[:1].isdigit():
        raise InvalidEvent("invalid_value", f"{days} days since 1970 are no date of the calendar")
    return found


def _bytes_plain(given: Mapping[str, Any]) -> Plain:
    if given.get("logicalType") != "decimal":
        return lambda value: value.decode("latin-1")  # as Avro's own JSON has it
    scale = given.get("scale", 0)
    if type(scale) is not int or not 0 <= scale <= SCALE_MAX:
        raise _invalid(f"a decimal of a scale that is none from 0 to {SCALE_MAX}")
    return lambda value: _decimal(value, scale)


def _decimal(value: bytes, scale: int) -> float:
    if len(value) > DECIMAL_BYTES_MAX:
        raise InvalidEvent(
            "invalid_value", f"a decimal of {len(value):,} bytes, at most {DECIMAL_BYTES_MAX}"
        )
    whole = int.from_bytes(value, "big", signed=True)
    return whole / 10**scale if scale else whole
