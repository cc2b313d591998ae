"""Reading topics outside Flink: ends, a topic that grows while it is read, what a replay covers."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest

from log.bounds import replay_range
from log.clients import open_producer_of
from log.kafka import create_topics, ends_of, read_to_end
from log.record_size import record_bytes_max
from schemas.errors import ConfigError
from schemas.limits import RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES
from schemas.topics import EVENTS, TopicSpec, topics
from tests.builders import NOON
from tests.flink.runs import Line, produce

pytestmark = pytest.mark.flink


@pytest.fixture
def topic(kafka: str, request: pytest.FixtureRequest) -> str:
    prefix = f"{request.node.name}."
    create_topics(kafka, [spec for spec in topics(prefix) if spec.name.endswith(EVENTS)])
    return prefix + EVENTS


@pytest.fixture
def growing(kafka: str) -> Iterator[str]:
    """A topic that a thread goes on writing to."""
    create_topics(kafka, [TopicSpec("growing", 4, {})])
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            produce(kafka, "growing", [Line(NOON, f"k{number}", b"v")])

    writer = Thread(target=write)
    writer.start()
    yield "growing"
    stop.set()
    writer.join()


def test_empty_topic_is_read_to_its_end(kafka: str, topic: str) -> None:
    assert list(read_to_end(kafka, [topic])) == []
    assert ends_of(kafka, [topic]) == {topic: {0: 0, 1: 0, 2: 0, 3: 0}}


def test_every_record_is_read_with_its_place(kafka: str, topic: str) -> None:
    produce(kafka, topic, [Line(NOON + n, f"k{n}", b"%d" % n) for n in range(50)])
    found = list(read_to_end(kafka, [topic]))
    assert sorted(int(record.value) for record in found) == list(range(50))
    assert all(record.timestamp_ms == NOON + int(record.value) for record in found)
    for partition, end in ends_of(kafka, [topic])[topic].items():
        assert [one.offset for one in found if one.partition == partition] == list(range(end))


def test_absent_key_and_value_are_empty(kafka: str, topic: str) -> None:
    produce(kafka, topic, [Line(NOON, None, None)])
    (record,) = read_to_end(kafka, [topic])
    assert (record.key, record.value) == ("", b"")


def test_reading_a_topic_that_grows_comes_to_an_end(kafka: str, growing: str) -> None:
    for _ in range(20):
        found = list(read_to_end(kafka, [growing]))
        for partition in range(4):
            offsets = [one.offset for one in found if one.partition == partition]
            assert offsets == list(range(len(offsets)))


def test_missing_topic_is_named(kafka: str) -> None:
    with pytest.raises(ConfigError, match="not_there"):
        list(read_to_end(kafka, ["not_there"]))


def test_whole_topic_ends_with_its_newest_record(kafka: str, topic: str) -> None:
    produce(kafka, topic, [Line(NOON + ms, f"k{ms}", b"v") for ms in (5, 90, 20)])
    found = replay_range(kafka, topic)
    assert found.end_ms == NOON + 90
    assert found.ends == ends_of(kafka, [topic])[topic]
    assert found.starts == dict.fromkeys(range(4), 0)


def test_part_of_a_topic_starts_and_ends_where_its_times_do(kafka: str, topic: str) -> None:
    produce(kafka, topic, [Line(NOON + n, "k", b"%d" % n) for n in range(10)])
    found = replay_range(kafka, topic, NOON + 3, NOON + 7)
    (partition,) = {one.partition for one in read_to_end(kafka, [topic])}
    assert (found.starts[partition], found.ends[partition], found.end_ms) == (3, 7, NOON + 7)
    assert all(found.starts[one] == found.ends[one] == 0 for one in range(4) if one != partition)


def test_range_after_the_end_is_empty(kafka: str, topic: str) -> None:
    produce(kafka, topic, [Line(NOON, "k", b"v")])
    found = replay_range(kafka, topic, NOON + 1, NOON + 2)
    assert found.starts == found.ends


def test_what_a_job_writes_is_bounded_by_the_topic_that_takes_least(kafka: str) -> None:
    usual, small, tiny = (f"sized-{one}" for one in ("usual", "small", "tiny"))
    create_topics(
        kafka,
        [
            TopicSpec(usual, 1, {}),
            TopicSpec(small, 1, {"max.message.bytes": "60000"}),
            TopicSpec(tiny, 1, {"max.message.bytes": "1000"}),
        ],
    )
    assert record_bytes_max(kafka, [usual, "sized-not-there"]) == RECORD_BYTES_MAX
    assert record_bytes_max(kafka, [usual, small]) == 60_000 - RECORD_OVERHEAD_BYTES
    with pytest.raises(ConfigError, match="sized-tiny takes records of 0 bytes"):
        record_bytes_max(kafka, [tiny])
    producer = open_producer_of(kafka)
    refused: list[object] = []
    value = b"x" * (60_000 - RECORD_OVERHEAD_BYTES - 3)
    producer.produce(small, value, b"key", on_delivery=lambda error, _: refused.append(error))
    producer.flush(20)
    assert refused == [None], "so much is taken"
