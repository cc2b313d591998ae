"""EventLog: events into Kafka from an asyncio process, and when Kafka has them."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException

from channels.api.breaker import Breaker
from channels.api.pace_pages import PagePace
from channels.api.read_events import Bad
from log.clients import open_producer_of
from schemas.codec import DEAD_LETTER
from schemas.dead_letters import Masking, dead_letter
from schemas.events import Event
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, EVENTS

TIMEOUT_S: Final = 5.0
"""How long Kafka may take before a caller is told that it does not."""
MESSAGE_TIMEOUT_MS: Final = 10_000
QUEUE_EVENTS_MAX: Final = 50_000
QUEUE_KIB_MAX: Final = 64 * 1_024
"""Beyond these the producer takes nothing any more, and callers are told at once."""
POLL_S: Final = 0.2
FAILURES_MAX: Final = 3
REST_S: Final = 1.0


class LogUnavailable(Exception):
    """Kafka did not take the events, or not in time: they may be sent again (ids are the same)."""


class Delivery:
    """Several records on their way. Done when Kafka has them all, failed with the first that it refused."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self._loop = loop
        self._counting = threading.Lock()
        self._left = count
        self.done: asyncio.Future[None] = loop.create_future()
        # nobody need wait for it
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not count:
            self.done.set_result(None)

    @property
    def is_there(self) -> bool:
        """Whether Kafka has said that it has them all."""
        return self.done.done() and not self.done.cancelled() and self.done.exception() is None

    def delivered(self, error: Any, _: Any) -> None:
        """Called once for each record, in whatever thread runs the producer's reports."""
        with self._counting:
            self._left -= 1
            is_last = self._left == 0
        if error is not None:
            self._tell(LogUnavailable(error.str()))
        elif is_last:
            self._tell(None)

    def failed(self, error: LogUnavailable) -> None:
        """One of them cannot be sent."""
        self._tell(error)

    def _tell(self, error: LogUnavailable | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            return

    def _end(self, error: LogUnavailable | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class OnItsWay(NamedTuple):
    """One record, and whose delivery it is of."""

    topic: str
    key: str
    value: bytes
    time_ms: int
    delivery: Delivery


class EventLog:
    """An idempotent producer to the topic `events`, whose key is the session; `producer` is all of this process's.

    A record's timestamp is its event's time, never later than now: one from the future would move the
    watermark past events that are still to come.
    """

    def __init__(
        self, kafka: str, prefix: str, encode: Callable[[Event], bytes], *, keeps_raw: bool = False
    ) -> None:
        """`keeps_raw`: dead letters hold addresses and numbers as they were sent."""
        self.producer = open_producer_of(
            kafka,
            linger_ms=0,
            timeout_ms=MESSAGE_TIMEOUT_MS,
            queue_records_max=QUEUE_EVENTS_MAX,
            queue_kib_max=QUEUE_KIB_MAX,
        )
        self._prefix = prefix
        self._encode, self._keeps_raw = encode, keeps_raw
        self.breaker = Breaker(FAILURES_MAX, REST_S)
        self._pace = PagePace(self._write_or_fail)
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="event-log", daemon=True)
        self._thread.start()

    @property
    def is_down(self) -> bool:
        """Whether Kafka took nothing lately."""
        return self.breaker.is_open

    def send(self, events: Sequence[Event], *, is_page: bool = False) -> Delivery:
        """Hands events over in their order; see `Delivery`. Raises LogUnavailable where the queue is full.

        Those of a page are spread over time (channels/api/pace_pages.py), as of the session of the first: a browser's
        key writes no other.
        """
        delivery = Delivery(asyncio.get_running_loop(), len(events))
        records = [
            OnItsWay(EVENTS, one.session_id, self._encode(one), one.event_time_ms, delivery)
            for one in events
        ]
        if is_page and records:
            self._pace.take(records[0].key, records)
        else:
            for record in records:
                self._write(record)
        return delivery

    async def write(self, events: Sequence[Event], *, is_page: bool = False) -> None:
        """Returns when Kafka has the events; raises LogUnavailable where it does not say so in time."""
        if not self.breaker.allows(time.monotonic()):
            raise LogUnavailable("Kafka has not been answering")
        await self.confirm(self.send(events, is_page=is_page))

    async def confirm(self, delivery: Delivery) -> None:
        """Returns when Kafka has what was sent; raises LogUnavailable."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await asyncio.shield(delivery.done)
        except (TimeoutError, LogUnavailable) as error:
            self.breaker.failed(time.monotonic())
            why = str(error) or f"Kafka did not answer within {TIMEOUT_S:g} s"
            raise LogUnavailable(why) from error
        self.breaker.succeeded()

    def dead_letters(
        self, place: str, bad: Sequence[Bad], now_ms: int, hidden: frozenset[str]
    ) -> Delivery:
        """Keeps what cannot be an event, with its reason: the topic is `api:PLACE`, the offset its index.

        What is told under `hidden` names is masked.
        """
        delivery = Delivery(asyncio.get_running_loop(), len(bad))
        for one in bad:
            record = LogRecord(f"api:{place}", 0, one.at, 0, "", one.raw)
            letter = dead_letter(record, one.error, Masking(hidden, self._keeps_raw))
            key = f"{letter.topic}/0/{one.at}"
            time_ms = letter.event_time_ms or now_ms
            value = DEAD_LETTER.encode(letter)
            self._write(OnItsWay(DEAD_LETTERS, key, value, time_ms, delivery))
        return delivery

    def hurry(self) -> None:
        """Nothing waits its turn any longer: before `close`, in the loop's own thread."""
        self._pace.hurry()

    def close(self, seconds_max: float = TIMEOUT_S) -> int:
        """Waits until Kafka has everything; how many records it had not taken by then. Blocks: in a thread."""
        left: int = self.producer.flush(seconds_max)
        self._is_ending.set()
        self._thread.join(POLL_S * 5)
        return left

    def _write(self, record: OnItsWay) -> None:
        now_ms = time.time_ns() // 1_000_000
        try:
            self.producer.produce(
                self._prefix + record.topic,
                record.value,
                record.key.encode(),
                timestamp=max(0, min(record.time_ms, now_ms)),
                on_delivery=record.delivery.delivered,
            )
        except BufferError as error:
            self.breaker.failed(time.monotonic())
            raise LogUnavailable("Kafka does not take events fast enough") from error
        except KafkaException as error:  # of this record, which says nothing of Kafka
            raise LogUnavailable(f"Kafka cannot take it: {error}") from error

    def _write_or_fail(self, record: OnItsWay) -> None:
        """As `_write`, where nobody is there any more to hear of it but who waits for the delivery."""
        try:
            self._write(record)
        except LogUnavailable as error:
            record.delivery.failed(error)

    def _serve(self) -> None:
        """Runs the delivery reports."""
        while not self._is_ending.is_set():
            self.producer.poll(POLL_S)
