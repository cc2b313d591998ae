"""Why a service is not up, and since when."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.stack.process import Child
from jobs.stack.restarts import Ending
from jobs.stack.stack import Stack
from jobs.stack.state import LOCK, Running, Service, State, beat, running, write_state
from jobs.stack.status import SILENT, Status, statuses, why_not_started
from schemas.errors import ConfigError

STORE = Child("store", ("sleep", "600"), lambda pid: True)
ME = running(os.getpid())


@contextmanager
def started(home: Path) -> Iterator[Stack]:
    """A stack without servers."""
    with Stack(home, kafka="given", redis="given") as stack:
        stack._given = lambda name, address, is_healthy: address  # type: ignore[method-assign]
        stack.start()
        yield stack


def ended(home: Path) -> Status:
    """The store's status; it must be down, for a reason of the last ten seconds."""
    found = statuses(home)["store"]
    assert found.state == "down"
    assert found.since_ms is not None
    assert 0 <= time.time() * 1_000 - found.since_ms < 10_000
    assert why_not_started(home) == (found.cause, found.since_ms), "the same for what was not there"
    return found


def test_what_was_stopped_says_so_and_when(tmp_path: Path) -> None:
    assert why_not_started(tmp_path) == ("nothing was ever started here", None)
    with started(tmp_path) as stack:
        stack.launch(STORE)
        found = statuses(tmp_path)["store"]
        assert (found.state, found.cause) == ("up", None)
        assert found.log == str(tmp_path / "logs" / "store.log")
    assert ended(tmp_path).cause == "it was stopped"


def test_a_server_of_ones_own_that_is_silent_is_not_ours_to_start(tmp_path: Path) -> None:
    given = State(ME, (Service("kafka", "127.0.0.1:1"), Service("redis", "127.0.0.1:1")))
    write_state(tmp_path, given)
    found = statuses(tmp_path)["kafka"]
    assert (found.state, found.cause) == (
        "down",
        "nothing answers there, and it is not started here",
    )
    assert why_not_started(tmp_path) == ("what runs here has not started it", None)


def test_an_owner_that_failed_says_by_what(tmp_path: Path) -> None:
    with pytest.raises(ConfigError), started(tmp_path) as stack:
        stack.launch(STORE)
        raise ConfigError("no disk")
    assert ended(tmp_path).cause == "it ended by an error: no disk"
    with pytest.raises(ConfigError):
        Stack(tmp_path, redis="127.0.0.1:1").start()
    assert why_not_started(tmp_path)[0].startswith("it ended by an error: KAIROS_REDIS=127.0.0.1:1")


def test_an_owner_that_was_killed_is_named_with_when_it_was_last_alive(tmp_path: Path) -> None:
    gone = Service("store", None, running(2**22 + 1))
    with subprocess.Popen(("sleep", "600")) as owner:
        write_state(tmp_path, State(running(owner.pid), (gone,)))
        owner.kill()
    (tmp_path / LOCK).touch()
    os.utime(tmp_path / LOCK, (0, 0))
    beat(tmp_path)
    cause = f"its supervisor, pid {owner.pid}, was killed, and all with it"
    assert ended(tmp_path).cause == cause
    write_state(tmp_path, State(Running(owner.pid, "another boot/1"), (gone,)))
    assert ended(tmp_path).cause == "the machine was started again"


def test_an_owner_that_lives_says_so_every_second(tmp_path: Path) -> None:
    with started(tmp_path) as stack:
        for look in (stack.keep, stack.poll):
            os.utime(tmp_path / LOCK, (0, 0))
            stack._next_beat_s = 0.0
            look()
            assert (tmp_path / LOCK).stat().st_mtime > time.time() - 10


def test_what_runs_and_is_silent_is_told_from_what_ended(tmp_path: Path) -> None:
    ending = Ending(5, "ended with code 1: no use (store.log)")
    with subprocess.Popen(("sleep", "600")) as silent:
        kafka = Service("kafka", "127.0.0.1:1", running(silent.pid))
        store = Service("store", None, running(2**22 + 1), 1, ending)
        write_state(tmp_path, State(ME, (kafka, store)))
        found = statuses(tmp_path)
        silent.kill()
    assert (found["kafka"].state, found["kafka"].cause, found["kafka"].since_ms) == (
        "down",
        SILENT,
        None,
    )
    assert (found["store"].cause, found["store"].since_ms) == (ending.reason, 5)
