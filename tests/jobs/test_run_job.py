"""How the job's process ends when asked to: in order, or by force, never not at all."""

import subprocess
import sys

from jobs.config import PROJECT

HANG = """
import signal, sys, time
from jobs import run_job
run_job.END_S = 0.1
stop = run_job.Stop()
signal.signal(signal.SIGTERM, stop.ask)
signal.raise_signal(signal.SIGTERM)
assert stop.is_asked
time.sleep(60)
"""


def test_process_that_hangs_after_its_stop_ends_and_says_where_it_hung() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANG], cwd=PROJECT, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "line 9 in <module>" in done.stderr
