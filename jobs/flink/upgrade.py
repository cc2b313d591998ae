"""Replacing a job that runs on a cluster by a new version of it, from a savepoint, on new task managers."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from jobs.flink.rest import FlinkJob, FlinkRest
from jobs.flink.settings import check_writable
from jobs.stack.local_cluster import cluster_folder, is_local
from jobs.stack.wanted import Wanted, read_wanted, write_wanted
from schemas.errors import ConfigError

POLL_S: Final = 0.1
JOINED_S_MAX: Final = 120.0
RESTARTED_S_MAX: Final = 900.0
"""How long the task managers of somebody else's cluster may take to be restarted."""


class Replacement(NamedTuple):
    """The job that goes: `job`; its state goes to the folder `savepoints` (a URI).

    `new` are the task managers that were started for its successor, `old` those that it runs on; both
    empty where all stay (a rescale without new code) or are not ours to start.
    """

    job: FlinkJob
    savepoints: str
    new: tuple[str, ...]
    old: frozenset[str]
    is_ours: bool
    keeps: bool


class Replaced(NamedTuple):
    """Where the state of the job that went lies, and when it stopped taking events (monotonic).

    `task_managers`: all that there were until then.
    """

    savepoint: str
    stopped_s: float
    task_managers: frozenset[str]


def freshen(rest: FlinkRest, home: Path, code: str) -> None:
    """Replaces the task managers of this home's cluster that are idle and may run other code."""
    if not is_local(home, rest.address):
        return
    wanted = _wanted(home)
    alive = [job for job in rest.jobs() if not job.is_over]
    busy = {name for job in alive for name in rest.task_managers_of(job.job_id)}
    idle = [name for name in wanted.names if name not in busy]
    stale = [name for name in idle if wanted.codes.get(name, code) != code]
    wanted = wanted.without(stale).with_new(len(stale))
    wanted = wanted.given((name for name in wanted.names if name not in busy), code)
    write_wanted(cluster_folder(home), wanted)
    _await(lambda: set(wanted.names) <= set(rest.task_managers()), JOINED_S_MAX, "task managers")
    _await(lambda: not set(stale) & set(rest.task_managers()), JOINED_S_MAX, "end of old ones")


def prepare(
    rest: FlinkRest, home: Path, name: str, slots: int, savepoints: str, keeps: bool, code: str
) -> Replacement:
    """Finds the job, and starts task managers for its successor, which takes `slots` of them.

    Raises ConfigError with nothing changed.
    """
    job = rest.find_job(name)
    if not job.is_whole:
        raise ConfigError(f"{name} does not run with all its tasks just now: wait until it does")
    check_writable(savepoints)
    old = frozenset(rest.task_managers_of(job.job_id))
    is_ours = is_local(home, rest.address)
    if keeps or not is_ours:
        free = rest.free_slots() + len(old)
        if free < slots:
            raise ConfigError(
                f"the new version takes {slots} slots, and {free} are free once the old one has gone: "
                "add task managers first"
            )
        return Replacement(job, savepoints, (), old, is_ours, keeps)
    before = _wanted(home)
    wanted = before.with_new(slots)
    new = wanted.names[len(before.names) :]
    write_wanted(cluster_folder(home), wanted.given(new, code))
    return Replacement(job, savepoints, new, old, is_ours, keeps)


def give_up(home: Path, one: Replacement) -> None:
    """Takes the new task managers back, before anything else was changed."""
    _drop(home, one.new)


def stop(rest: FlinkRest, one: Replacement) -> Replaced:
    """Stops the old job with a savepoint, once the new task managers are there.

    Whatever fails from then on, the state to go on from is in what this returns.
    """
    _await(lambda: set(one.new) <= set(rest.task_managers()), JOINED_S_MAX, "new task managers")
    before = frozenset(rest.task_managers())
    begun_s = time.monotonic()
    return Replaced(rest.stop(one.job.job_id, one.savepoints), begun_s, before)


def make_way(
    rest: FlinkRest, home: Path, one: Replacement, gone: Replaced, say: Callable[[str], None]
) -> None:
    """Returns when the old job is over and only fresh task managers are free; raises ConfigError."""
    rest.await_over(one.job.job_id)
    say(f"{one.job.name} {one.job.job_id} stopped, its state is in {gone.savepoint}")
    if one.is_ours and not one.keeps:
        _drop(home, one.old)
        _await(lambda: not one.old & set(rest.task_managers()), JOINED_S_MAX, "old task managers")
    elif not one.keeps:
        say(
            f"restart the task managers of {rest.address} now: they hold the old code; waiting for it"
        )
        _await(
            lambda: (
                not gone.task_managers & set(now := rest.task_managers())
                and len(now) >= len(gone.task_managers)
            ),
            RESTARTED_S_MAX,
            "restarted task managers",
        )


def _drop(home: Path, names: tuple[str, ...] | frozenset[str]) -> None:
    write_wanted(cluster_folder(home), _wanted(home).without(names))


def _wanted(home: Path) -> Wanted:
    found = read_wanted(cluster_folder(home))
    assert found is not None
    return found


def _await(is_so: Callable[[], bool], seconds_max: float, what: str) -> None:
    deadline_s = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline_s:
            raise ConfigError(f"waited {seconds_max:g} s for the {what} in vain")
        time.sleep(POLL_S)
