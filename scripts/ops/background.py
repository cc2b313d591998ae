"""A `kairos` command in the background, whose log says how far it is: what `up` and `cluster up` start."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from jobs.config import PROJECT

FAULT: Final = "kairos: "
"""How the line begins that says why a command ended."""


def start(log: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Starts `kairos WORDS` in a session of its own; what it prints goes to the log, which begins anew."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "scripts", *words],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd=PROJECT, start_new_session=True,
        )  # fmt: skip


class Said:
    """The lines of such a log as they come; unless it `is_new`, those that are there already count as told."""

    def __init__(self, log: Path, *, is_new: bool) -> None:
        self.log = log
        self._told = 0 if is_new else len(self._lines())

    def more(self) -> list[str]:
        """Those that have come since the last time."""
        lines = self._lines()
        found, self._told = lines[self._told :], len(lines)
        return found

    def last(self) -> str:
        """The newest; empty where there is none."""
        return (self._lines() or [""])[-1]

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
