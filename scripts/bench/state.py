"""`kairos bench state`: what it costs the job to remember more people."""

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from jobs.config import Config, config_from
from jobs.flink.rest import rest_of
from jobs.publish import now_ms
from schemas.events import Event, EventType
from scripts.bench.setting import (
    CANDIDATES,
    BenchEngine,
    as_title,
    bench_config,
    describe,
    prepare,
    records,
)
from scripts.bench.throughput import Job, job_rate
from scripts.console import say, show_json, show_table
from scripts.ops.engine import Engine

ROUNDS: Final = 3
CHUNK: Final = 10_000
WARM_UP_EVENTS: Final = 30_000
EVENTS_PER_PERSON: Final = 3
AHEAD_MAX: Final = 20_000
CHECKPOINTS: Final = 3
"""So many are waited for after the measured events: their median counts."""
POLL_S: Final = 0.2
MIB: Final = 2**20


class Cost(NamedTuple):
    """With so many people in state: rates of the measured events, and what a checkpoint takes."""

    people: int
    events_per_s: float
    events_per_cpu_s: float
    state_mib: float
    checkpoint_ms: float
    memory_mib: float


def bench(config: Config, people: Sequence[int], items: int, is_json: bool) -> None:
    """Fills the state step by step, measures the same load after each, and prints what has changed."""
    config = bench_config(config)
    steps = sorted(set(people))
    log = records(WARM_UP_EVENTS + ROUNDS * CHUNK * len(steps), items)
    with BenchEngine(config, say) as engine:
        engine.start()
        prepare(engine, config, items)
        engine.await_learn()
        job = Job.of(engine)
        shift_ms = now_ms() - log[-1].timestamp_ms
        say("warming up")
        job_rate(job, log[:WARM_UP_EVENTS], shift_ms)
        costs, known, at = [], 0, WARM_UP_EVENTS
        for step in steps:
            say(f"bringing {step - known:,} more people, {EVENTS_PER_PERSON} events each")
            _bring(job, known, step)
            known = step
            say(f"measuring with {step:,} people in state")
            rates = []
            for _ in range(ROUNDS):
                rates.append(job_rate(job, log[at : at + CHUNK], shift_ms))
                at += CHUNK
            state, took_ms = _checkpoint(engine)
            costs.append(
                Cost(
                    step, median(one.events_per_s for one in rates),
                    median(one.events_per_cpu_s for one in rates),
                    state / MIB, took_ms, sum(one.memory_info().rss for one in job.processes) / MIB,
                )
            )  # fmt: skip
    setting = describe() | {"items": items, "candidates": CANDIDATES, "rounds": ROUNDS}
    if is_json:
        show_json(setting | {"costs": [cost._asdict() for cost in costs]})
        return
    title = as_title(setting)
    columns = (
        "people in state", "events/s", "events per CPU second", "state MiB", "checkpoint ms",
        "memory of the job MiB",
    )  # fmt: skip
    show_table(title, columns, costs)


def _bring(job: Job, known: int, wanted: int) -> None:
    """People nobody has seen before, each with a session; returns when the job has taken them."""
    taken, sent = job.reading().events, 0
    for event in visits(known, wanted):
        job.engine.log.event(event)
        sent += 1
        if sent % AHEAD_MAX == 0:
            job.engine.log.flush()
            job.reach(taken + sent - AHEAD_MAX // 2)
    job.engine.log.flush()
    job.reach(taken + sent)


def visits(known: int, wanted: int) -> Iterator[Event]:
    """The events of the `known`-th to the `wanted`-th person: a search, a page and a cart, no decision."""
    for number in range(known, wanted):
        name, item = f"known-{number}", f"item-{number % 97}"
        steps: tuple[tuple[EventType, dict[str, Any]], ...] = (
            ("search_performed", {"query": "tent"}),
            ("page_viewed", {"page": "/"}),
            ("product_added_to_cart", {"item_ids": (item,), "price": 9.0, "quantity": 1}),
        )
        for at, (kind, more) in enumerate(steps):
            yield Event(f"{name}-{at}", kind, now_ms(), name, name, channel="web", **more)


def _checkpoint(engine: Engine) -> tuple[float, float]:
    """Bytes and milliseconds of the next checkpoints, their medians."""
    rest = rest_of(config_from(), engine.addresses.flink)
    seen: dict[int, tuple[int, int]] = {}
    while len(seen) < CHECKPOINTS:
        engine.check()
        engine.tick()
        (job,) = rest.jobs()
        found = rest.checkpoints(job.job_id)
        if found.newest_bytes is not None and found.took_ms is not None:
            seen[found.completed] = (found.newest_bytes, found.took_ms)
        time.sleep(POLL_S)
    sizes, times = zip(*seen.values(), strict=True)
    return median(sizes), median(times)
