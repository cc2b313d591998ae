"""What Kafka's clients are opened with: what all have, and what who asks may choose."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from log import clients
from log.clients import open_consumer_of, open_producer_of
from schemas.limits import DAY_MS


@pytest.fixture(autouse=True)
def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of a client: what it would be opened with."""
    for name in ("Consumer", "Producer"):
        monkeypatch.setattr(clients, name, lambda settings: settings)


def settings_of(client: Any) -> dict[str, Any]:
    """But for what all have."""
    common = {"bootstrap.servers": "k:9092", "log_level": 0, "reconnect.backoff.max.ms": 1_000}
    assert common.items() <= client.items()
    return {name: value for name, value in client.items() if name not in common}


READER = {
    "group.id": "unused", "enable.auto.commit": False, "enable.partition.eof": True,
    "isolation.level": "read_committed", "auto.offset.reset": "error", "fetch.wait.max.ms": 10,
    "queued.max.messages.kbytes": 65_536, "max.poll.interval.ms": DAY_MS, "session.timeout.ms": 10_000,
}  # fmt: skip
WRITER = {
    "acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 5.0,
    "message.timeout.ms": 300_000, "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 1_048_576,
}  # fmt: skip


def test_a_reader_misses_nothing_in_silence_and_commits_nothing() -> None:
    assert settings_of(open_consumer_of("k:9092")) == READER


def test_a_member_of_a_group_reads_on_without_being_told_of_ends() -> None:
    member = open_consumer_of("k:9092", group="g", elsewhere="earliest", wait_ms=100)
    assert settings_of(member) == READER | {
        "group.id": "g", "enable.partition.eof": False, "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
    }  # fmt: skip


def test_a_follower_fetches_little_ahead_and_is_told_of_its_connections() -> None:
    def told(_: KafkaError) -> None: ...

    follower = open_consumer_of("k:9092", elsewhere="latest", queued_kib=7, on_error=told)
    assert settings_of(follower) == READER | {
        "auto.offset.reset": "latest", "queued.max.messages.kbytes": 7, "error_cb": told,
    }  # fmt: skip


def test_a_producer_is_heard_by_all_and_writes_what_it_repeats_once() -> None:
    assert settings_of(open_producer_of("k:9092")) == WRITER
    bounded = open_producer_of(
        "k:9092", linger_ms=0, timeout_ms=1, queue_records_max=2, queue_kib_max=3
    )
    assert settings_of(bounded) == WRITER | {
        "linger.ms": 0, "message.timeout.ms": 1, "queue.buffering.max.messages": 2,
        "queue.buffering.max.kbytes": 3,
    }  # fmt: skip


def test_a_producer_that_may_repeat_keeps_order() -> None:
    assert settings_of(open_producer_of("k:9092", is_idempotent=False)) == WRITER | {
        "enable.idempotence": False, "max.in.flight.requests.per.connection": 1,
    }  # fmt: skip


def test_librdkafka_takes_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    open_consumer_of("127.0.0.1:1", group="g", on_error=print).close()
    open_producer_of("127.0.0.1:1", is_idempotent=False).flush(0)
    with pytest.raises(Exception, match="nowhere"):
        open_consumer_of("127.0.0.1:1", elsewhere="nowhere")  # type: ignore[arg-type]
