"""`kill -9` of the job, and of the store, in the middle of 20,000 events: nothing is lost or wrong.

Checkpoints are only made on demand here, so it is certain what the restored job has to repeat.
"""

import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import psutil
import pytest
from redis import Redis, RedisError

from jobs.config import Config, config_from
from jobs.flink.counted import read_counts
from jobs.flink.rest import rest_of
from jobs.fold.fold import Fold, FoldRules
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import Trust
from jobs.publish import Log, now_ms
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.process import Process
from jobs.stack.valkey import valkey_child
from log.kafka import create_topics, ends_of, read_to_end
from schemas.codec import DECISION, EVENT, TRACE
from schemas.control import Control
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.topics import CONTROL, DEAD_LETTERS, DECISIONS, EVENTS, ITEMS, TRACES, topics
from scripts.bench.workload import catalogue, shoppers
from scripts.ops.engine import Addresses, decide_child, store_child
from tests.e2e.homes import Decisions, Engine, fresh_home, wait_for
from udfs.knowledge.knowledge import Knowledge

# 20,000 events through two jobs and the fold, on two cores that others use too: it waits, it does not measure
pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(900)]
PREFIX: Final = "kill."
COUNT: Final = 20_000
STEP_MS: Final = 60
SPAN_MS: Final = COUNT * STEP_MS
"""20 minutes: no session is silent for so long that a timer would end it."""
NEVER_MS: Final = 3_600_000
ASKING: Final = ("search_performed", "filter_applied")
"""One in seven events asks for a decision."""
SETTLED_S: Final = 1.5
AHEAD: Final = 300
"""Decisions after the checkpoint and before the kill: so many at least are repeated."""


class Line(NamedTuple):
    """One record to send: it arrives at `time_ms`."""

    time_ms: int
    key: str
    value: bytes


def busy_shop(count: int, run: str, start_ms: int) -> Iterator[Line]:
    """Shoppers, each of one session, with repeated, late and broken records between."""
    sent: list[Line] = []
    for number, event in enumerate(islice(shoppers(run, 200), count)):
        now = start_ms + number * STEP_MS
        sent.append(_line(now, msgspec.structs.replace(event, event_time_ms=now)))
        yield sent[-1]
        if number % 40 == 39:
            yield sent[max(0, number - 100)]._replace(time_ms=now)
        if number % 97 == 96:
            before = now - 11 * MINUTE_MS
            late = msgspec.structs.replace(
                event, event_id=f"{event.event_id}-late", event_time_ms=before
            )
            yield _line(now, late)
        if number % 89 == 88:
            yield Line(now, event.session_id, sent[-1].value[:-3])


def _line(arrives_ms: int, event: Event) -> Line:
    return Line(arrives_ms, event.session_id, EVENT.encode(event))


class Parts(ExitStack):
    """The job, a Valkey and a store writer under a prefix of their own, each to be killed."""

    def __init__(self, config: Config, kafka: str, prefix: str = PREFIX) -> None:
        super().__init__()
        self.config = config
        self.redis_port = free_port()
        redis = f"{LOOPBACK}:{self.redis_port}"
        self.addresses = Addresses(kafka, redis, f"{LOOPBACK}:{free_port()}", "")
        self.log = Log(kafka, prefix, linger_ms=5)
        self.store = Redis(LOOPBACK, self.redis_port)

    def start_valkey(self) -> Process:
        return self._started(valkey_child(self.config.home / "valkey", self.redis_port))

    def start_writer(self) -> Process:
        return self._started(store_child(self.config, self.addresses))

    def start_job(self) -> Process:
        return self._started(decide_child(self.config, self.addresses))

    def send(self, lines: list[Line]) -> None:
        for line in lines:
            self.log.raw(EVENTS, line.key, line.value, line.time_ms)
        self.log.flush()

    def counts(self) -> dict[str, int]:
        return read_counts(rest_of(self.config, self.addresses.flink))

    def make_checkpoint(self) -> None:
        """Has the job make a checkpoint and returns when it is complete."""
        (job,) = self.rest("/jobs")["jobs"]
        path = f"/jobs/{job['id']}/checkpoints"
        request = self.rest(path, {"checkpointType": "FULL"})["request-id"]
        status = wait_for(lambda: self._unless_running(self.rest(f"{path}/{request}")))
        assert "failureCause" not in status["operation"], status

    def rest(self, path: str, body: dict[str, str] | None = None) -> Any:
        return rest_of(self.config, self.addresses.flink).ask(path, body)

    def stored(self, people: list[str]) -> list[Any] | None:
        """Sequence and decision of each person in the store; None while it is not there."""
        pipeline: Any = self.store.pipeline(transaction=False)
        for person in people:
            pipeline.hmget(key_of(person), "sequence", "decision")
        try:
            return list(pipeline.execute())
        except RedisError:
            return None

    def _started(self, child: Any) -> Process:
        process = self.enter_context(Process(child, self.config.home / "logs"))
        process.wait_until_healthy()
        return process

    @staticmethod
    def _unless_running(status: Any) -> Any:
        return None if status["status"]["id"] == "IN_PROGRESS" else status


