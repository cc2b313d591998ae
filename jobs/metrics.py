"""What is counted: the closed list of names, the counters, and their sums over Flink's REST API."""

import json
from collections.abc import Iterable
from typing import Any, Final, get_args
from urllib.error import URLError
from urllib.request import urlopen

from schemas.errors import InvalidReason

MEANINGS: Final = {
    "events": "events taken by a session",
    "clock_ticks": "clock_ticked events: they only move time",
    "duplicates": "events whose id the session had seen",
    "after_timer": "events that came after their session's timer had fired",
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


def read_counts(rest_address: str, kind: str = "decide") -> dict[str, int]:
    """Each counter's sum over all subtasks and operators of the running jobs of this kind."""
    totals = dict.fromkeys(MEANINGS, 0)
    for job in (one["jid"] for one in _jobs(rest_address, kind) if one["state"] == "RUNNING"):
        vertices = _get(rest_address, f"/jobs/{job}")["vertices"]
        for path in (f"/jobs/{job}/vertices/{one['id']}/subtasks/metrics" for one in vertices):
            found = [one["id"] for one in _get(rest_address, path) if _name(one["id"]) in totals]
            for one in _sums(rest_address, path, found):
                totals[_name(one["id"])] += int(one["sum"])
    return totals


def read_instances(rest_address: str, name: str, kind: str = "decide") -> int:
    """How many operator instances of the running jobs of this kind count under this name."""
    found = 0
    for job in (one["jid"] for one in _jobs(rest_address, kind) if one["state"] == "RUNNING"):
        for one in _get(rest_address, f"/jobs/{job}")["vertices"]:
            path = f"/jobs/{job}/vertices/{one['id']}/subtasks/metrics"
            counting = sum(_name(metric["id"]) == name for metric in _get(rest_address, path))
            found += counting * one["parallelism"]
    return found


def is_running(rest_address: str, kind: str = "decide") -> bool:
    """Whether a job of this kind runs with all of its tasks: from then on it takes every event."""
    try:
        jobs = _jobs(rest_address, kind)
    except (URLError, OSError):
        return False
    return any(
        job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0
        for job in jobs
    )


def _jobs(rest_address: str, kind: str) -> list[dict[str, Any]]:
    """A cluster runs jobs of several kinds: a job's name begins with its kind. Or one, by its whole name."""
    jobs = _get(rest_address, "/jobs/overview")["jobs"]
    return [job for job in jobs if kind in (job["name"], job["name"].partition(".")[0])]


def _sums(rest_address: str, path: str, names: Iterable[str]) -> list[dict[str, Any]]:
    asked = ",".join(names)
    return _get(rest_address, f"{path}?agg=sum&get={asked}") if asked else []


def _name(metric: str) -> str:
    return metric.rpartition(".")[2]


def _get(rest_address: str, path: str) -> Any:
    with urlopen(f"http://{rest_address}{path}", timeout=ANSWER_S) as answer:
        return json.load(answer)
