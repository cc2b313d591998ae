"""A topic of others read for a purpose of ours: in batches, going on where that purpose has come to.

How far it has come is kept in Kafka, as the offsets of a consumer group that nobody joins: two readers for one purpose both read all of it.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Final, TypeVar

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition

from log.clients import open_consumer_of
from log.following import POLL_S, ServerAway, poll_batch
from log.kafka import ANSWER_S, partitions_of
from schemas.errors import NotUp

Batch = list[Message]
T = TypeVar("T")
NOT_THERE_YET: Final = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError._WAIT_COORD,
    }
)
NOT_YET: Final = 0
"""Offsets below say that nothing was kept."""


def read_for_group(
    kafka: str, topic: str, group: str, *, is_followed: bool = False
) -> Generator[Batch, None, None]:
    """What the group has not read yet, to where the topic ends, or for ever. A batch counts as read once the next one is asked for.

    What was kept no longer is read from where the topic begins. Raises ConfigError where there is no topic, NotUp where Kafka does not answer.
    """
    with (
        closing(open_consumer_of(kafka, elsewhere="earliest")) as reader,
        closing(open_consumer_of(kafka, group=group)) as keeper,
    ):
        wanted = [TopicPartition(topic, at) for at in partitions_of(reader, topic)]
        try:
            kept = _once_there(lambda: keeper.committed(wanted, ANSWER_S))
            reader.assign(
                [
                    TopicPartition(
                        topic,
                        one.partition,
                        one.offset if one.offset >= NOT_YET else OFFSET_BEGINNING,
                    )
                    for one in kept
                ]
            )
            growing, heard_s = {(topic, one.partition) for one in wanted}, time.monotonic()
            while is_followed or growing:
                batch = poll_batch(reader, POLL_S, on_end=growing.discard)
                if batch:
                    yield batch
                    behind = _behind(batch)
                    _once_there(lambda: keeper.commit(offsets=behind, asynchronous=False))  # noqa: B023 - called at once
                    heard_s = time.monotonic()
                elif growing and not is_followed and time.monotonic() > heard_s + ANSWER_S:
                    raise NotUp(f"Kafka has not answered for {ANSWER_S:.0f} s")
        except (ServerAway, KafkaException) as error:
            raise NotUp(f"Kafka does not answer: {error}") from error


def _once_there(ask: Callable[[], T]) -> T:
    """What a group's coordinator answers: a broker that has just started has not read yet what groups it has."""
    until_s = time.monotonic() + ANSWER_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in NOT_THERE_YET or time.monotonic() > until_s:
                raise
            time.sleep(POLL_S)


def _behind(batch: Batch) -> list[TopicPartition]:
    """Of each partition the offset behind its last record."""
    last = {(one.topic() or "", one.partition() or 0): (one.offset() or 0) + 1 for one in batch}
    return [TopicPartition(topic, at, offset) for (topic, at), offset in last.items()]
