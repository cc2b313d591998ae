"""Handing a job to a cluster: what is checked before, and what is waited for after."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyflink.version

from jobs.config import Config
from jobs.flink import upgrade
from jobs.flink.rest import FlinkJob, FlinkRest, rest_of
from jobs.flink.savepoint_offsets import offsets_in
from jobs.flink.settings import (
    RunSettings,
    check_writable,
    folder_uri,
    local_path,
    restore_settings,
)
from jobs.flink.traces import last_cause
from jobs.job_settings import JobSettings
from jobs.stack.local_cluster import is_local
from jobs.stack.state import is_alive, read_state
from schemas.errors import ConfigError

FLINK_VERSION: Final = pyflink.version.__version__
SERVICES: Final = {"decide": "flink", "learn": "learn"}
"""The names of the jobs among the services of the embedded stack."""
PYTHON_JAR: Final = "flink-python-"
WHOLE_S_MAX: Final = 180.0
FAILURES_MAX: Final = 3
"""A job that has failed so often before all of it ran is given up: it would go on for minutes."""
POLL_S: Final = 0.1

SIGNS: Final = (
    ("Cannot map checkpoint/savepoint state", "it was to go on from the state of another job"),
    ("Auto generated UIDs have been disabled", "an operator has no uid, and could lose its state"),
    ("NoResourceAvailable", "there are not enough free slots; `kairos cluster up` adds task managers"),
    ("loadedLibraryNames", "flink-python must lie in the cluster's lib folder, not come with the job"),
    ("No module named", "the task managers lack a Python package: see `kairos package`"),
    ("Unsupported class file major version", "the cluster needs Java 17 or 21"),
    ("No space left on device", "free some disk space"),
    ("Read-only file system", "set KAIROS_CHECKPOINTS to a folder that can be written"),
    ("Permission denied", "set KAIROS_CHECKPOINTS to a folder that can be written"),
)  # fmt: skip
"""What a cause means, by what it says."""


class SubmitFailed(Exception):
    """A job that did not come to run: one line with its cause."""


class Order(NamedTuple):
    """What a submission is to do. `is_detached`: the cluster keeps the job when this process ends.

    `is_upgrade`: it takes over from the job of its name, on new task managers unless `keeps` those.
    """

    is_detached: bool
    is_upgrade: bool
    keeps: bool
    is_json: bool


class Submission:
    """One job on its way to the cluster that `config.flink` names."""

    def __init__(
        self, config: Config, settings: JobSettings, order: Order, say: Callable[[str], None]
    ) -> None:
        assert config.flink is not None
        self.order = order
        self._config = config
        self._settings = settings
        self._say = say
        self._rest = rest_of(config, config.flink)
        self._going: upgrade.Replacement | None = None
        self._gone: upgrade.Replaced | None = None
        self._restore_from: str | None = None

    def check(self) -> None:
        """Raises ConfigError where the cluster cannot take the job; nothing has been changed then."""
        name = self._settings.name
        check_cluster(self._rest)
        if self.order.is_detached:
            check_embedded(self._config.home, name)
        if self.order.is_upgrade:
            self._rest.find_job(name)
            return
        running = self._rest.job_named(name)
        if running is not None:
            raise ConfigError(
                f"{name} runs on {self._rest.address} already, job {running.job_id}: "
                f"`kairos upgrade` replaces it, `kairos cluster stop {name}` ends it"
            )

    def prepare(self, run: RunSettings) -> RunSettings:
        """The settings with what the cluster lacks; for an upgrade, new task managers are starting."""
        check_state(run.restore_from, run.checkpoints)
        self._restore_from = run.restore_from
        if self.order.is_upgrade:
            self._going = upgrade.prepare(
                self._rest,
                self._config.home,
                self._settings.name,
                self._settings.slots,
                savepoint_folder(self._config, self._settings.name),
                self.order.keeps,
                self._code,
            )
        else:
            upgrade.freshen(self._rest, self._config.home, self._code)
            check_slots(self._rest, self._settings.slots)
        return run._replace(
            jars=lacking_jars(self._rest, run.jars),
            python=sys.executable if is_local(self._config.home, self._rest.address) else None,
        )

    @property
    def _code(self) -> str:
        assert self._settings.code is not None
        return self._settings.code

    def submit(self, env: Any) -> None:
        """Hands over the job that is in `env`, and returns once all of it runs; raises SubmitFailed."""
        if self._going is not None:
            self._gone = upgrade.stop(self._rest, self._going)
            self._restore_from = self._gone.savepoint
        try:
            if self._going is not None and self._gone is not None:
                home, say = self._config.home, self._say_unless_json
                upgrade.make_way(self._rest, home, self._going, self._gone, say)
                configure(env, restore_settings(self._gone.savepoint))
            client = env.execute_async(self._settings.name)
            job = await_whole(self._rest, str(client.get_job_id()))
        except Exception as error:
            is_said = isinstance(error, SubmitFailed | ConfigError)
            cause = str(error) if is_said else meaning_of(str(error))
            raise SubmitFailed(
                f"{self._settings.name} does not run: {cause}{self._way_back()}"
            ) from error
        self._say_where(job)

    def leave(self) -> None:
        """Takes back what was prepared for an upgrade that did not come to stop the old job."""
        if self._going is not None and self._gone is None:
            upgrade.give_up(self._config.home, self._going)

    def _way_back(self) -> str:
        if self._gone is None:
            return ""
        return (
            f"; nothing is lost: mend it, or take the old version, and go on by "
            f"`kairos {self._settings.job} --cluster {self._rest.address} "
            f"--from-savepoint {self._gone.savepoint}`"
        )

    def _say_where(self, job: FlinkJob) -> None:
        found: dict[str, Any] = {
            "job_id": job.job_id,
            "name": job.name,
            "address": self._rest.address,
            "page": f"{self._rest.page}/#/job/running/{job.job_id}/overview",
            "parallelism": self._settings.parallelism,
            "from": self._restore_from,
        }
        if self._gone is not None:
            found["offsets"] = offsets_in(self._gone.savepoint, self._settings.events_topic)
            found["pause_s"] = round(time.monotonic() - self._gone.stopped_s, 1)
        if self.order.is_json:
            self._say(json.dumps(found))
            return
        self._say(f"{job.name} runs on {self._rest.address} as job {job.job_id}")
        self._say(f"  from {self._restore_from or 'the beginning of the log'}")
        if "pause_s" in found:
            places = ", ".join(f"{at}: {offset}" for at, offset in found["offsets"].items())
            self._say(
                f"  at the offsets {places or 'of the savepoint'} of {self._settings.events_topic}"
            )
            self._say(f"  after a pause of {found['pause_s']} s")
        self._say(f"  see {found['page']}")
        self._say(f"  `kairos cluster stop {job.name}` stops it with a savepoint")

    def _say_unless_json(self, line: str) -> None:
        if not self.order.is_json:
            self._say(line)


def configure(env: Any, settings: dict[str, str]) -> None:
    """Adds settings of Flink's to an environment whose job has been built."""
    from pyflink.common import Configuration

    configuration = Configuration()
    for name, value in settings.items():
        configuration.set_string(name, value)
    env._j_stream_execution_environment.configure(configuration._j_configuration)


