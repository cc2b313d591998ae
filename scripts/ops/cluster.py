"""What `kairos cluster` does: start, stop and show a cluster, and stop what runs on it."""

import re
import subprocess
import sys
import time
from typing import Any, Final, NoReturn

from jobs.config import PROJECT, Config
from jobs.flink.rest import FlinkJob, FlinkRest, rest_of
from jobs.flink.settings import check_writable
from jobs.flink.submit import checkpoint_folder, savepoint_folder
from jobs.stack import state
from jobs.stack.causes import remedy
from jobs.stack.environment import job_environment
from jobs.stack.flink_cluster import FlinkCluster
from jobs.stack.jars import jar_paths
from jobs.stack.local_cluster import cluster_folder, local_address
from jobs.stack.state import kafka_words
from jobs.stack.wanted import Wanted, read_wanted, write_wanted
from schemas.errors import ConfigError, NotUp
from scripts.console import say, show
from scripts.ops.background import FAULT, Said, start
from scripts.times import utc

POLL_S: Final = 0.1
UP_S_MAX: Final = 120.0
TASK_MANAGERS: Final = 2
"""At first, where nobody says: what the decide job takes at parallelism 1."""


def with_cluster(config: Config, cluster: str | None, parallelism: int | None) -> Config:
    """The configuration with the address and parallelism of a command line, where given."""
    if cluster is not None:
        config = config._replace(flink=_checked(cluster))
    return config if parallelism is None else config._replace(parallelism=parallelism)


def address(config: Config, cluster: str | None) -> str:
    """The REST address that is meant: of the command line, the settings, or this home's cluster."""
    found = _checked(cluster) if cluster else config.flink or local_address(config.home)
    if found is None:
        raise NotUp(
            "no cluster runs in this home: `kairos cluster up` starts one, --cluster names another"
        )
    return found


def _rest(config: Config, cluster: str | None) -> FlinkRest:
    return rest_of(with_cluster(config, cluster, None), address(config, cluster))


def up(config: Config, task_managers: int | None, is_rocksdb: bool | None) -> dict[str, Any]:
    """Starts the cluster of this home, or makes it what is asked for; its status once all is up."""
    folder = cluster_folder(config.home)
    before = read_wanted(folder)
    is_up = local_address(config.home) is not None
    if not is_up:
        before = Wanted(is_rocksdb=before.is_rocksdb if before else False)
    assert before is not None
    if is_up and is_rocksdb is not None and is_rocksdb != before.is_rocksdb:
        raise ConfigError(
            "the cluster runs with another state backend: `kairos cluster down` first"
        )
    count = task_managers or len(before.names) or TASK_MANAGERS
    wanted = before.resized(count)
    wanted = wanted.again(before.is_rocksdb if is_rocksdb is None else is_rocksdb)
    _check_busy(config, before, wanted)
    said = Said(folder / "logs" / "supervisor.log", is_new=not is_up)
    write_wanted(folder, wanted)
    if not is_up:
        start(said.log, "cluster", "supervise")
    _start_servers(config)
    _await_task_managers(config, wanted, said)
    return status(config, None)


def hold(config: Config) -> NoReturn:
    """Runs the cluster of this home in this process, and starts again what dies."""
    folder = cluster_folder(config.home)
    jars = jar_paths("flink", config.home / "jars", say)
    with FlinkCluster(folder, jars, say, config.ports.flink) as cluster:
        cluster.start(read_wanted(folder) or Wanted().resized(1))
        while True:
            cluster.keep()
            time.sleep(POLL_S)


def down(config: Config) -> tuple[str, ...]:
    """Stops the cluster of this home; the names of what ran."""
    return state.down(cluster_folder(config.home))


def status(config: Config, cluster: str | None) -> dict[str, Any]:
    """What answers, its task managers, slots and jobs. `state` is up or down."""
    where = _checked(cluster) if cluster else config.flink or local_address(config.home)
    if where is None:
        return {"state": "down", "address": None}
    rest = _rest(config, cluster)
    if not rest.answers():
        return {"state": "down", "address": where}
    wanted = (
        read_wanted(cluster_folder(config.home)) if where == local_address(config.home) else None
    )
    there = sorted(rest.task_managers(), key=_number)
    return {
        "state": "up",
        "address": where,
        "page": rest.page,
        "flink_version": rest.version(),
        "task_managers": there,
        "missing": sorted(set(wanted.names) - set(there), key=_number) if wanted else [],
        "slots": rest.all_slots(),
        "free_slots": rest.free_slots(),
        "jobs": [_job(config, rest, job) for job in rest.jobs() if not job.is_over],
    }


def show_status(found: dict[str, Any]) -> None:
    """Prints a status."""
    if found["state"] == "down":
        where = f" at {found['address']}" if found["address"] else " in this home"
        show(f"no cluster answers{where}: `kairos cluster up` starts one here")
        return
    missing = f", {len(found['missing'])} still missing" if found["missing"] else ""
    show(
        f"Flink {found['flink_version']} at {found['address']}: {len(found['task_managers'])} task managers"
        f"{missing}, {found['free_slots']} of {found['slots']} slots free"
    )
    for job in found["jobs"]:
        tasks = f"{job['running']} of {job['tasks']} tasks run"
        checkpoints = job["checkpoints"]
        show(f"  {job['name']}  {job['job_id']}  {job['state']}, {tasks}")
        if checkpoints["newest_ms"]:
            show(
                f"    {checkpoints['completed']} checkpoints, the newest at "
                f"{utc(checkpoints['newest_ms'])}, {checkpoints['newest_bytes']:,} bytes"
            )
        if checkpoints["failure"]:
            show(f"    the newest failed: {checkpoints['failure']}; {checkpoints['remedy']}")
    if not found["jobs"]:
        show(f"  no job runs: `kairos decide --cluster {found['address']}`")


