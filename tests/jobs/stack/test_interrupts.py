"""A signal whose handler runs where nothing can catch what it raises is not lost."""

import subprocess
import sys
from typing import Final

import pytest

from jobs.config import PROJECT

CHILD: Final = """
import os, signal, subprocess, sys, time
from jobs.stack.interrupts import heed_interrupts

def stop(*_):
    raise {error}

signal.signal(signal.SIGTERM, stop)
if {is_heeded}:
    heed_interrupts()
# as a SIGTERM that comes while a server is started: the callbacks of a fork drop what is raised in them
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGTERM))
try:
    os.fork() or os._exit(0)
    time.sleep({pause})
except {error} as error:
    sys.exit(9)
"""


def ended(error: str, *, is_heeded: bool, pause: float) -> int:
    code = CHILD.format(error=error, is_heeded=is_heeded, pause=pause)
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False)  # fmt: skip
    return done.returncode


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_what_was_dropped_comes_again(error: str) -> None:
    assert ended(error, is_heeded=True, pause=60.0) == 9


def test_python_by_itself_drops_it() -> None:
    assert ended("KeyboardInterrupt", is_heeded=False, pause=0.5) == 0
