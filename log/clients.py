"""Kafka's clients: one way to open each. What they have in common stands here; what differs are the parameters."""

from collections.abc import Callable
from typing import Any, Final, Literal

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from log.settings import client_settings
from schemas.limits import DAY_MS

QUIET: Final = {"log_level": 0, "reconnect.backoff.max.ms": 1_000}
"""Errors come back to who asked; the library's own lines would name nobody who can mend them."""
NO_GROUP: Final = "unused"
"""A consumer has to name a group, also where it joins none."""
GONE_MS: Final = 10_000
"""A member of a group that was killed keeps its partitions from its successor for so long; by default it is 45 seconds."""
QUEUED_KIB: Final = 65_536

Elsewhere = Literal["error", "earliest", "latest"]


def open_consumer_of(
    kafka: str,
    *,
    group: str | None = None,
    elsewhere: Elsewhere = "error",
    wait_ms: int = 10,
    queued_kib: int = QUEUED_KIB,
    on_error: Callable[[KafkaError], None] | None = None,
) -> Consumer:
    """A consumer that commits nothing by itself and sees no open transaction. Raises ConfigError.

    Without a `group` it says where a partition ends; with one it shares the partitions, and goes on where the group is.
    `elsewhere`: where it reads if the offset that it is to read is not there; "error": nowhere, it says so (see
    log/kafka.py: failure). `wait_ms`: how soon it says that there is nothing, and how often it asks in vain. `queued_kib`:
    what it fetches ahead, at most. `on_error` is called with what is wrong with its connections.
    """
    settings: dict[str, Any] = {
        "group.id": NO_GROUP if group is None else group,
        "enable.auto.commit": False,
        "enable.partition.eof": group is None,
        "isolation.level": "read_committed",
        "auto.offset.reset": elsewhere,
        "fetch.wait.max.ms": wait_ms,
        "queued.max.messages.kbytes": queued_kib,
        # without a group it holds no partition from anybody; with one it may wait long for who takes its records
        "max.poll.interval.ms": DAY_MS,
        "session.timeout.ms": GONE_MS,
    }
    if on_error is not None:
        settings["error_cb"] = on_error
    return Consumer(client_settings(kafka) | QUIET | settings)


def open_producer_of(
    kafka: str,
    *,
    linger_ms: float = 5.0,
    is_idempotent: bool = True,
    timeout_ms: int = 300_000,
    queue_records_max: int = 100_000,
    queue_kib_max: int = 1_048_576,
) -> Producer:
    """A producer that all brokers in sync must have heard, to the partition where Java's clients look. Raises ConfigError.

    `is_idempotent`: what is sent again is written once, for half a second before the first record; without it a record may
    be there twice, in its order all the same. `timeout_ms`: how long it tries. Beyond `queue_records_max` and
    `queue_kib_max` it takes nothing any more.
    """
    settings: dict[str, Any] = {
        "acks": "all",
        "enable.idempotence": is_idempotent,
        "partitioner": "murmur2_random",
        "linger.ms": linger_ms,
        "message.timeout.ms": timeout_ms,
        "queue.buffering.max.messages": queue_records_max,
        "queue.buffering.max.kbytes": queue_kib_max,
    }
    if not is_idempotent:
        # one at a time keeps order
        settings["max.in.flight.requests.per.connection"] = 1
    return Producer(client_settings(kafka) | QUIET | settings)


def open_admin_of(kafka: str) -> AdminClient:
    """An admin client. Raises ConfigError."""
    return AdminClient(client_settings(kafka) | QUIET)
