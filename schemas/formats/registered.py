"""Records whose schema lies in a registry: Confluent's framing, and behind it Avro, or JSON.

https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format

Byte 0, the schema's id as four bytes (the high one first), and what it says. Avro is read by its writer's schema and nothing else: a field
that a newer writer has is there, one that an older one lacked is not, and names are read as those of JSON. JSON says itself what it says, so
its schema is not asked for.
"""

from collections.abc import Callable
from typing import Any, Final

from schemas.codec import read_avro
from schemas.errors import InvalidEvent
from schemas.formats.foreign_schema import ForeignSchema
from schemas.limits import EVENT_BYTES_MAX

MAGIC: Final = 0
HEADER_BYTES: Final = 5

SchemaOf = Callable[[int], ForeignSchema]
"""The schema of an id; raises InvalidEvent: `unknown_schema`, `schema_unavailable`, `schema_invalid`."""


def no_registry(schema_id: int) -> ForeignSchema:
    """Where none is set."""
    raise InvalidEvent("schema_unavailable", f"schema {schema_id}: no registry is set")


def header_of(schema_id: int) -> bytes:
    """What stands before a record of this schema."""
    return bytes([MAGIC]) + schema_id.to_bytes(HEADER_BYTES - 1, "big")


def schema_id_of(data: bytes) -> int:
    """The id that a record names; raises InvalidEvent."""
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidEvent("too_large", f"{len(data)} bytes, at most {EVENT_BYTES_MAX}")
    if len(data) < HEADER_BYTES or data[0] != MAGIC:
        raise InvalidEvent(
            "malformed",
            f"a byte 0 and the id of a schema are wanted first, not {data[:HEADER_BYTES].hex() or 'nothing'}",
        )
    return int.from_bytes(data[1:HEADER_BYTES], "big")


def avro_object(data: bytes, schema_of: SchemaOf) -> dict[str, Any]:
    """What a framed Avro record says, as JSON would; raises InvalidEvent."""
    schema = schema_of(schema_id_of(data))
    found = read_avro(data, HEADER_BYTES, schema.parsed)
    if not isinstance(found, dict):
        raise InvalidEvent("malformed", f"a record is wanted, not {type(found).__name__}")
    return found if schema.plain is None else schema.plain(found)


def framed_json(data: bytes) -> bytes:
    """The JSON of a framed record; raises InvalidEvent."""
    schema_id_of(data)
    return data[HEADER_BYTES:]