def stop(config: Config, cluster: str | None, name: str) -> dict[str, Any]:
    """Stops a job with a savepoint."""
    rest = _rest(config, cluster)
    job = rest.find_job(name)
    savepoint = rest.stop(job.job_id, savepoint_folder(config, job.name))
    rest.await_over(job.job_id)
    return {"job_id": job.job_id, "name": job.name, "savepoint": savepoint}


def savepoint(config: Config, cluster: str | None, name: str) -> dict[str, Any]:
    """Makes a savepoint of a job, which goes on."""
    rest = _rest(config, cluster)
    job = rest.find_job(name)
    made = rest.savepoint(job.job_id, savepoint_folder(config, job.name))
    return {"job_id": job.job_id, "name": job.name, "savepoint": made}


def cancel(config: Config, cluster: str | None, name: str) -> str:
    """Cancels a job; its name."""
    rest = _rest(config, cluster)
    job = rest.find_job(name)
    rest.cancel(job.job_id)
    return job.name


def check_shadow(config: Config, prefix: str) -> None:
    """Raises ConfigError where this cannot be the prefix of a shadow run."""
    if prefix.strip(".") in ("", config.topic_prefix.strip(".")):
        raise ConfigError("a shadow needs a prefix of its own, or it would write where live does")
    if re.fullmatch(r"[A-Za-z0-9._-]{1,100}", prefix) is None:
        raise ConfigError(
            f"--shadow {prefix}: at most 100 letters, digits, dots, underscores and hyphens are wanted"
        )
    if config.flink is None:
        raise ConfigError("a shadow runs on a cluster: name it by --cluster")


def state_for_shadow(config: Config) -> str:
    """A savepoint of the decide job that is live, for its shadow to begin with."""
    found = savepoint(config, config.flink, _live_name(config))
    say(f"it begins with the state of {found['name']}: {found['savepoint']}")
    return str(found["savepoint"])


def job_command(job: str, config: Config, kafka: str, *words: str) -> list[str]:
    """The command that runs a job: here, or left to the cluster that the configuration names."""
    module = f"jobs.run_{job}"
    detached = ["--detached"] if config.flink else []
    return [sys.executable, "-m", module, *kafka_words(kafka), *detached, *words]


def submit_job(job: str, config: Config, kafka: str, *words: str) -> None:
    """Leaves a job to the cluster; raises ConfigError where it does not come to run."""
    done = subprocess.run(
        job_command(job, config, kafka, *words), cwd=PROJECT, env=job_environment(config),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigError(done.stderr.strip() or done.stdout.strip())


def _live_name(config: Config) -> str:
    return ".".join(filter(None, ("decide", config.topic_prefix.strip("."))))


def _checked(cluster: str) -> str:
    host, _, port = cluster.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError(f"--cluster {cluster}: HOST:PORT is wanted, as in 127.0.0.1:8081")
    return cluster


def _check_busy(config: Config, before: Wanted, wanted: Wanted) -> None:
    """Raises ConfigError where a task manager that shall go has work."""
    going = set(before.names) - set(wanted.names)
    where = local_address(config.home)
    if not going or where is None:
        return
    rest = rest_of(config, where)
    for job in rest.jobs():
        if not job.is_over and going & rest.task_managers_of(job.job_id):
            raise ConfigError(
                f"{job.name} runs on {', '.join(sorted(going))}: "
                "`kairos upgrade --parallelism` with a smaller number frees task managers"
            )


def _start_servers(config: Config) -> None:
    """Kafka, the store, its writer and the clock, where they are ours to start and do not run."""
    engine = state.read_state(config.home)
    if config.kafka is not None or (engine is not None and state.is_alive(engine.owner)):
        return
    words = [sys.executable, "-m", "scripts", "up", "--no-jobs"]
    started = subprocess.run(words, cwd=PROJECT, check=False, stdout=subprocess.DEVNULL)
    if started.returncode != 0:
        raise ConfigError(
            "the servers did not start; the cluster runs: `kairos cluster down` stops it"
        )


def _await_task_managers(config: Config, wanted: Wanted, said: Said) -> None:
    deadline_s = time.monotonic() + UP_S_MAX
    while True:
        for line in said.more():
            say(line)
        where = local_address(config.home)
        rest = rest_of(config, where) if where else None
        if rest and rest.answers() and set(wanted.names) <= set(rest.task_managers()):
            return
        if said.last().startswith(FAULT):
            raise ConfigError(said.last().removeprefix(FAULT))
        if time.monotonic() > deadline_s:
            raise ConfigError(f"the cluster is not whole after {UP_S_MAX:g} s: see {said.log}")
        time.sleep(POLL_S)


def _job(config: Config, rest: FlinkRest, job: FlinkJob) -> dict[str, Any]:
    checkpoints = rest.checkpoints(job.job_id)._asdict()
    if checkpoints["failure"]:
        checkpoints["remedy"] = _why_not_written(config, job) or remedy(checkpoints["failure"])
    return job._asdict() | {"checkpoints": checkpoints}


def _why_not_written(config: Config, job: FlinkJob) -> str | None:
    """Why checkpoints cannot be written, tried from here: Flink only says that they were not."""
    try:
        check_writable(checkpoint_folder(config, job.name))
    except ConfigError as error:
        return str(error)
    return None


def _number(name: str) -> tuple[str, int]:
    word, _, number = name.rpartition("-")
    return (word, int(number)) if number.isdigit() else (name, 0)