@pytest.fixture(scope="module")
def parts(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    with fresh_home(tmp_path_factory.mktemp("kill") / "kairos") as home:
        config = config_from(
            {
                "KAIROS_HOME": str(home.path),
                "KAIROS_TOPIC_PREFIX": PREFIX,
                "KAIROS_CHECKPOINT_MS": str(NEVER_MS),
                "KAIROS_TRACE_SHARE": "1",  # as the fold does
                "KAIROS_CONSENT": "all",
            }
        )
        create_topics(engine.kafka, topics(PREFIX))
        with Parts(config, engine.kafka) as parts:
            for item in catalogue(200):
                parts.log.item(item)
            # valid for a day: nothing leaves the store during the test; few decisions: it is quick
            lasting = [
                msgspec.structs.replace(p, valid_ms=DAY_MS, candidates=8, event_types=ASKING)
                for p in DEFAULT_POLICY.placements
                if p.name == "next_item"
            ]
            payload = msgspec.json.encode(Policy(tuple(lasting)))
            parts.log.control(Control("policy", "default", "lasting", 0, payload=payload))
            parts.log.flush()
            yield parts
        parts.store.close()
        assert home.names_left() == []


@contextmanager
def job_alone(kafka: str, path: Path, prefix: str, policy: Policy) -> Iterator[Parts]:
    """A home for the job and its policy: what it writes is read from the topic, and checkpoints are made on demand."""
    with fresh_home(path) as home:
        config = config_from(
            {
                "KAIROS_HOME": str(home.path),
                "KAIROS_TOPIC_PREFIX": prefix,
                "KAIROS_CHECKPOINT_MS": str(NEVER_MS),
                "KAIROS_CONSENT": "all",
            }
        )
        create_topics(kafka, topics(prefix))
        with Parts(config, kafka, prefix) as parts:
            payload = msgspec.json.encode(policy)
            parts.log.control(Control("policy", "default", "alone", 0, payload=payload))
            parts.log.flush()
            yield parts
        parts.store.close()
        assert home.names_left() == []


def key_of(person: str) -> str:
    """Where the store keeps the decision of a person."""
    return f"kairos:decision:{person}:next_item"


class Watcher(threading.Thread):
    """A reader of the store that remembers every sequence it saw go back."""

    def __init__(self, store: Redis, people: list[str]) -> None:
        super().__init__(daemon=True)
        self._store, self._keys = store, [key_of(person) for person in people]
        self._is_over = threading.Event()
        self.went_back: list[str] = []
        self.looks = 0

    def run(self) -> None:
        newest = dict.fromkeys(self._keys, 0)
        while not self._is_over.wait(0.05):
            pipeline = self._store.pipeline(transaction=False)
            for key in self._keys:
                pipeline.hget(key, "sequence")
            for key, value in zip(self._keys, pipeline.execute(), strict=True):
                if int(value or 0) < newest[key]:
                    self.went_back.append(key)
                newest[key] = int(value or 0)
            self.looks += 1

    def stop(self) -> None:
        self._is_over.set()
        self.join()


class Wanted(NamedTuple):
    """What the fold says must come out: bytes by decision id; places of the dead letters."""

    decisions: dict[str, bytes]
    traces: dict[str, bytes]
    dead_letters: set[str]


def fold(kafka: str) -> Wanted:
    feed = KnowledgeFeed(Knowledge(), lambda _: None, Trust())
    for record in read_to_end(kafka, (PREFIX + CONTROL, PREFIX + ITEMS)):
        feed.apply(record.value, record.offset, record.timestamp_ms)
    log = sorted(read_to_end(kafka, [PREFIX + EVENTS]), key=lambda one: one.timestamp_ms)
    wanted = Wanted({}, {}, set())
    for one in Fold(feed.knowledge, FoldRules(EVENT.decode, "kairos")).run(log, partitions=4):
        for decision, trace in one.decisions:
            wanted.decisions[decision.decision_id] = DECISION.encode(decision)
            wanted.traces[decision.decision_id] = TRACE.encode(trace)
        wanted.dead_letters.update(f"{x.topic}/{x.partition}/{x.offset}" for x in one.dead_letters)
    return wanted


def newest_of(wanted: Wanted) -> dict[str, Decision]:
    """The decision with the highest sequence of each person; all are for one placement."""
    decisions = map(DECISION.decode, wanted.decisions.values())
    return {one.person: one for one in sorted(decisions, key=lambda one: one.sequence)}


def shows(parts: Parts, newest: dict[str, Decision]) -> bool:
    """Whether the store shows exactly these."""
    return parts.stored(list(newest)) == [
        [str(one.sequence).encode(), DECISION.encode(one)] for one in newest.values()
    ]


def test_killed_job_goes_on_where_its_checkpoint_was(parts: Parts) -> None:
    lines = list(busy_shop(COUNT, "kill", now_ms() - SPAN_MS))
    half, most = len(lines) // 2, len(lines) * 3 // 4
    kafka = parts.addresses.kafka
    parts.start_valkey()
    writer, job = parts.start_writer(), parts.start_job()
    with Decisions(kafka, PREFIX) as seen:
        parts.send(lines[:half])
        wait_for(lambda: len(seen.look()) >= AHEAD)
        checkpointed = set(seen.by_id)
        watcher = Watcher(parts.store, sorted({one.key for one in seen.records[:200]}))
        watcher.start()
        parts.callback(watcher.stop)
        parts.make_checkpoint()
        before = _written(kafka)
        parts.send(lines[half:most])
        wait_for(lambda: _written(kafka) >= before + AHEAD)
        kill(job)
        by_first = list(read_to_end(kafka, [PREFIX + DECISIONS]))
        parts.send(lines[most:])
        parts.start_job()
        wanted = fold(kafka)
        wait_for(lambda: seen.look() and seen.by_id.keys() >= wanted.decisions.keys())
    parts.make_checkpoint()  # so the sinks have written all they have
    decided = list(read_to_end(kafka, [PREFIX + DECISIONS]))
    watcher.stop()

    times = Counter(_id(one.value) for one in decided)
    assert {_id(one.value): one.value for one in decided} == wanted.decisions
    traces = list(read_to_end(kafka, [PREFIX + TRACES]))
    assert {one.key: one.value for one in traces} == wanted.traces, "features know what was before"
    letters = {one.key for one in read_to_end(kafka, [PREFIX + DEAD_LETTERS])}
    assert letters == wanted.dead_letters

    repeated = {decision_id for decision_id, count in times.items() if count > 1}
    assert len(repeated) >= AHEAD
    assert set(times.values()) == {1, 2}
    assert not repeated & checkpointed, "what the checkpoint holds is not done again"
    by_second = len(decided) - len(by_first)
    counts = wait_for(lambda: _if_settled(parts, by_second))
    taken = counts["events"] + counts["duplicates"] + counts["dead_letters"]
    assert len(lines) - most <= taken < len(lines) - len(checkpointed), (
        "not read from the beginning"
    )
    before_kill = {_id(one.value): one.key for one in by_first}
    after_kill = {one.key for one in decided if _id(one.value) not in before_kill}
    assert after_kill & set(before_kill.values()), "sessions that lived through it"

    wait_for(lambda: shows(parts, newest_of(wanted)))
    assert watcher.looks > 0
    assert watcher.went_back == []
    writer.stop()
    said = re.search(r"written (\d+), refused (\d+) as not newer", writer.log.read_text())
    assert said is not None
    assert [int(n) for n in said.groups()] == [len(times), len(decided) - len(times)]


def test_killed_store_misses_nothing_and_does_not_stop_the_job(parts: Parts) -> None:
    lines = list(busy_shop(2_000, "outage", now_ms() - 2_000 * STEP_MS))
    writer = parts.start_writer()
    events = parts.counts()["events"]
    valkey = psutil.Process(parts.store.info("server")["process_id"])
    with Decisions(parts.addresses.kafka, PREFIX) as seen:
        parts.send(lines[:1_000])
        wait_for(lambda: any(event_id.startswith("outage") for event_id in seen.look()))
        valkey.send_signal(signal.SIGKILL)
        parts.send(lines[1_000:])
        wanted = fold(parts.addresses.kafka)
        wait_for(lambda: seen.look() and seen.by_id.keys() >= wanted.decisions.keys())
    parts.start_valkey()
    wait_for(lambda: shows(parts, newest_of(wanted)))
    assert writer.exit_code() is None
    # a restart of the job would have counted anew
    wait_for(lambda: _if_equal(parts.counts(), "events", events + 2_000))


def _if_equal(counts: dict[str, int], name: str, wanted: int) -> dict[str, int] | None:
    return counts if counts[name] == wanted else None


def _if_settled(parts: Parts, decisions: int) -> dict[str, int] | None:
    """The counts once every operator's are there: each is some moments old, and not all alike."""
    before = parts.counts()
    time.sleep(SETTLED_S)
    counts = parts.counts()
    return counts if counts == before and counts["decisions"] == decisions else None


def _written(kafka: str) -> int:
    """How many decisions lie in the topic."""
    topic = PREFIX + DECISIONS
    return sum(ends_of(kafka, [topic])[topic].values())


def _id(value: bytes) -> str:
    return DECISION.decode(value).decision_id


def kill(job: Process) -> None:
    """As the kernel does when memory is short: the process goes, and its JVM with it."""
    (jvm,) = psutil.Process(job.pid).children()
    psutil.Process(job.pid).send_signal(signal.SIGKILL)
    wait_for(lambda: job.exit_code() is not None)
    psutil.wait_procs([jvm], timeout=30)
    assert not jvm.is_running()
