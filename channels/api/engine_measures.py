"""What the API's `/metrics` tells of the engine beside it: as it was last asked, and nothing of what did not answer."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from channels.api.measures import Meant

COUNTS: Final = {
    "kairos_dead_letters_total": Meant(
        "Records that decide could not use, by reason, since its start; what the API refused is `rejected` among its events", ("reason",)
    ),
    "kairos_engine_total": Meant(
        "What decide has counted since its start, by counter: events, decisions and the others of the jobs' counters", ("counter",)
    ),
    "kairos_learn_total": Meant(
        "What learn has counted of outcomes since its start, by counter: outcomes, those that came late, refunds of what was never bought", ("counter",)
    ),
    "kairos_job_restarts_total": Meant(
        "How often Flink has restarted a job since it was submitted: decide, learn", ("job",)
    ),
    "kairos_service_restarts_total": Meant(
        "How often what runs on this machine ended by itself and was started again", ("service",)
    ),
}  # fmt: skip
GAUGES: Final = {
    "kairos_lag_records": Meant(
        "Records of a topic that are written and not yet read, by topic and by who reads it: decide, learn, store", ("topic", "reader")
    ),
}  # fmt: skip


class Measured(NamedTuple):
    """A value of COUNTS or GAUGES, with the values of its labels."""

    name: str
    labels: tuple[str, ...]
    value: float


class EngineMeasures(Collector):
    """Tells Prometheus what `newest` gives, which must not wait: it is asked in the event loop."""

    def __init__(self, newest: Callable[[], Iterable[Measured]]) -> None:
        self._newest = newest

    def collect(self) -> Iterator[Metric]:
        """Every metric, with a series for each value that is known."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {
            name: CounterMetricFamily(name, one.meaning, labels=one.labels)
            for name, one in COUNTS.items()
        }
        for name, one in GAUGES.items():
            families[name] = GaugeMetricFamily(name, one.meaning, labels=one.labels)
        for name, labels, value in self._newest():
            families[name].add_metric(labels, value)
        yield from families.values()
