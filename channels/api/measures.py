"""Counts and latencies of the API, in Prometheus' text format."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

BOUNDS_S: Final = (
    0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 5.0,
)  # fmt: skip
SERIES_MAX: Final = 2_000
"""Series in all; more are not begun (names come from us, so there are far fewer)."""

COUNTERS: Final = {
    "kairos_api_answers_total": "Answers by the rung of the ladder they are from",
    "kairos_api_requests_total": "Requests by endpoint and status",
    "kairos_api_events_total": "Events that came in, by what became of them: accepted, repeated, rejected, failed",
    "kairos_api_waits_total": "Waits for the engine by how they ended: fresh, timed_out, shed, held_back",
    "kairos_api_limited_total": "Requests refused because their key, address or session asks or sends too much",
    "kairos_api_tokens_in_address_total": "Requests with a key or token in their address, of a kairos.js of before 0.2",
}
HISTOGRAMS: Final = {
    "kairos_api_request_seconds": "Time from the request's head to the answer's, by endpoint",
    "kairos_api_answer_seconds": "Time to an answer, by its rung",
}
GAUGES: Final = {
    "kairos_api_waiting": "Decisions waited for now",
    "kairos_api_streams": "Open streams",
    "kairos_api_connections": "Open connections",
    "kairos_api_loop_lag_seconds": "How late the event loop is",
    "kairos_api_kafka_up": "Whether Kafka takes events",
    "kairos_api_store_up": "Whether the store answers",
    "kairos_api_engine_up": "Whether the engine answers in time",
}

Labels = tuple[tuple[str, str], ...]


class Measures:
    """What is counted in this process. Called in the event loop only."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Labels], int] = {}
        self._times: dict[tuple[str, Labels], list[float]] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

    def count(self, name: str, number: int = 1, **labels: str) -> None:
        """Adds to a counter of COUNTERS."""
        key = (name, tuple(labels.items()))
        if key in self._counts or len(self._counts) < SERIES_MAX:
            self._counts[key] = self._counts.get(key, 0) + number

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds to a histogram of HISTOGRAMS."""
        key = (name, tuple(labels.items()))
        series = self._times.get(key)
        if series is None:
            if len(self._times) >= SERIES_MAX:
                return
            series = self._times[key] = [0.0] * (len(BOUNDS_S) + 2)
        series[bisect_left(BOUNDS_S, seconds)] += 1
        series[-1] += seconds

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Says how a gauge of GAUGES is read."""
        self._gauges[name] = read

    def counts(self, name: str) -> dict[Labels, int]:
        """The series of a counter by labels."""
        return {labels: count for (one, labels), count in self._counts.items() if one == name}

    def times(self, name: str) -> list[int]:
        """How many times of a histogram lie at or below each of BOUNDS_S and above the one before; last: above all."""
        series = [one for (other, _), one in list(self._times.items()) if other == name]
        return [int(sum(column)) for column in zip(*(one[:-1] for one in series), strict=True)]

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        for name, meaning in COUNTERS.items():
            yield from _head(name, "counter", meaning)
            for labels, count in sorted(self.counts(name).items()):
                yield f"{name}{_labelled(labels)} {count}"
        for name, meaning in HISTOGRAMS.items():
            yield from _head(name, "histogram", meaning)
            for (one, labels), series in sorted(self._times.items()):
                if one == name:
                    yield from _histogram(name, labels, series)
        for name, meaning in GAUGES.items():
            if name in self._gauges:
                yield from _head(name, "gauge", meaning)
                yield f"{name} {self._gauges[name]():g}"


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _histogram(name: str, labels: Labels, series: list[float]) -> Iterator[str]:
    total = 0.0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), series, strict=False):
        total += count
        yield f"{name}_bucket{_labelled((*labels, ('le', bound)))} {total:.0f}"
    yield f"{name}_sum{_labelled(labels)} {series[-1]:.6f}"
    yield f"{name}_count{_labelled(labels)} {total:.0f}"


def _labelled(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
