"""The format of the topic `events` as a deployment reads it: by its settings, with its registry of schemas and its mapping."""

from pathlib import Path
from typing import Protocol

from jobs.mapping_file import read_mapping
from log.schema_registry import registry_at
from schemas.errors import InvalidEvent, PassedOver
from schemas.events import Event
from schemas.formats import CONFLUENT_AVRO, FORMATS, EventFormat, confluent_avro, of_others
from schemas.mappings.mapped import mapped_object
from schemas.mappings.mapping_rules import Compiled


class Settings(Protocol):
    """Of a deployment, which names the mapping's file, or of a job, which has its rules."""

    @property
    def source_format(self) -> str:
        """The format's name."""

    @property
    def schema_registry(self) -> str | None:
        """The registry's URL, with its file."""

    @property
    def mapping(self) -> Path | tuple[Compiled, ...] | None:
        """By what records of others become events, if not by their names."""


def format_of(settings: Settings) -> EventFormat:
    """How events of the topic are read and written; raises ConfigError where the registry's settings or the mapping cannot be used.

    Schemas are kept with what is returned, so one process makes it once.
    """
    found = format_named(settings.source_format, settings)
    rules = rules_of(settings)
    return found if rules is None else mapped(found, rules)


def format_named(name: str, settings: Settings) -> EventFormat:
    """A format of this name, one of FORMATS, without the mapping."""
    if name == CONFLUENT_AVRO and settings.schema_registry is not None:
        return confluent_avro(registry_at(settings.schema_registry))
    return FORMATS[name]


def rules_of(settings: Settings) -> tuple[Compiled, ...] | None:
    """The rules of the topic's mapping; raises ConfigError."""
    given = settings.mapping
    return read_mapping(given) if isinstance(given, Path) else given


def mapped(found: EventFormat, rules: tuple[Compiled, ...]) -> EventFormat:
    """The format whose records become events by the rules. What we add ourselves is Avro, which needs none."""

    def decode(data: bytes) -> Event:
        given = found.fields(data)
        try:
            event = mapped_object(given, rules)
        except RecursionError as error:
            raise InvalidEvent("malformed", "nested too deeply") from error
        if event is None:
            raise PassedOver
        return event

    return of_others(decode, fields=found.fields)
