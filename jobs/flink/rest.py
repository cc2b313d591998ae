"""A Flink cluster over its REST address: what runs, what is free, savepoints, the end of a job."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple, Self

from jobs.config import Config
from jobs.flink.keys import Keys, keys_for
from jobs.flink.traces import last_cause
from schemas.errors import ConfigError, NotUp

ANSWER_S: Final = 10.0
POLL_S: Final = 0.1
SAVEPOINT_S_MAX: Final = 600.0
CANCEL_S_MAX: Final = 60.0
OVER: Final = ("FINISHED", "CANCELED", "FAILED")
"""States in which a job is over for good."""
STOPPING: Final = "SYNC_SAVEPOINT"
"""What Flink calls a savepoint with which a job stops; any other is a SAVEPOINT."""


class FlinkJob(NamedTuple):
    """A job as the cluster lists it; `running` of its `tasks` run."""

    job_id: str
    name: str
    state: str
    running: int
    tasks: int
    start_ms: int

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER

    @property
    def is_whole(self) -> bool:
        """Whether all of its tasks run."""
        return self.state == "RUNNING" and self.running == self.tasks > 0


class Checkpoints(NamedTuple):
    """How the checkpoints of a job go: `took_ms` of the newest that is whole; `failure` where the newest failed."""

    completed: int
    failed: int
    newest_ms: int | None
    newest_bytes: int | None
    took_ms: int | None
    failure: str | None


class FlinkRest:
    """One cluster at HOST:PORT, which knows us by `keys` if it wants any. Every method raises NotUp where it does not answer."""

    def __init__(self, address: str, keys: Keys | None = None) -> None:
        self.address = address
        self.keys = keys
        self._kept: HTTPConnection | None = None

    @contextmanager
    def kept(self) -> Iterator[Self]:
        """The same cluster over one connection, for many questions of one thread: with keys each connection is a handshake."""
        found = type(self)(self.address, self.keys)
        with closing(self._connection()) as found._kept:
            yield found

    @property
    def page(self) -> str:
        """The address of Flink's page, for a browser that has the keys."""
        return f"{'http' if self.keys is None else 'https'}://{self.address}"

    def answers(self) -> bool:
        """Whether a cluster answers there."""
        try:
            return "flink-version" in self.ask("/config")
        except ConfigError:
            return False

    def version(self) -> str:
        """Flink's version there."""
        return str(self.ask("/config")["flink-version"])

    def jars(self) -> list[str]:
        """The names of the jars on the JobManager's class path."""
        found = self.ask("/jobmanager/environment").get("classpath") or []
        return [str(path).rpartition("/")[2] for path in found]

    def free_slots(self) -> int:
        """How many slots no job has."""
        return int(self.ask("/overview")["slots-available"])

    def all_slots(self) -> int:
        """How many slots there are."""
        return int(self.ask("/overview")["slots-total"])

    def task_managers(self) -> list[str]:
        """The ids of the task managers that have registered."""
        return [str(one["id"]) for one in self.ask("/taskmanagers")["taskmanagers"]]

    def jobs(self) -> list[FlinkJob]:
        """All jobs that the cluster remembers, the newest first."""
        found = [
            FlinkJob(
                one["jid"], one["name"], one["state"],
                one["tasks"]["running"], one["tasks"]["total"], one["start-time"],
            )
            for one in self.ask("/jobs/overview")["jobs"]
        ]  # fmt: skip
        return sorted(found, key=lambda one: -one.start_ms)

    def job_named(self, name: str) -> FlinkJob | None:
        """The job of that name, or id, which is not over."""
        alive = (one for one in self.jobs() if not one.is_over)
        return next((one for one in alive if name in (one.name, one.job_id)), None)

    def find_job(self, name: str) -> FlinkJob:
        """The same; ConfigError names those that there are."""
        found = self.job_named(name)
        if found is None:
            names = ", ".join(one.name for one in self.jobs() if not one.is_over) or "none"
            raise ConfigError(f"no job {name!r} runs on {self.address}; there: {names}")
        return found

    def state_of(self, job_id: str) -> FlinkJob | None:
        """The job with that id, over or not."""
        return next((one for one in self.jobs() if one.job_id == job_id), None)

    def failures(self, job_id: str) -> list[str]:
        """The stack traces of a job's failures, the newest first."""
        try:
            found = self.ask(f"/jobs/{job_id}/exceptions?maxExceptions=10")
        except ConfigError:  # not known yet
            return []
        entries = found.get("exceptionHistory", {}).get("entries", [])
        return [str(one["stacktrace"]) for one in entries]

    def task_managers_of(self, job_id: str) -> set[str]:
        """The ids of the task managers on which a job's tasks run."""
        vertices = [one["id"] for one in self.ask(f"/jobs/{job_id}")["vertices"]]
        return {
            str(task["taskmanager-id"])
            for vertex in vertices
            for task in self.ask(f"/jobs/{job_id}/vertices/{vertex}")["subtasks"]
        }

    def checkpoints(self, job_id: str) -> Checkpoints:
        """How the checkpoints of a job go."""
        found = self.ask(f"/jobs/{job_id}/checkpoints")
        counts, latest = found["counts"], found["latest"]
        done, failed = latest.get("completed"), latest.get("failed")
        is_failing = bool(failed) and (not done or failed["id"] > done["id"])
        return Checkpoints(
            counts["completed"],
            counts["failed"],
            done["latest_ack_timestamp"] if done else None,
            done["state_size"] if done else None,
            done["end_to_end_duration"] if done else None,
            str(failed.get("failure_message", "unknown")) if is_failing else None,
        )

    def stopped_with(self, job_id: str) -> str | None:
        """The URI of the savepoint with which a job that is over was stopped; None where it was not."""
        newest = self.ask(f"/jobs/{job_id}/checkpoints")["latest"].get("savepoint") or {}
        is_end = newest.get("checkpoint_type") == STOPPING and newest.get("external_path")
        return _uri(str(newest["external_path"])) if is_end else None

    def stop(self, job_id: str, folder: str) -> str:
        """Stops a job with a savepoint below `folder` (a URI), nothing drained; the savepoint's URI."""
        return self._savepoint(
            f"/jobs/{job_id}/stop", job_id, {"targetDirectory": folder, "drain": False}
        )

    def savepoint(self, job_id: str, folder: str) -> str:
        """Makes a savepoint of a job that goes on; its URI."""
        return self._savepoint(
            f"/jobs/{job_id}/savepoints", job_id, {"target-directory": folder, "cancel-job": False}
        )

    def cancel(self, job_id: str) -> None:
        """Cancels a job, whose newest checkpoints stay; returns when it is over."""
        self.ask(f"/jobs/{job_id}?mode=cancel", method="PATCH")
        self.await_over(job_id)

    def await_over(self, job_id: str) -> None:
        """Returns when the job is over."""
        self._wait(lambda: (job := self.state_of(job_id)) is None or job.is_over, CANCEL_S_MAX)

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """What the cluster answers; an error of Flink's is a ConfigError with its root cause."""
        data = json.dumps(body).encode() if body is not None else None
        verb = method or ("GET" if data is None else "POST")
        try:
            if self._kept is not None:
                return self._answer(self._kept, verb, path, data)
            with closing(self._connection()) as connection:
                return self._answer(connection, verb, path, data)
        except (OSError, HTTPException, ValueError) as error:
            raise NotUp(
                f"no Flink answers at {self.address} ({error}): `kairos cluster up` starts one here, "
                "or name the REST address of yours (HOST:PORT)"
            ) from error

    def _connection(self) -> HTTPConnection:
        if self.keys is None:
            return HTTPConnection(self.address, timeout=ANSWER_S)
        try:
            context = self.keys.context()
        except OSError as error:
            raise ConfigError(f"no keys for the Flink at {self.address}: {error}") from error
        return HTTPSConnection(self.address, timeout=ANSWER_S, context=context)

    def _answer(self, connection: HTTPConnection, verb: str, path: str, body: bytes | None) -> Any:
        connection.request(verb, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            reason = _reason(text) or f"{answer.status} {answer.reason}"
            raise ConfigError(f"Flink at {self.address} refuses: {reason}")
        return json.loads(text) if text else {}

    def _savepoint(self, path: str, job_id: str, body: dict[str, Any]) -> str:
        request = self.ask(path, body)["request-id"]
        found: dict[str, Any] = {}

        def is_done() -> bool:
            found.update(self.ask(f"/jobs/{job_id}/savepoints/{request}"))
            return bool(found["status"]["id"] == "COMPLETED")

        self._wait(is_done, SAVEPOINT_S_MAX)
        operation = found["operation"]
        if "location" not in operation:
            cause = last_cause(operation.get("failure-cause", {}).get("stack-trace", "unknown"))
            raise ConfigError(f"no savepoint of job {job_id}: {cause}; the job goes on")
        return _uri(str(operation["location"]))

    def _wait(self, is_done: Callable[[], bool], seconds_max: float) -> None:
        deadline_s = time.monotonic() + seconds_max
        while not is_done():
            if time.monotonic() > deadline_s:
                raise ConfigError(f"Flink at {self.address} did not do it within {seconds_max:g} s")
            time.sleep(POLL_S)


def rest_of(config: Config, address: str) -> FlinkRest:
    """The Flink at `address`, with the keys that are for it; `config.flink` is the one that the user has named."""
    return FlinkRest(address, keys_for(config, address))


def _uri(location: str) -> str:
    """Flink leaves the two empty slashes of a file's URI out."""
    path = location.removeprefix("file:")
    return location if path == location or path.startswith("//") else f"file://{path}"


def _reason(text: bytes) -> str:
    """What Flink says of an error; empty where it says nothing that can be read."""
    try:
        errors = json.loads(text).get("errors", [])
    except (ValueError, AttributeError):
        return ""
    return last_cause("\n".join(map(str, errors))) if errors else ""
