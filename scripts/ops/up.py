"""`kairos up`: the engine in a process of its own, in the background, until `kairos down`."""

import subprocess
import time
from collections.abc import Callable
from typing import Final

from jobs.config import Config
from jobs.publish import Log
from jobs.stack.state import is_alive, read_state
from schemas.errors import ConfigError, NotUp
from scripts.console import say
from scripts.exit_codes import error_of
from scripts.ops.background import FAULT, Said, start
from scripts.ops.engine import Engine

UP: Final = "UP"
"""What that process says when all is up."""
START_S_MAX: Final = 300.0
KEPT: Final = "the log, the store and the checkpoints"
STOP_S_MAX: Final = 60.0
POLL_S: Final = 0.1


def start_engine(config: Config, *, has_jobs: bool, has_shop: bool) -> None:
    """Starts the engine of this home; returns when all is up, raises ConfigError with the reason where it is not.

    Ctrl-C meanwhile stops what has been started.
    """
    before = read_state(config.home)
    if before is not None and is_alive(before.owner):
        raise ConfigError(f"already running, pid {before.owner.pid}: `kairos down` stops it")
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = config.home / "logs" / "supervisor.log"
    words = [*([] if has_jobs else ["--no-jobs"]), *(["--shop"] if has_shop else [])]
    process = start(log, "supervise", *words)
    try:
        _await_up(process, Said(log, is_new=True))
    except KeyboardInterrupt:
        say(f"stopping all; {KEPT} in {config.home} are kept: `kairos up` goes on from them")
        _stop(process)
        raise


def hold_engine(
    config: Config, *, has_jobs: bool, prepare: Callable[[Log, str], None] | None
) -> None:
    """Runs the engine in this process, and starts again what dies; see Engine for `prepare`. Never returns."""
    with Engine(config, say, has_jobs, has_api=True, prepare=prepare) as engine:
        engine.start()
        engine.await_learn()
        engine.await_api()
        say(UP)
        while True:
            engine.keep()
            time.sleep(POLL_S)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends the engine in order; its servers die with it where that takes too long."""
    process.terminate()
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_up(process: "subprocess.Popen[bytes]", said: Said) -> None:
    """Shows its progress until all is up; raises with its last line, by its exit code."""
    deadline_s = time.monotonic() + START_S_MAX
    while True:
        is_ended = process.poll() is not None
        for line in said.more():
            if line == UP:
                return
            if not line.startswith(FAULT):  # that is what is raised
                say(line)
        if is_ended:
            last = said.last() or f"it ended; see {said.log}"
            raise error_of(process.returncode)(last.removeprefix(FAULT))
        if time.monotonic() > deadline_s:
            _stop(process)
            raise NotUp(f"not up after {START_S_MAX:.0f} s; see {said.log}")
        time.sleep(POLL_S)
