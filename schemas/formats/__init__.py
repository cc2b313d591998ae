"""Formats of the topic `events`: bytes -> Event and back. The key is the session id in each: the session step takes no other."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from schemas.codec import EVENT, MARKER
from schemas.events import Event
from schemas.formats.cloudevents import event_from_cloudevent_json
from schemas.formats.ga4 import event_from_ga4_json
from schemas.formats.ga4_hit import ga4_records
from schemas.formats.json_lines import event_from_json
from schemas.formats.segment import event_from_segment_json
from schemas.mask_event import masked


def _alone(value: bytes) -> Iterable[bytes]:
    return (value,)


class EventFormat(NamedTuple):
    """How an event is read, raising InvalidEvent, and how we write one: its free text masked (schemas/mask_event.py).

    `split`: the records, of one event each, that a value of a file is.
    """

    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]
    split: Callable[[bytes], Iterable[bytes]] = _alone


def _avro(event: Event) -> bytes:
    return EVENT.encode(masked(event))


def _of_others(
    decode: Callable[[bytes], Event], split: Callable[[bytes], Iterable[bytes]] = _alone
) -> EventFormat:
    """A format that only others write: what we add to their topic is Avro, which begins as no JSON does."""
    return EventFormat(
        lambda data: EVENT.decode(data) if data[:2] == MARKER else decode(data), _avro, split
    )


FORMATS: Final[dict[str, EventFormat]] = {
    "kairos": EventFormat(EVENT.decode, _avro),
    "json": EventFormat(event_from_json, lambda event: msgspec.json.encode(masked(event))),
    "segment": _of_others(event_from_segment_json),
    "ga4": _of_others(event_from_ga4_json, ga4_records),
    "cloudevents": _of_others(event_from_cloudevent_json),
}
"""By the name that the setting KAIROS_FORMAT gives (`SourceFormat` of jobs/config.py)."""
OF_OTHERS: Final = tuple(name for name in FORMATS if name not in ("kairos", "json"))
"""Those that files have, too: JSON, a value for each record (`--format` of `import`, `convert` and `try`)."""
