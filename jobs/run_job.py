"""The process of a job: its command line, its JVM, its end. Prints READY once all of it runs."""

import argparse
import faulthandler
import importlib
import logging
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from threading import Thread
from typing import Any, Final, NamedTuple

from jobs.code import code_digest
from jobs.config import Config, config_from
from jobs.flink.counted import is_running
from jobs.flink.jvm import JvmSettings, connect_jvm, start_jvm, stop_jvm
from jobs.flink.key_maker import make_keys
from jobs.flink.keys import home_keys, keys_for
from jobs.flink.rest import FlinkRest
from jobs.flink.settings import (
    RunSettings,
    copy_code,
    flink_settings,
    folder_uri,
    local_path,
    newest_state,
)
from jobs.flink.submit import Order, Submission, SubmitFailed, checkpoint_folder, savepoint_folder
from jobs.flink.traces import last_cause
from jobs.fold.replay import read_plan
from jobs.job_settings import JobKind, JobSettings, job_settings
from jobs.stack.jars import jar_paths
from jobs.stack.ports import LOOPBACK, preferred_port
from log.kafka import create_topics, ends_of, replay_range
from log.offsets import Offsets
from log.record_size import record_bytes_max
from log.settings import Brokers
from schemas.errors import ConfigError
from schemas.limits import KNOWLEDGE_BYTES_MAX, RECORD_BYTES_MIN
from schemas.topics import EVENTS, topics

POLL_S: Final = 0.1
CANCEL_S: Final = 10.0
END_S: Final = 40.0
ENDING_S: Final = 1.0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_STOPPED: Final = 3
"""Of a replay that was asked to end before its range did."""


class Job(NamedTuple):
    """What tells one job from another.

    `graph` names the module with its build_job; `knowledge` the topics of knowledge that it reads
    and `outputs` those that it writes, without prefix; `rest_port` is where Flink answers if free.
    """

    kind: JobKind
    graph: str
    knowledge: tuple[str, ...]
    outputs: tuple[str, ...]
    heap_mb: int
    rest_port: int


class JobFailed(Exception):
    """The job ended with an error: the message is its root cause, in one line."""


