"""What a run of a job is made of: settings of the job, of its JVM and of Flink, from configuration and command line."""

import shutil
import sys

from jobs.config import Config
from jobs.erasure_key import make_erasure_key
from jobs.flink.jvm import JvmSettings
from jobs.flink.key_maker import make_keys
from jobs.flink.keys import home_keys, keys_for
from jobs.flink.settings import RunSettings, folder_uri, local_path, newest_state
from jobs.flink.submit import checkpoint_folder, savepoint_folder
from jobs.fold.replay import read_plan
from jobs.job_settings import JobSettings, job_settings
from jobs.kept_days import days_of
from jobs.run_arguments import Arguments, Job
from jobs.stack.jars import jar_paths
from jobs.stack.ports import LOOPBACK
from log.bounds import replay_range
from log.kafka import create_topics, ends_of
from log.record_size import record_bytes_max
from log.settings import Brokers
from schemas.errors import ConfigError
from schemas.limits import KNOWLEDGE_BYTES_MAX, RECORD_BYTES_MIN
from schemas.topics import EVENTS, topics


def settings_of(job: Job, config: Config, arguments: Arguments) -> JobSettings:
    """What the job decides by, once its topics are there; raises ConfigError where those that it reads are not."""
    kafka = Brokers(arguments.kafka, arguments.kafka_settings_file or config.kafka_settings_file)
    make_erasure_key(config)
    if arguments.plan is not None:
        plan = read_plan(arguments.plan)
        _create_outputs(job, config, kafka, plan.prefix)
        settings = job_settings(
            job.kind, config, kafka, plan.knowledge_from, plan.prefix, plan.range
        )
        return _sized(job, settings)
    sources = config.topic_prefix
    sinks = sources if arguments.prefix is None else arguments.prefix
    replay = None
    if arguments.replay:
        replay = replay_range(kafka, sources + EVENTS, arguments.from_ms, arguments.to_ms)
    knowledge_from = ends_of(kafka, [sources + name for name in job.knowledge])
    _create_outputs(job, config, kafka, sinks)
    return _sized(
        job,
        job_settings(job.kind, config, kafka, knowledge_from, sinks, replay, arguments.starts),
    )


def _sized(job: Job, settings: JobSettings) -> JobSettings:
    """With what the topics take: those that it writes and, of a replay or shadow, those of the live run."""
    prefixes = (settings.source_prefix, settings.sink_prefix)
    names = [prefix + name for prefix in prefixes for name in job.outputs]
    least = RECORD_BYTES_MIN if job.kind == "decide" else KNOWLEDGE_BYTES_MAX
    return settings._replace(record_bytes_max=record_bytes_max(settings.kafka, names, least))


def live_settings(job: Job, config: Config, kafka: str) -> JobSettings:
    """The settings of a live run in application mode: its task managers are its own."""
    prefix = config.topic_prefix
    make_erasure_key(config)
    knowledge_from = ends_of(kafka, [prefix + name for name in job.knowledge])
    _create_outputs(job, config, kafka, prefix)
    settings = _sized(job, job_settings(job.kind, config, kafka, knowledge_from))
    return settings._replace(has_own_slots=config.slots == "split" and job.kind == "decide")


def _create_outputs(job: Job, config: Config, kafka: str, prefix: str) -> None:
    written = [prefix + name for name in job.outputs]
    kept = topics(prefix, days_of(config))
    create_topics(kafka, [one for one in kept if one.name in written])


def jvm_settings_of(config: Config, arguments: Arguments, settings: JobSettings) -> JvmSettings:
    """The JVM of the job, and where its logs are."""
    log = config.home / "logs" / f"flink-{settings.name}.log"
    return JvmSettings(
        jars=jar_paths("flink", config.home / "jars", say),
        work=config.home / "flink" / settings.name,
        log=log,
        output=log.with_suffix(".out"),
        heap_mb=arguments.heap_mb,
    )


def run_settings_of(
    config: Config, arguments: Arguments, settings: JobSettings, jvm: JvmSettings
) -> RunSettings:
    """How Flink runs it, and from which state it goes on; raises ConfigError where that is not known."""
    checkpoints = checkpoint_folder(config, settings.name)
    folder = local_path(checkpoints)
    if arguments.replay and folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    restore_from = arguments.from_savepoint
    is_live = not arguments.replay and arguments.plan is None
    if restore_from is None and not arguments.fresh and is_live and not arguments.upgrade:
        if folder is None:
            raise ConfigError(
                f"the newest checkpoint is not looked for in {checkpoints}: name one by "
                "--from-savepoint, or begin with the log by --fresh"
            )
        newest = newest_state(folder, local_path(savepoint_folder(config, settings.name)))
        restore_from = folder_uri(newest) if newest else None
    host, _, port = (config.flink or "").rpartition(":")
    return RunSettings(
        parallelism=settings.parallelism,
        is_prompt=settings.is_prompt,
        checkpoint_ms=config.checkpoint_ms,
        checkpoints=checkpoints,
        restore_from=restore_from,
        # another run's source, whose offsets are not these
        leaves_state=arguments.starts is not None or arguments.plan is not None,
        work=jvm.work,
        jars=jvm.jars,
        rest_host=host or LOOPBACK,
        rest_port=int(port) if port else arguments.rest_port,
        is_remote=bool(port),
        keys=keys_for(config, config.flink)
        if config.flink
        else make_keys(home_keys(config.home).folder),
        state_backend=config.state_backend,
    )


def say(line: str) -> None:
    """One line of what the process does, at once: who has started it waits for it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
