"""A range of the log, as often as it is asked for: its partitions merged by time, never all in memory."""

from collections.abc import Generator, Iterator
from heapq import merge

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from jobs.kafka import ANSWER_S, log_record, open_consumer, replay_range
from schemas.errors import ConfigError
from schemas.records import LogRecord


class LogRange:
    """The records of a topic from the first at `from_ms` to before the first at `to_ms`, as of now.

    Each partition is read in its order and the record with the least timestamp comes next: in order of
    time they are as one partition, and the fold takes them as one.
    """

    def __init__(self, kafka: str, topic: str, from_ms: int | None, to_ms: int | None) -> None:
        self._kafka, self._topic = kafka, topic
        self._range = replay_range(kafka, topic, from_ms, to_ms)

    def __len__(self) -> int:
        """How many offsets the range has: records, and a few that are none (transactions)."""
        starts = self._range.starts
        return sum(end - starts[at] for at, end in self._range.ends.items())

    @property
    def partitions(self) -> int:
        """How many the topic has."""
        return len(self._range.starts)

    @property
    def begins_at_first(self) -> bool:
        """Whether it holds the first record that was ever written to each partition."""
        return not any(self._range.starts.values())

    def __iter__(self) -> Iterator[LogRecord]:
        readers = [
            _read(self._kafka, TopicPartition(self._topic, at, self._range.starts[at]), end)
            for at, end in sorted(self._range.ends.items())
        ]
        try:
            yield from merge(*readers, key=lambda one: one.timestamp_ms)
        finally:
            for reader in readers:
                reader.close()


def _read(kafka: str, place: TopicPartition, end: int) -> Generator[LogRecord, None, None]:
    """The records of one partition from `place` to before the offset `end`."""
    consumer = open_consumer(kafka)
    try:
        consumer.assign([place])
        while place.offset < end:
            message = consumer.poll(ANSWER_S)
            if message is None:
                raise ConfigError(f"Kafka has not answered for {ANSWER_S:.0f} s")
            error = message.error()
            if error is None and message.offset() < end:
                yield log_record(message)
            elif error is None or error.code() == KafkaError._PARTITION_EOF:
                return
            elif not error.retriable():
                raise KafkaException(error)
    finally:
        consumer.close()
