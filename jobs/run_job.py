"""The process of a job: its command line, its JVM, its end. Prints READY once all of it runs."""

import faulthandler
import importlib
import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from subprocess import Popen, TimeoutExpired
from threading import Thread
from typing import Any, Final

from jobs.code import code_digest
from jobs.config import Config, config_from
from jobs.flink.counted import is_running
from jobs.flink.jvm import connect_jvm, start_jvm, stop_jvm
from jobs.flink.rest import FlinkRest
from jobs.flink.settings import RunSettings, copy_code, flink_settings
from jobs.flink.submit import Order, Submission, SubmitFailed
from jobs.flink.traces import last_cause
from jobs.job_settings import JobSettings
from jobs.run_arguments import Arguments, Job, arguments_of
from jobs.run_settings import jvm_settings_of, run_settings_of, say, settings_of
from schemas.errors import ConfigError, NotUp

POLL_S: Final = 0.1
CANCEL_S: Final = 10.0
END_S: Final = 40.0
ENDING_S: Final = 1.0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_NOT_UP: Final = 3
"""These three as `kairos` ends (scripts/exit_codes.py), which becomes this process."""
EXIT_STOPPED: Final = 4
"""Of a replay that was asked to end before its range did."""


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


def main(job: Job, argv: Sequence[str] | None = None) -> int:
    """Runs the job until it ends or SIGTERM; the exit code."""
    logging.disable()  # py4j logs what we report in one line, and each object of a JVM that is gone
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.ask)
    try:
        config = config_from()
        arguments = arguments_of(job, config, argv)
        has_ended = run(job, config, arguments, stop)
    except ConfigError as error:
        _say_error(error)
        return EXIT_NOT_UP if isinstance(error, NotUp) else EXIT_REFUSED
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
    settings = settings_of(job, config, arguments)
    if config.flink:
        settings = settings._replace(code=code_digest())
    jvm_settings = jvm_settings_of(config, arguments, settings)
    order = Order(
        arguments.detached, arguments.upgrade, arguments.keep_task_managers, arguments.json
    )
    cluster = Submission(config, settings, order, say) if config.flink else None
    if cluster is not None:
        cluster.check()
    run_settings = run_settings_of(config, arguments, settings, jvm_settings)
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
            say(f"READY {rest.address}")
    if ended.done():
        ended.result()
        return True
    cancelled, deadline = client.cancel(), time.monotonic() + CANCEL_S
    while not cancelled.done() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return False


def _ending_of(jvm: Popen[bytes]) -> str | None:
    """How the JVM ended, if it did: its connection breaks a moment before it is gone."""
    try:
        return f"the JVM of Flink ended with code {jvm.wait(ENDING_S)}"
    except TimeoutExpired:
        return None


def _say_error(error: Exception) -> None:
    sys.stderr.write(f"{error}\n")
