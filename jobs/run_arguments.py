"""The command line of a job's process."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from jobs.config import Config
from jobs.job_settings import JobKind
from jobs.stack.ports import port_of
from log.offsets import Offsets


class Job(NamedTuple):
    """What tells one job from another.

    `graph` names the module with its build_job; `knowledge` the topics of knowledge that it reads
    and `outputs` those that it writes, without prefix; `service` is what
    its Flink is called in settings and status.
    """

    kind: JobKind
    graph: str
    knowledge: tuple[str, ...]
    outputs: tuple[str, ...]
    heap_mb: int
    service: Literal["flink", "learn"]


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


def arguments_of(job: Job, config: Config, argv: Sequence[str] | None) -> Arguments:
    """What was typed, None: in this process; ends it with a usage error where that makes no sense."""
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
    if found["rest_port"] is None:  # on a cluster it is that of the address
        found["rest_port"] = (
            0 if config.flink else port_of(job.service, getattr(config.ports, job.service))
        )
    return Arguments(**found)


def _offsets(text: str) -> Offsets:
    pairs = (one.split(":") for one in text.split(","))
    return {int(partition): int(offset) for partition, offset in pairs}
