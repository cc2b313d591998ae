"""Writing to Kafka as fast as it takes it: Writer, for programs that have nothing else to do meanwhile."""

import threading
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaException, Producer

from log.clients import open_producer_of
from schemas.errors import ConfigError


class Writer:
    """One producer, opened with the first record; see `unwritten` before letting go of it. For any thread."""

    def __init__(self, kafka: str, linger_ms: float, *, is_idempotent: bool = True) -> None:
        self._kafka, self._linger_ms, self._is_idempotent = kafka, linger_ms, is_idempotent
        self._opening = threading.Lock()
        self._producer: Producer | None = None
        self.failed, self.reason = 0, ""
        """How many records Kafka refused, and why the first of them."""

    def write(
        self, topic: str, key: bytes | None, value: bytes | None, time_ms: int, partition: int = -1
    ) -> None:
        """Hands a record over; waits where the queue is full. `partition` -1: by the key. Raises ConfigError."""
        producer = self._opened()
        while True:
            try:
                producer.produce(
                    topic, value, key, partition, timestamp=time_ms, on_delivery=self._delivered
                )
            except BufferError:  # the queue is full: wait for Kafka to take some of it
                producer.poll(0.1)
            except KafkaException as error:
                raise ConfigError(f"Kafka refuses a record: {error.args[0].str()}") from error
            else:
                producer.poll(0)
                return

    def flush(self, seconds_max: float) -> int:
        """Waits until Kafka has everything; how many records it had not taken by then."""
        left: int = 0 if self._producer is None else self._producer.flush(seconds_max)
        return left

    def _opened(self) -> Producer:
        if self._producer is None:
            with self._opening:
                if self._producer is None:
                    self._producer = open_producer_of(
                        self._kafka, linger_ms=self._linger_ms, is_idempotent=self._is_idempotent
                    )
        return self._producer

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            # counted, not kept: a clock ticks on for days while Kafka is away
            self.failed += 1
            self.reason = self.reason or error.str()


def unwritten(writers: Iterable[Writer], seconds_max: float) -> str:
    """Waits until Kafka has everything, of each of them so long; what to say where it has not, else empty."""
    written = [(one.flush(seconds_max), one) for one in writers]
    failed = sum(one.failed for _, one in written)
    left = sum(count for count, _ in written)
    if not failed and not left:
        return ""
    reasons = (one.reason for _, one in written if one.reason)
    reason = next(reasons, f"no answer within {seconds_max:.0f} s")
    return f"Kafka did not take {failed or left} records: {reason}"
