"""LogRecord: one record of a Kafka topic, as every runner hands it to the core."""

from typing import NamedTuple


class LogRecord(NamedTuple):
    """Raw bytes with their provenance; `timestamp_ms` is the Kafka record's own timestamp."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    value: bytes
