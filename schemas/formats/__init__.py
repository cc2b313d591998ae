"""Formats of the topic `events`: bytes -> Event and back. The key is the session id in each: the session step takes no other."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from schemas.codec import EVENT
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from schemas.mask_event import masked


class EventFormat(NamedTuple):
    """How an event is read, raising InvalidEvent, and how we write one: its free text masked (schemas/mask_event.py)."""

    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]


FORMATS: Final[dict[str, EventFormat]] = {
    "kairos": EventFormat(EVENT.decode, lambda event: EVENT.encode(masked(event))),
    "json": EventFormat(event_from_json, lambda event: msgspec.json.encode(masked(event))),
}
"""By the name that the setting KAIROS_FORMAT gives (`SourceFormat` of jobs/config.py)."""
