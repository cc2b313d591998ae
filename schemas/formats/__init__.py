"""Source formats: each is one function, bytes -> Event."""

from collections.abc import Callable
from typing import Final

from schemas.codec import EVENT
from schemas.events import Event
from schemas.formats.json_lines import event_from_json

DECODERS: Final[dict[str, Callable[[bytes], Event]]] = {
    "kairos": EVENT.decode,
    "json": event_from_json,
}
"""Of the topic `events`, by the name that the setting KAIROS_FORMAT gives."""
