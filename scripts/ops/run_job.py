"""`kairos decide`, `learn` and `upgrade`: this process becomes the job, or leaves it to a cluster."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

import typer

from jobs.config import PROJECT, Config
from jobs.flink.settings import folder_uri
from jobs.learning.trust import trust_of
from jobs.stack.environment import job_environment
from schemas.errors import ConfigError
from scripts.console import say
from scripts.ops.cluster import cancel, check_shadow, job_command, state_for_shadow
from scripts.ops.signed_records import refused_in_force
from scripts.ops.status import running_kafka

JOBS: Final = ("decide", "learn")


class Begin(NamedTuple):
    """Where a job begins: with a savepoint, with nothing, or else where it was."""

    savepoint: str | None = None
    is_fresh: bool = False


def become_decide(config: Config, begin: Begin, shadow: str | None, *, is_json: bool) -> NoReturn:
    """The decide job; as a shadow it writes under that prefix and begins with the state of the live one."""
    words: Sequence[str] = ()
    if shadow is not None:
        check_shadow(config, shadow)
        words = ("--prefix", shadow)
        if begin == Begin():
            begin = Begin(state_for_shadow(config))
    become_job("decide", config, begin, *words, is_json=is_json)


def become_job(job: str, config: Config, begin: Begin, *words: str, is_json: bool) -> NoReturn:
    """The job takes the place of this process."""
    argv = _command(job, config, begin, *words, is_json=is_json)
    os.chdir(PROJECT)
    os.execve(sys.executable, argv, job_environment(config))  # noqa: S606 - the command becomes the job


def upgrade(
    job: str, config: Config, words: Sequence[str], shadow: str | None, *, is_json: bool
) -> NoReturn:
    """The job takes over from the one that runs; the shadow of that prefix ends then."""
    if job not in JOBS:
        raise ConfigError(f"there is no job {job!r}: decide or learn")
    words = ("--upgrade", *words)
    if shadow is None:
        become_job(job, config, Begin(), *words, is_json=is_json)
    argv = _command(job, config, Begin(), *words, is_json=is_json)
    code = subprocess.call(argv, cwd=PROJECT, env=job_environment(config))
    if code == 0:
        ended = cancel(config, None, f"decide.{shadow.strip('.')}")
        say(f"{ended} is cancelled")
    raise typer.Exit(code)


def _command(job: str, config: Config, begin: Begin, *words: str, is_json: bool) -> list[str]:
    kafka = running_kafka(config)
    if job == "decide":
        for line in refused_in_force(kafka, config.topic_prefix, trust_of(config)):
            say(line)
    where = ["--from-savepoint", folder_uri(begin.savepoint)] if begin.savepoint else []
    options = [*(["--fresh"] if begin.is_fresh else []), *(["--json"] if is_json else [])]
    return job_command(job, config, kafka, *where, *options, *words)
