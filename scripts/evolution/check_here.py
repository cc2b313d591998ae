"""`kairos schemas check`: an Avro schema beside the one that is in use."""

import json
from pathlib import Path
from typing import Any, Final

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from schemas.codec import WRITER_SCHEMAS, as_read
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import show, show_json, show_table
from scripts.evolution.compare_schemas import Change, changes
from scripts.exit_codes import passed

BYTES_MAX: Final = 1_000_000
"""Of a schema's file."""


def check(new: Path, against: Path | None, *, is_json: bool) -> int:
    """Prints every change with who reads what; the exit code. Raises ConfigError where a file holds no schema, or there is none to compare with."""
    schema = read_schema(new)
    if against is not None:
        found = changes(read_schema(against), schema)
    else:  # whoever reads our topics with our code reads an enum as a text
        found = changes(as_read(in_use(schema, new)), as_read(schema))
    is_safe = all(one.is_safe for one in found)
    if is_json:
        rows = [one._asdict() | {"is_safe": one.is_safe} for one in found]
        show_json({"schema": str(schema.get("name")), "is_safe": is_safe, "changes": rows})
    else:
        _show(found, is_safe)
    return passed(is_safe)


def read_schema(path: Path) -> dict[str, Any]:
    """The record's schema in a file; raises ConfigError."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ConfigError(f"{path}: more than {BYTES_MAX:,} bytes are no schema")
        schema = json.loads(path.read_bytes())
        parse_schema(schema)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, SchemaParseException, UnknownType, KeyError, TypeError, AttributeError, RecursionError) as error:  # fmt: skip
        raise ConfigError(f"{path}: no Avro schema: {type(error).__name__}: {error}") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ConfigError(f"{path}: the schema of a record is wanted")
    return schema


def in_use(schema: dict[str, Any], path: Path) -> Any:
    """Our newest schema of the record that it is of; raises ConfigError where we have none."""
    name = _name_of(schema)
    ours = {_name_of(one.schema): one for one in sorted(WRITER_SCHEMAS, key=lambda one: one.version)}  # fmt: skip
    if name not in ours:
        raise ConfigError(f"{path}: no topic of ours holds a {name!r}: one of {', '.join(sorted(ours))}, or --against FILE")  # fmt: skip
    return ours[name].schema


def _name_of(schema: Any) -> str:
    return str(schema["name"]).rpartition(".")[2]


def _show(found: list[Change], is_safe: bool) -> None:
    columns = ("field", "change", "what runs reads what is new", "what is new reads the log")
    rows = [(one.field, one.what, one.old_reads or "yes", one.new_reads or "yes") for one in found]
    if rows:
        show_table("", columns, rows)
    show(f"{counted(len(found), 'change')}: {'both sides read what the other writes' if is_safe else 'not before what cannot read it is changed'}")  # fmt: skip
