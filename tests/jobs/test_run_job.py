"""How the job's process ends when asked to: in order, or by force, never not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs import run_job
from jobs.config import PROJECT, config_from
from jobs.flink.jvm import JvmSettings
from jobs.job_settings import job_settings
from jobs.run_arguments import arguments_of
from jobs.run_decide import DECIDE
from jobs.run_settings import run_settings_of
from scripts.exit_codes import FAILED, MEANINGS, NOT_UP, REFUSED

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


FAULT = """
import sys
from jobs import run_job
from schemas import errors
def refuse():
    raise getattr(errors, sys.argv[1])("Flink does not answer")
run_job.config_from = refuse
sys.exit(run_job.main(None))
"""


@pytest.mark.parametrize(("error", "code"), [("ConfigError", REFUSED), ("NotUp", NOT_UP)])
def test_a_job_ends_as_the_command_that_becomes_it(error: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULT, error], cwd=PROJECT, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert "Flink does not answer" in done.stderr
    codes = (run_job.EXIT_FAILED, run_job.EXIT_REFUSED, run_job.EXIT_NOT_UP)
    assert codes == (FAILED, REFUSED, NOT_UP)
    assert run_job.EXIT_STOPPED not in MEANINGS


def test_a_replay_that_was_stopped_is_not_done() -> None:
    assert run_job.exit_code(is_replay=True, has_ended=False) == run_job.EXIT_STOPPED
    assert run_job.exit_code(is_replay=True, has_ended=True) == 0
    assert run_job.exit_code(is_replay=False, has_ended=False) == 0, (
        "a live job ends by being stopped"
    )


@pytest.mark.parametrize("place", ["", "elsewhere"])
def test_a_run_goes_on_from_the_savepoint_with_which_it_was_stopped(
    tmp_path: Path, place: str
) -> None:
    folder = {"KAIROS_CHECKPOINTS": str(tmp_path / place)} if place else {}
    config = config_from(
        {"KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": "shop.", "KAIROS_PORTS": "0"} | folder
    )
    savepoint = tmp_path / place / "savepoints" / "decide.shop" / "savepoint-1"
    savepoint.mkdir(parents=True)
    (savepoint / "_metadata").touch()
    settings = job_settings("decide", config, "kafka:1", {})
    for words, wanted in (((), f"file://{savepoint}"), (("--fresh",), None)):
        arguments = arguments_of(DECIDE, config, ["--kafka", "kafka:1", *words])
        jvm = JvmSettings((), tmp_path, tmp_path, tmp_path, 1)
        found = run_settings_of(config, arguments, settings, jvm)
        assert found.restore_from == wanted
