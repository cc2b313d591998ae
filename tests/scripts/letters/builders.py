"""Dead letters, and a log in memory that holds them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from schemas.codec import DEAD_LETTER
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.erasures import ErasureKey
from schemas.errors import InvalidEvent, InvalidReason
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written

KEY: Final = ErasureKey(b"k" * 32)


def letter(offset: int, fields: Any, reason: InvalidReason = "invalid_value") -> DeadLetter:
    raw = fields if isinstance(fields, bytes) else msgspec.json.encode(fields)
    return dead_letter(LogRecord("events", 0, offset, NOON, "", raw), InvalidEvent(reason, "why"))


def fields(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "what": "page_viewed", "event_time_ms": NOON - number, "session_id": f"s{number}", "anonymous_id": f"a{number}",
    } | more  # fmt: skip


class Topic:
    """The topic `dead_letters`, and what goes through the front door."""

    def __init__(self, *letters: DeadLetter) -> None:
        self.letters = list(letters)
        self.door = Written()

    def records(self, topic: str) -> list[LogRecord]:
        assert topic == DEAD_LETTERS
        return [
            LogRecord(topic, 0, at, NOON + at, "", DEAD_LETTER.encode(one))
            for at, one in enumerate([*self.letters, *self.door.letters])
        ]


Home = Callable[..., Topic]
"""Gives commands a log in memory: of these letters, and `erased`: of whom nothing may be sent."""
