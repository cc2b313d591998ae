"""When a follower has read all that was there: also where records come faster than an end is told of."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from log import following
from log.following import Follower, Taken, Topics


class Message:
    """A record of topic `t`."""

    def __init__(self, partition: int, offset: int) -> None:
        self._place = partition, offset

    def error(self) -> None: ...

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def key(self) -> None: ...

    def value(self) -> bytes:
        return b""


class Broker:
    """A consumer of two partitions: one empty, one with the offsets [3, 9) and no end, for more comes all the time."""

    def __init__(self) -> None:
        self.assigned: dict[int, int] = {}
        self.allowed = 0
        self._at = 0

    def list_topics(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(
            topics={"t": SimpleNamespace(partitions={0: None, 1: None})}, brokers=[0]
        )

    def get_watermark_offsets(self, place: Any, _: float) -> tuple[int, int]:
        return (3, 9) if place.partition else (0, 0)

    def assign(self, places: list[Any]) -> None:
        self.assigned = {one.partition: one.offset for one in places}
        self._at = max(3, self.assigned[1])

    def poll(self, timeout_s: float) -> Message | None:
        if self._at >= self.allowed:
            time.sleep(timeout_s / 10)
            return None
        self._at += 1
        return Message(1, self._at - 1)

    def consume(self, *_: Any, **__: Any) -> list[Message]:
        return []

    def close(self) -> None: ...


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(following, "open_consumer_of", lambda *_, **__: broker)
    return broker


def read(broker: Broker, topics: Topics, allowed: int) -> tuple[bool, list[tuple[int, bool]]]:
    """Whether it is complete when it has read so far, and what it has read."""
    found: list[tuple[int, bool]] = []

    def take(taken: Taken) -> None:
        found.append((taken.record.offset, taken.is_new))

    broker.allowed = allowed
    rests: list[bool] = []
    follower = Follower("", "t", topics, take, rest=lambda: rests.append(follower.is_complete))
    follower.start()
    deadline_s = time.monotonic() + 20
    while (not rests or (found and found[-1][0] < allowed - 1)) and time.monotonic() < deadline_s:
        time.sleep(0.001)
    follower.stop()
    return follower.is_complete, found


ALL = [(at, at >= 9) for at in range(3, 12)]


@pytest.mark.parametrize(
    ("topics", "first"),
    [(Topics(("t",), "beginning"), 3), (Topics(("t",), "end", {"t": 2}), 7)],
)
def test_who_has_read_the_last_record_that_was_there_is_complete(
    broker: Broker, topics: Topics, first: int
) -> None:
    assert read(broker, topics, 8) == (False, ALL[first - 3 : 5])
    assert read(broker, topics, 9) == (True, ALL[first - 3 : 6])
    assert read(broker, topics, 12) == (True, ALL[first - 3 :])


def test_who_reads_what_comes_is_complete_at_once(broker: Broker) -> None:
    assert read(broker, Topics(("t",), "end"), 0) == (True, [])
    assert broker.assigned == {0: 0, 1: 9}
