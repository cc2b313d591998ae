"""A child that is started again when it ends by itself: on the same port, in the same folder."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jobs.stack.process import Child, Process
from jobs.stack.restarts import STEADY_S, Ending, Restarts, ending_now, reason_of
from jobs.stack.state import Service, file_of, running
from schemas.errors import ConfigError


class Supervised:
    """Owns the processes of one child, one after the other. Use it from the main thread."""

    def __init__(self, child: Child, logs: Path) -> None:
        self.child = child
        self.restarts = Restarts()
        self.ending: Ending | None = None
        self._logs = logs
        self._begin()

    def service(self) -> Service:
        """What the state file says of it."""
        address, file = self.child.address, file_of(self.child.address)
        return Service(
            self.child.service or self.child.name,
            str(address) if address is not None else None,
            self._running,
            self.restarts.times,
            self.ending,
            self.restarts.is_failing,
            str(file) if file is not None else None,
            str(self.process.log),
        )

    def keep(self, say: Callable[[str], None]) -> bool:
        """Starts it again if it has ended and its pause is over; whether anything is new. Never raises OSError."""
        code = self.process.exit_code()
        if code is None:
            self.process.bound_log()
            return self._grow_steady()
        if self._is_up:
            self._note(reason_of(code, self._cause(), self.process.log), say)
            return True
        if time.monotonic() < self._next_s:
            return False
        self._start_again(say)
        return True

    def stop(self) -> None:
        """Ends it for good."""
        self.process.stop()

    def _begin(self) -> None:
        self.process = Process(self.child, self._logs)
        # now: its id may be another's once it has ended
        self._running = running(self.process.pid)
        self._began_s = time.monotonic()
        self._is_up = True

    def _cause(self) -> str:
        try:
            return self.process.root_cause()
        except OSError as error:
            return f"its log cannot be read: {error.strerror}"

    def _start_again(self, say: Callable[[str], None]) -> None:
        try:
            self._begin()
        except (OSError, ConfigError) as error:
            # no process, no memory, no disk: as if it had ended
            self._note(f"cannot be started: {error}", say)

    def _note(self, reason: str, say: Callable[[str], None]) -> None:
        ran_s = time.monotonic() - self._began_s if self._is_up else 0.0
        before, self.restarts = self.restarts, self.restarts.after(ran_s)
        self.ending = ending_now(reason)
        self._is_up = False
        self._next_s = time.monotonic() + self.restarts.pause_s
        if before.is_failing:
            return  # told once
        again = (
            f"tried again every {self.restarts.pause_s:g} s"
            if self.restarts.is_failing
            else (f"started again in {self.restarts.pause_s:g} s")
        )
        with suppress(OSError):  # a full disk: the state file says it once there is room
            say(f"{self.child.name} {reason}; {again}")

    def _grow_steady(self) -> bool:
        if not self.restarts.in_a_row or time.monotonic() < self._began_s + STEADY_S:
            return False
        self.restarts = self.restarts.steady()
        return True
