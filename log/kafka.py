"""Reading Kafka outside Flink: ends of topics, a topic up to its end, what a replay covers."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from log.clients import open_admin_of, open_consumer_of
from log.following import log_record
from log.offsets import Offsets, ReplayRange
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.records import LogRecord
from schemas.topics import TopicSpec

ANSWER_S: Final = 20.0
"""A broker that is silent for so long is taken for absent."""
BATCH: Final = 1_000
BATCH_S: Final = 0.02
"""A batch that is not full is handed out after so long."""
TRIES_MAX: Final = 10
RETRY_S: Final = 0.3
UNKNOWN_TIMESTAMP: Final = -1


def open_consumer(kafka: str, wait_ms: int = 10) -> Consumer:
    """A consumer that belongs to no group, commits nothing and says where a partition ends.

    `wait_ms`: how soon it says so, and how often it asks in vain.
    Where the offset that it is to read is not there it says so (see `failure`), and reads no other.
    """
    return open_consumer_of(
        kafka,
        enable_partition_eof=True,
        # the default goes on at the end, and says nothing
        auto_offset_reset="error",
        fetch_wait_max_ms=wait_ms,
        # a reader may rest for long between two records; it holds no partition from anybody
        max_poll_interval_ms=DAY_MS,
    )


def partitions_of(consumer: Consumer, topic: str) -> list[int]:
    """The topic's partitions; ConfigError if broker or topic is not there."""
    try:
        metadata = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
    except KafkaException as error:
        raise ConfigError(f"Kafka does not answer: {error.args[0].str()}") from error
    if metadata.error is not None:
        raise ConfigError(f"Kafka topic {topic!r}: {metadata.error.str()}; create it first")
    return sorted(metadata.partitions)


def topics_of(kafka: str) -> set[str]:
    """All that are there; ConfigError if no broker is."""
    admin = open_admin_of(kafka)
    try:
        return set(admin.list_topics(timeout=ANSWER_S).topics)
    except KafkaException as error:
        raise ConfigError(f"Kafka does not answer: {error.args[0].str()}") from error


def has_topic(kafka: str, topic: str) -> bool:
    """Whether the topic is there; ConfigError if no broker is."""
    return topic in topics_of(kafka)


def end_offsets(consumer: Consumer, topic: str) -> Offsets:
    """The offset after the last record of each partition."""
    return {
        partition: _low_and_high(consumer, TopicPartition(topic, partition))[1]
        for partition in partitions_of(consumer, topic)
    }


