"""CloudEvents 1.0 in structured mode: an envelope in JSON whose `data` is an event in a format of ours.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md

Which format that is, `type` says by its last part: `com.example.segment` is a call of Segment's, `com.example.ga4` a hit of
Google Analytics, `com.example.snowplow` an enriched event of Snowplow's. Of any other type `data` is our JSON, and the last
part is the type of the event where `data` has none: `com.example.shop.product_viewed`. `data_base64` may hold our Avro.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from schemas.codec import EVENT, MARKER
from schemas.errors import InvalidEvent
from schemas.events import SOURCE, Event
from schemas.formats.foreign_json import MADE, Given, id_of, read_object, text, time
from schemas.formats.ga4 import event_from_ga4
from schemas.formats.json_lines import built_event, decoded, event_fields
from schemas.formats.segment import event_from_segment
from schemas.formats.snowplow import event_from_snowplow
from schemas.limits import EVENT_BYTES_MAX, PROPERTIES_PER_EVENT_MAX

VERSION: Final = "1.0"
MICROS: Final = 1_000
Fields = dict[str, Any]


def event_from_cloudevent_json(data: bytes) -> Event:
    """The event in `data`, an envelope as a JSON object; raises InvalidEvent."""
    return read_object(data, event_from_cloudevent)


def event_from_cloudevent(envelope: Given) -> Event:
    """The event within; `id`, `time` and `source` of the envelope stand where it has none itself. Raises InvalidEvent."""
    version = text(envelope, "specversion")
    if version != VERSION:
        said = "missing" if version is None else f"{version[:20]!r}"
        raise InvalidEvent("invalid_value", f"specversion: {said}; {VERSION} is wanted")
    for name in ("id", "type", "source"):
        if text(envelope, name) is None:
            raise InvalidEvent("invalid_value", f"{name}: missing")
    last = (text(envelope, "type") or "").rpartition(".")[2]
    given = _data(envelope)
    if isinstance(given, Event):
        return _sourced(given, envelope)
    if last not in WITHIN:
        return _sourced(_of_ours(given, envelope, last), envelope)
    fill, read = WITHIN[last]
    event = read(fill(given, envelope))
    if event.event_id.startswith(MADE):
        event = replace(event, event_id=id_of(envelope, "id") or event.event_id)
    return _sourced(event, envelope)


def _data(envelope: Given) -> Fields | Event:
    given = envelope.get("data")
    encoded = envelope.get("data_base64")
    if given is None and isinstance(encoded, str):
        try:
            data = b64decode(encoded, validate=True)
        except (Error, ValueError) as error:
            raise InvalidEvent("malformed", f"data_base64: {error}") from error
        if data[:2] == MARKER:
            return EVENT.decode(data)
        given = decoded(data, EVENT_BYTES_MAX)
    elif isinstance(given, str):
        # of a type that is no JSON, as the format has it: a text that holds it
        given = decoded(given.encode(), EVENT_BYTES_MAX)
    if not isinstance(given, dict):
        raise InvalidEvent(
            "invalid_value",
            f"data: an object is wanted, not {'nothing' if given is None else type(given).__name__}",
        )
    return given


def _sourced(event: Event, envelope: Given) -> Event:
    """The event with the envelope's source among its properties, where there is room and it names none itself."""
    if SOURCE in event.properties or len(event.properties) >= PROPERTIES_PER_EVENT_MAX:
        return event
    return replace(event, properties=event.properties | {SOURCE: text(envelope, "source") or ""})


def _of_ours(given: Fields, envelope: Given, last: str) -> Event:
    fields, notes = event_fields(given)
    fields.setdefault("event_id", id_of(envelope, "id"))
    fields.setdefault("event_type", last)
    if "event_time_ms" not in fields and envelope.get("time") is not None:
        fields["event_time_ms"] = time(envelope, "time")
    return built_event(fields, notes).event


# --- what the formats of others lack ------------------------------------------------------------


def _segment(given: Fields, envelope: Given) -> Fields:
    names = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
    if envelope.get("time") is None or any(given.get(one) is not None for one in names):
        return given
    return given | {"timestamp": envelope["time"]}


def _ga4(given: Fields, envelope: Given) -> Fields:
    name = "timestamp_micros" if "events" in given else "event_timestamp"
    if envelope.get("time") is None or given.get(name) is not None:
        return given
    return given | {name: time(envelope, "time") * MICROS}


def _snowplow(given: Fields, envelope: Given) -> Fields:
    filled = dict(given)
    for name, own in (("event_id", "id"), ("derived_tstamp", "time")):
        if filled.get(name) is None and envelope.get(own) is not None:
            filled[name] = envelope[own]
    return filled


WITHIN: Final[Mapping[str, tuple[Callable[[Fields, Given], Fields], Callable[[Given], Event]]]] = {
    "segment": (_segment, event_from_segment),
    "ga4": (_ga4, event_from_ga4),
    "snowplow": (_snowplow, event_from_snowplow),
}
"""The last part of a type: what its data lack, and what reads them. Avro tells itself by its first bytes."""
