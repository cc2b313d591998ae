"""`kairos bench replay`: events per second of a backfill, per core, and with more task managers."""

import subprocess
import sys
import time
from contextlib import suppress
from typing import Final, NamedTuple

import psutil

from jobs.config import PROJECT, Config
from jobs.fold.replay import make_plan, planned_range
from jobs.stack.environment import job_environment
from jobs.stack.flink_cluster import FlinkCluster
from jobs.stack.jars import jar_paths
from jobs.stack.local_cluster import cluster_folder
from jobs.stack.state import kafka_words
from jobs.stack.wanted import Wanted
from schemas.errors import ConfigError
from schemas.topics import EVENTS
from scripts.bench.setting import (
    CANDIDATES,
    BenchEngine,
    as_title,
    bench_config,
    describe,
    prepare,
    records,
)
from scripts.console import say, show, show_json, show_table
from scripts.replay.replay import Worker
from scripts.replay.replay_begin import Instead, Wish, asked, forget_state
from scripts.replay.replay_run import Manner, Progress, Run, RunFolder
from scripts.replay.replay_topics import records_under

WARM_UP: Final = 0.4
"""The first two fifths are not measured: the JVM compiles what it runs often."""
END: Final = 0.95
EVERY_MS: Final = 1_000
"""Between two events. What is decided waits for the watermark, minutes behind: in a log of minutes, to its end."""


class Sample(NamedTuple):
    """How far the job is at one moment, and the processor time that it has taken by then."""

    time_s: float
    cpu_s: float
    taken: int


class Rate(NamedTuple):
    """One replay after its warm-up; per CPU second: of the job's own processes, None on a cluster."""

    where: str
    events_per_s: float
    events_per_cpu_s: float | None
    decisions_per_event: float


class Bench(NamedTuple):
    """What is measured: so many events, embedded or on a cluster with each of these numbers of task managers."""

    events: int
    items: int
    task_managers: tuple[int, ...]


def bench(config: Config, asked_for: Bench, is_json: bool) -> None:
    """Fills a log, learns from it, replays it with each parallelism and prints the rates."""
    config = bench_config(config)
    with BenchEngine(config, say, has_jobs=False) as engine:
        engine.start()
        prepare(engine, config, asked_for.items)
        say(f"writing {asked_for.events:,} events")
        for record in records(asked_for.events, asked_for.items, EVERY_MS):
            engine.log.raw("events", record.key, record.value, record.timestamp_ms)
        engine.log.flush()
        say("learning from them, as the learn job does")
        _learn(config, engine.addresses.kafka)
        kafka, count = engine.addresses.kafka, asked_for.events
        rates = [_on_cluster(config, kafka, count, one) for one in asked_for.task_managers] or [
            _measure(config, kafka, count)
        ]
    setting = describe() | {
        "events": asked_for.events, "items": asked_for.items, "candidates": CANDIDATES,
    }  # fmt: skip
    if is_json:
        ratios = [rate.events_per_s / rates[0].events_per_s for rate in rates]
        show_json(setting | {"rates": [rate._asdict() for rate in rates], "ratios": ratios})
        return
    title = as_title(setting)
    columns = ("replay", "events/s", "events per CPU second", "decisions per event")
    show_table(
        title, columns, [tuple("" if one is None else one for one in rate) for rate in rates]
    )
    for rate in rates[1:]:
        show(f"{rate.where} / {rates[0].where}: {rate.events_per_s / rates[0].events_per_s:.2f}")


def _learn(config: Config, kafka: str) -> None:
    """Fills `knowledge`, so that decisions find as much to choose from as live ones do."""
    words = (*kafka_words(kafka), "--replay", "--prefix", config.topic_prefix)
    done = subprocess.run(
        [sys.executable, "-m", "jobs.run_learn", *words],
        cwd=PROJECT, env=job_environment(config), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigError(f"the learn job ended with code {done.returncode}: {done.stderr.strip()}")


def _on_cluster(config: Config, kafka: str, events: int, task_managers: int) -> Rate:
    """On so many task managers of one slot, each with all operators: what one of them does is comparable."""
    jars = jar_paths("flink", config.home / "jars", say)
    with FlinkCluster(cluster_folder(config.home), jars, say) as cluster:
        address = cluster.start(Wanted().resized(task_managers))
        cluster.await_whole()
        own = config._replace(flink=address, parallelism=task_managers, slots="shared")
        return _measure(own, kafka, events)


def _measure(config: Config, kafka: str, events: int) -> Rate:
    where = f"{config.parallelism} task managers" if config.flink else "embedded"
    prefix = f"{config.topic_prefix}out{config.parallelism}."
    say(f"replaying, {where}")
    folder = RunFolder(config, prefix)
    wanted = asked(config, Wish(), Instead())
    found = planned_range(kafka, config.topic_prefix + EVENTS, None, None)
    plan = make_plan(kafka, config.topic_prefix, prefix, found)
    run = Run(prefix, wanted, Manner(niceness=0), plan=plan, progress=Progress(total=events))
    folder.write(run)
    samples: list[Sample] = []

    def watch(run: Run) -> None:
        samples.append(Sample(time.monotonic(), _cpu_s(), run.progress.taken))

    Worker(config, kafka, None, folder, run, say, watch).replay()
    made = records_under(kafka, prefix)["decisions"]
    folder.remove()
    forget_state(config, prefix)
    first, last = _window(samples, events)
    taken, cpu_s = last.taken - first.taken, last.cpu_s - first.cpu_s
    return Rate(
        where, taken / (last.time_s - first.time_s), None if config.flink else taken / cpu_s,
        made / events,
    )  # fmt: skip


def _cpu_s() -> float:
    """What the job's process and its JVM have taken so far; the store and Kafka are not of it."""
    found = 0.0
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "jobs.run_decide" in process.cmdline():
                for one in (process, *process.children(recursive=True)):
                    found += sum(one.cpu_times()[:2])
    return found


def _window(samples: list[Sample], events: int) -> tuple[Sample, Sample]:
    """The first sample after the warm-up and the last before the end, where the job runs dry."""
    within = [one for one in samples if WARM_UP * events <= one.taken <= END * events]
    if len(within) < 2:
        raise ConfigError("the replay was over before it could be measured: take more --events")
    return within[0], within[-1]
