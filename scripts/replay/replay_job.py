"""The job of a replay in Flink: its command line, the state that it begins with, its savepoints, how far it is."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from jobs.config import Config
from jobs.flink.rest import FlinkRest, rest_of
from jobs.flink.settings import folder_uri, local_path, newest_checkpoint, newest_of
from jobs.flink.submit import checkpoint_folder, savepoint_folder
from jobs.fold.replay import Plan, reached_ms
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.state import kafka_words
from log.offsets import Offsets
from schemas.errors import ConfigError
from scripts.replay.replay_run import Run, RunFolder
from scripts.replay.replay_topics import ring


class Job(NamedTuple):
    """The job in its process: its name in Flink, where that answers, where it begins, its command line."""

    name: str
    rest: FlinkRest
    argv: tuple[str, ...]


class Saved(NamedTuple):
    """A savepoint that has been made, None where there is none; and those that it takes the place of."""

    uri: str | None
    before: Sequence[Path]


def plan_of(run: Run) -> Plan:
    """The plan of a run that is being worked on."""
    assert run.plan is not None, "it is made before the work begins"
    return run.plan


def name_of(run: Run, *, is_live: bool) -> str:
    """What the job is called in Flink."""
    return f"{'decide' if is_live else 'replay'}.{run.prefix.strip('.')}"


def left_on_cluster(config: Config, name: str) -> Job | None:
    """The job that a killed process has left on the cluster; None where there is none."""
    if config.flink is None:
        return None
    left = Job(name, rest_of(config, config.flink), ())
    return left if left.rest.job_named(name) is not None else None


def job_of(config: Config, kafka: str, folder: RunFolder, run: Run, *, is_live: bool) -> Job:
    """The job that goes on with a run: its plan is written, and this start is counted."""
    name = name_of(run, is_live=is_live)
    address = config.flink or f"{LOOPBACK}:{free_port()}"
    begin = newest_state(config, run, name)
    run.runs += 1
    argv = (
        "nice", "-n", str(run.manner.niceness), sys.executable, "-m", "jobs.run_decide",
        *kafka_words(kafka), "--rest-port", address.rpartition(":")[2],
        *(("--from-savepoint", begin) if begin else ("--fresh",)),
    )  # fmt: skip
    if not is_live:
        # the state with which a part begins knows nothing of its source
        _write_plan(kafka, folder, run, is_resumed=begin not in (None, run.handover))
        argv += ("--plan", str(folder.plan))
    else:
        argv += ("--prefix", run.prefix)
        # what the live run itself has saved says where its source is; what the replay left does not
        if begin == run.handover:
            argv += ("--starts", places(plan_of(run).range.ends))
    return Job(name, rest_of(config, address), argv)


def newest_state(config: Config, run: Run, name: str) -> str | None:
    """The newest of the savepoint and the job's checkpoints; None = there is none."""
    checkpoints = local_path(checkpoint_folder(config, name))
    savepoint = local_path(run.savepoint) if run.savepoint else None
    checkpoint = newest_checkpoint(checkpoints) if checkpoints else None
    newest = newest_of(checkpoint, savepoint)
    return folder_uri(newest) if newest else None


def savepoints_of(config: Config, folder: RunFolder, job: Job) -> str:
    """The URI of the folder of the job's savepoints."""
    return (
        savepoint_folder(config, job.name) if config.checkpoints else folder_uri(folder.savepoints)
    )


def stop_with_savepoint(job: Job, uri: str) -> Saved:
    """Stops the job in Flink, nothing drained, with a savepoint in this folder."""
    folder = local_path(uri)
    before = _complete_in(folder)
    location = None
    with suppress(ConfigError):  # a Flink of one job may be gone before it has answered
        location = job.rest.stop(job.rest.find_job(job.name).job_id, uri)
    made = _complete_in(folder) - before
    if location is None and made:
        location = folder_uri(made.pop())
    return Saved(location, sorted(before))


def stopped_by_others(job: Job) -> str | None:
    """The savepoint with which a job that is over was stopped on its cluster; None where it ended by itself."""
    with suppress(ConfigError, KeyError):  # a cluster forgets, and may be gone
        over = next((one for one in job.rest.jobs() if one.name == job.name), None)
        return job.rest.stopped_with(over.job_id) if over is not None else None
    return None


def reached(job: Job) -> int | None:
    """The time up to which every person has taken all; None where it does not say so yet."""
    with suppress(ConfigError, KeyError):
        found = job.rest.job_named(job.name)
        return reached_ms(job.rest, found, "member") if found is not None else None
    return None


def places(offsets: Offsets) -> str:
    """Offsets as the command line of a job takes them."""
    return ",".join(f"{at}:{offset}" for at, offset in sorted(offsets.items()))


def _write_plan(kafka: str, folder: RunFolder, run: Run, *, is_resumed: bool) -> None:
    """The plan as the job is to read it: at what pace, and whether its source goes on."""
    plan = plan_of(run)
    bell = ring(kafka, plan.prefix, run.runs) if is_resumed else None
    range_ = msgspec.structs.replace(plan.range, rate=run.manner.rate, bell=bell)
    msgspec.structs.replace(plan, range=range_).write(folder.plan)


def _complete_in(folder: Path | None) -> set[Path]:
    """The savepoints in a folder on this machine that are whole."""
    if folder is None or not folder.is_dir():
        return set()
    return {one for one in folder.iterdir() if (one / "_metadata").exists()}
