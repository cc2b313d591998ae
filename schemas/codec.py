"""Bytes in and out: Avro single-object encoding on the wire, versioned MessagePack for state.

A record is C3 01, the little-endian CRC-64-AVRO fingerprint of its writer's schema, and the body
(Avro specification 1.12, "Single-object encoding"): any reader that has `schemas/avro` can read
every record that was ever written.
"""

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import fastavro
import msgspec
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.alerts import Alert
from schemas.control import Control
from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import InvalidEvent
from schemas.events import Event, event_from_fields
from schemas.items import Item, item_from_fields
from schemas.limits import (
    CONTROL_BYTES_MAX,
    EVENT_BYTES_MAX,
    EVENT_WRITTEN_BYTES_MAX,
    ITEM_BYTES_MAX,
)
from schemas.outcome_limits import ALERT_BYTES_MAX, OUTCOME_BYTES_MAX
from schemas.outcomes import Outcome
from schemas.sizes import size_at_most
from schemas.thread_safe_types import prepared
from schemas.write_avro import writer_of

MARKER: Final = b"\xc3\x01"
HEADER_BYTES: Final = 10
JSON_ESCAPED: Final = 6
"""What a byte of a text takes in JSON at most."""
OBJECT: Final = re.compile(r" from <[^>]* at 0x[0-9a-f]+>")
"""How fastavro names what it read from: by an address in memory, and a replay would never say the same."""
SCHEMA_FOLDER: Final = Path(__file__).parent / "avro"

T = TypeVar("T")


class WriterSchema(NamedTuple):
    """One version of one record type: `header` starts each of its records."""

    record: str
    version: int
    schema: Any
    header: bytes


def _load(path: Path) -> WriterSchema:
    record, version = path.stem.rsplit(".v", 1)
    schema = parse_schema(json.loads(path.read_text()))
    crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    return WriterSchema(record, int(version), schema, MARKER + crc)


WRITER_SCHEMAS: Final = tuple(_load(path) for path in sorted(SCHEMA_FOLDER.glob("*.avsc")))
"""Every schema version that was ever written."""


class Codec(Generic[T]):
    """Encodes one record type with its newest schema and decodes every version of it."""

    def __init__(self, record: str, build: Callable[[Any], T], bytes_max: int) -> None:
        mine = sorted((s for s in WRITER_SCHEMAS if s.record == record), key=lambda s: s.version)
        self._newest = mine[-1]
        self._write = writer_of(self._newest.schema)
        self._resolved = as_read(self._newest.schema)
        self._by_header = {s.header: s.schema for s in mine}
        self._added = {s.header: _added(s.schema, self._newest.schema) for s in mine}
        self._build = build
        self._bytes_max = bytes_max

    def encode(self, value: T) -> bytes:
        """The record's bytes. `value` must be valid: a bug here is not an InvalidEvent."""
        return self._newest.header + self._write(value)

    def decode(self, data: bytes) -> T:
        """The value in `data`; raises InvalidEvent on anything that is not exactly one record."""
        return self._build(self.fields(data))

    def fields(self, data: bytes) -> dict[str, Any]:
        """What the record in `data` says, under the names of the newest schema, be it valid or not; InvalidEvent likewise."""
        if len(data) > self._bytes_max:
            raise InvalidEvent("too_large", f"{len(data)} bytes, at most {self._bytes_max}")
        if len(data) < HEADER_BYTES or data[:2] != MARKER:
            raise InvalidEvent("not_single_object", f"starts with {data[:HEADER_BYTES].hex()}")
        schema = self._by_header.get(data[:HEADER_BYTES])
        if schema is None:
            raise InvalidEvent("unknown_schema", f"fingerprint {data[2:HEADER_BYTES].hex()}")
        added = self._added[data[:HEADER_BYTES]]
        if added is None:
            resolved: dict[str, Any] = read_avro(data, HEADER_BYTES, schema, self._resolved)
            return resolved
        found: dict[str, Any] = read_avro(data, HEADER_BYTES, schema)
        return found | added


def _added(writer: Any, reader: Any) -> dict[str, Any] | None:
    """The defaults of the fields that the newest schema has more, where that is all: to resolve each record costs as much
    again as to read it. None where more has changed.
    """
    old, new = writer["fields"], reader["fields"]
    added = {one["name"]: _default(one) for one in new[len(old) :]}
    is_plain = all(type(one) is bool or one in ([], b"", None) for one in added.values())
    return added if is_plain and _extends(as_read(new[: len(old)]), as_read(old)) else None


