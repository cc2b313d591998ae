"""What `kairos chaos` does beside the kills: sends events, notes when decisions come, and looks at the store."""

import threading
from collections.abc import Iterator
from typing import Any, Final, Self

import msgspec
from redis import Redis

from jobs.publish import Log, now_ms
from schemas.events import Event
from scripts.bench.pace import moments
from scripts.demo.feeding import DecisionReader

WATCHED: Final = 400
READ_S: Final = 0.05
LOOK_S: Final = 1.0


class Aside(threading.Thread):
    """Runs within a `with`, and has ended when that is left."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._is_ending = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends it."""
        self._is_ending.set()
        self.join()


class Load(Aside):
    """Sends events at a steady rate, each stamped with when it was due; all is in Kafka once it has ended."""

    def __init__(self, log: Log, events: Iterator[Event], rate: int) -> None:
        super().__init__()
        self._log, self._events, self._rate = log, events, rate
        self.wanted: list[str] = []
        self.sent = 0

    def run(self) -> None:
        """Sends."""
        for due_ms, event in zip(moments(self._rate), self._events, strict=False):
            if self._is_ending.is_set():
                return
            self._log.event(msgspec.structs.replace(event, event_time_ms=due_ms, sent_at_ms=due_ms))
            self.sent += 1
            if event.event_type == "product_viewed":
                self.wanted.append(event.event_id)

    def end(self) -> None:
        """Ends the sending."""
        super().end()
        self._log.flush()


class Flow(Aside):
    """Notes when decisions arrive, and of events of when."""

    def __init__(self, reader: DecisionReader) -> None:
        super().__init__()
        self._reader = reader
        self.arrivals: list[tuple[int, int]] = []

    def run(self) -> None:
        """Reads."""
        seen: set[str] = set()
        while not self._is_ending.is_set():
            for decision in self._reader.read(READ_S):
                if decision.event_id not in seen:  # a repeat is no flow
                    seen.add(decision.event_id)
                    self.arrivals.append((now_ms(), decision.event_time_ms))


class Watch(Aside):
    """A reader of the store: counts what a repeat would show, a sequence that goes back or is stored twice."""

    def __init__(self, redis: "Redis[bytes]", prefix: str) -> None:
        super().__init__()
        self._redis, self._prefix = redis, prefix
        self.looks = 0
        self.repeats = 0

    def run(self) -> None:
        """Looks at the decisions of the people who came first and of those who come."""
        seen: dict[bytes, tuple[int, bytes]] = {}
        while not self._is_ending.wait(LOOK_S):
            keys = list(self._redis.scan_iter(f"{self._prefix}:decision:*", count=1_000))[:WATCHED]
            pipeline: Any = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.hmget(key, "sequence", "stored_at_ms")
            for key, (sequence, stored) in zip(keys, pipeline.execute(), strict=True):
                if sequence is None:
                    continue
                before = seen.get(key)
                now = int(sequence), stored
                if before is not None and (
                    now[0] < before[0] or (now[0] == before[0] and now != before)
                ):
                    self.repeats += 1
                seen[key] = now
            self.looks += 1
