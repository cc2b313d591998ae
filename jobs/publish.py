"""Writing to the log: events, items and control records, timestamped with their own time.

A record's timestamp is its event time, never later than now: a record from the future would move
the watermark past events that are still to come.
"""

import time
from typing import Any, Final

import msgspec
from confluent_kafka import KafkaException, Producer

from jobs.config import SourceFormat
from jobs.learning.trust import Sign, unsigned
from log.clients import open_producer_of
from schemas.codec import CONTROL, DEAD_LETTER, EVENT, ITEM
from schemas.control import Control
from schemas.dead_letters import DeadLetter
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.items import Item
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, EVENTS, ITEMS

FLUSH_S: Final = 30.0
AHEAD_MS: Final = 2_000
"""How far ahead of now a publisher sets `effective_from_ms`, so that every operator has it in time."""


class Log:
    """A producer to one Kafka under one topic prefix. `flush` before letting go of it.

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
        self._producer = open_producer_of(kafka, linger_ms=linger_ms)
        # An idempotent producer waits half a second for its id, of the two that a version is
        # announced ahead. A version that is written twice is taken once; one at a time keeps order.
        self._announcer = open_producer_of(
            kafka,
            linger_ms=linger_ms,
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
        )
        self._prefix = prefix
        self._sign = sign
        self._encode_event = EVENT.encode if source_format == "kairos" else msgspec.json.encode
        self._failed, self._reason = 0, ""

    def event(self, event: Event) -> None:
        """Writes an event; its key is its session."""
        self.encoded(event.session_id, self.encode(event), event.event_time_ms)

    def encode(self, event: Event) -> bytes:
        """The event's bytes in the format of the topic."""
        return self._encode_event(event)

    def encoded(self, session_id: str, value: bytes, time_ms: int) -> None:
        """Writes an event that is encoded already."""
        self._write(EVENTS, session_id, value, time_ms)

    def tick(self, event: Event, partition: int) -> None:
        """Writes a clock tick to one partition: time itself is in the log."""
        value = self._encode_event(event)
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
        self._write(CONTROL_TOPIC, key, value, time_ms, producer=self._announcer)

    def dead_letter(self, letter: DeadLetter) -> None:
        """Writes a dead letter of a record that never reached a topic."""
        key = f"{letter.topic}/{letter.partition}/{letter.offset}"
        self._write(DEAD_LETTERS, key, DEAD_LETTER.encode(letter), letter.event_time_ms or now_ms())

    def flush(self) -> None:
        """Waits until Kafka has everything; ConfigError if it refused anything or is not there."""
        left = self._producer.flush(FLUSH_S) + self._announcer.flush(FLUSH_S)
        if self._failed or left:
            reason = self._reason or f"no answer within {FLUSH_S:.0f} s"
            raise ConfigError(f"Kafka did not take {self._failed or left} records: {reason}")

    def _write(
        self,
        topic: str,
        key: str,
        value: bytes,
        time_ms: int,
        partition: int | None = None,
        producer: Producer | None = None,
    ) -> None:
        writer = producer or self._producer
        place = {} if partition is None else {"partition": partition}
        timestamp = max(0, min(time_ms, now_ms()))
        while True:
            try:
                writer.produce(
                    self._prefix + topic,
                    value,
                    key.encode(),
                    timestamp=timestamp,
                    on_delivery=self._delivered,
                    **place,
                )
            except BufferError:  # the queue is full: wait for Kafka to take some of it
                writer.poll(0.1)
            except KafkaException as error:
                raise ConfigError(f"Kafka refuses a record: {error.args[0].str()}") from error
            else:
                writer.poll(0)
                return

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            # counted, not kept: a clock ticks on for days while Kafka is away
            self._failed += 1
            self._reason = self._reason or error.str()


def now_ms() -> int:
    """The wall clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000