class Stop:
    """Whether a signal asked for the end.

    Not a threading.Event: its `set` waits for a lock that the thread it interrupts may hold.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, *_: object) -> None:
        """The signal handler: from now on this process ends, in order or, at the latest, by force.

        The stacks of a process that hangs go to stderr, and it ends with code 1.
        """
        self.is_asked = True
        faulthandler.dump_traceback_later(END_S, exit=True)


class Arguments(NamedTuple):
    """The command line. Times in epoch milliseconds."""

    kafka: str
    kafka_settings_file: Path | None
    rest_port: int
    heap_mb: int
    fresh: bool
    from_savepoint: str | None
    replay: bool
    prefix: str | None
    from_ms: int | None
    to_ms: int | None
    plan: Path | None
    starts: Offsets | None
    detached: bool
    upgrade: bool
    keep_task_managers: bool
    json: bool


def main(job: Job, argv: Sequence[str] | None = None) -> int:
    """Runs the job until it ends or SIGTERM; the exit code."""
    logging.disable()  # py4j logs what we report in one line, and each object of a JVM that is gone
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.ask)
    try:
        config = config_from()
        arguments = _arguments(job, config, argv)
        has_ended = run(job, config, arguments, stop)
    except ConfigError as error:
        _say_error(error)
        return EXIT_REFUSED
    except (JobFailed, SubmitFailed) as error:
        _say_error(error)
        return EXIT_FAILED
    return exit_code(arguments.replay or arguments.plan is not None, has_ended)


def exit_code(is_replay: bool, has_ended: bool) -> int:
    """Of a job without an error: a live one ends when it is stopped, a replay only with its range."""
    return EXIT_STOPPED if is_replay and not has_ended else 0


def run(job: Job, config: Config, arguments: Arguments, stop: Stop) -> bool:
    """Runs the job until it ends or a stop is asked for, and says whether it ended by itself.

    Raises ConfigError, JobFailed or SubmitFailed. With `detached` it returns once the job runs on the cluster.
    """
    settings = _settings(job, config, arguments)
    if config.flink:
        settings = settings._replace(code=code_digest())
    jvm_settings = _jvm_settings(config, arguments, settings)
    order = Order(
        arguments.detached, arguments.upgrade, arguments.keep_task_managers, arguments.json
    )
    cluster = Submission(config, settings, order, _say) if config.flink else None
    if cluster is not None:
        cluster.check()
    run_settings = _run_settings(config, arguments, settings, jvm_settings)
    if cluster is not None:
        run_settings = cluster.prepare(run_settings)
    jvm = start_jvm(jvm_settings, lambda: stop.is_asked)
    try:
        # takes a second, as the JVM does; more on a busy machine, where the JVM would give us up
        Thread(target=_import, args=(job.graph,), daemon=True).start()
        connect_jvm(jvm, jvm_settings)
        graph = importlib.import_module(job.graph)
        if stop.is_asked:
            return False
        return _run_job(graph.build_job, settings, run_settings, jvm, stop, cluster)
    except (SubmitFailed, ConfigError):
        raise
    except Exception as error:
        with jvm_settings.output.open("a") as file:
            traceback.print_exc(file=file)
        cause = _ending_of(jvm) or last_cause(str(error))
        raise JobFailed(f"{settings.name}: {cause} ({jvm_settings.log})") from error
    finally:
        if cluster is not None:
            cluster.leave()
        stop_jvm(jvm)


def _import(module: str) -> None:
    with suppress(Exception):  # whoever imports it next is told
        importlib.import_module(module)


def _run_job(
    build_job: Callable[[Any, JobSettings], None],
    settings: JobSettings,
    run_settings: RunSettings,
    jvm: Popen[bytes],
    stop: Stop,
    cluster: Submission | None = None,
) -> bool:
    # imported here: PyFlink connects to the JVM as soon as a graph is built
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.java_gateway import get_gateway

    configuration = Configuration()
    for name, value in flink_settings(run_settings).items():
        configuration.set_string(name, value)
    # not get_execution_environment, which knows no cluster unless `flink run` has started it
    environment = get_gateway().jvm.org.apache.flink.streaming.api.environment
    env = StreamExecutionEnvironment(
        environment.StreamExecutionEnvironment(configuration._j_configuration)
    )
    if run_settings.is_remote:
        env.add_python_file(str(copy_code(run_settings.work / "code")))
    build_job(env, settings)
    if cluster is not None and cluster.order.is_detached:
        cluster.submit(env)
        return False
    client = env.execute_async(settings.name)
    ended = client.get_job_execution_result()
    rest = FlinkRest(f"{run_settings.rest_host}:{run_settings.rest_port}", run_settings.keys)
    is_ready = False
    while not ended.done() and not stop.is_asked:
        time.sleep(POLL_S)
        if jvm.poll() is not None:
            raise JobFailed("the JVM is gone")
        if not is_ready and is_running(rest, settings.kind):
            is_ready = True
            _say(f"READY {rest.address}")
    if ended.done():
        ended.result()
        return True
    cancelled, deadline = client.cancel(), time.monotonic() + CANCEL_S
    while not cancelled.done() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return False


def _settings(job: Job, config: Config, arguments: Arguments) -> JobSettings:
    kafka = Brokers(arguments.kafka, arguments.kafka_settings_file or config.kafka_settings_file)
    if arguments.plan is not None:
        plan = read_plan(arguments.plan)
        _create_outputs(job, kafka, plan.prefix)
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
    _create_outputs(job, kafka, sinks)
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
    knowledge_from = ends_of(kafka, [prefix + name for name in job.knowledge])
    _create_outputs(job, kafka, prefix)
    settings = _sized(job, job_settings(job.kind, config, kafka, knowledge_from))
    return settings._replace(has_own_slots=config.slots == "split" and job.kind == "decide")


def _create_outputs(job: Job, kafka: str, prefix: str) -> None:
    written = [prefix + name for name in job.outputs]
    create_topics(kafka, [one for one in topics(prefix) if one.name in written])


def _jvm_settings(config: Config, arguments: Arguments, settings: JobSettings) -> JvmSettings:
    log = config.home / "logs" / f"flink-{settings.name}.log"
    return JvmSettings(
        jars=jar_paths("flink", config.home / "jars", _say),
        work=config.home / "flink" / settings.name,
        log=log,
        output=log.with_suffix(".out"),
        heap_mb=arguments.heap_mb,
    )


def _run_settings(
    config: Config, arguments: Arguments, settings: JobSettings, jvm: JvmSettings
) -> RunSettings:
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


def _ending_of(jvm: Popen[bytes]) -> str | None:
    """How the JVM ended, if it did: its connection breaks a moment before it is gone."""
    try:
        return f"the JVM of Flink ended with code {jvm.wait(ENDING_S)}"
    except TimeoutExpired:
        return None


def _arguments(job: Job, config: Config, argv: Sequence[str] | None) -> Arguments:
    parser = argparse.ArgumentParser(f"jobs.run_{job.kind}")
    parser.add_argument("--kafka", default=config.kafka, required=config.kafka is None)
    parser.add_argument("--kafka-settings-file", type=Path, help="what its clients need beside")
    parser.add_argument("--rest-port", type=int, default=None)
    parser.add_argument("--heap-mb", type=int, default=job.heap_mb)
    parser.add_argument("--fresh", action="store_true", help="do not go on from a checkpoint")
    parser.add_argument("--from-savepoint", help="go on from this checkpoint or savepoint")
    parser.add_argument("--replay", action="store_true", help="end with the log; see --from-ms")
    parser.add_argument("--prefix", help="put before the names of the topics that are written")
    parser.add_argument("--from-ms", type=int)
    parser.add_argument("--to-ms", type=int)
    parser.add_argument(
        "--plan", type=Path, help="replay what this file says: see jobs.fold.replay"
    )
    parser.add_argument(
        "--starts", type=_offsets, help="begin there, with --from-savepoint: 0:12,1:9"
    )
    parser.add_argument("--detached", action="store_true", help="leave the job to the cluster")
    parser.add_argument("--upgrade", action="store_true", help="take over from the job that runs")
    parser.add_argument("--keep-task-managers", action="store_true", help="no code has changed")
    parser.add_argument("--json", action="store_true", help="say where it runs as JSON")
    found = vars(parser.parse_args(argv))
    found["rest_port"] = found["rest_port"] or preferred_port(job.rest_port)
    return Arguments(**found)


def _offsets(text: str) -> Offsets:
    pairs = (one.split(":") for one in text.split(","))
    return {int(partition): int(offset) for partition, offset in pairs}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say_error(error: Exception) -> None:
    sys.stderr.write(f"{error}\n")
