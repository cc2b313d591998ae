"""What the running jobs of a cluster have counted, and whether they run: their counters over Flink's REST interface."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from jobs.flink.rest import FlinkJob, FlinkRest
from jobs.metrics import MEANINGS
from schemas.errors import ConfigError

BEHIND: Final = ".pendingRecords"
"""Ends the name of a source's metric: records of its topic that are written and not yet read. It is there from the first record on."""
TABLE: Final = "default_database_"
"""Stands before the topic in it."""


class Progress(NamedTuple):
    """Of the running jobs of a kind: records that wait, by topic, and how often Flink has restarted them (None: none runs)."""

    behind: dict[str, int]
    restarts: int | None


class Vertex(NamedTuple):
    """A part of a running job: where its metrics are, and how many instances it has."""

    metrics: str
    parallelism: int


def read_counts(rest: FlinkRest, kind: str = "decide") -> dict[str, int]:
    """Each counter's sum over all subtasks and operators of the running jobs of this kind, or of the job of this name.

    Raises ConfigError where Flink does not answer.
    """
    with rest.kept() as kept:
        return CountsOf(kept, tuple(MEANINGS), kind).read()


class CountsOf:
    """Some counters of the running jobs of a kind, for whoever reads them often: where they are is asked once.

    To list the metrics of a job costs it more than to sum two of them. Not for jobs that may start again meanwhile.
    """

    def __init__(self, rest: FlinkRest, names: tuple[str, ...], kind: str = "decide") -> None:
        """Raises ConfigError where Flink does not answer, as reading does."""
        self._rest, self._names = rest, names
        self._questions: list[str] = []
        for one in _vertices(rest, kind):
            ours = ",".join(id_ for id_ in _metrics(rest, one) if _name(id_) in names)
            if ours:
                self._questions.append(f"{one.metrics}?agg=sum&get={ours}")

    def read(self) -> dict[str, int]:
        """Each counter's sum over all subtasks and operators."""
        totals = dict.fromkeys(self._names, 0)
        for question in self._questions:
            for metric in self._rest.ask(question):
                totals[_name(metric["id"])] += int(metric["sum"])
        return totals


def read_instances(rest: FlinkRest, name: str, kind: str = "decide") -> int:
    """How many operator instances of the running jobs of this kind count under this name; raises ConfigError."""
    with rest.kept() as kept:
        return sum(
            one.parallelism * sum(_name(id_) == name for id_ in _metrics(kept, one))
            for one in _vertices(kept, kind)
        )


def read_progress(rest: FlinkRest, kind: str = "decide") -> Progress:
    """How far behind the running jobs of this kind are, and their restarts; raises ConfigError where Flink does not answer."""
    behind: dict[str, int] = {}
    restarts = None
    with rest.kept() as kept:
        for job in _jobs(kept, kind):
            if job.state == "RUNNING":
                for one in kept.ask(f"/jobs/{job.job_id}/metrics?get=numRestarts"):
                    restarts = (restarts or 0) + int(one["value"])
        for vertex in _vertices(kept, kind):
            waiting = ",".join(id_ for id_ in _metrics(kept, vertex) if id_.endswith(BEHIND))
            sums = kept.ask(f"{vertex.metrics}?agg=sum&get={waiting}") if waiting else ()
            for metric in sums:
                topic = metric["id"].removesuffix(BEHIND).rpartition(TABLE)[2]
                behind[topic] = behind.get(topic, 0) + int(metric["sum"])
    return Progress(behind, restarts)


def is_running(rest: FlinkRest, kind: str = "decide") -> bool:
    """Whether a job of this kind runs with all of its tasks: from then on it takes every event."""
    try:
        return any(job.is_whole for job in _jobs(rest, kind))
    except ConfigError:
        return False


def _jobs(rest: FlinkRest, kind: str) -> list[FlinkJob]:
    """A cluster runs jobs of several kinds: a job's name begins with its kind. Or one, by its whole name."""
    return [one for one in rest.jobs() if kind in (one.name, one.name.partition(".")[0])]


def _vertices(rest: FlinkRest, kind: str) -> Iterator[Vertex]:
    for job in _jobs(rest, kind):
        if job.state == "RUNNING":
            for one in rest.ask(f"/jobs/{job.job_id}")["vertices"]:
                path = f"/jobs/{job.job_id}/vertices/{one['id']}/subtasks/metrics"
                yield Vertex(path, one["parallelism"])


def _metrics(rest: FlinkRest, vertex: Vertex) -> list[str]:
    found: Any = rest.ask(vertex.metrics)
    return [str(one["id"]) for one in found]


def _name(metric: str) -> str:
    return metric.rpartition(".")[2]
