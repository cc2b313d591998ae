"""A topic as it was, made anew: what is archived, then what Kafka still holds, with keys and timestamps.

The Flink job reads Kafka only. Every partition is written in its order, so an interrupted copy goes on behind
what it has written.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from log.archive.reading import ArchivedTopic, Raw
from log.archive.writing import read_raw
from log.bounds import bounds
from log.kafka import create_topics
from log.range import LogRange, Span
from log.writing import Writer, unwritten
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
        writer = Writer(self._kafka, linger_ms=20)
        name = self._spec.name
        for partition, span in sorted(self._source.spans.items()):
            for row in islice(self._records(partition, span), written[partition], None):
                writer.write(name, row.key, row.value, row.timestamp_ms, row.partition)
                yield row
        said = unwritten([writer], FLUSH_S)
        if said:
            raise ConfigError(f"{name}: {said}; the same command goes on")

    def _records(self, partition: int, span: Span) -> Iterator[Raw]:
        archived = self._archive.raw(partition, span.first, span.turn)
        if span.turn == span.end:
            return archived
        topic = self._archive.topic
        return chain(archived, read_raw(self._kafka, topic, partition, span.turn, span.end))
