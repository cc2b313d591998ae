"""Where a part of a topic begins and ends, by the time of its records."""

from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import OffsetSpec

from log.clients import open_admin_of, open_consumer_of
from log.kafka import ANSWER_S, end_offsets, first_offsets, read_place
from log.offsets import Offsets, ReplayRange

UNKNOWN_TIMESTAMP: Final = -1


def replay_range(
    kafka: str, topic: str, from_ms: int | None = None, to_ms: int | None = None
) -> ReplayRange:
    """The records of `topic` from the first at `from_ms` to before the first at `to_ms`, as of now.

    Without `to_ms` the range ends with the newest record that the topic has now, and no timer after that
    acts; none of its records is later, however many come meanwhile.
    """
    with closing(open_consumer_of(kafka)) as consumer:
        end_ms = _newest_ms(consumer, kafka, topic) if to_ms is None else to_ms
        before_ms = end_ms + 1 if to_ms is None else to_ms
        return ReplayRange(*_bounds(consumer, topic, from_ms, before_ms), end_ms)


def bounds(
    kafka: str, topic: str, from_ms: int | None = None, to_ms: int | None = None
) -> tuple[Offsets, Offsets]:
    """The offsets from the first record at `from_ms` to before the first at `to_ms`, as of now: where they
    begin and end, by partition. Without a time: what the topic holds.
    """
    with closing(open_consumer_of(kafka)) as consumer:
        return _bounds(consumer, topic, from_ms, to_ms)


def offsets_at(kafka: str, topic: str, times_ms: Iterable[int]) -> list[Offsets]:
    """Of each time the offset of the first record at or after it, by partition; as of now, where there is none the end."""
    with closing(open_consumer_of(kafka)) as consumer:
        ends = end_offsets(consumer, topic)
        found = [_offsets_at(consumer, topic, one, ends) for one in times_ms]
    return [{at: min(offset, ends[at]) for at, offset in one.items()} for one in found]


def first_times(kafka: str, topic: str, starts: Offsets, ends: Offsets) -> list[int]:
    """The timestamp of the first record from `starts` on, of each partition that has one before `ends`."""
    found: list[int] = []
    for at, start in starts.items():
        with closing(read_place(kafka, TopicPartition(topic, at, start), ends[at])) as records:
            found += [one.timestamp_ms for one in islice(records, 1)]
    return found


def _bounds(
    consumer: Consumer, topic: str, from_ms: int | None, to_ms: int | None
) -> tuple[Offsets, Offsets]:
    held = end_offsets(consumer, topic)
    starts = _offsets_at(consumer, topic, from_ms, held) if from_ms else dict.fromkeys(held, 0)
    ends = held if to_ms is None else _offsets_at(consumer, topic, to_ms, held)
    lows = first_offsets(consumer, topic, ends)
    return {at: min(max(low, starts[at]), ends[at]) for at, low in lows}, ends


def _offsets_at(consumer: Consumer, topic: str, time_ms: int, ends: Offsets) -> Offsets:
    places = [TopicPartition(topic, partition, time_ms) for partition in ends]
    found = consumer.offsets_for_times(places, ANSWER_S)
    return {
        place.partition: place.offset if place.offset >= 0 else ends[place.partition]
        for place in found
    }


def _newest_ms(consumer: Consumer, kafka: str, topic: str) -> int:
    """The timestamp of the newest record; UNKNOWN_TIMESTAMP where there is none."""
    admin = open_admin_of(kafka)
    # not partitions_of: the ends are known once each partition has a leader, which is to be asked
    places = (TopicPartition(topic, at) for at in end_offsets(consumer, topic))
    wanted = {place: OffsetSpec.max_timestamp() for place in places}
    newest = (one.result().timestamp for one in admin.list_offsets(wanted).values())
    return max(newest, default=UNKNOWN_TIMESTAMP)
