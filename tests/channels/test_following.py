"""The one loop of all readers, on a real Kafka: junk, an error of ours, a broker that goes and comes."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.config import config_from
from jobs.publish import Log
from jobs.stack.stack import Stack
from log.following import Follower, Taken, Topics
from log.kafka import create_topics, read_to_end
from schemas.codec import CONTROL as CONTROL_RECORD
from schemas.codec import DEAD_LETTER
from schemas.control import Control
from schemas.errors import InvalidEvent
from schemas.topics import CONTROL, DEAD_LETTERS, ITEMS, TopicSpec
from scripts.ops.serve_api import services_of
from tests.channels.store.test_writer import wait_until

pytestmark = pytest.mark.e2e
JARS = Path(__file__).resolve().parents[2] / ".kairos" / "jars"


class Reader:
    """Keeps the texts that it is given; `junk` is none, `bug` is an error of ours."""

    def __init__(self) -> None:
        self.found: list[tuple[str, bool]] = []

    def take(self, taken: Taken) -> None:
        text = taken.record.value.decode()
        if text == "junk":
            raise InvalidEvent("malformed", "junk")
        if text == "bug":
            raise ZeroDivisionError
        self.found.append((text, taken.is_new))


@pytest.fixture
def topic(kafka: str, request: pytest.FixtureRequest) -> str:
    name = f"follow-{abs(hash(request.node.name))}"
    create_topics(kafka, [TopicSpec(name, 1, {})])
    return name


def write(kafka: str, topic: str, *texts: str) -> None:
    log = Log(kafka)
    for text in texts:
        log.raw(topic, "k", text.encode(), 0)
    log.flush()


@contextmanager
def following(follower: Follower) -> Iterator[Follower]:
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
        assert not follower.is_alive


def test_everything_is_read_from_the_beginning_and_then_what_comes(kafka: str, topic: str) -> None:
    write(kafka, topic, "a", "junk", "b")
    reader = Reader()
    follower = Follower(kafka, "test", Topics((topic,), "beginning"), reader.take)
    with following(follower):
        wait_until(lambda: follower.is_complete)
        assert reader.found == [("a", False), ("b", False)]
        write(kafka, topic, "c")
        wait_until(lambda: len(reader.found) == 3)
    assert reader.found[2] == ("c", True)
    assert follower.unusable.reasons == {"malformed": 1}


def test_knowledge_that_the_api_cannot_use_is_put_aside_with_its_place(
    kafka: str, tmp_path: Path
) -> None:
    prefix = "aside."
    for name in (CONTROL, ITEMS, DEAD_LETTERS):
        create_topics(kafka, [TopicSpec(prefix + name, 1, {})])
    write(kafka, prefix + ITEMS, "an old junk that others have seen")
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": prefix})
    services = services_of(config, kafka, "127.0.0.1:1", None)  # as the API is put together
    services.log.close()
    reader = services.knowledge
    reader.start()
    wait_until(lambda: reader.is_complete)
    bad = CONTROL_RECORD.encode(Control("policy", "default", "bad", 1, payload=b"[" * 99))
    log = Log(kafka)
    log.raw(prefix + CONTROL, "default", bad, 0)
    log.raw(prefix + ITEMS, "i1", b"no item", 0)
    log.flush()
    wait_until(lambda: reader.follower.unusable.count == 3)
    reader.close()
    letters = [DEAD_LETTER.decode(one.value) for one in read_to_end(kafka, [prefix + DEAD_LETTERS])]
    found = {(one.topic, one.partition, one.offset): one.raw for one in letters}
    assert found == {(prefix + CONTROL, 0, 0): bad, (prefix + ITEMS, 0, 1): b"no item"}


def test_from_the_end_only_what_comes_and_so_many_before_it(kafka: str, topic: str) -> None:
    write(kafka, topic, "a", "b", "c")
    reader = Reader()
    with following(
        Follower(kafka, "test", Topics((topic,), "end", {topic: 1}), reader.take)
    ) as one:
        wait_until(lambda: one.is_connected)
        write(kafka, topic, "d")
        wait_until(lambda: len(reader.found) == 2)
    assert reader.found == [("c", False), ("d", True)]


def test_an_error_of_ours_ends_readiness_and_reading_goes_on_behind_it(
    kafka: str, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader()
    follower = Follower(kafka, "test", Topics((topic,), "end"), reader.take)
    with following(follower), caplog.at_level(logging.ERROR):
        wait_until(lambda: follower.is_connected)
        write(kafka, topic, "a", "bug", "b", "bug", "c")
        wait_until(lambda: follower.deaths == 2)
        wait_until(lambda: len(reader.found) == 3 and follower.is_connected)
    assert [text for text, _ in reader.found] == ["a", "b", "c"]
    assert "ended by an error of ours" in caplog.text


def test_a_topic_that_is_not_there_yet_is_waited_for(kafka: str) -> None:
    reader, name = Reader(), f"later-{time.time_ns()}"
    with following(Follower(kafka, "test", Topics((name,), "beginning"), reader.take)) as one:
        time.sleep(0.2)
        assert not one.is_connected
        create_topics(kafka, [TopicSpec(name, 1, {})])
        write(kafka, name, "a")
        wait_until(lambda: reader.found)


def test_a_broker_that_goes_and_comes_back_loses_nothing(tmp_path: Path, valkey: str) -> None:
    reader = Reader()
    with Stack(tmp_path, redis=valkey, jars=JARS) as stack:
        kafka = stack.start().kafka
        create_topics(kafka, [TopicSpec("t", 1, {})])
        follower = Follower(kafka, "test", Topics(("t",), "end"), reader.take)
        follower.start()
        wait_until(lambda: follower.is_connected)
        write(kafka, "t", "a")
        wait_until(lambda: reader.found)
    wait_until(lambda: not follower.is_connected)
    with Stack(tmp_path, redis=valkey, jars=JARS) as stack:
        assert stack.start().kafka == kafka
        write(kafka, "t", "b")
        wait_until(lambda: len(reader.found) == 2)
        follower.stop()
