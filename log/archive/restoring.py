"""A topic as it was, made anew: what is archived, then what Kafka still holds, with keys and timestamps.

The Flink job reads Kafka only. Every partition is written in its order, so an interrupted copy goes on behind
what it has written.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from log.archive.reading import ArchivedTopic, Raw
from log.archive.writing import read_raw
from log.clients import open_producer_of
from log.kafka import bounds, create_topics
from log.range import LogRange, Span
from schemas.errors import ConfigError
from schemas.topics import TopicSpec

FLUSH_S: Final = 60.0


class Restored:
    """A copy of a range of a topic; iterating writes it, and says after each record which it was."""

    def __init__(
        self, kafka: str, source: LogRange, archive: ArchivedTopic, spec: TopicSpec
    ) -> None:
        self._kafka, self._source, self._archive = kafka, source, archive
        self._spec = spec._replace(partitions=max(source.spans, default=0) + 1)
        self._failed: list[str] = []

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Raw]:
        create_topics(self._kafka, [self._spec])
        _, written = bounds(self._kafka, self._spec.name)
        if len(written) != self._spec.partitions:
            raise ConfigError(
                f"{self._spec.name} has {len(written)} partitions, {self._archive.topic} has "
                f"{self._spec.partitions}: take another prefix"
            )
        producer = open_producer_of(self._kafka, linger_ms=20)
        for partition, span in sorted(self._source.spans.items()):
            for row in islice(self._records(partition, span), written[partition], None):
                self._write(producer, row)
                yield row
        left = producer.flush(FLUSH_S)
        if self._failed or left:
            reason = self._failed[0] if self._failed else f"no answer within {FLUSH_S:.0f} s"
            raise ConfigError(
                f"{self._spec.name}: Kafka did not take {len(self._failed) or left} records: {reason}; "
                "the same command goes on"
            )

    def _records(self, partition: int, span: Span) -> Iterator[Raw]:
        archived = self._archive.raw(partition, span.first, span.turn)
        if span.turn == span.end:
            return archived
        topic = self._archive.topic
        return chain(archived, read_raw(self._kafka, topic, partition, span.turn, span.end))

    def _write(self, producer: Producer, row: Raw) -> None:
        while True:
            try:
                producer.produce(
                    self._spec.name, row.value, row.key, row.partition,
                    timestamp=row.timestamp_ms, on_delivery=self._delivered,
                )  # fmt: skip
            except BufferError:  # the queue is full: wait for Kafka to take some of it
                producer.poll(0.1)
            except KafkaException as error:
                raise ConfigError(f"Kafka refuses a record: {error.args[0].str()}") from error
            else:
                producer.poll(0)
                return

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            self._failed.append(error.str())
