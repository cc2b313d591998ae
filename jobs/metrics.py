"""What is counted: the closed list of names, the counters, and their sums over Flink's REST API."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple, get_args

from jobs.config import config_from
from jobs.flink.keys import Keys, keys_for
from schemas.errors import InvalidReason

MEANINGS: Final = {
    "events": "events taken by a session",
    "clock_ticks": "clock_ticked events: they only move time",
    "duplicates": "events whose id the session had seen",
    "facts_repeated": "purchases and refunds that their person was told of in another session, or before it was forgotten",
    "fact_ids_dropped": "purchases and refunds forgotten at the bound of a person's memory",
    "after_timer": "events that came after their session's timer had fired",
    "multiple_exposures": "people who signed in and get another arm of an experiment than their device had",
    "over_rate": "events of a session beyond its rate: folded, not decided on",
    "touches_uncounted": "events of a browser's key that count no more for some of their items",
    "decisions_unknown": "responses to decisions that neither their session nor their person is known to have asked for: history",
    "unproven": "purchases, refunds and responses of a browser's key: they count for their person only",
    "unproven_untold": "profile updates of a browser's key: what they tell is left out",
    "seen_ids_dropped": "event ids forgotten at the bound of a session's memory",
    "sessions_ended": "sessions that ended",
    "sessions_forgotten": "session keys forgotten after the deduplication horizon",
    "persons_forgotten": "profiles forgotten after their horizon",
    "decisions": "decisions made",
    "conditions_failed": "conditions of a policy that could not be checked of a person: what needs them is excluded",
    "dead_letters": "records that could not be used; the reasons are counted by name",
    "traces_cut": "traces without their features, or without some candidates or actions: they would have been too large",
    "knowledge_applied": "records of control and items taken, by each operator instance",
    "knowledge_refused": "records of control, items and knowledge that cannot be used, likewise",
    "epochs_applied": "epochs of knowledge taken, by each operator instance",
    "epochs_late": "of them, those that came after an event that should have seen them",
    "late_facts": "facts that came after their epoch had ended: they count in the one then open",
    "epochs_dropped": "epochs of knowledge without an end that were forgotten at the bound of how many are kept",
    "epochs_written": "epochs written to knowledge",
    "facts_dropped": "facts of one key left out at the bound of how many one epoch may have",
} | {reason: f"dead letters with reason {reason}" for reason in get_args(InvalidReason)}
"""Every counter by name."""

ANSWER_S: Final = 5.0


class Counts:
    """The counters of one operator instance; an unknown name is a bug and raises KeyError."""

    def __init__(self, group: Any) -> None:
        self._counters = {name: group.counter(name) for name in MEANINGS}

    def add(self, *names: str) -> None:
        """Counts one for each of `names`."""
        for name in names:
            self._counters[name].inc()


def read_counts(
    rest_address: str, kind: str = "decide", keys: Keys | None = None
) -> dict[str, int]:
    """Each counter's sum over all subtasks and operators of the running jobs of this kind.

    `keys` None: those that the settings have for this address. Raises OSError where Flink does not answer.
    """
    totals = dict.fromkeys(MEANINGS, 0)
    with closing(_connection(rest_address, keys)) as rest:
        for one in _vertices(rest, kind):
            names = [found["id"] for found in _get(rest, one.metrics)]
            ours = [name for name in names if _name(name) in totals]
            for metric in _sums(rest, one.metrics, ours):
                totals[_name(metric["id"])] += int(metric["sum"])
    return totals


def read_instances(
    rest_address: str, name: str, kind: str = "decide", keys: Keys | None = None
) -> int:
    """How many operator instances of the running jobs of this kind count under this name."""
    found = 0
    with closing(_connection(rest_address, keys)) as rest:
        for one in _vertices(rest, kind):
            counting = sum(_name(metric["id"]) == name for metric in _get(rest, one.metrics))
            found += counting * one.parallelism
    return found


def is_running(rest_address: str, kind: str = "decide", keys: Keys | None = None) -> bool:
    """Whether a job of this kind runs with all of its tasks: from then on it takes every event."""
    try:
        with closing(_connection(rest_address, keys)) as rest:
            jobs = _jobs(rest, kind)
    except OSError:
        return False
    return any(
        job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0
        for job in jobs
    )


class Vertex(NamedTuple):
    """A part of a running job: where its metrics are, and how many instances it has."""

    metrics: str
    parallelism: int


def _vertices(rest: HTTPConnection, kind: str) -> Iterator[Vertex]:
    for job in (one["jid"] for one in _jobs(rest, kind) if one["state"] == "RUNNING"):
        for one in _get(rest, f"/jobs/{job}")["vertices"]:
            path = f"/jobs/{job}/vertices/{one['id']}/subtasks/metrics"
            yield Vertex(path, one["parallelism"])


def _connection(address: str, keys: Keys | None) -> HTTPConnection:
    keys = keys or keys_for(config_from(), address)
    if keys is None:
        return HTTPConnection(address, timeout=ANSWER_S)
    return HTTPSConnection(address, timeout=ANSWER_S, context=keys.context())


def _jobs(rest: HTTPConnection, kind: str) -> list[dict[str, Any]]:
    """A cluster runs jobs of several kinds: a job's name begins with its kind. Or one, by its whole name."""
    jobs = _get(rest, "/jobs/overview")["jobs"]
    return [job for job in jobs if kind in (job["name"], job["name"].partition(".")[0])]


def _sums(rest: HTTPConnection, path: str, names: Iterable[str]) -> list[dict[str, Any]]:
    asked = ",".join(names)
    return _get(rest, f"{path}?agg=sum&get={asked}") if asked else []


def _name(metric: str) -> str:
    return metric.rpartition(".")[2]


def _get(rest: HTTPConnection, path: str) -> Any:
    try:
        rest.request("GET", path)
        answer = rest.getresponse()
        text = answer.read()
    except HTTPException as error:  # it ends in the middle of an answer
        raise OSError(f"{rest.host}:{rest.port}: {error}") from error
    if answer.status != HTTPStatus.OK:
        raise OSError(f"{rest.host}:{rest.port}{path}: {answer.status}")
    return json.loads(text)
