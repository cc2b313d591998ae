"""One JVM in which the tests' replays run one after the other: its start costs more than most of them.

A process of its own, `python -m tests.flink.replays`: a JSON array of words in (the job's module and
its arguments, then the environment as an object), one line out: "" or why the job failed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from jobs import run_job
from jobs.config import PROJECT, config_from
from jobs.flink.jvm import connect_jvm, start_jvm, stop_jvm
from jobs.flink.traces import last_cause
from jobs.run_arguments import Job, arguments_of
from jobs.run_settings import jvm_settings_of, run_settings_of, settings_of
from jobs.stack.ports import free_port
from schemas.errors import ConfigError

HEAP_MB: Final = 1_536


class Replays:
    """The process, started with the first replay."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()  # no more requests: it ends

    def run(self, module: str, environment: Mapping[str, str], *words: str) -> None:
        """Runs a job to its end; fails with what it says."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.flink.replays"], cwd=PROJECT, env=dict(environment),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = msgspec.json.encode((module, words, dict(environment)))
        self._process.stdin.write(request + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process of the replays is gone"
        said = msgspec.json.decode(answer)
        assert not said, said


def serve() -> None:
    """Runs what is asked for until nothing more can come."""
    jvm: subprocess.Popen[bytes] | None = None
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    try:
        for line in sys.stdin.buffer:
            module, words, environment = msgspec.json.decode(line)
            said = ""
            try:
                jvm = _run(jvm, module, words, environment)
            except (ConfigError, run_job.JobFailed) as error:
                said = str(error)
            except Exception as error:  # Java's, of which Python has no type
                said = last_cause(str(error))
            answers.write(msgspec.json.encode(said) + b"\n")
            answers.flush()
    finally:
        if jvm is not None:
            stop_jvm(jvm)


def _run(
    jvm: "subprocess.Popen[bytes] | None",
    module: str,
    words: list[str],
    environment: dict[str, str],
) -> "subprocess.Popen[bytes]":
    job = _job_of(module)
    config = config_from(environment)
    ports = ("--rest-port", str(free_port()), "--heap-mb", str(HEAP_MB))
    arguments = arguments_of(job, config, [*words, *ports])
    settings = settings_of(job, config, arguments)
    jvm_settings = jvm_settings_of(config, arguments, settings)
    if jvm is None:
        jvm = start_jvm(jvm_settings)
        connect_jvm(jvm, jvm_settings)
    run_settings = run_settings_of(config, arguments, settings, jvm_settings)
    Path(run_settings.work).mkdir(parents=True, exist_ok=True)
    graph = import_module(job.graph)
    run_job._run_job(graph.build_job, settings, run_settings, jvm, run_job.Stop())
    return jvm


def _job_of(module: str) -> Job:
    found: Any = import_module(module)
    return next(one for one in vars(found).values() if isinstance(one, Job))


if __name__ == "__main__":
    serve()
    sys.stdout.flush()
    os._exit(0)  # as jobs.run_decide does
