"""The store writer: decisions, and fallbacks made from knowledge, from Kafka into the store.

Offsets are committed after the store has answered: those of knowledge at the ends of epochs, so that
a new writer begins with a whole one and goes on from the slates that are stored.
"""

import argparse
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from redis import exceptions as faults

from channels.fallbacks import Fallbacks
from channels.pseudonyms import Pseudonyms, read_pseudonyms
from channels.store import Store, Trend, open_store
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.errors import ConfigError, InvalidEvent
from schemas.limits import DAY_MS
from schemas.topics import DECISIONS, KNOWLEDGE

BATCH_MAX: Final = 500
KNOWLEDGE_BATCH_MAX: Final = 100
"""Records of knowledge taken between two batches of decisions, which wait for them: some 5 ms."""
POLL_S: Final = 0.5
RETRY_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
SILENCE_MAX_MS: Final = DAY_MS
"""How long a dead store may keep the writer waiting before Kafka takes its partitions away."""
NOT_THERE: Final = (
    faults.ConnectionError,
    faults.TimeoutError,
    faults.BusyLoadingError,
    faults.ResponseError,
)

T = TypeVar("T")
logger = logging.getLogger(__name__)


class StoreWriter:
    """One consumer of `decisions` and one of `knowledge`; more writers share the partitions."""

    def __init__(self, consumer: Consumer, knowledge: Consumer, store: Store) -> None:
        self._consumer = consumer
        self._knowledge = knowledge
        self._store = store
        self.fallbacks = Fallbacks(store.read_fallback)
        self._is_stopping = False
        self._next_beat_s = 0.0
        self.written = self.refused = self.invalid = 0

    def stop(self) -> None:
        """Ends `run` after the batch at hand."""
        self._is_stopping = True

    def run(self) -> None:
        """Writes until `stop`. A store that is down is waited for; nothing is lost or skipped."""
        is_behind = False
        while not self._is_stopping:
            self._beat()
            batch = self._batch(0.0 if is_behind else POLL_S)
            if batch and self._write(batch):
                self._consumer.commit(asynchronous=True)
            is_behind = self._take_knowledge()
        self._consumer.close()
        self._knowledge.close()

    def _beat(self) -> None:
        """Says once a second that the writer has its partitions, for as long as that is so."""
        now_s = time.monotonic()
        if now_s < self._next_beat_s or not self._consumer.assignment():
            return
        self._next_beat_s = now_s + 1.0
        with contextlib.suppress(*NOT_THERE):
            self._store.beat()

    def _batch(self, timeout_s: float) -> list[Message]:
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        rest = self._consumer.consume(BATCH_MAX - 1, timeout=0)
        return [message for message in (first, *rest) if _is_record(message)]

    def _write(self, batch: list[Message]) -> bool:
        """Whether the store has the batch; False only when told to stop while it is down."""
        decisions = [pair for message in batch if (pair := self._decoded(message))]
        stored = self._when_there(lambda: self._store.write(decisions))
        if stored is None:
            return False
        self._when_there(lambda: self._store.sample_latencies(stored))
        self.written += sum(1 for one in stored if one.stored_at_ms)
        self.refused += sum(1 for one in stored if not one.stored_at_ms)
        return True

    def _take_knowledge(self) -> bool:
        """Takes what there is of a few records, writes what their epochs change; whether more lies there."""
        messages = self._knowledge.consume(KNOWLEDGE_BATCH_MAX, timeout=0)
        slates: dict[str, list[Trend]] = {}
        last: Message | None = None
        for message in filter(_is_record, messages):
            if self._ends_epoch(message):
                changed = self._when_there(self.fallbacks.close_epoch)
                if changed is None:
                    return False
                slates |= changed
                last = message
        if last is not None:
            self._when_there(lambda: self._store.write_fallbacks(slates))
            if not self._is_stopping:
                self._knowledge.commit(message=last, asynchronous=True)
        return len(messages) == KNOWLEDGE_BATCH_MAX

    def _ends_epoch(self, message: Message) -> bool:
        try:
            return self.fallbacks.take(message.value() or b"")
        except InvalidEvent as error:
            self._leave_out(message, f"not knowledge: {error}")
            return False

    def _when_there(self, ask: Callable[[], T]) -> T | None:
        """The store's answer, waited for while it is down; None only when told to stop meanwhile."""
        for attempt in range(sys.maxsize):
            try:
                return ask()
            except NOT_THERE as error:
                if isinstance(error, faults.ResponseError) and "OOM" not in str(error):
                    raise
                if attempt == 0:
                    logger.warning("the store is not there, waiting for it: %s", error)
                if self._is_stopping:
                    return None
                time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        return None

    def _decoded(self, message: Message) -> tuple[Decision, bytes] | None:
        try:
            return DECISION.decode(message.value() or b""), message.value()
        except InvalidEvent as error:
            self._leave_out(message, f"not a decision: {error}")
            return None

    def _leave_out(self, message: Message, why: str) -> None:
        self.invalid += 1
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        logger.warning("%s is %s", place, why)


def _is_record(message: Message) -> bool:
    error = message.error()
    if error is None:
        return True
    if error.fatal() or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise KafkaException(error)
    return False  # librdkafka goes on by itself


def store_writer(
    kafka: str,
    redis: str,
    topic_prefix: str,
    store_prefix: str,
    pseudonyms: Pseudonyms | None = None,
) -> StoreWriter:
    """A writer between these addresses (HOST:PORT)."""
    consumer = _consumer(kafka, f"{topic_prefix}kairos-store-{store_prefix}")
    knowledge = _consumer(kafka, f"{topic_prefix}kairos-fallback-{store_prefix}")
    writer = StoreWriter(consumer, knowledge, open_store(redis, store_prefix, pseudonyms))
    consumer.subscribe([topic_prefix + DECISIONS])
    knowledge.subscribe([topic_prefix + KNOWLEDGE], on_assign=lambda *_: writer.fallbacks.forget())
    return writer


def _consumer(kafka: str, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            "max.poll.interval.ms": SILENCE_MAX_MS,
        }
    )


def run_until_signalled(writer: StoreWriter) -> None:
    """Runs the writer; SIGTERM and SIGINT end it after the batch at hand."""

    def stop(*_: object) -> None:
        writer.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    writer.run()
    logger.info("written %d, refused %d as not newer", writer.written, writer.refused)


def main() -> None:
    """`python -m channels.store_writer --kafka HOST:PORT --redis HOST:PORT`."""
    parser = argparse.ArgumentParser("channels.store_writer", description=__doc__)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--topic-prefix", default="")
    parser.add_argument("--store-prefix", default="kairos")
    parser.add_argument("--pseudonym-key-file", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        pseudonyms = read_pseudonyms(given.pseudonym_key_file)
    except ConfigError as error:
        parser.error(str(error))
    run_until_signalled(
        store_writer(given.kafka, given.redis, given.topic_prefix, given.store_prefix, pseudonyms)
    )


if __name__ == "__main__":
    main()
