"""What died is started again, each child by itself, at once and then ever more slowly."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from jobs.stack import restarts
from jobs.stack.process import Child
from jobs.stack.restarts import PAUSES_S, SLOW_S, STEADY_S, Restarts
from jobs.stack.stack import Stack
from jobs.stack.state import State, read_state, running, write_state
from jobs.stack.status import Status, statuses
from tests.jobs.stack.conftest import wait_until


class Kept(NamedTuple):
    stack: Stack
    said: list[str]

    def status(self, name: str) -> Status:
        return statuses(self.stack.home)[name]

    def keep_until(self, is_true: object) -> None:
        """Keeps the stack until it is so."""
        assert callable(is_true)

        def look() -> object:
            self.stack.keep()
            return is_true()

        wait_until(look)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A stack without servers: its children are what a test adds."""
    said: list[str] = []
    with Stack(tmp_path, say=said.append) as stack:
        yield Kept(stack, said)


def sleeper(name: str) -> Child:
    return Child(name, ("sleep", "600"), lambda pid: True, address="there:1")


def python(name: str, code: str) -> Child:
    return Child(name, (sys.executable, "-c", code), lambda pid: True)


def test_the_first_start_again_is_at_once_and_later_ones_wait_longer_up_to_a_bound() -> None:
    fared, pauses = Restarts(), []
    for _ in range(8):
        fared = fared.after(ran_s=0.1)
        pauses.append(fared.pause_s)
    assert pauses == [*PAUSES_S, SLOW_S, SLOW_S, SLOW_S]
    assert (PAUSES_S[0], fared.is_failing, fared.times) == (0.0, True, 8)


def test_who_ran_long_enough_begins_anew() -> None:
    failing = Restarts()
    for _ in range(8):
        failing = failing.after(ran_s=0.1)
    again = failing.after(ran_s=STEADY_S)
    assert (again.is_failing, again.pause_s, again.times) == (False, PAUSES_S[0], 9)
    assert not failing.steady().is_failing


def test_a_killed_child_comes_back_and_the_others_stay(kept: Kept) -> None:
    kept.stack.launch(sleeper("dies"))
    kept.stack.launch(sleeper("stays"))
    before, other = kept.status("dies"), kept.status("stays")
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    kept.keep_until(lambda: kept.status("dies").pid != before.pid)
    now = kept.status("dies")
    assert now.ending is not None
    assert (now.state, now.address, now.restarts) == ("up", "there:1", 1)
    assert now.ending.reason == "ended by signal 9 (SIGKILL)"
    assert kept.status("stays") == other
    assert kept.said[2:] == ["dies ended by signal 9 (SIGKILL); started again in 0 s"]


def test_the_reason_of_an_end_is_kept(kept: Kept) -> None:
    code = "import pathlib, sys, time; p = pathlib.Path('{}'); p.exists() and time.sleep(600); p.touch(); sys.exit('Error: out of ideas')"
    kept.stack.launch(python("store", code.format(kept.stack.home / "was here")))
    kept.keep_until(lambda: kept.status("store").restarts)
    ending = kept.status("store").ending
    assert ending is not None
    assert ending.reason == (
        f"ended with code 1: Error: out of ideas ({kept.stack.home / 'logs' / 'store.log'})"
    )


def test_a_child_that_ends_at_once_every_time_is_failing_and_tried_slowly(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "PAUSES_S", (0.0, 0.0, 0.0))
    kept.stack.launch(sleeper("stays"))
    other = kept.status("stays")
    kept.stack.launch(python("store", "raise SystemExit('Error: no use')"))
    kept.keep_until(lambda: kept.status("store").state == "failing")
    for _ in range(100):
        kept.stack.keep()
    failing = kept.status("store")
    assert failing.ending is not None
    assert failing.restarts == len(restarts.PAUSES_S) + 1, "no more starts until SLOW_S are over"
    assert "Error: no use" in failing.ending.reason
    assert kept.said[-1].endswith(f"tried again every {SLOW_S:g} s")
    assert kept.status("stays") == other
    monkeypatch.setattr(restarts, "SLOW_S", 0.0)
    monkeypatch.setattr(restarts, "STEADY_S", 0.0)
    kept.stack._children[1]._next_s = 0.0
    before = len(kept.said)
    kept.keep_until(lambda: kept.status("store").restarts > failing.restarts)
    assert len(kept.said) - before <= 1


def test_what_cannot_be_started_is_as_if_it_had_ended(kept: Kept) -> None:
    process = kept.stack.launch(sleeper("gone"))
    kept.stack.launch(sleeper("stays"))
    other = kept.status("stays")
    (kept.stack.home / "logs" / "gone.log").unlink()
    (kept.stack.home / "logs" / "gone.log").mkdir()
    (kept.stack.home / "logs" / "gone.log" / "in the way").touch()
    (kept.stack.home / "logs" / "gone.log.1").mkdir()
    (kept.stack.home / "logs" / "gone.log.1" / "too").touch()
    os.kill(process.pid, signal.SIGKILL)
    kept.keep_until(lambda: kept.status("gone").restarts > 1)
    ending = kept.status("gone").ending
    assert ending is not None
    assert ending.reason.startswith("cannot be started: ")
    assert kept.status("stays") == other


def test_who_failed_under_an_owner_that_is_gone_is_down(tmp_path: Path, kept: Kept) -> None:
    kept.stack.launch(sleeper("store"))
    found = read_state(tmp_path)
    assert found is not None
    (service,) = found.services
    gone = msgspec.structs.replace(service, process=running(2**22 + 1), is_failing=True)
    write_state(tmp_path, State(found.owner, (gone,)))
    assert statuses(tmp_path)["store"].state == "failing"
    write_state(tmp_path, State(running(2**22 + 1), (gone,)))
    assert statuses(tmp_path)["store"].state == "down"
