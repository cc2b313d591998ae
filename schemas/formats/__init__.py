"""Formats of the topic `events`: bytes -> Event and back. The key is the session id in each: the session step takes no other."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from schemas.codec import EVENT
from schemas.events import Event
from schemas.formats.json_lines import event_from_json


class EventFormat(NamedTuple):
    """How an event is read, raising InvalidEvent, and written."""

    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]


FORMATS: Final[dict[str, EventFormat]] = {
    "kairos": EventFormat(EVENT.decode, EVENT.encode),
    "json": EventFormat(event_from_json, msgspec.json.encode),
}
"""By the name that the setting KAIROS_FORMAT gives (`SourceFormat` of jobs/config.py)."""
