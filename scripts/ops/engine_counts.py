"""The decide job's counters over the last minutes, for whoever wants to see rates."""

from collections import deque
from itertools import pairwise
from threading import Event, Thread
from typing import Any, Final, NamedTuple

from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from jobs.publish import now_ms
from schemas.errors import ConfigError
from schemas.limits import MINUTE_MS

SAMPLE_S: Final = 5.0
SAMPLES_MAX: Final = 181
"""Fifteen minutes."""
RATE_MS: Final = MINUTE_MS
COUNTED: Final = ("events", "decisions")


class Sample(NamedTuple):
    """The decide job's counts at one time; None = it did not answer."""

    at_ms: int
    counts: dict[str, int] | None


class EngineCounts:
    """The decide job's counters, asked for every SAMPLE_S in a thread."""

    def __init__(self, flink: FlinkRest | None) -> None:
        self._flink = flink
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self._is_stopping = Event()
        self._thread = Thread(target=self._run, name="console-counts", daemon=True)

    def start(self) -> None:
        """Begins to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._is_stopping.set()

    def samples(self) -> list[Sample]:
        """All that is kept, the oldest first."""
        return list(self._samples)

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._samples.append(self._sample())
            self._is_stopping.wait(SAMPLE_S)

    def _sample(self) -> Sample:
        if self._flink is None:
            return Sample(now_ms(), None)
        try:
            counts = read_counts(self._flink)
        except (ConfigError, KeyError):
            return Sample(now_ms(), None)  # down, or on its way up
        return Sample(now_ms(), counts)


def rates(samples: list[Sample]) -> list[dict[str, Any]]:
    """Events and decisions a second between each two samples; None where the engine did not answer."""
    found = []
    for before, after in pairwise(samples):
        seconds = (after.at_ms - before.at_ms) / 1000
        found.append(
            {
                "at_ms": after.at_ms,
                "events_per_s": _rate(before, after, "events", seconds),
                "decisions_per_s": _rate(before, after, "decisions", seconds),
            }
        )
    return found


def rate(samples: list[Sample], at_ms: int) -> dict[str, Any]:
    """Events and decisions a second over the last minute."""
    recent = [one for one in samples if one.at_ms >= at_ms - RATE_MS and one.counts is not None]
    if len(recent) < 2:
        return {"events_per_s": None, "decisions_per_s": None}
    seconds = (recent[-1].at_ms - recent[0].at_ms) / 1000
    return {f"{name}_per_s": _rate(recent[0], recent[-1], name, seconds) for name in COUNTED}


def _rate(before: Sample, after: Sample, name: str, seconds: float) -> float | None:
    if before.counts is None or after.counts is None or seconds <= 0.0:
        return None
    counted = after.counts[name] - before.counts[name]
    return counted / seconds if counted >= 0 else None  # fewer: it was started anew
