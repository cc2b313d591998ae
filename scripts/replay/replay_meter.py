"""How fast a replay is, and when it will be done: from the counts of its job."""

import time
from collections import deque
from typing import Final

from scripts.replay.replay_run import Progress

OVER_S: Final = 10.0
"""The rate is that of the last ten seconds."""


class Meter:
    """Takes the counts of one process of the job, which begin at 0, on top of what was done `before`.

    No time after `end_ms` is shown: where its input has ended, a job says that it has come to the end of time.
    """

    def __init__(self, before: Progress, total: int, end_ms: int) -> None:
        self._before = before.taken
        self._end_ms = end_ms
        self._reached_ms: int | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self.progress = Progress(before.taken, total, reached_ms=before.reached_ms)

    def see(self, taken: int, reached_ms: int | None) -> None:
        """Takes what the job has counted by now, and the time it has come to."""
        self._reached_ms = reached_ms
        now_s = time.monotonic()
        if self._seen and taken < self._seen[-1][1]:
            return  # the job is over, and its counts are gone
        self._seen.append((now_s, taken))
        while self._seen[0][0] < now_s - OVER_S and len(self._seen) > 2:
            self._seen.popleft()
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        per_s = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        total = self.progress.total
        # what came after the checkpoint that it went on from is counted twice: never more than all
        done = min(total, self._before + taken)
        left_s = (total - done) / per_s if per_s else None
        shown_ms = self.progress.reached_ms if reached_ms is None else min(reached_ms, self._end_ms)
        self.progress = Progress(done, total, per_s, left_s, shown_ms)

    @property
    def has_come_to_the_end(self) -> bool:
        """Whether the job said so when it was looked at last, whatever was reached before it began."""
        return self._reached_ms is not None and self._reached_ms >= self._end_ms

    def done(self) -> Progress:
        """All of it."""
        total = self.progress.total
        return Progress(total, total, self.progress.per_s, 0.0, self._end_ms)
