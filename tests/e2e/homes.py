"""A KAIROS_HOME of its own: the command line in it, its processes, and the end of all of them."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar

import msgspec
import psutil
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from jobs.config import PROJECT
from jobs.flink.counted import read_counts
from jobs.flink.keys import home_keys
from jobs.flink.rest import FlinkRest
from jobs.publish import Log, now_ms
from log.clients import open_consumer_of
from log.following import log_record
from log.kafka import partitions_of
from log.settings import Brokers
from log.store_address import StoreAddress
from schemas.codec import DECISION, EVENT
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.topics import DECISIONS, EVENTS
from tests.builders import make_event

KAIROS: Final = PROJECT / "kairos"
JARS: Final = PROJECT / ".kairos" / "jars"
GONE_S_MAX: Final = 30.0
T = TypeVar("T")


def wait_for(find: Callable[[], T | None]) -> T:
    """Asks until there is something true: the test's time limit is the only bound."""
    pause_s = 0.02
    while not (found := find()):
        time.sleep(pause_s)
        pause_s = min(0.3, pause_s * 1.2)  # what is waited for needs the processors more
    return found


def heed_ctrl_c() -> None:
    """For `preexec_fn`: tests that run in the background of a script have it ignored, and so would the child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Home(NamedTuple):
    """A folder that is KAIROS_HOME, with the project's jar cache."""

    path: Path

    def environment(self, **settings: str) -> dict[str, str]:
        """The variables of a command in this home, and no other settings than these."""
        outer = {name: value for name, value in os.environ.items() if "KAIROS" not in name}
        own = {
            "KAIROS_HOME": str(self.path),
            # beside other tests; what is documented is for people
            "KAIROS_PORTS": "0",
            "KAIROS_API_PORT": "0",
            "COLUMNS": "250",  # wide enough that no table wraps
            "KAIROS_CONSENT": "all",  # of events that say nothing of it: most tests are about something else
            "KAIROS_TRACE_SHARE": "1",  # so that every decision can be looked into
        }
        return outer | own | settings

    def kairos(self, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Runs one command to its end."""
        return subprocess.run(
            [KAIROS, *words], env=self.environment(**settings), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=240, check=False,
        )  # fmt: skip

    def json(self, *words: str, **settings: str) -> Any:
        """What a command that succeeds prints as JSON."""
        done = self.kairos(*words, **settings)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def status(self) -> Any:
        """What `status --json` prints; its exit code says whether all of it is up."""
        done = self.kairos("status", "--json")
        found = json.loads(done.stdout)
        is_whole = all(one["state"] == "up" for one in found.values())
        assert done.returncode == (0 if is_whole else 3), done.stderr + done.stdout
        return found

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Starts a command as a terminal does: in a process group that gets the Ctrl-C."""
        return subprocess.Popen(
            [KAIROS, *words], env=self.environment(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0,
            preexec_fn=heed_ctrl_c,
        )  # fmt: skip

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in this home: by its environment, folder or command line."""
        return [
            one for one in psutil.process_iter() if one.pid != os.getpid() and self._is_mine(one)
        ]

    def names_left(self, seconds_max: float = GONE_S_MAX) -> list[str]:
        """The command lines of what still runs after so long; empty as soon as nothing does."""
        deadline_s = time.monotonic() + seconds_max
        while (found := self.processes()) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return [_command_line(one) for one in found]

    def kill_all(self) -> None:
        """Leaves nothing behind, whatever happened."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            mine = str(self.path)
            return (
                process.environ().get("KAIROS_HOME") == mine
                or process.cwd().startswith(f"{mine}/")
                or any(f"{mine}/" in word for word in process.cmdline())
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


@contextlib.contextmanager
def fresh_home(path: Path) -> Iterator[Home]:
    """A new home in which nothing runs afterwards."""
    path.mkdir(parents=True)
    JARS.mkdir(parents=True, exist_ok=True)  # filled by whoever comes first
    (path / "jars").symlink_to(JARS)
    home = Home(path)
    try:
        yield home
    finally:
        home.kill_all()


def kafka_of(status: Any) -> Brokers:
    """The Kafka that `status --json` names, with what its clients need."""
    return Brokers(status["kafka"]["address"], Path(status["kafka"]["settings_file"]))


def redis_of(status: Any) -> StoreAddress:
    """The store that `status --json` names, with its password."""
    return StoreAddress(status["redis"]["address"], Path(status["redis"]["settings_file"]))


OPERATORS: Final = 3
"""Of sessions, visitors and members: each applies every record of knowledge."""


class Engine(NamedTuple):
    """What `kairos up` has started, and where it answers."""

    home: Home
    kafka: Brokers
    redis: StoreAddress
    flink: str
    learn: str

    def counts(self) -> dict[str, int]:
        """The job's counters."""
        return read_counts(FlinkRest(self.flink, home_keys(self.home.path)))


class Tail:
    """Reads topics from their beginning and keeps all of it. `read` takes what has come since."""

    def __init__(self, kafka: str, *topics: str) -> None:
        self._consumer: Consumer = open_consumer_of(kafka)
        self._consumer.assign(
            [
                TopicPartition(topic, partition, OFFSET_BEGINNING)
                for topic in topics
                for partition in partitions_of(self._consumer, topic)
            ]
        )
        self.records: list[LogRecord] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(self) -> list[LogRecord]:
        """All records so far."""
        for message in self._consumer.consume(5_000, 0.05):
            if message.error() is None:
                self.records.append(log_record(message))
        return self.records


def everybody_comes(log: Log) -> None:
    """A visitor, and somebody who signs in: each operator takes with its next person what was loaded beside it."""
    time_ms = now_ms()
    for event_type, person_id in (("product_viewed", None), ("identified", "somebody")):
        name = f"{event_type}-{time_ms}"
        log.event(
            make_event(
                event_id=name, event_type=event_type, event_time_ms=time_ms, session_id=name, anonymous_id=name,
                item_ids=("i1",), person_id=person_id,
            )
        )  # fmt: skip
    log.flush()


def send_odd(log: Log, name: str) -> None:
    """An event of a type that nobody can read; everything else in it is as it should be."""
    at_ms = now_ms()
    event = make_event(
        event_id=f"{name}-odd", event_type="product_viewed", event_time_ms=at_ms, session_id=f"{name}-s", anonymous_id=f"{name}-a",
        item_ids=("i1",), sent_at_ms=at_ms,
    )  # fmt: skip
    odd = msgspec.structs.replace(event, event_type="viewed\n")
    log.raw(EVENTS, odd.session_id, EVENT.encode(odd), at_ms)
    log.flush()


class Decisions(Tail):
    """Every decision under a prefix; `by_event` holds the newest that an event caused, `by_cause` each by placement."""

    def __init__(self, kafka: str, prefix: str = "") -> None:
        super().__init__(kafka, prefix + DECISIONS)
        self._decoded = 0
        self.by_event: dict[str, Decision] = {}
        self.by_cause: dict[tuple[str, str], Decision] = {}
        self.by_id: dict[str, bytes] = {}

    def of(self, event_id: str) -> Decision:
        """The decision that this event caused, as soon as it is there."""
        return self.by_event.get(event_id) or wait_for(lambda: self.look().get(event_id))

    def look(self) -> dict[str, Decision]:
        """All decisions so far, by event."""
        for record in self.read()[self._decoded :]:
            try:
                decision = DECISION.decode(record.value)
            except InvalidEvent:
                continue  # as every reader of the topic leaves it out
            self.by_event[decision.event_id] = decision
            self.by_cause[decision.event_id, decision.placement] = decision
            self.by_id[decision.decision_id] = record.value
        self._decoded = len(self.records)
        return self.by_event


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200]
    except psutil.NoSuchProcess:
        return str(process.pid)
