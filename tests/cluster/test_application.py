"""Application mode from the packed archive alone, started by Flink's own scripts as its README says; on from a savepoint."""

import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml
from pyflink.find_flink_home import _find_flink_home

from jobs.config import PROJECT, config_from
from jobs.flink.rest import FlinkRest
from jobs.flink.settings import folder_uri
from jobs.publish import Log, now_ms
from jobs.stack.java import java_home
from jobs.stack.ports import free_port
from log.settings import settings_file_of
from schemas.errors import ConfigError
from schemas.events import Event
from scripts.bench.workload import catalogue, shoppers
from scripts.ops.package import package
from tests.e2e.homes import Decisions, Home, fresh_home, kafka_of, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(400)]
ITEMS = 50
EVENTS = 200
TASK_MANAGERS = 2
JOB_MANAGER_MB = 1_024
TASK_MANAGER_MB = 1_280


class Flink(NamedTuple):
    """Flink's scripts with settings of their own; `home` is where the archive was unpacked."""

    home: Path
    address: str
    environment: dict[str, str]

    @contextmanager
    def running(self, script: str, *words: str) -> "Iterator[subprocess.Popen[bytes]]":
        """A script in the foreground, until the block ends."""
        path = Path(_find_flink_home()) / "bin" / script
        with (self.home / f"{script}.{now_ms()}.txt").open("wb") as output:
            process = subprocess.Popen(
                ["bash", path, "start-foreground", *words], cwd=self.home, env=self.environment,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)

    @contextmanager
    def job(self, *words: str) -> "Iterator[FlinkRest]":
        """The decide job in application mode on two task managers, once all of it runs."""
        with ExitStack() as running:
            manager = running.enter_context(
                self.running(
                    "standalone-job.sh", *words,
                    "--job-classname", "org.apache.flink.client.python.PythonDriver",
                    "-pyclientexec", sys.executable, "-pyexec", sys.executable,
                    "-pyfs", "code", "-pym", "jobs.application", "decide",
                )
            )  # fmt: skip
            for _ in range(TASK_MANAGERS):
                running.enter_context(self.running("taskmanager.sh"))
            rest = FlinkRest(self.address)
            wait_for(lambda: self._is_whole(manager, rest))
            yield rest

    def _is_whole(self, manager: "subprocess.Popen[bytes]", rest: FlinkRest) -> bool:
        assert manager.poll() is None, self.said()
        try:
            return any(one.name == "decide" and one.is_whole for one in rest.jobs())
        except ConfigError:  # it does not answer yet
            return False

    def said(self) -> str:
        """The last of what the scripts printed."""
        return "\n".join(one.read_text()[-3_000:] for one in sorted(self.home.glob("*.txt")))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Kafka and the other servers, without jobs."""
    with fresh_home(tmp_path_factory.mktemp("application") / "kairos") as home:
        assert home.kairos("up", "--no-jobs").returncode == 0
        yield home
        assert home.kairos("down").returncode == 0


@pytest.fixture(scope="module")
def kafka(home: Home) -> str:
    return kafka_of(home.status())


@pytest.fixture(scope="module")
def flink(home: Home, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Flink:
    """What the README in the archive tells to do: unpack, put the jars into lib and the settings into conf."""
    folder = tmp_path_factory.mktemp("flink")
    archive = package(config_from({"KAIROS_HOME": str(home.path)}), folder / "k.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    unpacked, wheel = folder / "k", Path(_find_flink_home())
    for name in ("conf", "lib", "log", "pid"):
        (folder / name).mkdir()
    for jar in (*(wheel / "lib").glob("*.jar"), *(unpacked / "lib").glob("*.jar")):
        (folder / "lib" / jar.name).symlink_to(jar)
    for settings in (wheel / "conf").glob("log*"):
        (folder / "conf" / settings.name).symlink_to(settings)
    rest_port = free_port()
    ours = yaml.safe_load((unpacked / "conf" / "config.yaml").read_text())
    own = {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": free_port(),
        "jobmanager.memory.process.size": f"{JOB_MANAGER_MB}m",
        "taskmanager.memory.process.size": f"{TASK_MANAGER_MB}m",
        "taskmanager.host": "127.0.0.1",
        "rest.address": "127.0.0.1",
        "rest.port": rest_port,
        "io.tmp.dirs": str(folder),
    }
    theirs = yaml.safe_load((wheel / "conf" / "config.yaml").read_text())
    java = {"env.java.opts.all": theirs["env"]["java"]["opts"]["all"]}
    (folder / "conf" / "config.yaml").write_text(yaml.safe_dump(ours | own | java))
    environment = {name: value for name, value in os.environ.items() if "KAIROS" not in name}
    environment |= {
        "JAVA_HOME": str(java_home()),
        "FLINK_HOME": str(wheel),
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LIB_DIR": str(folder / "lib"),
        "FLINK_LOG_DIR": str(folder / "log"),
        "FLINK_PID_DIR": str(folder / "pid"),
        "KAIROS_KAFKA": kafka,
        "KAIROS_KAFKA_SETTINGS_FILE": str(settings_file_of(kafka)),
        "KAIROS_CONSENT": "all",
        "KAIROS_CHECKPOINTS": str(folder / "checkpoints"),
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    return Flink(unpacked, f"127.0.0.1:{rest_port}", environment)


def sent(log: Log, events: list[Event]) -> set[str]:
    """Sends events; those that ask for a decision."""
    for event in events:
        log.event(msgspec.structs.replace(event, event_time_ms=now_ms()))
    log.flush()
    return {one.event_id for one in events if one.event_type == "product_viewed"}


def test_the_job_runs_from_the_archive_and_goes_on_from_a_savepoint(
    flink: Flink, kafka: str, tmp_path: Path
) -> None:
    log, coming = Log(kafka), shoppers("app", ITEMS)
    for item in catalogue(ITEMS):
        log.item(item)
    with Decisions(kafka) as decisions:
        with flink.job() as rest:
            asking = sent(log, list(islice(coming, EVENTS)))
            wait_for(lambda: decisions.look().keys() >= asking)
            job = rest.find_job("decide")
            savepoint = rest.savepoint(job.job_id, folder_uri(tmp_path))
            before = len(decisions.records)
        with flink.job("--fromSavepoint", savepoint) as rest:
            later = sent(log, list(islice(coming, EVENTS)))
            wait_for(lambda: decisions.look().keys() >= asking | later)
            assert rest.find_job("decide").job_id != job.job_id
        # on from there, not from the log's beginning: what was decided is not decided again
        assert before == len(asking)
        assert len(decisions.records) == len(asking | later)
        assert not list(PROJECT.glob("log/flink-*"))
