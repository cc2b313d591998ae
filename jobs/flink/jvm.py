"""The JVM that runs Flink: started here, not by PyFlink, so that we hold its output, memory, life.

It is killed when this process ends, however that happens.
"""

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from py4j.java_gateway import GatewayParameters, JavaGateway
from pyflink import java_gateway
from pyflink.util.exceptions import install_exception_handler, install_py4j_hooks

from jobs.config import PROJECT
from jobs.stack.class_data import never
from jobs.stack.flink_java import flink_class_data, flink_folders, flink_java
from jobs.stack.java import java_home
from jobs.stack.process import dying_with
from schemas.errors import ConfigError

START_S: Final = 60.0
STOP_S: Final = 10.0
POLL_S: Final = 0.02
MAIN: Final = "org.apache.flink.api.python.shaded.py4j.GatewayServer"
"""py4j's own: PyFlink's asks whoever connects for no token, and wants a second server, in our process, that has none
either. It listens on the loopback interface only."""
PRINTED: Final = "printed"
"""In the work folder: what the JVM prints, which is first of all port and token."""
PORT_AND_TOKEN: Final = re.compile(rb"^(\d+)\n(\S{20,})\n", re.MULTILINE)
PRIVATE: Final = 0o600
WORKERS: Final = "_python_worker_execution_mode"
"""PyFlink's own switch: "process" is the one word with which it starts no server of workers, and says nothing in thread mode."""
LOG_BYTES: Final = "20MB"
LOG_FILES: Final = 3

LOG_SETTINGS: Final = """
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
appender.file.name = file
appender.file.type = RollingFile
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd'T'HH:mm:ss,SSS}} %-5p %c{{1}} - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = {size}
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = {files}
logger.checkpoints.name = org.apache.flink.runtime.checkpoint
logger.checkpoints.level = WARN
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.shaded.name = org.apache.flink.kafka.shaded
logger.shaded.level = WARN
logger.metrics.name = org.apache.flink.metrics.MetricGroup
logger.metrics.level = ERROR
"""


class JvmSettings(NamedTuple):
    """`jars` are put on the class path; `log` takes Flink's log, `output` what is printed."""

    jars: Sequence[Path]
    work: Path
    log: Path
    output: Path
    heap_mb: int


def start_jvm(
    settings: JvmSettings, is_ending: Callable[[], bool] = never
) -> subprocess.Popen[bytes]:
    """Starts the JVM in an empty work folder; what is prepared for it first stops where the end comes."""
    shutil.rmtree(settings.work, ignore_errors=True)
    settings.work.mkdir(parents=True)
    settings.work.chmod(0o700)
    settings.log.parent.mkdir(parents=True, exist_ok=True)
    # appended to: once it has been emptied, what comes next stands at its beginning
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    printed = os.fdopen(os.open(settings.work / PRINTED, flags, PRIVATE), "ab")
    with printed, settings.output.open("wb") as output:
        return subprocess.Popen(
            _command(settings, is_ending),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=output,
            env=_environment(settings),
            preexec_fn=_before_exec(),  # noqa: PLW1509 - no other thread runs yet
        )


def connect_jvm(process: subprocess.Popen[bytes], settings: JvmSettings) -> None:
    """Waits until the JVM answers, and makes PyFlink use it; raises ConfigError."""
    printed = settings.work / PRINTED
    deadline = time.monotonic() + START_S
    while (found := PORT_AND_TOKEN.search(printed.read_bytes())) is None:
        if time.monotonic() > deadline or process.poll() is not None:
            raise ConfigError(f"the JVM of Flink did not start: see {settings.output}")
        time.sleep(POLL_S)
    os.truncate(printed, 0)
    _use(
        JavaGateway(
            gateway_parameters=GatewayParameters(
                port=int(found[1]), auth_token=found[2].decode(), auto_convert=True
            )
        )
    )


def _use(gateway: JavaGateway) -> None:
    """Makes PyFlink use a connection that it has not made: what its get_gateway does, but for the callbacks from Java.

    Nor does it start the server of workers which a local run in thread mode has no use for.
    """
    java_gateway.import_flink_view(gateway)
    java_gateway._gateway = gateway
    install_exception_handler()
    install_py4j_hooks()
    os.environ[WORKERS] = "process"


def stop_jvm(process: subprocess.Popen[bytes]) -> None:
    """Ends the JVM; returns when it is gone."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _command(settings: JvmSettings, is_ending: Callable[[], bool]) -> tuple[str, ...]:
    own = (
        *flink_class_data("job", settings.jars).at_start(is_ending=is_ending),
        f"-XX:ErrorFile={settings.log.with_suffix('.crash')}",
        f"-Djava.io.tmpdir={settings.work}",
        f"-Dlog4j.configurationFile={_log_settings(settings)}",
        "-XX:+DisplayVMOutputToStderr",
    )
    return (*flink_java(settings.jars, settings.heap_mb, own), MAIN, "--enable-auth", "0")


def _before_exec() -> Callable[[], None]:
    die_with_us = dying_with(os.getpid())

    def before_exec() -> None:
        # Ctrl-C is for us, who then stop the JVM in order
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_us()

    return before_exec


def _environment(settings: JvmSettings) -> dict[str, str]:
    # the interpreter inside the JVM finds modules on PYTHONPATH only: it knows no virtual environment
    modules = os.pathsep.join([str(PROJECT), sysconfig.get_path("purelib")])
    return (
        os.environ
        | flink_folders()
        | {
            "PYTHONPATH": modules,
            "JAVA_HOME": str(java_home()),
        }
    )


def _log_settings(settings: JvmSettings) -> Path:
    path = settings.work / "log4j2.properties"
    path.write_text(LOG_SETTINGS.format(log=settings.log, size=LOG_BYTES, files=LOG_FILES))
    return path
