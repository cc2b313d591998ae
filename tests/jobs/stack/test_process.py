import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.stack.process import LOG_BYTES_MAX, Child, PortTaken, Process, StartFailed
from jobs.stack.state import is_alive, running
from tests.jobs.stack.conftest import wait_until

PARENT = """
import pathlib, sys, time
from jobs.stack.process import Child, Process
process = Process(Child("sleeper", ("sleep", "600"), lambda pid: True), pathlib.Path(sys.argv[1]))
print(process.pid, flush=True)
time.sleep(600)
"""


def python(code: str, is_healthy: Callable[[int], bool] = lambda pid: True) -> Child:
    return Child("child", (sys.executable, "-c", code), is_healthy, healthy_seconds_max=60)


def test_a_child_that_ends_is_reported_with_its_cause_and_log(tmp_path: Path) -> None:
    child = python("raise ValueError('no such thing')", lambda pid: False)
    with Process(child, tmp_path) as process, pytest.raises(StartFailed) as raised:
        process.wait_until_healthy()
    message = str(raised.value)
    assert "child ended with code 1: ValueError: no such thing" in message
    assert str(tmp_path / "child.log") in message
    assert "\n" not in message


def test_a_child_that_never_answers_is_stopped(tmp_path: Path) -> None:
    child = Child("mute", ("sleep", "600"), lambda pid: False, healthy_seconds_max=0.1)
    process = Process(child, tmp_path)
    with pytest.raises(StartFailed, match=r"mute did not answer within 0\.1 s"):
        process.wait_until_healthy()
    assert process.exit_code() is not None


def test_a_taken_port_has_its_own_error(tmp_path: Path) -> None:
    child = python("raise OSError('Address already in use')", lambda pid: False)
    with Process(child, tmp_path) as process, pytest.raises(PortTaken):
        process.wait_until_healthy()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    code = "import signal,time; signal.signal(15, signal.SIG_IGN); print('on', flush=True)"
    process = Process(python(code + "; time.sleep(600)"), tmp_path)
    wait_until(lambda: "on" in process.log.read_text(encoding="utf-8"))
    process.stop(seconds_max=0.1)
    assert process.exit_code() == -signal.SIGKILL


def test_what_a_dead_child_left_running_is_killed(tmp_path: Path) -> None:
    code = "import subprocess as s; print(s.Popen(('sleep', '600')).pid, flush=True); import os; os._exit(0)"
    process = Process(python(code), tmp_path)
    wait_until(lambda: process.exit_code() is not None)
    grandchild = int(process.log.read_text(encoding="utf-8"))
    wait_until(lambda: running(grandchild).began == "")


def test_children_do_not_get_the_terminals_ctrl_c(tmp_path: Path) -> None:
    with Process(Child("sleeper", ("sleep", "600"), lambda pid: True), tmp_path) as process:
        assert os.getpgid(process.pid) != os.getpgrp()


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        (sys.executable, "-c", PARENT, str(tmp_path)), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = running(int(parent.stdout.readline()))
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_alive(child))


def test_children_are_refused_to_other_threads(tmp_path: Path) -> None:
    errors = []

    def start() -> None:
        try:
            Process(Child("sleeper", ("sleep", "1"), lambda pid: True), tmp_path)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_logs_are_kept_once_and_bounded(tmp_path: Path) -> None:
    for word in ("first", "second"):
        with Process(python(f"print('{word}')"), tmp_path) as process:
            process.wait_until_done()
    assert process.log.read_text(encoding="utf-8") == "second\n"
    assert (tmp_path / "child.log.1").read_text(encoding="utf-8") == "first\n"
    os.truncate(process.log, LOG_BYTES_MAX + 1)
    process.bound_log()
    assert process.log.stat().st_size == 0
