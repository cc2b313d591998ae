"""`kairos up`: the engine in a process of its own, in the background, until `kairos down`."""

import subprocess
import time
from collections.abc import Callable
from typing import Final

from jobs.config import Config
from jobs.publish import Log
from jobs.stack.state import is_alive, read_state
from log.kafka import ends_of
from schemas.errors import ConfigError, NotUp
from schemas.topics import ITEMS
from scripts.console import say
from scripts.exit_codes import error_of
from scripts.files.items_here import items_in_force
from scripts.ops.background import FAULT, Said, start
from scripts.ops.engine import Engine
from scripts.ops.home_note import forget_start, read_note, whose, write_note
from scripts.ops.homes import in_home
from scripts.ops.status import running_kafka

UP: Final = "UP"
"""What that process says when all is up."""
START_S_MAX: Final = 300.0
KEPT: Final = "the log, the store and the checkpoints"
COUNTED_MAX: Final = 200_000
"""A catalogue of more versions is not counted: that would take seconds."""
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
    forget_start(config.home)
    log = config.home / "logs" / "supervisor.log"
    words = [*([] if has_jobs else ["--no-jobs"]), *(["--shop"] if has_shop else [])]
    process = start(log, "supervise", *words)
    try:
        _await_up(process, Said(log, is_new=True))
        if has_shop:
            write_note(config.home, has_shop=True)
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
        write_note(config.home, consent=config.consent)
        engine.await_learn()
        engine.await_api()
        say(UP)
        while True:
            engine.keep()
            time.sleep(POLL_S)


def show_holding(config: Config) -> None:
    """Says whose data the engine that is up here holds; how to begin where that is nothing."""
    say(_holding(config, running_kafka(config)))


def _holding(config: Config, kafka: str) -> str:
    if config.kafka is not None:
        return f"all data are in the Kafka at {config.kafka}"
    topic = config.topic_prefix + ITEMS
    if sum(ends_of(kafka, [topic])[topic].values()) > COUNTED_MAX:
        return whose(config.home)
    items = len(items_in_force(kafka, config.topic_prefix))
    if not items and not read_note(config.home).imported:
        begin = in_home(config.home, "import FILE --items FILE")
        return f"{config.home} holds no items yet: `{begin}` brings yours (docs/tutorial.md)"
    return whose(config.home, items)


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
