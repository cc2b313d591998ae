"""`kairos bench budget`: what an event costs, by part of the steps and by process of the engine.

The parts are watched in the bare loop of `bench throughput`; the processes under a steady load. So that the next change
sees what it costs, and where.
"""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import psutil

from jobs.config import Config
from jobs.stack.status import statuses
from models.content import Published
from models.ranker import XgboostRanker
from schemas.codec import DECISION, EVENT, TRACE
from schemas.errors import ConfigError
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE
from schemas.state.session import SESSION_NEWS, SESSION_STATE
from scripts.bench import throughput
from scripts.bench.latency import send
from scripts.bench.setting import (
    CANDIDATES,
    BenchEngine,
    as_title,
    bench_config,
    describe,
    prepare,
    records,
)
from scripts.bench.stopwatch import Stopwatch, Watched, watched_parts
from scripts.bench.workload import shoppers
from scripts.console import say, show_json, show_table
from udfs import decide as deciding
from udfs.items import rank_items as ranking
from udfs.session import read_event as reading

WARM_UP_SHARE: Final = 4
"""A quarter of the events comes before those that are measured."""
PARTS: Final[tuple[Watched, ...]] = (
    ("event, decoding", EVENT, "decode"),
    ("session step", throughput, "track_session"),
    ("event, masking", reading, "masked"),
    ("state and news, both ways", SESSION_STATE, "decode"),
    ("state and news, both ways", SESSION_STATE, "encode"),
    ("state and news, both ways", SESSION_NEWS, "decode"),
    ("state and news, both ways", SESSION_NEWS, "encode"),
    ("state and news, both ways", PERSON_STATE, "decode"),
    ("state and news, both ways", PERSON_STATE, "encode"),
    ("person step", throughput, "person_step"),
    ("decision: all that follows has not", deciding, "_decide_one"),
    ("decision: session links", ranking, "follow_session"),
    ("decision: retrieval", ranking, "retrieve_candidates"),
    ("decision: columns", ranking, "compute_features"),
    ("decision: scorer", XgboostRanker, "score"),
    ("decision: slate", deciding, "fill_slate"),
    ("decision: arbitration", deciding, "weigh_actions"),
    ("decision: arbitration", deciding, "arbitrate"),
    ("decision: trace", deciding, "trace_decision"),
    ("decision, encoding", DECISION, "encode"),
    ("trace, encoding", TRACE, "encode"),
)
"""What an event's time is split into; of a part within another only the inner one's counts."""


class Part(NamedTuple):
    """One part of the steps, in the bare loop."""

    part: str
    us_per_call: float
    calls_per_event: float
    us_per_event: float
    share_percent: float


class Process(NamedTuple):
    """One service of the engine; cores at 1,000 events/s are processor seconds per 1,000 events."""

    service: str
    cores_per_1000_events_per_s: float


class Load(NamedTuple):
    """How many events the loop takes, and the load on the engine."""

    events: int
    rate: int
    seconds: int
    warm_up: int
    items: int


def bench(config: Config, load: Load, is_json: bool) -> None:
    """Measures both and prints them; raises ConfigError where a service has ended meanwhile."""
    config = bench_config(config)
    log = records(load.events, load.items)
    with BenchEngine(config, say) as engine:
        engine.start()
        published = prepare(engine, config, load.items)
        engine.await_learn()
        processes = of_engine(config, engine, load)
    parts = of_loop(config, log, load.items, published)
    decisions = sum(one.calls_per_event for one in parts if one.part == "trace, encoding")
    setting = describe() | {
        "events": load.events, "items": load.items, "candidates": CANDIDATES, "decisions_per_event": round(decisions, 2),
        "events_per_s": load.rate, "seconds": load.seconds,
    }  # fmt: skip
    if is_json:
        show_json(setting | {
            "parts": [one._asdict() for one in parts],
            "processes": [one._asdict() for one in processes],
        })  # fmt: skip
        return
    show_table(as_title(setting), ("the bare loop", "us a call", "calls an event", "us an event", "share %"), parts)  # fmt: skip
    show_table("", ("the engine", "cores per 1,000 events/s"), processes)


def of_engine(config: Config, engine: BenchEngine, load: Load) -> list[Process]:
    """What each service takes under the load, and all of them together."""
    say(f"{load.rate} events/s: {load.warm_up} s of warm-up, {load.seconds} s measured")
    events = shoppers("budget", load.items)
    send(engine, engine.log, events, load.rate, load.warm_up)
    before = cpu_s(config)
    send(engine, engine.log, events, load.rate, load.seconds)
    after = cpu_s(config)
    thousands = load.rate * load.seconds / 1_000.0
    found = [Process(name, (after[name] - before[name]) / thousands) for name in before]
    found.sort(key=lambda one: -one.cores_per_1000_events_per_s)
    whole = sum(one.cores_per_1000_events_per_s for one in found)
    return [*found, Process("all of them", whole)]


def cpu_s(config: Config) -> dict[str, float]:
    """The processor time that each service of the engine has taken so far, with its children."""
    found = {}
    for name, one in statuses(config.home).items():
        if one.pid is None:
            continue
        try:
            root = psutil.Process(one.pid)
            family = [root, *root.children(recursive=True)]
            found[name] = sum(sum(each.cpu_times()[:2]) for each in family)
        except psutil.NoSuchProcess as error:
            raise ConfigError(f"{name} has ended: see {one.log}") from error
    return found


def of_loop(
    config: Config, log: Sequence[LogRecord], items: int, published: Published
) -> list[Part]:
    """The parts of what the loop does to each record, the dearest first."""
    loop = throughput.prepared_loop(config, items, log, published)
    warm_up = len(log) // WARM_UP_SHARE
    for record in log[:warm_up]:
        loop.take(record)
    say("watching the parts of the loop")
    stopwatch = Stopwatch()
    begun_s = time.perf_counter()
    with watched_parts(stopwatch, PARTS):
        for record in log[warm_up:]:
            loop.take(record)
    took_ms = (time.perf_counter() - begun_s) * 1_000.0
    count = len(log) - warm_up
    names = dict.fromkeys(name for name, _, _ in PARTS if stopwatch.calls[name])
    parts = [
        _part(name, stopwatch.ms[name], stopwatch.calls[name], count, took_ms) for name in names
    ]
    rest_ms = took_ms - sum(stopwatch.ms[name] for name in names)
    parts.append(_part("the loop itself", rest_ms, count, count, took_ms))
    parts.sort(key=lambda one: -one.us_per_event)
    return [*parts, _part("all of it", took_ms, count, count, took_ms)]


def _part(name: str, ms: float, calls: int, events: int, all_ms: float) -> Part:
    return Part(
        name,
        ms * 1_000.0 / calls,
        round(calls / events, 2),
        ms * 1_000.0 / events,
        100.0 * ms / all_ms,
    )
