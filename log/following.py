"""Follower: topics read for ever, in a thread and in no group: the one loop of all who do no more than listen.

What cannot be used is left out (see `Unusable`). A server that is away is waited for. An error of ours ends what is under
way, readiness with it, and reading goes on behind the record at which it happened.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from log.clients import open_consumer_of
from log.unusable import Unusable
from schemas.errors import ConfigError, InvalidEvent
from schemas.records import LogRecord

POLL_S: Final = 0.2
BATCH_MAX: Final = 500
ANSWER_S: Final = 2.0
STOP_S: Final = 5.0
STOP_WAITING_S: Final = 1.0
"""How long the end of the thread is waited for: where it waits for Kafka it ends by itself, a little later."""
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)
"""Waited before the next attempt, by how many have failed in a row."""
QUEUED_KIB: Final = 16_384
"""What is not fetched yet lies with the broker, not here."""

logger = logging.getLogger(__name__)

Place = tuple[str, int]


class Topics(NamedTuple):
    """What is followed, and from where: all of it, what comes, or `behind` records before what comes, by topic."""

    names: Sequence[str]
    begin: Literal["beginning", "end"]
    behind: Mapping[str, int] = {}


class Taken(NamedTuple):
    """A record, and whether it came after the follower had begun."""

    record: LogRecord
    is_new: bool


class ServerAway(Exception):
    """Kafka does not answer, or not as it should: to be waited for."""


def log_record(message: Message) -> LogRecord:
    """A consumed message as the core takes it; an absent key or value is empty."""
    return LogRecord(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        (message.key() or b"").decode(errors="replace"),
        message.value() or b"",
    )


def poll_batch(
    consumer: Consumer,
    timeout_s: float,
    batch_max: int = BATCH_MAX,
    on_end: Callable[[Place], None] = lambda _: None,
) -> list[Message]:
    """The next records, as soon as there is one; `on_end` is told of each partition that is read to its end.

    Raises ServerAway for what the client does not mend by itself.
    """
    first = consumer.poll(timeout_s)
    if first is None:
        return []
    found = []
    for message in (first, *consumer.consume(batch_max - 1, timeout=0)):
        error = message.error()
        if error is None:
            found.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            on_end((message.topic() or "", message.partition() or 0))
        elif error.fatal() or error.code() in FINAL:
            raise ServerAway(error.str())
    return found


FINAL: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
"""Errors that retrying the same call does not mend: the client is opened anew, later."""


class Follower:
    """`take` is called in the thread with each record, and raises InvalidEvent (or ConfigError) for what is none.

    `rest` is called in the thread now and then, at the latest POLL_S after the last time.
    """

    def __init__(
        self,
        kafka: str,
        name: str,
        topics: Topics,
        take: Callable[[Taken], None],
        unusable: Unusable | None = None,
        rest: Callable[[], None] = lambda: None,
        on_complete: Callable[[], None] = lambda: None,
        wait_ms: int = 100,
    ) -> None:
        self._kafka, self._topics, self._take = kafka, topics, take
        self._rest, self._on_complete, self._wait_ms = rest, on_complete, wait_ms
        self.unusable = unusable or Unusable(logger)
        self._next: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._growing: set[Place] = set()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.is_connected = False
        """Whether it reads, as far as is known."""
        self.is_complete = False
        """Whether everything was read that was there when it began."""
        self.deaths = 0
        """How often an error of ours ended what was under way."""

    def start(self) -> None:
        """Begins to read; a Kafka that is not there is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._is_ending.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S if self.is_connected else STOP_WAITING_S)

    @property
    def is_alive(self) -> bool:
        """Whether somebody reads, or waits for Kafka."""
        return self._thread.is_alive()

    def end_of(self, topic: str, partition: int) -> int:
        """Where the partition ended when this began."""
        return self._ends.get((topic, partition), 0)

    def _run(self) -> None:
        failed = 0
        while not self._is_ending.is_set():
            begun_s = time.monotonic()
            try:
                self._follow()
            except (ServerAway, KafkaException, ConfigError) as error:
                if failed == 0:
                    logger.warning("%s waits for Kafka: %s", self._thread.name, _told(error))
            except Exception:
                # a bug: whoever asks for readiness is told, and the record behind it is read
                self.deaths += 1
                logger.exception("%s was ended by an error of ours", self._thread.name)
            finally:
                self.is_connected = False
            failed = 0 if time.monotonic() > begun_s + RETRY_S[-1] else failed + 1
            self._is_ending.wait(RETRY_S[min(failed, len(RETRY_S) - 1)])

    def _follow(self) -> None:
        consumer = open_consumer_of(
            self._kafka,
            elsewhere="earliest" if self._topics.begin == "beginning" else "latest",
            wait_ms=self._wait_ms,
            queued_kib=QUEUED_KIB,
            on_error=self._lose,
        )
        try:
            consumer.assign(self._places(consumer))
            self.is_connected = True
            while not self._is_ending.is_set():
                self._read(consumer)
        finally:
            consumer.close()

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Where reading goes on, or begins; raises ServerAway where a topic is not there yet."""
        known = consumer.list_topics(timeout=ANSWER_S).topics
        missing = [
            name for name in self._topics.names if name not in known or not known[name].partitions
        ]
        if missing:
            raise ServerAway(f"it has no topic {', '.join(missing)}")
        places = []
        for name in self._topics.names:
            for at in known[name].partitions:
                if (name, at) not in self._next:
                    self._begin(consumer, name, at)
                places.append(TopicPartition(name, at, self._next[name, at]))
        return places

    def _begin(self, consumer: Consumer, name: str, at: int) -> None:
        low, end = consumer.get_watermark_offsets(TopicPartition(name, at), ANSWER_S)
        is_all = self._topics.begin == "beginning"
        first = low if is_all else max(low, end - self._topics.behind.get(name, 0))
        self._ends[name, at] = end
        self._next[name, at] = OFFSET_BEGINNING if is_all else first
        if first < end:
            self._growing.add((name, at))

    def _read(self, consumer: Consumer) -> None:
        batch = poll_batch(consumer, POLL_S, on_end=self._growing.discard)
        if not self.is_connected:
            self.is_connected = bool(batch) or self._is_there(consumer)
        for message in batch:
            record = log_record(message)
            place = record.topic, record.partition
            # before it is taken: what ends us is not read again
            self._next[place] = record.offset + 1
            if record.offset + 1 >= self._ends[place]:
                # where records come faster than they are read no end is ever told
                self._growing.discard(place)
            taken = Taken(record, record.offset >= self._ends[place])
            try:
                self._take(taken)
            except InvalidEvent as error:
                self.unusable.add(record, error, is_new=taken.is_new)
            except ConfigError as error:
                self.unusable.add(
                    record, InvalidEvent("invalid_value", str(error)), is_new=taken.is_new
                )
        if not self._growing and not self.is_complete:
            self._on_complete()
            self.is_complete = True
        self._rest()

    def _lose(self, error: KafkaError) -> None:
        """Called by the consumer where something is wrong with its connections."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.is_connected = False

    def _is_there(self, consumer: Consumer) -> bool:
        try:
            return bool(consumer.list_topics(self._topics.names[0], timeout=RETRY_S[0]).brokers)
        except KafkaException:
            return False


def _told(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.str() if isinstance(reason, KafkaError) else str(error)
