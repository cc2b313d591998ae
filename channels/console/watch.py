"""The console's reader: one thread that follows `decisions` and `dead_letters` and counts them."""

import logging
import threading
import time
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from channels.console.traffic import DECISIONS_KEPT_MAX, LETTERS_KEPT_MAX, Traffic
from schemas.codec import DEAD_LETTER, DECISION
from schemas.errors import InvalidEvent
from schemas.topics import DEAD_LETTERS, DECISIONS

ANSWER_S: Final = 5.0
RETRY_S: Final = 2.0
POLL_S: Final = 0.5
BATCH_MAX: Final = 500
BACKFILL: Final = {DECISIONS: DECISIONS_KEPT_MAX, DEAD_LETTERS: LETTERS_KEPT_MAX}
"""Records that are read of each partition from before the start, at most."""

logger = logging.getLogger(__name__)


class Watch:
    """Follows the topics from a little before their ends; belongs to no group and commits nothing."""

    def __init__(self, kafka: str, topic_prefix: str, traffic: Traffic) -> None:
        self._kafka, self._prefix, self._traffic = kafka, topic_prefix, traffic
        self._is_stopping = threading.Event()
        self._behind: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._run, name="console-watch", daemon=True)

    def start(self) -> None:
        """Begins to read, in a thread; a Kafka that is not there is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(ANSWER_S)

    def _run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._kafka,
                "group.id": "unused",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                # what is not fetched yet lies with the broker, not here
                "queued.max.messages.kbytes": 16_384,
                "log_level": 0,
            }
        )
        try:
            if self._assign(consumer):
                self._follow(consumer)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> bool:
        """Goes to where reading begins, as soon as Kafka tells; False when told to stop before."""
        is_told = False
        while not self._is_stopping.is_set():
            try:
                places = [
                    place for topic, count in BACKFILL.items()
                    for place in self._places(consumer, self._prefix + topic, count)
                ]  # fmt: skip
            except KafkaException as error:
                if not is_told:
                    logger.warning("the console waits for Kafka: %s", error.args[0])
                is_told = True
                self._is_stopping.wait(RETRY_S)
            else:
                consumer.assign(places)
                return True
        return False

    def _places(self, consumer: Consumer, topic: str, count: int) -> list[TopicPartition]:
        metadata = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        found = []
        for partition in metadata.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), ANSWER_S)
            self._behind[topic, partition] = high
            found.append(TopicPartition(topic, partition, max(low, high - count)))
        return found

    def _follow(self, consumer: Consumer) -> None:
        while not self._is_stopping.is_set():
            first = consumer.poll(POLL_S)
            if first is None:
                continue
            for message in (first, *consumer.consume(BATCH_MAX, timeout=0)):
                if message.error() is None:
                    self._take(message)

    def _take(self, message: Message) -> None:
        """Counts one record: those from before the start under their own time, later ones now."""
        now_ms = time.time_ns() // 1_000_000
        record_ms = message.timestamp()[1]
        is_new = message.offset() >= self._behind[message.topic(), message.partition()]
        at_ms = now_ms if is_new else min(record_ms, now_ms)
        value = message.value() or b""
        try:
            if message.topic() == self._prefix + DECISIONS:
                decision = DECISION.decode(value)
                sent_ms = decision.sent_at_ms if is_new else None
                latency_ms = now_ms - sent_ms if sent_ms is not None else None
                self._traffic.add_decision(decision, value, record_ms, at_ms, latency_ms)
            else:
                self._traffic.add_letter(DEAD_LETTER.decode(value), at_ms)
        except InvalidEvent as error:
            logger.warning(
                "%s/%d/%d: %s", message.topic(), message.partition(), message.offset(), error
            )
