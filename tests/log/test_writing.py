"""Writer: one producer, opened with the first record; waits for room, and says what Kafka did not take."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from jobs.publish import Log
from log import writing
from log.writing import Writer, unwritten
from schemas.errors import ConfigError
from schemas.policy import DEFAULT_CONTROL
from tests.builders import make_event


class Producer:
    """Keeps what is produced; full `full` times, and then `refuses` what is written, or delivers with `error`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.records: list[tuple[Any, ...]] = []
        self.full, self.left = 0, 0
        self.refuses: KafkaError | None = None
        self.error: KafkaError | None = None

    def produce(
        self, *record: Any, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        if self.refuses is not None:
            raise KafkaException(self.refuses)
        if self.full:
            raise BufferError
        self.records.append((*record, timestamp))
        on_delivery(self.error, None)

    def poll(self, timeout_s: float) -> None:
        if timeout_s:
            self.full -= 1

    def flush(self, _: float) -> int:
        return self.left


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Producer]:
    """The producers that were opened."""
    found: list[Producer] = []

    def open_producer(_: str, **settings: Any) -> Producer:
        found.append(Producer(settings))
        return found[-1]

    monkeypatch.setattr(writing, "open_producer_of", open_producer)
    return found


def test_one_producer_is_opened_with_the_first_record(opened: list[Producer]) -> None:
    writer = Writer("k", 3)
    assert (writer.flush(1), opened) == (0, [])
    for n in range(3):
        writer.write("t", b"k", b"v", n)
    writer.write("t", None, None, 9, 2)
    (producer,) = opened
    assert producer.settings == {"linger_ms": 3, "is_idempotent": True}
    assert producer.records == [
        *(("t", b"v", b"k", -1, n) for n in range(3)),
        ("t", None, None, 2, 9),
    ]
    assert unwritten([writer], 1) == ""


def test_a_full_queue_is_waited_for(opened: list[Producer]) -> None:
    writer = Writer("k", 0)
    writer.write("t", b"k", b"v", 1)
    opened[0].full = 3
    writer.write("t", b"k", b"w", 2)
    assert [one[1] for one in opened[0].records] == [b"v", b"w"]


def test_what_kafka_did_not_take_is_counted_and_told(opened: list[Producer]) -> None:
    first, second = Writer("k", 0), Writer("k", 0)
    for writer in (first, second):
        writer.write("t", b"k", b"v", 1)
    opened[1].left = 4
    assert unwritten([first, second], 30) == "Kafka did not take 4 records: no answer within 30 s"
    opened[1].error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    second.write("t", b"k", b"v", 1)
    second.write("t", b"k", b"v", 1)
    said = unwritten([first, second], 30)
    assert said.startswith("Kafka did not take 2 records: ")
    assert "Message size too large" in said


def test_a_record_that_is_refused_at_once_is_an_error(opened: list[Producer]) -> None:
    writer = Writer("k", 0)
    writer.write("t", b"k", b"v", 1)
    opened[0].refuses = KafkaError(KafkaError._MSG_TIMED_OUT)
    with pytest.raises(ConfigError, match="Kafka refuses a record"):
        writer.write("t", b"k", b"v", 1)


def test_a_log_opens_no_producer_that_it_does_not_need(opened: list[Producer]) -> None:
    log = Log("k")
    log.control(DEFAULT_CONTROL)
    assert [one.settings["is_idempotent"] for one in opened] == [False], "a version waits for no id"
    log.event(make_event())
    log.event(make_event())
    assert [one.settings["is_idempotent"] for one in opened] == [False, True]
    opened[0].left = 1
    with pytest.raises(ConfigError, match="Kafka did not take 1 records"):
        log.flush()
