import os
import subprocess
from pathlib import Path

import pytest

from jobs.stack import state
from jobs.stack.status import statuses
from schemas.errors import ConfigError
from tests.jobs.stack.conftest import wait_until


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(("sleep", "600"))


def test_a_home_belongs_to_one_process(tmp_path: Path) -> None:
    state.write_state(tmp_path, state.State(state.running(os.getpid())))
    with state.lock(tmp_path), pytest.raises(ConfigError) as raised, state.lock(tmp_path):
        pass
    assert f"pid {os.getpid()}: `kairos down` stops it" in str(raised.value)
    with state.lock(tmp_path):
        pass


def test_a_recycled_pid_is_not_trusted() -> None:
    me = state.running(os.getpid())
    assert state.is_alive(me)
    assert not state.is_alive(state.Running(me.pid, "another boot/1"))


def test_an_ended_process_is_not_alive() -> None:
    with sleeper() as process:
        known = state.running(process.pid)
        process.kill()
        wait_until(lambda: not state.is_alive(known))  # not even as a zombie
    assert state.running(process.pid).began == ""


def test_down_ends_the_owner_and_what_is_left(tmp_path: Path) -> None:
    with sleeper() as owner, sleeper() as server:
        service = state.Service("store", None, state.running(server.pid))
        state.write_state(tmp_path, state.State(state.running(owner.pid), (service,)))
        assert statuses(tmp_path)["store"].state == "up"
        assert state.down(tmp_path) == ("store",)
    assert (owner.returncode, server.returncode) == (-15, -15)
    assert statuses(tmp_path)["store"].state == "down"
    assert state.down(tmp_path) == ()


def test_a_home_without_a_stack_has_no_status(tmp_path: Path) -> None:
    assert statuses(tmp_path) == {}
    assert state.down(tmp_path) == ()
    (tmp_path / "stack.json").write_text("{torn", encoding="utf-8")
    assert state.read_state(tmp_path) is None
