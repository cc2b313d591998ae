"""Writing to the log: events, items and control records, timestamped with their own time.

A record's timestamp is its event time, never later than now: a record from the future would move
the watermark past events that are still to come.
"""

import time
from typing import Final

from msgspec.structs import replace

from jobs.config import SourceFormat
from jobs.learning.trust import Sign, unsigned
from log.writing import Writer, unwritten
from schemas.codec import CONTROL, DEAD_LETTER, ITEM
from schemas.control import Control
from schemas.dead_letters import DeadLetter
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.formats import FORMATS
from schemas.items import Item
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, EVENTS, ITEMS

FLUSH_S: Final = 30.0
AHEAD_MS: Final = 2_000
"""How far ahead of now a publisher sets `effective_from_ms`, so that every operator has it in time."""


class Log:
    """Writes to one Kafka under one topic prefix. `flush` before letting go of it.

    `sign` signs what it puts on `control` (jobs/learning/trust.py: signer_of); who publishes there hands it in.
    """

    def __init__(
        self,
        kafka: str,
        prefix: str = "",
        source_format: SourceFormat = "kairos",
        linger_ms: float = 0.0,
        sign: Sign = unsigned,
    ) -> None:
        self._writer = Writer(kafka, linger_ms)
        # An idempotent producer waits half a second for its id, of the two that a version is
        # announced ahead. A version that is written twice is taken once; one at a time keeps order.
        self._announcer = Writer(kafka, linger_ms, is_idempotent=False)
        self._prefix = prefix
        self._sign = sign
        self._format = FORMATS[source_format]

    def event(self, event: Event) -> None:
        """Writes an event; its key is its session."""
        value = self._format.encode(event)
        self._write(EVENTS, event.session_id, value, event.event_time_ms)

    def to_import(self, event: Event) -> bytes:
        """The bytes of an event that is going to be `imported`, in the format of the topic."""
        if event.imported_at_ms is not None:  # it was before, or its file says so
            event = replace(event, imported_at_ms=None)
        return self._format.encode(event)

    def imported(self, session_id: str, value: bytes, time_ms: int) -> None:
        """Writes an imported event: it says that it was, and when."""
        self._write(EVENTS, session_id, self._format.imported(value, now_ms()), time_ms)

    def tick(self, event: Event, partition: int) -> None:
        """Writes a clock tick to one partition: time itself is in the log."""
        value = self._format.encode(event)
        self._write(EVENTS, event.session_id, value, event.event_time_ms, partition)

    def raw(self, topic: str, key: str, value: bytes, time_ms: int) -> None:
        """Writes bytes as they are."""
        self._write(topic, key, value, time_ms)

    def item(self, item: Item) -> None:
        """Writes one version of an item."""
        self._write(ITEMS, item.item_id, ITEM.encode(item), item.effective_from_ms)

    def control(self, control: Control) -> None:
        """Writes one version of the policy or a model."""
        key = f"{control.kind}/{control.name}"
        value, time_ms = CONTROL.encode(self._sign(control)), control.effective_from_ms
        self._write(CONTROL_TOPIC, key, value, time_ms, writer=self._announcer)

    def dead_letter(self, letter: DeadLetter) -> None:
        """Writes a dead letter of a record that never reached a topic."""
        key = f"{letter.topic}/{letter.partition}/{letter.offset}"
        self._write(DEAD_LETTERS, key, DEAD_LETTER.encode(letter), letter.event_time_ms or now_ms())

    def flush(self) -> None:
        """Waits until Kafka has everything; ConfigError if it refused anything or is not there."""
        said = unwritten([self._writer, self._announcer], FLUSH_S)
        if said:
            raise ConfigError(said)

    def _write(
        self,
        topic: str,
        key: str,
        value: bytes,
        time_ms: int,
        partition: int = -1,
        writer: Writer | None = None,
    ) -> None:
        timestamp = max(0, min(time_ms, now_ms()))
        (writer or self._writer).write(
            self._prefix + topic, key.encode(), value, timestamp, partition
        )


def now_ms() -> int:
    """The wall clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000