def _extends(new: Any, old: Any) -> bool:
    """Whether it is the same but for more fields of records inside it, at their ends and null by default, as their types
    say it too.
    """
    if isinstance(new, list) and isinstance(old, list):
        return len(new) == len(old) and all(map(_extends, new, old))
    if not (isinstance(new, dict) and isinstance(old, dict) and "fields" in old):
        if isinstance(new, dict) and isinstance(old, dict):
            return new.keys() == old.keys() and all(_extends(new[name], old[name]) for name in new)
        return bool(new == old)
    mine, others = new.get("fields", []), old["fields"]
    return _extends(mine[: len(others)], others) and all(
        one["default"] is None for one in mine[len(others) :]
    )


def as_read(schema: Any) -> Any:
    """The schema with a text for each enum: both are read as one, and Avro resolves neither to the other."""
    if isinstance(schema, dict):
        if schema.get("type") == "enum":
            return "string"
        return {name: as_read(value) for name, value in schema.items()}
    return [as_read(one) for one in schema] if isinstance(schema, list) else schema


def _default(field: Any) -> Any:
    """Of bytes a schema tells it as text."""
    default = field.get("default")
    return default.encode("latin-1") if field["type"] == "bytes" else default


def read_avro(data: bytes, at: int, writer: Any, reader: Any = None) -> Any:
    """What the bytes from `at` to the end say by these parsed schemas (`reader` None: as it was written); raises InvalidEvent."""
    body = BytesIO(data)
    body.seek(at)
    try:
        fields = fastavro.schemaless_reader(body, writer, reader)
    except (
        EOFError, IndexError, KeyError, ValueError, TypeError, OverflowError, MemoryError,
        fastavro.read.SchemaResolutionError,
    ) as error:  # fmt: skip
        said = OBJECT.sub("", str(error))
        raise InvalidEvent("malformed", f"{type(error).__name__}: {said}") from error
    if body.tell() != len(data):
        raise InvalidEvent("trailing_bytes", f"{len(data) - body.tell()} bytes after the record")
    return fields


def own(kind: type[T]) -> Callable[[Any], T]:
    """A builder of `kind` from decoded fields, for Codec. To be called while a module is imported."""
    prepared(kind)

    def build(fields: Any) -> T:
        try:
            return msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            raise InvalidEvent("invalid_value", str(error)) from error

    return build


EVENT: Final = Codec[Event]("event", event_from_fields, EVENT_BYTES_MAX)
ITEM: Final = Codec[Item]("item", item_from_fields, ITEM_BYTES_MAX)
CONTROL: Final = Codec[Control]("control", own(Control), CONTROL_BYTES_MAX)
DECISION: Final = Codec[Decision]("decision", own(Decision), 10 * EVENT_BYTES_MAX)
TRACE: Final = Codec[DecisionTrace]("trace", own(DecisionTrace), 10 * EVENT_BYTES_MAX)
DEAD_LETTER: Final = Codec[DeadLetter]("dead_letter", own(DeadLetter), 2 * EVENT_BYTES_MAX)
OUTCOME: Final = Codec[Outcome]("outcome", own(Outcome), OUTCOME_BYTES_MAX)
ALERT: Final = Codec[Alert]("alert", own(Alert), ALERT_BYTES_MAX)


def check_event_size(event: Event) -> None:
    """Raises InvalidEvent where the event's record would be larger than is written, in either format.

    An event that came as a megabyte of JSON may be larger as Avro. A text that is no Unicode cannot be written at all.
    """
    try:
        size = size_at_most(event)
    except UnicodeEncodeError as error:
        raise InvalidEvent("invalid_value", f"a text is no Unicode: {error.reason}") from error
    if JSON_ESCAPED * size <= EVENT_WRITTEN_BYTES_MAX:
        return
    size = max(len(EVENT.encode(event)), len(msgspec.json.encode(event)))
    if size > EVENT_WRITTEN_BYTES_MAX:
        raise InvalidEvent("too_large", f"{size} bytes, at most {EVENT_WRITTEN_BYTES_MAX}")


class StateCodec(Generic[T]):
    """State as one version byte and MessagePack; old versions are upgraded while they are read.

    `upgrades[v]` turns the decoded builtins of version v into those of version v + 1.
    """

    def __init__(
        self, kind: type[T], version: int, upgrades: dict[int, Callable[[Any], Any]] | None = None
    ) -> None:
        self._kind = kind
        self._version = version
        self._upgrades = upgrades or {}
        self._prefix = bytes([version])
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, state: T) -> bytes:
        """The state's bytes."""
        return self._prefix + self._encoder.encode(state)

    def decode(self, data: bytes) -> T:
        """The state in `data`; a version from the future is a bug (a downgrade) and raises."""
        version = data[0]
        if version == self._version:
            return self._decoder.decode(memoryview(data)[1:])
        if version > self._version:
            raise ValueError(
                f"{self._kind.__name__} of version {version}, newest known {self._version}"
            )
        fields = msgspec.msgpack.decode(memoryview(data)[1:])
        for step in range(version, self._version):
            fields = self._upgrades[step](fields)
        return msgspec.convert(fields, self._kind)
