"""The console's reader: follows `decisions` and `dead_letters` and counts them."""

import time
from typing import Final

from channels.console.traffic import DECISIONS_KEPT_MAX, LETTERS_KEPT_MAX, Traffic
from log.following import Follower, Taken, Topics
from schemas.codec import DEAD_LETTER, DECISION
from schemas.topics import DEAD_LETTERS, DECISIONS

BACKFILL: Final = {DECISIONS: DECISIONS_KEPT_MAX, DEAD_LETTERS: LETTERS_KEPT_MAX}
"""Records that are read of each partition from before the start, at most."""


class Watch:
    """Follows the topics from a little before their ends; belongs to no group and commits nothing."""

    def __init__(self, kafka: str, topic_prefix: str, traffic: Traffic) -> None:
        self._decisions, self._traffic = topic_prefix + DECISIONS, traffic
        behind = {topic_prefix + name: count for name, count in BACKFILL.items()}
        topics = Topics(tuple(behind), "end", behind)
        self._follower = Follower(kafka, "console-watch", topics, self._take)

    def start(self) -> None:
        """Begins to read, in a thread; a Kafka that is not there is waited for."""
        self._follower.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._follower.stop()

    def _take(self, taken: Taken) -> None:
        """Counts one record: those from before the start under their own time, later ones now."""
        record, is_new = taken
        now_ms = time.time_ns() // 1_000_000
        at_ms = now_ms if is_new else min(record.timestamp_ms, now_ms)
        if record.topic == self._decisions:
            decision = DECISION.decode(record.value)
            sent_ms = decision.sent_at_ms if is_new else None
            latency_ms = now_ms - sent_ms if sent_ms is not None else None
            self._traffic.add_decision(
                decision, record.value, record.timestamp_ms, at_ms, latency_ms
            )
        else:
            self._traffic.add_letter(DEAD_LETTER.decode(record.value), at_ms)
