"""What one run of a replay reads, fixed when it begins: the same after a pause, a crash, a month."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from jobs.flink.rest import FlinkJob, FlinkRest
from log.bounds import first_times, replay_range
from log.kafka import ends_of
from log.offsets import Offsets, ReplayRange
from schemas.errors import ConfigError
from schemas.topics import CONTROL, EVENTS, ITEMS, KNOWLEDGE

TOGETHER: Final = 5_000
"""So many records a partition may be read ahead of the slowest: what waits in state stays small,
and the readers are asked so seldom to wait that they never stand still."""
DRIFT_MS_MIN: Final = 60_000
DECIDES_WITH: Final = (CONTROL, ITEMS, KNOWLEDGE)


class Plan(Struct, frozen=True):
    """A range of the log, what is known beyond it and where it goes: the topics under `prefix`.

    `knowledge_from`: the ends of the topics of knowledge, by topic.
    """

    prefix: str
    range: ReplayRange
    knowledge_from: dict[str, Offsets]

    def write(self, path: Path) -> None:
        """Puts it into a file, in one step."""
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(self)))
        fresh.replace(path)


def read_plan(path: Path) -> Plan:
    """The plan in a file; raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} is no plan of a replay: {error}") from error


def planned_range(kafka: str, events: str, from_ms: int | None, to_ms: int | None) -> ReplayRange:
    """The records of [from_ms, to_ms) of the topic as of now; raises ConfigError where there are none."""
    found = replay_range(kafka, events, from_ms, to_ms)
    if not found.count:
        raise ConfigError(f"{events} holds no record of that time: widen --from and --to")
    return found


def make_plan(
    kafka: str, source_prefix: str, prefix: str, found: ReplayRange, own: tuple[str, ...] = ()
) -> Plan:
    """The plan for a range of the log, with what is known as of now.

    `own`: topics that are read under `prefix`, where they must be already.
    """
    events = (prefix if EVENTS in own else source_prefix) + EVENTS
    first_ms = min(first_times(kafka, events, found.starts, found.ends), default=found.end_ms)
    names = [(prefix if name in own else source_prefix) + name for name in DECIDES_WITH]
    replayed = msgspec.structs.replace(found, own=own, drift_ms=drift_ms(found, first_ms))
    return Plan(prefix, replayed, ends_of(kafka, names))


def next_plan(kafka: str, source_prefix: str, before: Plan) -> Plan:
    """What has come since the end of the plan before, as of now."""
    done = before.range
    newest = replay_range(kafka, source_prefix + EVENTS)
    follows = msgspec.structs.replace(
        done, starts=done.ends, ends=newest.ends, end_ms=max(done.end_ms, newest.end_ms),
        part=done.part + 1,
    )  # fmt: skip
    return Plan(before.prefix, follows, ends_of(kafka, before.knowledge_from))


def drift_ms(found: ReplayRange, first_ms: int) -> int | None:
    """How far apart partitions may be read, by time: some TOGETHER records; None = as they come."""
    if found.count <= TOGETHER:
        return None
    span_ms = max(0, found.end_ms - first_ms)
    return max(DRIFT_MS_MIN, span_ms * TOGETHER // found.count)


def reached_ms(rest: FlinkRest, job: FlinkJob, operator: str) -> int | None:
    """The time to which every instance of an operator has come; None = none of them anywhere yet."""
    vertices = rest.ask(f"/jobs/{job.job_id}")["vertices"]
    found: list[int] = []
    for vertex in vertices:
        if vertex["name"].partition(" ")[0] != operator:
            continue
        marks = rest.ask(f"/jobs/{job.job_id}/vertices/{vertex['id']}/watermarks")
        found += [int(mark["value"]) for mark in marks]
        if len(marks) < vertex["parallelism"]:
            return None
    least = min(found, default=-1)
    return least if least >= 0 else None
