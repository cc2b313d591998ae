"""A real Flink cluster on this machine, from the PyPI wheel: a JobManager and task managers of one slot.

One process supervises it (`kairos cluster up` starts that in the background): the JVMs are its
children, so none outlives it, and it starts again what dies, as systemd or Kubernetes would.
"""

import json
import os
import shutil
import sysconfig
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from jobs.flink.jvm import LOG_BYTES, LOG_FILES, LOG_SETTINGS
from jobs.flink.key_maker import make_keys
from jobs.flink.keys import home_keys
from jobs.flink.rest import FlinkRest
from jobs.stack import state
from jobs.stack.causes import root_cause, tail
from jobs.stack.cluster_settings import FRAMEWORK_MB, NETWORK_MB, TASK_HEAP_MB, cluster_settings
from jobs.stack.flink_java import flink_class_data, flink_java
from jobs.stack.java import java_home
from jobs.stack.local_cluster import JOB_MANAGER
from jobs.stack.ports import LOOPBACK, port_of
from jobs.stack.private import make_private, written_privately
from jobs.stack.process import Child, Process, ended_by_sigterm
from jobs.stack.wanted import Wanted, read_wanted, write_wanted
from schemas.errors import ConfigError

JOB_MANAGER_HEAP_MB: Final = 384
WHOLE_S_MAX: Final = 120.0
POLL_S: Final = 0.05
SHARE_EVERY_S: Final = 2.0
YOUNG_S: Final = 20.0
YOUNG_DEATHS_MAX: Final = 5
"""A process that dies so often in a row, each time this young, is left alone until the next `up`."""

JOB_MANAGER_CLASS: Final = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER_CLASS: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


