"""The format of the topic `events` as a deployment reads it: by its settings, with its registry of schemas."""

from typing import Protocol

from log.schema_registry import registry_at
from schemas.formats import CONFLUENT_AVRO, FORMATS, EventFormat, confluent_avro


class Settings(Protocol):
    """Of a deployment or of a job."""

    @property
    def source_format(self) -> str:
        """The format's name."""

    @property
    def schema_registry(self) -> str | None:
        """The registry's URL, with its file."""


def format_of(settings: Settings) -> EventFormat:
    """How events of the topic are read and written; raises ConfigError where the registry's settings cannot be used.

    Schemas are kept with what is returned, so one process makes it once.
    """
    return format_named(settings.source_format, settings)


def format_named(name: str, settings: Settings) -> EventFormat:
    """Likewise of a format of this name, one of FORMATS."""
    if name == CONFLUENT_AVRO and settings.schema_registry is not None:
        return confluent_avro(registry_at(settings.schema_registry))
    return FORMATS[name]
