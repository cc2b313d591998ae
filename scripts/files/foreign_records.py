"""A record of somebody's topic as JSON, however it is written: as JSON, or behind the id of a schema that a registry has."""

from collections.abc import Callable
from typing import Final

import msgspec

from jobs.config import Config
from log.schema_registry import registry_at
from schemas.errors import ConfigError, InvalidEvent
from schemas.formats.registered import MAGIC, avro_object, framed_json

FRAMED: Final = bytes([MAGIC])
"""What stands first in a record whose schema lies in a registry, and in no JSON."""


def json_of(config: Config) -> Callable[[bytes], bytes]:
    """Reads a record's value: Avro by the registry of KAIROS_SCHEMA_REGISTRY, without one JSON behind a schema's id, else what it is.

    What it returns raises InvalidEvent of what is none, and ConfigError where the registry does not answer: such a record is no bad one, and has to wait.
    """
    schema_of = registry_at(config.schema_registry) if config.schema_registry is not None else None

    def read(data: bytes) -> bytes:
        if not data.startswith(FRAMED):
            return data
        if schema_of is None:
            return framed_json(data)
        try:
            return msgspec.json.encode(avro_object(data, schema_of))
        except InvalidEvent as error:
            if error.reason == "schema_unavailable":
                raise ConfigError(f"the registry does not answer: {error.message}") from error
            raise

    return read
