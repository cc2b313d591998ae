"""Reading Kafka outside Flink: which topics there are and where they end, and their records up to there."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from log.clients import open_admin_of, open_consumer_of
from log.following import log_record
from log.offsets import Offsets
from schemas.errors import ConfigError, NotUp
from schemas.records import LogRecord
from schemas.topics import TopicSpec

ANSWER_S: Final = 20.0
"""A broker that is silent for so long is taken for absent."""
BATCH: Final = 1_000
BATCH_S: Final = 0.02
"""A batch that is not full is handed out after so long."""
TRIES_MAX: Final = 10
RETRY_S: Final = 0.3


def partitions_of(consumer: Consumer, topic: str) -> list[int]:
    """The topic's partitions; NotUp or ConfigError if broker or topic is not there."""
    try:
        metadata = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
    except KafkaException as error:
        raise NotUp(f"Kafka does not answer: {error.args[0].str()}") from error
    if metadata.error is not None:
        raise ConfigError(f"Kafka topic {topic!r}: {metadata.error.str()}; create it first")
    return sorted(metadata.partitions)


def partition_count(kafka: str, topic: str) -> int:
    """How many partitions the topic has; NotUp or ConfigError if broker or topic is not there."""
    with closing(open_consumer_of(kafka)) as consumer:
        return len(partitions_of(consumer, topic))


def topics_of(kafka: str) -> set[str]:
    """All that are there; NotUp if no broker is."""
    admin = open_admin_of(kafka)
    try:
        return set(admin.list_topics(timeout=ANSWER_S).topics)
    except KafkaException as error:
        raise NotUp(f"Kafka does not answer: {error.args[0].str()}") from error


def has_topic(kafka: str, topic: str) -> bool:
    """Whether the topic is there; NotUp if no broker is."""
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
    with closing(open_consumer_of(kafka)) as consumer:
        return {topic: end_offsets(consumer, topic) for topic in topics}


def read_to_end(
    kafka: str, topics: Iterable[str], from_ms: int | None = None
) -> Iterator[LogRecord]:
    """Every record of the topics from `from_ms` (default: the beginning) to where they then end."""
    with closing(open_consumer_of(kafka)) as consumer:
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


def read_before(kafka: str, ends: Mapping[str, Offsets]) -> Iterator[LogRecord]:
    """Every record of these topics before these offsets, by topic and partition."""
    wanted = {
        (topic, at): end for topic, places in ends.items() for at, end in places.items() if end
    }
    with closing(open_consumer_of(kafka)) as consumer:
        consumer.assign([TopicPartition(topic, at, OFFSET_BEGINNING) for topic, at in wanted])
        for record in _until_ends(consumer, set(wanted)):
            if record.offset < wanted[record.topic, record.partition]:
                yield record


def _until_ends(consumer: Consumer, growing: set[tuple[str, int]]) -> Iterator[LogRecord]:
    heard_s = time.monotonic()
    while growing:
        batch = consumer.consume(BATCH, BATCH_S)
        if batch:
            heard_s = time.monotonic()
        elif time.monotonic() > heard_s + ANSWER_S:
            raise NotUp(f"Kafka has not answered for {ANSWER_S:.0f} s")
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
    with closing(messages_of(kafka, place, end)) as messages:
        yield from map(log_record, messages)


def messages_of(kafka: str, place: TopicPartition, end: int) -> Generator[Message, None, None]:
    """The same as Kafka has them, fetched as they are asked for; an absent key or value stays None."""
    with closing(open_consumer_of(kafka)) as consumer:
        consumer.assign([place])
        at = place.offset
        while at < end:
            message = consumer.poll(ANSWER_S)
            if message is None:
                raise NotUp(f"Kafka has not answered for {ANSWER_S:.0f} s")
            error = message.error()
            if error is None:
                at = message.offset() + 1
                if at <= end:
                    yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            elif not error.retriable():
                raise failure(message)


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


def first_offsets(
    consumer: Consumer, topic: str, partitions: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """Of each partition the offset of the first record that is still there."""
    for partition in partitions:
        place = TopicPartition(topic, partition)
        yield partition, _low_and_high(consumer, place)[0]


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
