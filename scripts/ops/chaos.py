"""`kairos chaos`: kill -9 of task managers under load, and what that does to decisions and to the store."""

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from channels.store.store import open_store
from jobs.config import Config
from jobs.flink.rest import FlinkRest
from jobs.publish import now_ms
from jobs.stack.flink_cluster import FlinkCluster
from jobs.stack.jars import jar_paths
from jobs.stack.local_cluster import cluster_folder
from jobs.stack.wanted import Wanted
from log.kafka import read_to_end
from log.store_address import open_redis
from schemas.codec import DECISION
from schemas.control import Control
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.topics import DECISIONS
from scripts.bench.setting import BenchEngine, as_title, bench_config, describe
from scripts.bench.workload import catalogue, shoppers
from scripts.console import percentile, say, show, show_table
from scripts.demo.feeding import DecisionReader
from scripts.ops.chaos_watch import Flow, Load, Watch
from scripts.ops.cluster import submit_job
from scripts.ops.engine import Addresses, Engine

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
POLL_S: Final = 0.05


class Round(NamedTuple):
    """One kill. `flow_s`: until decisions came again; `caught_up_s`: until one was younger than a second, None where
    that took too long to wait for.
    """

    number: int
    killed: str
    flow_s: float
    caught_up_s: float | None


class Stage(NamedTuple):
    """What is played on: the cluster with its job, by its name in Flink, and the servers."""

    cluster: FlinkCluster
    engine: Engine
    rest: FlinkRest
    job: str

    def keep(self) -> None:
        """To be called several times a second; raises ConfigError where a server has died."""
        self.cluster.keep()
        self.engine.check()
        self.engine.tick()

    def rest_for(self, seconds: float) -> None:
        """Lets everything run for so long."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.keep()
            time.sleep(POLL_S)


class Played(NamedTuple):
    """All rounds, how many events were sent, and what was then found."""

    rounds: list[Round]
    events: int
    found: dict[str, int]


def run(config: Config, victim: str, rounds: int, rate: int) -> dict[str, Any]:
    """Plays the rounds on servers and a cluster of its own; what they did, `is_sound` if nothing was lost or repeated."""
    config = bench_config(config)
    jars = jar_paths("flink", config.home / "jars", say)
    with (
        BenchEngine(config, say, has_jobs=False) as engine,
        FlinkCluster(cluster_folder(config.home), jars, say) as cluster,
    ):
        engine.start()
        wanted = Wanted().resized(TASK_MANAGERS)
        config = config._replace(flink=cluster.start(wanted))
        stage = Stage(cluster, engine, cluster.await_whole(), _name(config))
        _publish(engine)
        submit_job("decide", config, engine.addresses.kafka)
        say(f"{rate} events/s: {WARM_UP_S:g} s of warm-up, then {rounds} kills of a {victim}")
        victims = [wanted.names[number % TASK_MANAGERS] for number in range(1, rounds + 1)]
        played = _play(config, stage, victims, rate)
        stage.rest.cancel(stage.rest.find_job(stage.job).job_id)
    times = [one.flow_s for one in played.rounds]
    asked = {"kill": victim, "rounds": rounds, "events_per_s": rate, "events": played.events}
    summary = {"flow_s_p50": percentile(times, 0.5), "flow_s_max": max(times)}
    is_sound = played.found["lost"] == 0 and played.found["repeats_seen_in_store"] == 0
    each = [one._asdict() for one in played.rounds]
    return describe() | asked | summary | played.found | {"is_sound": is_sound, "each": each}


def _play(config: Config, stage: Stage, victims: Sequence[str], rate: int) -> Played:
    """Kills one after the other under load, and counts what came of it."""
    addresses = stage.engine.addresses
    reader = DecisionReader(addresses.kafka, config.topic_prefix + DECISIONS)
    events = shoppers(config.topic_prefix, ITEMS)
    with (
        Load(stage.engine.log, events, rate) as load,
        Flow(reader) as flow,
        Watch(open_redis(addresses.redis), config.store_prefix) as watch,
    ):
        stage.rest_for(WARM_UP_S)
        done = []
        for number, name in enumerate(victims, start=1):
            done.append(_round(stage, flow, number, name))
            say(f"round {number}: {name}, decisions again after {done[-1].flow_s:.1f} s")
            stage.rest_for(SETTLED_S)
        load.end()
        found = _count(config, stage, load.wanted)
        shown = _shown(config, addresses)
    repeats = {"repeats_seen_in_store": watch.repeats + shown, "looks_at_the_store": watch.looks}
    return Played(done, load.sent, found | repeats)


def show_report(report: dict[str, Any]) -> None:
    """Prints it."""
    setting = ("cores", "machine", "commit", "kill", "events_per_s", "events")
    title = as_title({name: report[name] for name in setting})
    rows = [
        (one["number"], one["killed"], one["flow_s"], one["caught_up_s"] or "not in time")
        for one in report["each"]
    ]
    show_table(title, ("round", "killed", "decisions again after s", "caught up after s"), rows)
    show(
        f"half of the rounds within {report['flow_s_p50']:.1f} s, all within {report['flow_s_max']:.1f} s; "
        f"{counted(report['decisions'], 'decision')} wanted, {report['lost']} lost, {report['repeated']} written again, "
        f"{report['repeats_seen_in_store']} repeats seen in the store ({report['looks_at_the_store']} looks)"
    )


def _round(stage: Stage, flow: Flow, number: int, name: str) -> Round:
    killed_ms, seen = now_ms(), len(flow.arrivals)
    os.kill(stage.cluster.pid_of(name), signal.SIGKILL)
    deadline_s = time.monotonic() + ROUND_S_MAX
    while True:
        stage.keep()
        found = recovered(flow.arrivals[seen:], killed_ms, now_ms())
        if found is not None:
            return Round(number, name, *found)
        if time.monotonic() > deadline_s:
            stage.rest.find_job(stage.job)  # says so where Flink has given it up
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


def _count(config: Config, stage: Stage, wanted: Sequence[str]) -> dict[str, int]:
    """Decisions wanted, lost and written again, once all are there or for long none has come."""
    topic, before = config.topic_prefix + DECISIONS, 0
    kafka = stage.engine.addresses.kafka
    deadline_s = time.monotonic() + DRAIN_S_MAX
    while True:
        events = Counter(DECISION.decode(one.value).event_id for one in read_to_end(kafka, [topic]))
        lost = sum(1 for event_id in wanted if event_id not in events)
        if not lost or time.monotonic() > deadline_s:
            repeated = events.total() - len(events)
            return {"decisions": len(wanted), "lost": lost, "repeated": repeated}
        if len(events) > before:
            before, deadline_s = len(events), time.monotonic() + DRAIN_S_MAX
        stage.rest_for(1.0)


def _shown(config: Config, addresses: Addresses) -> int:
    """How many people the store shows another decision than their newest."""
    newest: dict[tuple[str, str], int] = {}
    for one in read_to_end(addresses.kafka, [config.topic_prefix + DECISIONS]):
        decision = DECISION.decode(one.value)
        key = decision.person, decision.placement
        newest[key] = max(decision.sequence, newest.get(key, 0))
    store = open_store(addresses.redis, config.store_prefix)
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


def _name(config: Config) -> str:
    return f"decide.{config.topic_prefix.strip('.')}"
