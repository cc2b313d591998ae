"""The console's reader: counts the decisions that the API reads, and dead letters, which it follows."""

import time

from channels.api.decision_stream import Read
from channels.console.traffic import LETTERS_KEPT_MAX, Traffic
from log.following import Follower, Taken, Topics
from schemas.codec import DEAD_LETTER
from schemas.dead_letters import REPLAYED
from schemas.topics import DEAD_LETTERS


class Watch:
    """Follows dead letters from a little before their end, in a thread; of decisions it is told (`look_at`)."""

    def __init__(self, kafka: str, topic_prefix: str, traffic: Traffic) -> None:
        self._traffic = traffic
        topic = topic_prefix + DEAD_LETTERS
        topics = Topics((topic,), "end", {topic: LETTERS_KEPT_MAX})
        self._follower = Follower(kafka, "console-watch", topics, self._take)

    def start(self) -> None:
        """Begins to read; a Kafka that is not there is waited for."""
        self._follower.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._follower.stop()

    def look_at(self, read: Read) -> None:
        """Counts a decision: one from before the start under its own time, a later one now. For any thread."""
        decision, record, is_new = read
        now_ms = _now_ms()
        sent_ms = decision.sent_at_ms if is_new else None
        latency_ms = now_ms - sent_ms if sent_ms is not None else None
        at_ms = now_ms if is_new else min(record.timestamp_ms, now_ms)
        self._traffic.add_decision(decision, record.value, record.timestamp_ms, at_ms, latency_ms)

    def _take(self, taken: Taken) -> None:
        """Counts a dead letter, likewise."""
        now_ms = _now_ms()
        at_ms = now_ms if taken.is_new else min(taken.record.timestamp_ms, now_ms)
        letter = DEAD_LETTER.decode(taken.record.value)
        if letter.reason != REPLAYED:
            self._traffic.add_letter(letter, at_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
