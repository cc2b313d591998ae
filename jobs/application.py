"""A job in Flink's application mode: `-pym jobs.application decide|learn`, run by Flink on the JobManager.

Flink has started the JVM and brings settings of its own (savepoint, target); ours are the environment's.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

from jobs.config import config_from
from jobs.flink.settings import RunSettings, job_own_settings
from jobs.flink.submit import checkpoint_folder
from jobs.run_arguments import Job
from jobs.run_decide import DECIDE
from jobs.run_learn import LEARN
from jobs.run_settings import live_settings
from schemas.errors import ConfigError

JOBS: Final = {"decide": DECIDE, "learn": LEARN}


def main(argv: Sequence[str]) -> None:
    """Hands the job over to Flink, whose application mode ends with it; raises ConfigError."""
    if len(argv) != 1 or argv[0] not in JOBS:
        raise ConfigError(f"jobs.application {' '.join(argv)}: decide or learn is wanted")
    run(JOBS[argv[0]])


def run(job: Job) -> None:
    """Builds the job and has Flink run it."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment

    config = config_from()
    if config.kafka is None:
        raise ConfigError("KAIROS_KAFKA is not set: the brokers as HOST:PORT,…")
    settings = live_settings(job, config, config.kafka)
    run_settings = RunSettings(
        parallelism=settings.parallelism,
        is_prompt=settings.is_prompt,
        checkpoint_ms=config.checkpoint_ms,
        checkpoints=checkpoint_folder(config, settings.name),
        restore_from=None,
        work=config.home,
        jars=(),
        rest_host="",
        rest_port=0,
        is_remote=True,
        state_backend=config.state_backend,
    )
    configuration = Configuration()
    for name, value in job_own_settings(run_settings).items():
        configuration.set_string(name, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    importlib.import_module(job.graph).build_job(env, settings)
    env.execute(settings.name)


if __name__ == "__main__":
    main(sys.argv[1:])