class FlinkCluster:
    """Owns the JVMs of one cluster for as long as this process lives. Use it from the main thread."""

    def __init__(
        self,
        folder: Path,
        jars: Sequence[Path],
        say: Callable[[str], None] = lambda line: None,
        port: int = 0,
    ) -> None:
        """`port` is that of the REST address; 0: the last one if it is free, else any free one."""
        self._folder = folder
        self._jars = jars
        self._say = say
        self._port = port
        self._cleanup = ExitStack()
        self._processes: dict[str, Process] = {}
        self._began_s: dict[str, float] = {}
        self._young_deaths: dict[str, int] = {}
        self._cores: dict[str, int] = {}
        self._asked: Wanted | None = None
        self._class_data = flink_class_data("task-manager", jars)
        self._is_ending = Event()
        self.keys = home_keys(folder.parent)
        self._sharing: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, wanted: Wanted) -> str:
        """Starts all of it and returns the REST address; raises ConfigError with nothing left running."""
        try:
            self._cleanup.enter_context(written_privately())
            make_private(self._folder)
            self._cleanup.enter_context(state.lock(self._folder))
            self._cleanup.enter_context(ended_by_sigterm())
            state.end_leftovers(self._folder)
            before = state.read_state(self._folder)
            last = before.embedded_address(JOB_MANAGER) if before else None
            port = int(last.rpartition(":")[2]) if last else None
            self.address = f"{LOOPBACK}:{port_of('flink', self._port, port)}"
            self._write_settings(wanted)
            write_wanted(self._folder, wanted)
            self._launch(JOB_MANAGER)
            self._processes[JOB_MANAGER].wait_until_healthy()
            self.keep()
            self._sharing = Thread(target=self._share_classes, daemon=True)
            self._sharing.start()
        except BaseException:
            self.stop()
            raise
        return self.address

    def keep(self) -> None:
        """Makes the processes those that are wanted; to be called several times a second."""
        wanted = read_wanted(self._folder)
        assert wanted is not None
        if wanted != self._asked:
            self._asked = wanted
            self._young_deaths.clear()
        names = (JOB_MANAGER, *wanted.names)
        for name in [name for name in self._processes if name not in names]:
            self._end(name)
        for name in names:
            process = self._processes.get(name)
            if process is None:
                self._launch(name)
            elif process.exit_code() is not None:
                self._restart(name, process)
            else:
                process.bound_log()

    def await_whole(self) -> FlinkRest:
        """Returns when every task manager that is wanted has joined; raises ConfigError where that takes too long."""
        rest, deadline_s = FlinkRest(self.address, self.keys), time.monotonic() + WHOLE_S_MAX
        while not self._processes.keys() - {JOB_MANAGER} <= set(rest.task_managers()):
            if time.monotonic() > deadline_s:
                raise ConfigError("the cluster is not whole: see its logs")
            self.keep()
            time.sleep(POLL_S)
        return rest

    def pid_of(self, name: str) -> int:
        """The process id of a JobManager or task manager that runs."""
        return self._processes[name].pid

    def stop(self) -> None:
        """Stops everything, task managers first."""
        self._is_ending.set()
        for name in reversed(list(self._processes)):
            self._processes.pop(name).stop(seconds_max=5.0)
        if self._sharing is not None:
            self._sharing.join()
        self._cleanup.close()

    def _share_classes(self) -> None:
        """Prepares a fast start for the successor of a task manager that is killed."""
        while not self._is_ending.wait(SHARE_EVERY_S):
            if self._class_data.make_beside(self._is_ending.is_set):
                return

    def _end(self, name: str) -> None:
        # at once: a task manager has nothing to save, and its slots must not be given away any more
        self._processes.pop(name).stop(seconds_max=0.0)
        shutil.rmtree(self._folder / "tmp" / name, ignore_errors=True)
        self._record()

    def _restart(self, name: str, process: Process) -> None:
        deaths = self._young_deaths.get(name, 0)
        if deaths > YOUNG_DEATHS_MAX:
            return
        is_young = time.monotonic() < self._began_s[name] + YOUNG_S
        self._young_deaths[name] = deaths = deaths + 1 if is_young else 1
        self._say(f"{name} {self._ending(name, process)}")
        if deaths > YOUNG_DEATHS_MAX:
            self._say(f"{name} is left alone now: `kairos cluster up` tries it again")
        else:
            self._launch(name)

    def _ending(self, name: str, process: Process) -> str:
        code = process.exit_code()
        if code is not None and code < 0:
            return f"was ended by signal {-code}"
        log = self._folder / "logs" / f"flink-{name}.log"
        return f"ended with code {code}: {root_cause(tail(log))} ({log})"

    def _launch(self, name: str) -> None:
        self._say(f"starting {name}")
        shutil.rmtree(self._folder / "tmp" / name, ignore_errors=True)
        (self._folder / "tmp" / name).mkdir(parents=True)
        child = self._job_manager() if name == JOB_MANAGER else self._task_manager(name)
        self._processes[name] = Process(child, self._folder / "logs")
        self._began_s[name] = time.monotonic()
        self._record()

    def _record(self) -> None:
        services = (
            state.Service(name, process.child.address, state.running(process.pid))
            for name, process in self._processes.items()
        )
        owner = state.running(os.getpid())
        state.write_state(self._folder, state.State(owner, tuple(services)))

    def _job_manager(self) -> Child:
        rest = FlinkRest(self.address, self.keys)
        words = (JOB_MANAGER_CLASS, "--configDir", str(self._conf), "--executionMode", "cluster")
        return Child(
            JOB_MANAGER,
            (*self._java(JOB_MANAGER, JOB_MANAGER_HEAP_MB), *words),
            lambda _: rest.answers(),
            address=self.address,
            folder=self._folder,
            environment=_environment(),
            service=JOB_MANAGER,
        )

    def _task_manager(self, name: str) -> Child:
        rest = FlinkRest(self.address, self.keys)
        shared = self._class_data.at_once()  # what it lacks is made beside it
        direct = f"-XX:MaxDirectMemorySize={2 * FRAMEWORK_MB + NETWORK_MB}m"
        return Child(
            name,
            (
                *self._java(name, FRAMEWORK_MB + TASK_HEAP_MB, (*shared, direct)),
                TASK_MANAGER_CLASS, "--configDir", str(self._conf),
                # a successor of the same id tells the JobManager at once that this one is gone
                "-D", f"taskmanager.resource-id={name}",
                "-D", f"io.tmp.dirs={self._folder / 'tmp' / name}",
            ),
            lambda _: name in rest.task_managers(),
            folder=self._folder,
            environment=_environment() | {"KAIROS_CORE": str(self._core(name))},
        )  # fmt: skip

    def _core(self, name: str) -> int:
        """The core of its Python tasks: those that run together take different ones."""
        others = [one for one in self._processes if one not in (JOB_MANAGER, name)]
        taken = [self._cores[one] for one in others if one in self._cores]
        cores = range(os.cpu_count() or 1)
        self._cores[name] = min(cores, key=taken.count)
        return self._cores[name]

    def _java(self, name: str, heap_mb: int, options: Sequence[str] = ()) -> tuple[str, ...]:
        own = (
            f"-Djava.io.tmpdir={self._folder / 'tmp' / name}",
            f"-Dlog4j.configurationFile={self._log_settings(name)}",
        )
        return flink_java(self._jars, heap_mb, (*own, *options))

    def _log_settings(self, name: str) -> Path:
        logs = self._folder / "logs"
        logs.mkdir(exist_ok=True)
        path = self._conf / f"{name}.log4j.properties"
        log = logs / f"flink-{name}.log"
        path.write_text(LOG_SETTINGS.format(log=log, size=LOG_BYTES, files=LOG_FILES))
        return path

    @property
    def _conf(self) -> Path:
        return self._folder / "conf"

    def _write_settings(self, wanted: Wanted) -> None:
        shutil.rmtree(self._folder / "tmp", ignore_errors=True)
        self._conf.mkdir(parents=True, exist_ok=True)
        keys = make_keys(self.keys.folder)
        settings = cluster_settings(self.address, self._folder, wanted, keys)
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
        path = self._conf / "config.yaml"
        path.touch()
        path.chmod(0o600)  # the password of the keys
        path.write_text("".join(lines))


def _environment() -> dict[str, str]:
    """Ours without its settings: a job's code and settings come with the job."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAIROS_")}
    # the interpreter inside the JVM finds modules on PYTHONPATH only: it knows no virtual environment
    return kept | {"PYTHONPATH": sysconfig.get_path("purelib"), "JAVA_HOME": str(java_home())}
