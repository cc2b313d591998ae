"""What a user sees of a job that cannot start: one line, an exit code, no process left."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.config import PROJECT
from jobs.flink.traces import last_cause
from jobs.stack.ports import free_port
from tests.builders import make_catalogue
from tests.flink.runs import environment, fill_log, start_decide

pytestmark = pytest.mark.flink

BREAK_OPEN = """
from jobs import run_decide, run_job, run_settings
make = run_settings.job_settings
run_settings.job_settings = lambda *values: make(*values)._replace(source_format="no such format")
raise SystemExit(run_job.main(run_decide.DECIDE))
"""


@pytest.mark.long
def test_operator_that_cannot_open_is_reported_in_one_line(kafka: str, home: Path) -> None:
    fill_log(kafka, "broken.", [], make_catalogue(1))
    command = [sys.executable, "-c", BREAK_OPEN, "--kafka", kafka, "--rest-port", str(free_port())]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment("broken.", home), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "KeyError" in line
    assert "no such format" in line
    log = home / "logs" / "flink-decide.broken.log"
    assert str(log) in line
    assert "operators.open" in log.read_text()


def test_missing_topic_is_refused_before_anything_starts(kafka: str, home: Path) -> None:
    said, _ = (job := start_decide(kafka, "nowhere.", home)).process.communicate(timeout=60)
    assert job.process.returncode == 2
    (line,) = said.splitlines()
    assert "nowhere.control" in line


def test_root_cause_is_the_innermost() -> None:
    trace = """An error occurred while calling o318.get.
: java.util.concurrent.ExecutionException: Job failed
\tat java.base/java.lang.Thread.run(Unknown Source)
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed
\t... 4 more
Caused by: pemja.core.PythonException: <class 'KeyError'>: 'x'
\tat /a.py.open(a.py:1)
"""
    assert last_cause(trace) == "KeyError: 'x'"
