"""`kairos bench latency`: from when an event was due to when its decision can be read."""

import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.publish import Log, now_ms
from schemas.events import Event
from schemas.topics import DECISIONS
from scripts.bench.pace import moments
from scripts.bench.setting import CANDIDATES, BenchEngine, as_title, bench_config, describe, prepare
from scripts.bench.workload import shoppers
from scripts.console import percentile, say, show_json, show_table
from scripts.demo.feeding import DecisionReader
from scripts.ops.engine import Engine
from scripts.ops.stores import store_of

DRAIN_S_MAX: Final = 30.0
SHARES: Final = (0.5, 0.9, 0.99)


class Hop(NamedTuple):
    """Percentiles of one hop, in milliseconds since the event was due."""

    hop: str
    samples: int
    p50: float | None
    p90: float | None
    p99: float | None


class Arrivals(threading.Thread):
    """Notes, for each decision, how long after its event was due a reader of Kafka had it."""

    def __init__(self, reader: DecisionReader) -> None:
        super().__init__(daemon=True)
        self._reader = reader
        self._is_ending = threading.Event()
        self.since: list[tuple[int, int]] = []

    def run(self) -> None:
        """Reads until `end`."""
        while not self._is_ending.is_set():
            for decision in self._reader.read(0.001):
                at_ms = now_ms()
                if decision.sent_at_ms is not None:
                    self.since.append((decision.sent_at_ms, at_ms - decision.sent_at_ms))

    def end(self) -> None:
        """Ends the reading."""
        self._is_ending.set()
        self.join()


def bench(config: Config, rate: int, seconds: int, warm_up: int, items: int, is_json: bool) -> None:
    """Runs the whole engine under a steady load and prints the percentiles of each hop."""
    config = bench_config(config)
    with BenchEngine(config, say) as engine:
        addresses = engine.start()
        model = prepare(engine, config, items).version
        reader = DecisionReader(addresses.kafka, config.topic_prefix + DECISIONS)
        store = store_of(config, addresses.redis)
        arrivals = Arrivals(reader)
        arrivals.start()
        say(f"{rate} events/s: {warm_up} s of warm-up, {seconds} s measured")
        events = shoppers(f"bench-{now_ms()}", items)
        send(engine, engine.log, events, rate, warm_up)
        store.forget_latencies()
        from_ms = now_ms()
        behind = send(engine, engine.log, events, rate, seconds)
        time.sleep(2.0)
        arrivals.end()
        in_kafka = [took for sent_ms, took in arrivals.since if sent_ms >= from_ms]
        hops = [_hop("event -> decision in Kafka", in_kafka)]
        hops.append(_hop("event -> decision in the store", store.latencies_ms()))
    _show(hops, rate, seconds, items, model, behind, is_json)


def send(engine: Engine, log: Log, events: Iterator[Event], rate: int, seconds: int) -> int:
    """Sends at the rate, each event stamped with when it was due; the most it fell behind, in ms."""
    worst_ms = 0
    for due_ms in islice(moments(rate), rate * seconds):
        worst_ms = max(worst_ms, now_ms() - due_ms)
        log.event(msgspec.structs.replace(next(events), event_time_ms=due_ms, sent_at_ms=due_ms))
        engine.tick()
    log.flush()
    return worst_ms


def _hop(name: str, samples: Sequence[int]) -> Hop:
    return Hop(name, len(samples), *(percentile(samples, share) for share in SHARES))


def _show(
    hops: Sequence[Hop], rate: int, seconds: int, items: int, model: str, behind: int, is_json: bool
) -> None:
    setting = describe() | {
        "events_per_s": rate, "seconds": seconds, "items": items,
        "candidates": CANDIDATES, "model": model,
        "sender_behind_ms_max": behind,
    }  # fmt: skip
    if is_json:
        show_json(setting | {"hops": [hop._asdict() for hop in hops]})
        return
    title = as_title(setting)
    show_table(title, ("ms since the event was due", "samples", "p50", "p90", "p99"), hops)
