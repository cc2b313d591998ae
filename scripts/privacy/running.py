"""Whether the jobs that run have forgotten somebody: by what they count, and by their checkpoints."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest, rest_of
from jobs.publish import now_ms
from jobs.stack.local_cluster import local_address
from jobs.stack.status import statuses
from schemas.errors import ConfigError
from schemas.topics import DECISIONS, OUTCOMES
from scripts.console import say
from scripts.ops.status import JOBS
from scripts.replay.replay_topics import store_lag

WAIT_S: Final = 90.0
"""Counters of Flink are up to ten seconds old; a job that is restarting takes longer."""
POLL_S: Final = 0.5
SAID_EVERY_S: Final = 10.0
COUNTER: Final = "erasures"


class Engine(NamedTuple):
    """A job: what answers for it, None = it is not up; and what it had counted before."""

    kind: str
    rest: FlinkRest | None
    before: int = 0


class Done(NamedTuple):
    """What was seen of an erasure in a job."""

    is_erased: bool
    has_checkpoint: bool


def engine_of(config: Config, kind: str) -> Engine:
    """The job of this kind, as it is now."""
    service = next(name for name, one in JOBS.items() if one == kind)
    found = statuses(config.home).get(service)
    address = (found.address if found else None) or config.flink or local_address(config.home)
    if address is None:
        return Engine(kind, None)
    rest = rest_of(config, address)
    try:
        return Engine(kind, rest, read_counts(rest, kind)[COUNTER])
    except (ConfigError, KeyError):
        return Engine(kind, None)


def await_erased(engine: Engine, count: int, *, needs_checkpoint: bool) -> Done:
    """Waits, bounded, until the job has counted so many more, and then for a checkpoint that began after."""
    assert engine.rest is not None
    rest, kind = engine.rest, engine.kind

    def has_counted() -> bool:
        return read_counts(rest, kind)[COUNTER] >= engine.before + count

    if not await_(has_counted, f"the {kind} job"):
        return Done(False, False)
    return Done(True, needs_checkpoint and await_(_newer(rest, kind, now_ms()), "a checkpoint"))


def await_store(kafka: str, config: Config) -> None:
    """Waits, bounded, until the store writer has taken all decisions and all outcomes."""
    prefixes = config.topic_prefix, config.store_prefix

    def is_done() -> bool:
        return not any(store_lag(kafka, *prefixes, topic) for topic in (DECISIONS, OUTCOMES))

    await_(is_done, "the store writer")


def _newer(rest: FlinkRest, kind: str, since_ms: int) -> Callable[[], bool]:
    """Whether a checkpoint that was triggered after `since_ms` is whole."""

    def is_there() -> bool:
        for job in rest.jobs():
            if kind in (job.name, job.name.partition(".")[0]) and job.state == "RUNNING":
                newest = rest.ask(f"/jobs/{job.job_id}/checkpoints")["latest"].get("completed")
                return bool(newest) and newest["trigger_timestamp"] > since_ms
        return False

    return is_there


def await_(is_done: Callable[[], bool], what: str, wait_s: float = WAIT_S) -> bool:
    """Whether it came true in time; says now and then what is waited for."""
    begun_s = said_s = time.monotonic()
    while True:
        try:
            if is_done():
                return True
        except (ConfigError, KeyError):
            pass  # on its way up
        now_s = time.monotonic()
        if now_s > begun_s + wait_s:
            return False
        if now_s > said_s + SAID_EVERY_S:
            say(f"waiting for {what}, {now_s - begun_s:.0f} of at most {wait_s:.0f} s")
            said_s = now_s
        time.sleep(POLL_S)