def checkpoint_folder(config: Config, name: str) -> str:
    """The URI of the folder of a job's checkpoints."""
    return f"{folder_uri(config.checkpoints or config.home / 'checkpoints')}/{name}"


def savepoint_folder(config: Config, name: str) -> str:
    """The URI of the folder of a job's savepoints."""
    root = f"{folder_uri(config.checkpoints)}/savepoints" if config.checkpoints else None
    return f"{root or folder_uri(config.home / 'savepoints')}/{name}"


def check_embedded(home: Path, name: str) -> None:
    """Raises ConfigError where the embedded stack of this home runs that very job: both would write."""
    state = read_state(home)
    alive = (
        [one.name for one in state.services if one.process and is_alive(one.process)]
        if state
        else []
    )
    if SERVICES.get(name) in alive:
        raise ConfigError(
            f"{name} runs in the embedded stack of {home}: `kairos down`, then `kairos up --no-jobs` "
            "starts the servers without it; it goes on from its newest checkpoint"
        )


def check_cluster(rest: FlinkRest) -> None:
    """Raises ConfigError where this cluster cannot run our jobs."""
    version = rest.version()
    if _minor(version) != _minor(FLINK_VERSION):
        raise ConfigError(
            f"Flink {version} runs at {rest.address}, this is for {FLINK_VERSION}: "
            f"take a cluster of Flink {_minor(FLINK_VERSION)}"
        )
    jars = rest.jars()
    # an older or secured cluster does not tell; the job would then
    if jars and not any(jar.startswith(PYTHON_JAR) for jar in jars):
        raise ConfigError(
            f"{rest.address} lacks {PYTHON_JAR}{FLINK_VERSION}.jar: put it from Flink's opt folder into "
            "its lib folder and restart it; shipped with a job it works only once"
        )


def check_slots(rest: FlinkRest, wanted: int) -> None:
    """Raises ConfigError where so many slots are not free."""
    free, of_all = rest.free_slots(), rest.all_slots()
    if free < wanted:
        raise ConfigError(
            f"the job takes {wanted} slots, and {free} of {of_all} are free on {rest.address}: "
            f"`kairos cluster up --task-managers {of_all + wanted - free}` adds task managers here; "
            "KAIROS_SLOTS=shared takes half as many"
        )


def check_state(restore_from: str | None, checkpoints: str) -> None:
    """Raises ConfigError where the state to go on from is not there, or new state cannot be written."""
    found = local_path(restore_from) if restore_from else None
    if found is not None and not (found / "_metadata").is_file():
        raise ConfigError(
            f"{restore_from} is no complete savepoint or checkpoint: it has no file _metadata"
        )
    check_writable(checkpoints)


def lacking_jars(rest: FlinkRest, jars: Sequence[Path]) -> tuple[Path, ...]:
    """Those of our jars that are not in the cluster's lib folder, to be shipped with the job."""
    there = set(rest.jars())
    return tuple(jar for jar in jars if jar.name not in there)


def await_whole(rest: FlinkRest, job_id: str) -> FlinkJob:
    """Returns when all tasks of the job run; else cancels it and raises SubmitFailed."""
    deadline_s = time.monotonic() + WHOLE_S_MAX
    while True:
        job = rest.state_of(job_id)
        if job is not None and job.is_whole:
            return job
        failures = rest.failures(job_id)
        is_over = job is not None and job.is_over
        if is_over or len(failures) >= FAILURES_MAX or time.monotonic() > deadline_s:
            if not is_over:
                rest.cancel(job_id)
            waited = f"not all tasks ran within {WHOLE_S_MAX:g} s"
            raise SubmitFailed(meaning_of(failures[0]) if failures else waited)
        time.sleep(POLL_S)


def meaning_of(trace: str) -> str:
    """The root cause of a Java stack trace in one line, with what it means where we know that."""
    cause = last_cause(trace)
    meaning = next((words for sign, words in SIGNS if sign in trace), None)
    return cause if meaning is None else f"{meaning} ({cause})"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
