"""The demo's events on their way in, at a pace, and its decisions on their way out."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec
from confluent_kafka import Consumer, TopicPartition

from jobs.publish import now_ms
from log.clients import open_consumer_of
from log.kafka import end_offsets
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.events import Event
from scripts.ops.engine import Engine

READER_WAIT_MS: Final = 100
POLL_S: Final = 0.02
PACED_POLL_S: Final = 0.002
ARRIVAL_S_MAX: Final = 60.0

Take = Callable[[Decision], None]


class DecisionReader:
    """Reads what is decided from now on."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._consumer: Consumer = open_consumer_of(kafka, wait_ms=READER_WAIT_MS)
        ends = end_offsets(self._consumer, topic)
        self._consumer.assign([TopicPartition(topic, at, end) for at, end in ends.items()])
        self.seen: dict[str, Decision] = {}

    def read(self, timeout_s: float) -> list[Decision]:
        """What came within the time, at once if there is anything."""
        messages = self._consumer.consume(500, timeout=timeout_s)
        decisions = [DECISION.decode(m.value()) for m in messages if m.error() is None]
        self.seen |= {decision.decision_id: decision for decision in decisions}
        return decisions

    def close(self) -> None:
        """Lets go of Kafka."""
        self._consumer.close()


def leave_out(_: Decision) -> None:
    """For decisions that nobody looks at."""


def feed(
    engine: Engine,
    reader: DecisionReader,
    events: Sequence[Event],
    per_s: float,
    take: Take,
    is_enough: Callable[[], bool] = lambda: False,
) -> int:
    """Sends the events at their pace until it `is_enough`; `take` gets what is decided meanwhile. How many were sent."""
    begun_s = time.monotonic()
    sent = 0
    for number, event in enumerate(events):
        if is_enough():
            break
        while time.monotonic() < begun_s + number / per_s:
            _hand_over(reader, PACED_POLL_S, take)
        engine.log.event(msgspec.structs.replace(event, sent_at_ms=now_ms()))
        engine.check()
        sent += 1
    engine.log.flush()
    return sent


def await_decided(
    engine: Engine, reader: DecisionReader, decision_ids: Collection[str], take: Take
) -> None:
    """Returns once these decisions have been made; ConfigError if they are not within a minute."""
    deadline_s = time.monotonic() + ARRIVAL_S_MAX
    while missing := len([one for one in decision_ids if one not in reader.seen]):
        engine.check()
        _hand_over(reader, POLL_S, take)
        if time.monotonic() > deadline_s:
            raise ConfigError(
                f"{missing} decisions were not made within {ARRIVAL_S_MAX:.0f} s; see the logs"
            )


def _hand_over(reader: DecisionReader, timeout_s: float, take: Take) -> None:
    for decision in reader.read(timeout_s):
        take(decision)
