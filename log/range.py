"""A range of the log, as often as it is asked for: its partitions merged by time, never all in memory."""

from collections.abc import Generator, Iterator
from heapq import merge
from typing import NamedTuple

from confluent_kafka import TopicPartition

from log.archive.reading import ArchivedTopic
from log.bounds import bounds
from log.kafka import has_topic, read_place
from log.offsets import Offsets
from schemas.errors import ConfigError
from schemas.records import LogRecord


class Span(NamedTuple):
    """Of one partition: the archive gives the offsets [first, turn), Kafka those of [turn, end)."""

    first: int
    turn: int
    end: int


class LogRange:
    """The records of a topic from the first at `from_ms` to before the first at `to_ms`, as of now.

    Each partition is read in its order and the record with the least timestamp comes next: in order of
    time they are as one partition, and the fold takes them as one. An archive stands in front of what
    Kafka still holds; the topic need no longer be there.
    """

    def __init__(
        self,
        kafka: str,
        topic: str,
        from_ms: int | None,
        to_ms: int | None,
        archive: ArchivedTopic | None = None,
    ) -> None:
        self._kafka, self._topic, self._archive = kafka, topic, archive
        if archive is None or not archive.segments:
            starts, ends = bounds(kafka, topic, from_ms, to_ms)
            self.spans = {at: Span(start, start, ends[at]) for at, start in starts.items()}
        else:
            self.spans = archived_spans(kafka, topic, archive, from_ms, to_ms)

    def __len__(self) -> int:
        """How many offsets the range has: records, and a few that are none (transactions)."""
        return sum(end - first for first, _, end in self.spans.values())

    @property
    def partitions(self) -> int:
        """How many the topic has."""
        return len(self.spans)

    @property
    def begins_at_first(self) -> bool:
        """Whether it holds the first record that was ever written to each partition."""
        return not any(span.first for span in self.spans.values())

    def keep_newest(self, count: int) -> bool:
        """Leaves the newest `count` records, as many of each partition; whether that is all of the range."""
        if len(self) <= count:
            return True
        each = max(1, count // max(1, self.partitions))
        self.spans = {
            at: Span(max(first, end - each), max(turn, end - each), end)
            for at, (first, turn, end) in self.spans.items()
        }
        return False

    def __iter__(self) -> Iterator[LogRecord]:
        readers = [self._partition(at, span) for at, span in sorted(self.spans.items())]
        try:
            yield from merge(*readers, key=lambda one: one.timestamp_ms)
        finally:
            for reader in readers:
                reader.close()

    def _partition(self, at: int, span: Span) -> Generator[LogRecord, None, None]:
        if self._archive is not None and span.first < span.turn:
            yield from self._archive.read(at, span.first, span.turn)
        if span.turn < span.end:
            yield from read_place(self._kafka, TopicPartition(self._topic, at, span.turn), span.end)


def archived_spans(
    kafka: str, topic: str, archive: ArchivedTopic, from_ms: int | None, to_ms: int | None
) -> dict[int, Span]:
    """What the archive gives and what Kafka does, without gap or repeat; raises ConfigError."""
    held: tuple[Offsets, Offsets] = ({}, {})
    wanted = held
    if has_topic(kafka, topic):
        held, wanted = bounds(kafka, topic), bounds(kafka, topic, from_ms, to_ms)
    found = {}
    for at in sorted({*held[0], *archive.segments}):
        low, end = held[0].get(at, 0), held[1].get(at, 0)
        first, last = wanted[0].get(at, 0), wanted[1].get(at, 0)
        archived = archive.end(at)
        if end < archived:  # the topic was deleted, or made anew
            _check_empty(topic, at, low, end, archived)
            first = last = archived
        elif low > archived < last and archived:
            raise ConfigError(
                f"{topic}/{at}: the archive ends before offset {archived}, Kafka begins at {low}: "
                "what lay between them is in neither"
            )
        begin = archive.first(at) if from_ms is None else archive.offset_at(at, from_ms)
        turn = archived if to_ms is None else archive.offset_at(at, to_ms)
        if turn < archived:
            found[at] = Span(min(begin, turn), turn, turn)
        elif begin < archived:
            found[at] = Span(begin, turn, max(turn, last))
        else:
            first = max(first, archived)
            found[at] = Span(first, first, max(first, last))
    return found


def _check_empty(topic: str, at: int, low: int, end: int, archived: int) -> None:
    """Raises ConfigError where a topic that is shorter than its archive holds records of its own."""
    if low < end:
        raise ConfigError(
            f"{topic}/{at} ends at offset {end} and its archive at {archived}: it is another topic of the "
            "same name; leave the archive out, or read it under another topic prefix"
        )
