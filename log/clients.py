"""Kafka's clients: one factory of each kind. What they have in common stands here, what differs with who asks."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from log.settings import client_settings

QUIET: Final = {"log_level": 0, "reconnect.backoff.max.ms": 1_000}
"""Errors come back to who asked; the library's own lines would name nobody who can mend them."""
NO_GROUP: Final = "unused"
"""A consumer has to name a group, also where it joins none."""


def open_consumer_of(kafka: str, **settings: Any) -> Consumer:
    """A consumer that commits nothing by itself; names with `_` for `.`. Raises ConfigError."""
    common = {"group.id": NO_GROUP, "enable.auto.commit": False}
    return Consumer(client_settings(kafka) | QUIET | common | _named(settings))


def open_producer_of(kafka: str, **settings: Any) -> Producer:
    """A producer that all brokers in sync must have heard, to the partition where Java's clients look."""
    common = {"acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"}
    return Producer(client_settings(kafka) | QUIET | common | _named(settings))


def open_admin_of(kafka: str) -> AdminClient:
    """An admin client."""
    return AdminClient(client_settings(kafka) | QUIET)


def _named(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`enable_idempotence` is `enable.idempotence`; the callbacks have their underscore."""
    return {
        name if name.endswith("_cb") else name.replace("_", "."): value
        for name, value in settings.items()
    }
