"""Formats of the topic `events`: bytes -> Event and back. The key is the session id in each: the session step takes no other."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from schemas.codec import EVENT, MARKER
from schemas.events import Event
from schemas.formats.cloudevents import event_from_cloudevent_json
from schemas.formats.ga4 import event_from_ga4_json
from schemas.formats.ga4_hit import ga4_records
from schemas.formats.json_lines import event_from_json, event_of, json_object
from schemas.formats.registered import SchemaOf, avro_object, framed_json, no_registry
from schemas.formats.segment import event_from_segment_json
from schemas.formats.snowplow import event_from_snowplow_record, fields_of_snowplow
from schemas.mask_event import masked
from schemas.write_avro import END, VALUE, write_long

SNOWPLOW: Final = "snowplow"
"""The one whose files are tables as well, in folders (scripts/files/import_snowplow.py)."""
CONFLUENT_AVRO: Final = "confluent-avro"
"""The one that reads nothing without a registry."""


def _alone(value: bytes) -> Iterable[bytes]:
    return (value,)


class EventFormat(NamedTuple):
    """How an event is read, raising InvalidEvent, and how we write one: its free text masked (schemas/mask_event.py).

    `imported`: what `encode` gave of an event without a time of import, with one (epoch ms): it is known when the event is written.
    `split`: the records, of one event each, that a value of a file is. `fields`: what a record says, as JSON would, be it an event or not.
    """

    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]
    imported: Callable[[bytes, int], bytes]
    split: Callable[[bytes], Iterable[bytes]] = _alone
    fields: Callable[[bytes], dict[str, Any]] = json_object


def _avro(event: Event) -> bytes:
    return EVENT.encode(masked(event))


def _imported_avro(written: bytes, at_ms: int) -> bytes:
    """`imported_at_ms` is the last of its fields."""
    return written.removesuffix(END) + VALUE + write_long(at_ms)


def _imported_json(written: bytes, at_ms: int) -> bytes:
    """Here likewise: all fields are written."""
    return written.removesuffix(b"null}") + b"%d}" % at_ms


def of_others(
    decode: Callable[[bytes], Event],
    split: Callable[[bytes], Iterable[bytes]] = _alone,
    fields: Callable[[bytes], dict[str, Any]] = json_object,
) -> EventFormat:
    """A format that only others write: what we add to their topic is Avro, which begins as nothing of theirs does."""
    return EventFormat(
        lambda data: EVENT.decode(data) if data[:2] == MARKER else decode(data),
        _avro, _imported_avro, split, fields,
    )  # fmt: skip


def confluent_avro(schema_of: SchemaOf) -> EventFormat:
    """Avro whose schemas are handed in by their ids."""

    def fields(data: bytes) -> dict[str, Any]:
        return avro_object(data, schema_of)

    return of_others(lambda data: event_of(fields(data)), fields=fields)


FORMATS: Final[dict[str, EventFormat]] = {
    "kairos": EventFormat(EVENT.decode, _avro, _imported_avro),
    "json": EventFormat(
        event_from_json, lambda event: msgspec.json.encode(masked(event)), _imported_json
    ),
    "segment": of_others(event_from_segment_json),
    "ga4": of_others(event_from_ga4_json, ga4_records),
    "cloudevents": of_others(event_from_cloudevent_json),
    SNOWPLOW: of_others(event_from_snowplow_record, fields=fields_of_snowplow),
    "json-schema": of_others(
        lambda data: event_from_json(framed_json(data)),
        fields=lambda data: json_object(framed_json(data)),
    ),
    CONFLUENT_AVRO: confluent_avro(no_registry),
}
"""By the name that the setting KAIROS_FORMAT gives (`SourceFormat` of jobs/config.py); what a deployment reads by, registry and all, is `format_of`
of jobs/event_format.py.
"""
MAPPABLE: Final = ("json", "json-schema", CONFLUENT_AVRO)
"""Those that are read by names of fields, so that a mapping can say which; the others say themselves what they mean."""
OF_TOPICS: Final = ("json-schema", CONFLUENT_AVRO)
"""Those that no file has: what stands before each record is a registry's."""
OF_OTHERS: Final = tuple(
    name for name in FORMATS if name not in ("kairos", "json", SNOWPLOW, *OF_TOPICS)
)
"""Those that files have, too: JSON, a value for each record (`--format` of `import`, `convert` and `try`)."""
