"""How fast a replay takes records at most, so that what is live does not suffer."""

import time
from typing import Final, Self

from jobs.job_settings import JobSettings

BEHIND_S_MAX: Final = 0.05
"""What was missed is made up for within so long: sleeps are coarse. Longer, it would be a burst."""


class Pace:
    """At most `per_s` records a second, evenly."""

    def __init__(self, per_s: float) -> None:
        self._pause_s = 1.0 / per_s
        self._due_s = 0.0

    @classmethod
    def of(cls, settings: JobSettings) -> Self | None:
        """Of one instance of the first operator; None where nothing is bounded."""
        rate = settings.replay.rate if settings.replay else None
        return None if rate is None else cls(rate / settings.parallelism)

    def wait(self) -> None:
        """Returns when one more may be taken."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            time.sleep(self._due_s - now_s)
        self._due_s = max(self._due_s, now_s - BEHIND_S_MAX) + self._pause_s
