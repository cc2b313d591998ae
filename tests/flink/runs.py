"""Starting a job in a process of its own, and what goes in and comes out."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from confluent_kafka import Producer

from jobs.config import PROJECT
from jobs.flink.keys import Keys, home_keys
from jobs.stack.ports import LOOPBACK, free_port
from log.kafka import create_topics, read_to_end
from schemas.codec import CONTROL, ITEM
from schemas.items import Item
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, ITEMS, KNOWLEDGE, TRACES, topics
from tests.flink.replays import Replays

JARS: Final = PROJECT / ".kairos" / "jars"
TRACE_SHARE: Final = 0.5
"""So that there are traces of both kinds."""
OUTPUTS: Final = (DECISIONS, TRACES, DEAD_LETTERS)


class Line(NamedTuple):
    """One record to produce."""

    timestamp_ms: int
    key: str | None
    value: bytes | None


def fill_log(
    kafka: str, prefix: str, lines: Iterable[Line | tuple[int, str, bytes]], items: Iterable[Item]
) -> None:
    """Makes the topics under `prefix`; puts in the default policy, the items and the events."""
    create_topics(kafka, topics(prefix))
    control = (0, "policy/default", CONTROL.encode(DEFAULT_CONTROL))
    produce(kafka, prefix + CONTROL_TOPIC, [control])
    produce(kafka, prefix + ITEMS, [(0, item.item_id, ITEM.encode(item)) for item in items])
    produce(kafka, prefix + EVENTS, lines)


def produce(kafka: str, topic: str, lines: Iterable[Line | tuple[int, str, bytes]]) -> None:
    """Writes records in their order."""
    # idempotent: else a retry, likely in a topic just made, writes batches out of their order
    producer = Producer({"bootstrap.servers": kafka, "linger.ms": 5, "enable.idempotence": True})
    for timestamp_ms, key, value in lines:
        producer.produce(topic, key=key, value=value, timestamp=timestamp_ms)
    producer.flush()


def read_outputs(kafka: str, prefix: str) -> dict[str, list[LogRecord]]:
    """What the job wrote under `prefix`, by topic name; each partition in its order."""
    found: dict[str, list[LogRecord]] = {name: [] for name in OUTPUTS}
    for record in read_to_end(kafka, [prefix + name for name in OUTPUTS]):
        found[record.topic.removeprefix(prefix)].append(record)
    return found


class Running(NamedTuple):
    """A job in its process."""

    process: subprocess.Popen[str]
    rest: str
    keys: Keys

    def wait_until_ready(self) -> None:
        """Returns when the job has said that all of it runs."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("READY"), line + self.process.communicate()[0]


def start_decide(
    kafka: str,
    prefix: str,
    home: Path,
    *arguments: str,
    parallelism: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Running:
    """Starts the decide job over the topics under `prefix`."""
    module = "jobs.run_decide"
    return start_job(
        module, kafka, prefix, home, *arguments, parallelism=parallelism, settings=settings
    )


def start_job(
    module: str,
    kafka: str,
    prefix: str,
    home: Path,
    *arguments: str,
    parallelism: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Running:
    """Starts a job over the topics under `prefix`."""
    port = free_port()
    command = (
        sys.executable, "-m", module, "--kafka", kafka, "--rest-port", str(port),
    )  # fmt: skip
    process = subprocess.Popen(
        (*command, *arguments),
        cwd=PROJECT,
        env=environment(prefix, home, parallelism) | dict(settings or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Running(process, f"{LOOPBACK}:{port}", home_keys(home))


def environment(prefix: str, home: Path, parallelism: int = 1) -> dict[str, str]:
    """Variables of a job whose jars come from the project's cache."""
    home.mkdir(exist_ok=True)
    if not (home / "jars").is_symlink():
        JARS.mkdir(parents=True, exist_ok=True)  # filled by whoever comes first
        (home / "jars").symlink_to(JARS)
    own = {
        "KAIROS_HOME": str(home),
        "KAIROS_TOPIC_PREFIX": prefix,
        "KAIROS_PARALLELISM": str(parallelism),
        "KAIROS_CONSENT": "all",
        "KAIROS_TRACE_SHARE": str(TRACE_SHARE),
    }
    return {name: value for name, value in os.environ.items() if "KAIROS" not in name} | own


def run_replay(
    replays: Replays,
    kafka: str,
    prefix: str,
    outputs: str,
    home: Path,
    *,
    parallelism: int = 1,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> dict[str, list[LogRecord]]:
    """Replays `prefix` into `outputs` (a prefix too), waits for its end and reads what it wrote."""
    times = {"--from-ms": from_ms, "--to-ms": to_ms}
    arguments = [word for name, ms in times.items() if ms is not None for word in (name, str(ms))]
    words = ("--kafka", kafka, "--replay", "--prefix", outputs, *arguments)
    replays.run("jobs.run_decide", environment(prefix, home, parallelism), *words)
    return read_outputs(kafka, outputs)


def run_learn_replay(
    replays: Replays,
    kafka: str,
    prefix: str,
    outputs: str,
    home: Path,
    *arguments: str,
    parallelism: int = 1,
) -> list[LogRecord]:
    """Learns from `prefix` up to its end, into `outputs` (a prefix too); what it wrote, in order."""
    words = ("--kafka", kafka, "--replay", "--prefix", outputs, *arguments)
    replays.run("jobs.run_learn", environment(prefix, home, parallelism), *words)
    return list(read_to_end(kafka, [outputs + KNOWLEDGE]))