def _low_and_high(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """First and next offset of a partition; a topic just made has no leader for a moment."""
    for _ in range(TRIES_MAX):
        try:
            offsets: tuple[int, int] = consumer.get_watermark_offsets(place, ANSWER_S)
        except KafkaException as error:
            reason = error.args[0]
            time.sleep(RETRY_S)
        else:
            return offsets
    raise ConfigError(f"Kafka topic {place.topic!r}: {reason.str()}")


def ends_of(kafka: str, topics: Iterable[str]) -> dict[str, Offsets]:
    """The ends of several topics."""
    consumer = open_consumer(kafka)
    try:
        return {topic: end_offsets(consumer, topic) for topic in topics}
    finally:
        consumer.close()


def read_to_end(
    kafka: str, topics: Iterable[str], from_ms: int | None = None
) -> Iterator[LogRecord]:
    """Every record of the topics from `from_ms` (default: the beginning) to where they then end."""
    consumer = open_consumer(kafka)
    try:
        places = [
            TopicPartition(topic, partition, OFFSET_BEGINNING if from_ms is None else from_ms)
            for topic in topics
            for partition in partitions_of(consumer, topic)
        ]
        if from_ms is not None:
            found = consumer.offsets_for_times(places, ANSWER_S)
            places = [place for place in found if place.offset >= 0]
        consumer.assign(places)
        yield from _until_ends(consumer, {(place.topic, place.partition) for place in places})
    finally:
        consumer.close()


def read_before(kafka: str, ends: Mapping[str, Offsets]) -> Iterator[LogRecord]:
    """Every record of these topics before these offsets, by topic and partition."""
    consumer = open_consumer(kafka)
    try:
        wanted = {
            (topic, at): end for topic, places in ends.items() for at, end in places.items() if end
        }
        consumer.assign([TopicPartition(topic, at, OFFSET_BEGINNING) for topic, at in wanted])
        for record in _until_ends(consumer, set(wanted)):
            if record.offset < wanted[record.topic, record.partition]:
                yield record
    finally:
        consumer.close()


def _until_ends(consumer: Consumer, growing: set[tuple[str, int]]) -> Iterator[LogRecord]:
    heard_s = time.monotonic()
    while growing:
        batch = consumer.consume(BATCH, BATCH_S)
        if batch:
            heard_s = time.monotonic()
        elif time.monotonic() > heard_s + ANSWER_S:
            raise ConfigError(f"Kafka has not answered for {ANSWER_S:.0f} s")
        for message in batch:
            error = message.error()
            if error is None:
                yield log_record(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                # said again after each record that came later
                growing.discard((message.topic(), message.partition()))
            elif not error.retriable():
                raise failure(message)


def read_partition(kafka: str, topic: str, end: int) -> Iterator[LogRecord]:
    """The records of partition 0 before the offset `end`, fetched as they are asked for."""
    return read_place(kafka, TopicPartition(topic, 0, OFFSET_BEGINNING), end)


def read_place(kafka: str, place: TopicPartition, end: int) -> Generator[LogRecord, None, None]:
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
                raise failure(message)
    finally:
        consumer.close()


def failure(message: Any) -> Exception:
    """What to raise for a message that is an error which no retry mends."""
    error = message.error()
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        return ConfigError(
            f"{message.topic()}/{message.partition()}: the records to be read next are gone from Kafka "
            "(deleted by its retention meanwhile, or the topic was made anew): begin later or read them "
            f"from an archive, and keep them for longer or archive more often ({error.str()})"
        )
    refusal: Exception = KafkaException(error)
    return refusal


def replay_range(
    kafka: str, topic: str, from_ms: int | None = None, to_ms: int | None = None
) -> ReplayRange:
    """The records of `topic` from the first at `from_ms` to before the first at `to_ms`, as of now.

    Without `to_ms` the range ends with the newest record that the topic has now, and no timer after that
    acts; none of its records is later, however many come meanwhile.
    """
    consumer = open_consumer(kafka)
    try:
        newest_ms = _newest_ms(consumer, kafka, topic) if to_ms is None else to_ms
        before_ms = newest_ms + 1 if to_ms is None else to_ms
        all_ends = end_offsets(consumer, topic)
        starts = dict.fromkeys(all_ends, 0)
        if from_ms:
            starts = _offsets_at(consumer, topic, from_ms, all_ends)
        ends = _offsets_at(consumer, topic, before_ms, all_ends)
        starts = {
            at: min(max(low, starts[at]), ends[at])
            for at, low in first_offsets(consumer, topic, ends)
        }
        return ReplayRange(starts, ends, newest_ms)
    finally:
        consumer.close()


def bounds(
    kafka: str, topic: str, from_ms: int | None = None, to_ms: int | None = None
) -> tuple[Offsets, Offsets]:
    """The offsets from the first record at `from_ms` to before the first at `to_ms`, as of now: where they
    begin and end, by partition. Without a time: what the topic holds.
    """
    consumer = open_consumer(kafka)
    try:
        ends = end_offsets(consumer, topic)
        starts = _offsets_at(consumer, topic, from_ms, ends) if from_ms else dict.fromkeys(ends, 0)
        wanted = ends if to_ms is None else _offsets_at(consumer, topic, to_ms, ends)
        starts = {
            at: min(max(low, starts[at]), wanted[at])
            for at, low in first_offsets(consumer, topic, wanted)
        }
        return starts, wanted
    finally:
        consumer.close()


def first_times(kafka: str, topic: str, starts: Offsets, ends: Offsets) -> list[int]:
    """The timestamp of the first record from `starts` on, of each partition that has one before `ends`."""
    consumer = open_consumer(kafka)
    found: list[int] = []
    try:
        for at, start in starts.items():
            if start >= ends[at]:
                continue
            consumer.assign([TopicPartition(topic, at, start)])
            message = consumer.poll(ANSWER_S)
            if message is None:
                raise ConfigError(f"Kafka has not answered for {ANSWER_S:.0f} s")
            error = message.error()
            if error is None:
                found.append(message.timestamp()[1])
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                raise failure(message)
    finally:
        consumer.close()
    return found


def first_offsets(
    consumer: Consumer, topic: str, partitions: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """Of each partition the offset of the first record that is still there."""
    for partition in partitions:
        place = TopicPartition(topic, partition)
        yield partition, _low_and_high(consumer, place)[0]


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


def create_topics(kafka: str, specs: Sequence[TopicSpec]) -> tuple[str, ...]:
    """Creates the topics that are missing and returns their names; leaves the others alone.

    Returns when the broker shows them. Raises ConfigError where it refuses one.
    """
    admin = open_admin_of(kafka)
    # minus one is the brokers' default: one copy here, three on a real cluster
    wanted = [NewTopic(spec.name, spec.partitions, -1, config=spec.settings) for spec in specs]
    created = []
    for name, answer in admin.create_topics(wanted, request_timeout=ANSWER_S).items():
        try:
            answer.result()
            created.append(name)
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise ConfigError(
                    f"Kafka refuses to create topic {name}: {reason.str()}"
                ) from error
    _await_topics(admin, [spec.name for spec in specs])
    return tuple(created)


def _await_topics(admin: AdminClient, names: Iterable[str]) -> None:
    """Brokers tell each other of a new topic a moment after they said that it is there."""
    for _ in range(TRIES_MAX):
        known = admin.list_topics(timeout=ANSWER_S).topics
        if all(name in known and known[name].partitions for name in names):
            return
        time.sleep(RETRY_S)
    raise ConfigError(f"Kafka created topics, but does not show them: {', '.join(names)}")
