"""A decision explained for the API: found by its time, never by reading whole topics."""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, TopicPartition

from jobs.learning.trust import Trust
from log.clients import open_consumer_of
from log.following import log_record
from log.kafka import ANSWER_S, end_offsets, failure, first_offsets
from models.ranker import XgboostRanker
from schemas.codec import DECISION, TRACE, Codec
from schemas.records import LogRecord
from schemas.topics import DECISIONS, TRACES
from scripts.audit.explanation import Explained, explain, explained_json, find_ranker

NEWEST_MAX: Final = 20_000
"""Records of each partition that are looked at for a decision whose time is not known."""
NEAR_MAX: Final = 5_000
"""Records of each partition, behind its time and before it, among which a record of a known time lies."""
SECONDS_MAX: Final = 4.0
POLL_S: Final = 0.1
MODELS_KEPT: Final = 4

T = TypeVar("T")


class DecisionFinder:
    """Finds and explains decisions of one engine; models are loaded once."""

    def __init__(self, kafka: str, prefix: str, trust: Trust) -> None:
        self._kafka, self._prefix, self._trust = kafka, prefix, trust
        self._ranker = lru_cache(MODELS_KEPT)(self._load)

    def explained(self, decision_id: str, record_ms: int | None) -> Mapping[str, Any] | None:
        """What `kairos explain --json` prints; None = not found. As `find`."""
        found = self.find(decision_id, record_ms)
        return explained_json(found) if found else None

    def find(self, decision_id: str, record_ms: int | None) -> Explained | None:
        """A decision with its trace; None = not found. `record_ms`: when it or its event was, if known.

        What is not near that time is looked for among the newest: an import may be of events that are years old.
        Raises ConfigError where Kafka is not there.
        """
        topic = self._prefix + DECISIONS
        found = _first(self._records(topic, record_ms), DECISION, decision_id)
        if found is None:
            return None
        decision, record = found
        # written at the same moment, and so appended a little before or after it
        near = self._records(self._prefix + TRACES, record.timestamp_ms)
        trace = _first(near, TRACE, decision_id)
        if trace is None:
            return None
        return explain(decision, trace[0], self._ranker)

    def _load(self, version: str) -> XgboostRanker:
        return find_ranker(self._kafka, self._prefix, version, self._trust)

    def _records(self, topic: str, near_ms: int | None) -> Iterator[LogRecord]:
        """Those near a time, then the newest; of each partition a bounded number, for SECONDS_MAX at the most."""
        consumer = open_consumer_of(self._kafka)
        deadline_s = time.monotonic() + SECONDS_MAX
        try:
            for starts, stops in _windows(consumer, topic, near_ms):
                yield from _between(consumer, topic, starts, stops, deadline_s)
        finally:
            consumer.close()


def _windows(
    consumer: Any, topic: str, near_ms: int | None
) -> Iterator[tuple[Mapping[int, int], Mapping[int, int]]]:
    """Offsets of each partition, first and end: what follows a time, what lies before it, the newest."""
    ends = end_offsets(consumer, topic)
    lows = dict(first_offsets(consumer, topic, ends))
    if near_ms is not None:
        places = [TopicPartition(topic, at, near_ms) for at in ends]
        found = consumer.offsets_for_times(places, ANSWER_S)
        firsts = {
            one.partition: one.offset if one.offset >= 0 else ends[one.partition] for one in found
        }
        yield firsts, {at: min(ends[at], first + NEAR_MAX) for at, first in firsts.items()}
        yield {at: max(lows[at], first - NEAR_MAX) for at, first in firsts.items()}, firsts
    yield {at: max(low, ends[at] - NEWEST_MAX) for at, low in lows.items()}, ends


def _between(
    consumer: Any,
    topic: str,
    starts: Mapping[int, int],
    stops: Mapping[int, int],
    deadline_s: float,
) -> Iterator[LogRecord]:
    """Records of the partitions from their starts to before their stops, until the deadline."""
    growing = {at for at, start in starts.items() if start < stops[at]}
    consumer.assign([TopicPartition(topic, at, starts[at]) for at in growing])
    while growing and time.monotonic() < deadline_s:
        message = consumer.poll(POLL_S)
        if message is None:
            continue
        error = message.error()
        if error is None:
            partition = message.partition()
            if message.offset() < stops[partition]:
                yield log_record(message)
            if message.offset() + 1 >= stops[partition]:
                growing.discard(partition)
        elif error.code() == KafkaError._PARTITION_EOF:
            growing.discard(message.partition())
        elif not error.retriable():
            raise failure(message)


def _first(
    records: Iterator[LogRecord], codec: Codec[T], decision_id: str
) -> tuple[T, LogRecord] | None:
    """The first record with this id (a repeat has the same content), and the value in it."""
    wanted = decision_id.encode()
    for record in records:
        if wanted in record.value:
            value: Any = codec.decode(record.value)
            if value.decision_id == decision_id:
                return value, record
    return None
