"""Counts and latencies of the API, kept by prometheus-client in a registry of this application alone."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

BOUNDS_S: Final = (
    0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 5.0,
)  # fmt: skip
SERIES_MAX: Final = 2_000
"""Series in all; more are not begun (names come from us, so there are far fewer)."""


class Meant(NamedTuple):
    """What a measure tells, and by which labels. Their values are of a closed set of ours: rungs, outcomes, templates of paths."""

    meaning: str
    labels: tuple[str, ...] = ()


COUNTERS: Final = {
    "kairos_api_answers_total": Meant("Answers by the rung of the ladder they are from", ("source",)),
    "kairos_api_requests_total": Meant("Requests by endpoint and status", ("endpoint", "status")),
    "kairos_api_events_total": Meant(
        "Events that came in, by what became of them: accepted, repeated, rejected, failed", ("outcome",)
    ),
    "kairos_api_waits_total": Meant(
        "Waits for the engine by how they ended: fresh, timed_out, shed, held_back", ("outcome",)
    ),
    "kairos_api_limited_total": Meant(
        "Requests refused because their key, address or session asks or sends too much", ("what",)
    ),
    "kairos_api_tokens_in_address_total": Meant(
        "Requests with a key or token in their address, of a kairos.js of before 0.2"
    ),
}  # fmt: skip
HISTOGRAMS: Final = {
    "kairos_api_request_seconds": Meant(
        "Time from the request's head to the answer's, by endpoint", ("endpoint",)
    ),
    "kairos_api_answer_seconds": Meant("Time to an answer, by its rung", ("source",)),
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

M = TypeVar("M", Counter, Histogram)
Series = dict[tuple[str, ...], M]
"""By name and values of labels: looking up a series at prometheus-client costs more than adding to it."""

# when a series began is nobody's question, and would double their number
disable_created_metrics()  # type: ignore[no-untyped-call]


class Measures:
    """What is counted in this process. Called in the event loop only; a name or label that is none of ours is a bug: it raises."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(name, one.meaning, one.labels, registry=self._registry)
            for name, one in COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(
                name, one.meaning, one.labels, buckets=BOUNDS_S, registry=self._registry
            )
            for name, one in HISTOGRAMS.items()
        }
        self._counts: Series[Counter] = {}
        self._times: Series[Histogram] = {}

    def count(self, name: str, number: int = 1, **labels: str) -> None:
        """Adds to a counter of COUNTERS."""
        key = (name, *labels.values())
        series = self._counts.get(key) or _begun(self._counts, key, self._counters[name], labels)
        if series is not None:
            series.inc(number)

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds to a histogram of HISTOGRAMS."""
        key = (name, *labels.values())
        series = self._times.get(key) or _begun(self._times, key, self._histograms[name], labels)
        if series is not None:
            series.observe(seconds)

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Says how a gauge of GAUGES is read."""
        Gauge(name, GAUGES[name], registry=self._registry).set_function(read)

    def also(self, collector: Collector) -> None:
        """Tells what another one collects, too."""
        self._registry.register(collector)

    def times(self, name: str) -> list[int]:
        """How many times of a histogram lie at or below each of BOUNDS_S and above the one before; last: above all."""
        below = dict.fromkeys((*BOUNDS_S, float("inf")), 0)
        for metric in self._histograms[name].collect():
            for sample in metric.samples:
                if sample.name == f"{name}_bucket":
                    below[float(sample.labels["le"])] += int(sample.value)
        totals = list(below.values())
        return [total - before for total, before in zip(totals, (0, *totals), strict=False)]

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry).decode()


def _begun(there: Series[M], key: tuple[str, ...], metric: M, labels: dict[str, str]) -> M | None:
    """A new series of the metric; None where there are as many as there may be."""
    if len(there) >= SERIES_MAX:
        return None
    there[key] = metric.labels(**labels) if labels else metric
    return there[key]
