"""`kairos chaos`: kill -9 of task managers under load, and what that does to decisions and to the store."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec
from redis import Redis

from channels.store.store import open_store
from jobs.config import Config
from jobs.flink.rest import FlinkRest
from jobs.publish import Log, now_ms
from jobs.stack.flink_cluster import FlinkCluster, Wanted
from jobs.stack.jars import jar_paths
from jobs.stack.local_cluster import cluster_folder
from log.kafka import read_to_end
from log.store_address import open_redis
from schemas.codec import DECISION
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import DAY_MS
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.topics import DECISIONS
from scripts.bench.setting import BenchEngine, bench_config, describe
from scripts.bench.workload import catalogue, shoppers
from scripts.console import percentile, say, show, show_table
from scripts.demo.demo import DecisionReader
from scripts.ops.cluster import submit_job
from scripts.ops.engine import Engine

TASK_MANAGERS: Final = 2
ITEMS: Final = 1_000
WARM_UP_S: Final = 20.0
SETTLED_S: Final = 5.0
FLOWING_MS: Final = 3_000
CAUGHT_UP_MS: Final = 1_000
CATCH_UP_MS_MAX: Final = 45_000
"""A machine that is full may never catch up: the next round does not wait for that."""
ROUND_S_MAX: Final = 120.0
DRAIN_S_MAX: Final = 60.0
WATCHED: Final = 400
POLL_S: Final = 0.05
READ_S: Final = 0.05
LOOK_S: Final = 1.0


class Round(NamedTuple):
    """One kill. `flow_s`: until decisions came again; `caught_up_s`: until one was younger than a second, None where
    that took too long to wait for.
    """

    number: int
    killed: str
    flow_s: float
    caught_up_s: float | None


class Load(threading.Thread):
    """Sends events at a steady rate, each stamped with when it was due, until `end`."""

    def __init__(self, log: Log, events: Iterator[Event], rate: int) -> None:
        super().__init__(daemon=True)
        self._log, self._events, self._rate = log, events, rate
        self._is_ending = threading.Event()
        self.wanted: list[str] = []
        self.sent = 0

    def run(self) -> None:
        """Sends."""
        begun_s, begun_ms = time.monotonic(), now_ms()
        while not self._is_ending.is_set():
            due_s = self.sent / self._rate
            wait_s = begun_s + due_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            due_ms = begun_ms + int(due_s * 1_000)
            event = next(self._events)
            self._log.event(msgspec.structs.replace(event, event_time_ms=due_ms, sent_at_ms=due_ms))
            self.sent += 1
            if event.event_type == "product_viewed":
                self.wanted.append(event.event_id)

    def end(self) -> None:
        """Ends the sending; all is in Kafka then."""
        self._is_ending.set()
        self.join()
        self._log.flush()


class Flow(threading.Thread):
    """Notes when decisions arrive, and of events of when."""

    def __init__(self, reader: DecisionReader) -> None:
        super().__init__(daemon=True)
        self._reader = reader
        self._is_ending = threading.Event()
        self.arrivals: list[tuple[int, int]] = []

    def run(self) -> None:
        """Reads until `end`."""
        seen: set[str] = set()
        while not self._is_ending.is_set():
            for decision in self._reader.read(READ_S):
                if decision.event_id not in seen:  # a repeat is no flow
                    seen.add(decision.event_id)
                    self.arrivals.append((now_ms(), decision.event_time_ms))

    def end(self) -> None:
        """Ends the reading."""
        self._is_ending.set()
        self.join()


class Watch(threading.Thread):
    """A reader of the store: counts what a repeat would show, a sequence that goes back or is stored twice."""

    def __init__(self, redis: "Redis[bytes]", prefix: str) -> None:
        super().__init__(daemon=True)
        self._redis, self._prefix = redis, prefix
        self._is_ending = threading.Event()
        self.looks = 0
        self.repeats = 0

    def run(self) -> None:
        """Looks at the decisions of the people who came first and of those who come."""
        seen: dict[bytes, tuple[int, bytes]] = {}
        while not self._is_ending.wait(LOOK_S):
            keys = list(self._redis.scan_iter(f"{self._prefix}:decision:*", count=1_000))[:WATCHED]
            pipeline: Any = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.hmget(key, "sequence", "stored_at_ms")
            for key, (sequence, stored) in zip(keys, pipeline.execute(), strict=True):
                if sequence is None:
                    continue
                before = seen.get(key)
                now = int(sequence), stored
                if before is not None and (
                    now[0] < before[0] or (now[0] == before[0] and now != before)
                ):
                    self.repeats += 1
                seen[key] = now
            self.looks += 1

    def end(self) -> None:
        """Ends the looking."""
        self._is_ending.set()
        self.join()


def run(config: Config, victim: str, rounds: int, rate: int) -> dict[str, Any]:
    """Plays the rounds on servers and a cluster of its own; what they did, `is_sound` if nothing was lost or repeated."""
    config = bench_config(config)
    folder = cluster_folder(config.home)
    jars = jar_paths("flink", config.home / "jars", say)
    with (
        BenchEngine(config, say, has_jobs=False) as engine,
        FlinkCluster(folder, jars, say) as cluster,
    ):
        servers = engine.start()
        wanted = Wanted().resized(TASK_MANAGERS)
        address = cluster.start(wanted)
        rest = cluster.await_whole()
        config = config._replace(flink=address)
        _publish(engine)
        submit_job("decide", config, servers.kafka)
        reader = DecisionReader(servers.kafka, config.topic_prefix + DECISIONS)
        store = open_redis(servers.redis)
        load = Load(engine.log, shoppers(config.topic_prefix, ITEMS), rate)
        flow, watch = Flow(reader), Watch(store, config.store_prefix)
        threads = (load, flow, watch)
        for thread in threads:
            thread.start()
        try:
            say(f"{rate} events/s: {WARM_UP_S:g} s of warm-up, then {rounds} kills of a {victim}")
            _rest_for(cluster, engine, WARM_UP_S)
            done = []
            for number in range(1, rounds + 1):
                name = wanted.names[number % TASK_MANAGERS]
                done.append(_round(cluster, engine, rest, _name(config), flow, number, name))
                say(f"round {number}: {name}, decisions again after {done[-1].flow_s:.1f} s")
                _rest_for(cluster, engine, SETTLED_S)
            load.end()
            found = _count(
                config, servers.kafka, load.wanted, lambda: _rest_for(cluster, engine, 1.0)
            )
            shown = _shown(config, servers.kafka, servers.redis)
        finally:
            for thread in threads:
                thread.end()
        rest.cancel(rest.find_job(_name(config)).job_id)
    found |= {"repeats_seen_in_store": watch.repeats + shown, "looks_at_the_store": watch.looks}
    found["is_sound"] = found["lost"] == 0 and found["repeats_seen_in_store"] == 0
    times = [one.flow_s for one in done]
    setting = describe() | {
        "kill": victim,
        "rounds": rounds,
        "events_per_s": rate,
        "events": load.sent,
    }
    summary = {"flow_s_p50": percentile(times, 0.5), "flow_s_max": max(times)}
    return setting | summary | found | {"each": [one._asdict() for one in done]}


def show_report(report: dict[str, Any]) -> None:
    """Prints it."""
    setting = ("cores", "machine", "commit", "kill", "events_per_s", "events")
    title = "  ".join(f"{name} {report[name]}" for name in setting)
    rows = [
        (one["number"], one["killed"], one["flow_s"], one["caught_up_s"] or "not in time")
        for one in report["each"]
    ]
    show_table(title, ("round", "killed", "decisions again after s", "caught up after s"), rows)
    show(
        f"half of the rounds within {report['flow_s_p50']:.1f} s, all within {report['flow_s_max']:.1f} s; "
        f"{report['decisions']:,} decisions wanted, {report['lost']} lost, {report['repeated']} written again, "
        f"{report['repeats_seen_in_store']} repeats seen in the store ({report['looks_at_the_store']} looks)"
    )


def _round(
    cluster: FlinkCluster,
    engine: Engine,
    rest: FlinkRest,
    job: str,
    flow: Flow,
    number: int,
    name: str,
) -> Round:
    killed_ms, seen = now_ms(), len(flow.arrivals)
    os.kill(cluster.pid_of(name), signal.SIGKILL)
    deadline_s = time.monotonic() + ROUND_S_MAX
    while True:
        cluster.keep()
        engine.check()
        engine.tick()
        found = recovered(flow.arrivals[seen:], killed_ms, now_ms())
        if found is not None:
            return Round(number, name, *found)
        if time.monotonic() > deadline_s:
            rest.find_job(job)  # says so where Flink has given it up
            raise ConfigError(
                f"no decisions {ROUND_S_MAX:g} s after {name} was killed: see the logs of the cluster"
            )
        time.sleep(POLL_S)


def recovered(
    arrivals: Sequence[tuple[int, int]], killed_ms: int, at_ms: int
) -> tuple[float, float | None] | None:
    """Seconds from the kill to the end of the longest silence after it, and until all was caught up.

    `arrivals`: when a decision came, and the time of its event. None until, at `at_ms`, decisions have come for
    three seconds since that silence, and one of them was younger than a second or has been waited for long enough.
    """
    after = [one for one in arrivals if one[0] >= killed_ms]
    times = [killed_ms, *(came_ms for came_ms, _ in after), at_ms]
    _, end_ms = max((later - one, later) for one, later in pairwise(times))
    fresh = [
        came_ms
        for came_ms, event_ms in after
        if came_ms >= end_ms and came_ms - event_ms < CAUGHT_UP_MS
    ]
    if end_ms == at_ms or at_ms - end_ms < FLOWING_MS:
        return None
    if not fresh and at_ms - end_ms < CATCH_UP_MS_MAX:
        return None
    return (end_ms - killed_ms) / 1_000, (fresh[0] - killed_ms) / 1_000 if fresh else None


def _count(config: Config, kafka: str, wanted: list[str], wait: Any) -> dict[str, Any]:
    """Decisions wanted, lost and written again, once all are there or for long none has come."""
    topic, before = config.topic_prefix + DECISIONS, 0
    deadline_s = time.monotonic() + DRAIN_S_MAX
    while True:
        events = Counter(DECISION.decode(one.value).event_id for one in read_to_end(kafka, [topic]))
        lost = sum(1 for event_id in wanted if event_id not in events)
        if not lost or time.monotonic() > deadline_s:
            repeated = events.total() - len(events)
            return {"decisions": len(wanted), "lost": lost, "repeated": repeated}
        if len(events) > before:
            before, deadline_s = len(events), time.monotonic() + DRAIN_S_MAX
        wait()


def _shown(config: Config, kafka: str, redis: str) -> int:
    """How many people the store shows another decision than their newest."""
    newest: dict[tuple[str, str], int] = {}
    for one in read_to_end(kafka, [config.topic_prefix + DECISIONS]):
        decision = DECISION.decode(one.value)
        key = decision.person, decision.placement
        newest[key] = max(decision.sequence, newest.get(key, 0))
    store = open_store(redis, config.store_prefix)
    deadline_s = time.monotonic() + DRAIN_S_MAX
    while True:
        read = ((sequence, store.read(*key, now_ms())) for key, sequence in newest.items())
        wrong = sum(1 for sequence, shown in read if shown is None or shown.sequence != sequence)
        if not wrong or time.monotonic() > deadline_s:
            return wrong
        time.sleep(1.0)


def _publish(engine: Engine) -> None:
    """A catalogue, and a policy whose decisions stay in the store for the whole run."""
    lasting = [msgspec.structs.replace(one, valid_ms=DAY_MS) for one in DEFAULT_POLICY.placements]
    payload = msgspec.json.encode(Policy(tuple(lasting)))
    engine.log.control(Control("policy", "default", "chaos", 0, payload=payload))
    for item in catalogue(ITEMS):
        engine.log.item(item)
    engine.log.flush()


def _rest_for(cluster: FlinkCluster, engine: Engine, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        cluster.keep()
        engine.check()
        engine.tick()
        time.sleep(POLL_S)


def _name(config: Config) -> str:
    return f"decide.{config.topic_prefix.strip('.')}"
