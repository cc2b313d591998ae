"""One way to start a child: it dies with its parent, logs to a file, and says why it failed."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple, Self

from jobs.stack.causes import is_port_taken, remedy, root_cause, tail
from jobs.stack.environment import plain_environment
from jobs.stack.private import PRIVATE
from schemas.errors import ConfigError

PR_SET_PDEATHSIG: Final = 1
POLL_SECONDS: Final = 0.05
STOP_SECONDS_MAX: Final = 20.0
LOG_BYTES_MAX: Final = 64 * 2**20

_libc: Final = ctypes.CDLL(None)


class Child(NamedTuple):
    """What to start. `is_healthy` gets the child's pid and answers within a few seconds.

    `name` names it in messages and its log, `service` in the status where that is another. `prepare` is called before
    each start. Without an `environment` it gets ours, but for our settings.
    """

    name: str
    argv: tuple[str, ...]
    is_healthy: Callable[[int], bool]
    address: str | None = None
    service: str | None = None
    folder: Path | None = None
    environment: dict[str, str] | None = None
    healthy_seconds_max: float = 60.0
    prepare: Callable[[], None] = lambda: None


class StartFailed(ConfigError):
    """A child that ended, or did not answer in time: one line with its root cause and its log."""


class PortTaken(StartFailed):
    """A child that found its port taken by another process."""


class Process:
    """A started child, to be stopped by `stop` or as a context manager.

    Start from the main thread only: Linux ties the death signal to the thread that forked, so a
    child would die with a worker thread.
    """

    def __init__(self, child: Child, logs: Path) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{child.name}: children are started from the main thread")
        self.child = child
        self.log = logs / f"{child.name}.log"
        self._is_swept = False
        child.prepare()
        logs.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                child.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=child.folder,
                env=plain_environment() if child.environment is None else child.environment,
                umask=PRIVATE,
                # A group of its own: Ctrl-C reaches the parent alone, which stops all in order.
                process_group=0,
                preexec_fn=dying_with(os.getpid()),  # noqa: PLW1509 - it only calls prctl
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs; what it left running in its group is killed once it has ended."""
        code = self._popen.poll()
        if code is not None and not self._is_swept:
            self._is_swept = True
            self._kill_group()
        return code

    def root_cause(self) -> str:
        """One line from its log: why it ended, or the last it said."""
        return root_cause(tail(self.log))

    def wait_until_healthy(self) -> None:
        """Returns when the child answers; else stops it and raises StartFailed or PortTaken."""
        deadline = time.monotonic() + self.child.healthy_seconds_max
        while time.monotonic() < deadline:
            if (code := self.exit_code()) is not None:
                raise self._failure(f"ended with code {code}")
            if self.child.is_healthy(self.pid):
                return
            time.sleep(POLL_SECONDS)
        self.stop()
        raise self._failure(f"did not answer within {self.child.healthy_seconds_max:g} s")

    def wait_until_done(self) -> None:
        """Returns when the child has ended with code 0; raises StartFailed otherwise."""
        deadline = time.monotonic() + self.child.healthy_seconds_max
        while (code := self.exit_code()) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if code != 0:
            self.stop()
            raise self._failure(
                "did not end in time" if code is None else f"ended with code {code}"
            )

    def bound_log(self) -> None:
        """Empties a log that has grown beyond 64 MiB; the child goes on writing to it, also if it was deleted."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES_MAX:
                os.truncate(self.log, 0)

    def stop(self, seconds_max: float = STOP_SECONDS_MAX) -> None:
        """Asks the child to end, and kills it and its group if it has not after `seconds_max`."""
        if self.exit_code() is None:
            self._popen.terminate()
            try:
                self._popen.wait(seconds_max)
            except subprocess.TimeoutExpired:
                self._kill_group()
                self._popen.wait()
            self.exit_code()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _failure(self, what: str) -> StartFailed:
        text = tail(self.log)
        cause = root_cause(text)
        kind = PortTaken if is_port_taken(text) else StartFailed
        return kind(f"{self.child.name} {what}: {cause}; {remedy(text)} ({self.log})")


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Makes SIGTERM end this process through its `with` and `finally`, as Ctrl-C does.

    A handler that somebody has set before stays.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        # Once: a second signal must not cut the orderly stop short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def dying_with(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: the child is killed when `parent` ends, however that happens."""

    def before_exec() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # A parent that died before the line above sends no signal any more.
        if os.getppid() != parent:
            os._exit(1)

    return before_exec
