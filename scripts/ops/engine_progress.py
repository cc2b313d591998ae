"""Dead letters, restarts and lag of the engine, asked for every few seconds, for the API's `/metrics`."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from threading import Event, Thread
from typing import Final, get_args

from confluent_kafka import KafkaException

from channels.api.engine_measures import Measured
from jobs.config import Config
from jobs.flink.counted import read_counts, read_progress
from jobs.flink.rest import rest_of
from jobs.stack.status import statuses
from schemas.errors import ConfigError, InvalidReason
from schemas.topics import DECISIONS, OUTCOMES
from scripts.ops.status import JOBS
from scripts.replay.replay_topics import store_lag

ASKED_S: Final = 10.0
OF_OUTCOMES: Final = (
    "outcomes",
    "outcomes_late",
    "outcomes_dropped",
    "decisions_unknown",
    "refunds_unknown",
)
"""What learn counts of what came of decisions; the others of its counters are decide's as well."""
REASONS: Final = frozenset(get_args(InvalidReason))
Ask = Callable[[], Iterable[Measured]]


class EngineProgress:
    """The newest answers; what does not answer is left out, so that nothing old or made up is told."""

    def __init__(self, config: Config, kafka: str, flink: str | None) -> None:
        self._config, self._kafka, self._flink = config, kafka, flink
        self._newest: tuple[Measured, ...] = ()
        self._is_stopping = Event()
        self._thread = Thread(target=self._run, name="engine-progress", daemon=True)

    def start(self) -> None:
        """Begins to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._is_stopping.set()

    def newest(self) -> tuple[Measured, ...]:
        """What was found when it was last asked; does not wait."""
        return self._newest

    def ask(self) -> Iterator[Measured]:
        """Everything, asked for now."""
        jobs = (partial(self._job, name, kind) for name, kind in JOBS.items())
        asks: tuple[Ask, ...] = (self._restarts, self._store_lag, *jobs)
        for ask in asks:
            try:
                yield from tuple(ask())
            except (ConfigError, KafkaException, KeyError):  # down, or on its way up
                continue

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._newest = tuple(self.ask())
            self._is_stopping.wait(ASKED_S)

    def _restarts(self) -> Iterator[Measured]:
        for name, one in statuses(self._config.home).items():
            yield Measured("kairos_service_restarts_total", (name,), one.restarts)

    def _store_lag(self) -> Iterator[Measured]:
        config = self._config
        for topic in (DECISIONS, OUTCOMES):
            behind = store_lag(self._kafka, config.topic_prefix, config.store_prefix, topic)
            yield Measured("kairos_lag_records", (topic, "store"), behind)

    def _job(self, service: str, kind: str) -> Iterator[Measured]:
        found = statuses(self._config.home).get(service)
        address = (found.address if found is not None else None) or self._flink
        if address is None:
            return
        rest = rest_of(self._config, address)
        progress = read_progress(rest, kind)
        for topic, behind in progress.behind.items():
            yield Measured("kairos_lag_records", (topic, kind), behind)
        if progress.restarts is not None:
            yield Measured("kairos_job_restarts_total", (kind,), progress.restarts)
        if progress.restarts is not None:
            counts = read_counts(rest, kind)
            yield from counted(counts) if kind == JOBS["flink"] else learnt(counts)


def counted(counts: dict[str, int]) -> Iterator[Measured]:
    """The counters of decide: dead letters by reason apart from the others."""
    for name, count in counts.items():
        if name in REASONS:
            yield Measured("kairos_dead_letters_total", (name,), count)
        else:
            yield Measured("kairos_engine_total", (name,), count)


def learnt(counts: dict[str, int]) -> Iterator[Measured]:
    """The counters of learn that are of outcomes."""
    for name in OF_OUTCOMES:
        yield Measured("kairos_learn_total", (name,), counts[name])
