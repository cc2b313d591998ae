"""`kairos demo`: the whole engine on this machine, fed with real events of a shop."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from channels.store.store import Store
from jobs.config import Config
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.publish import Log, now_ms
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.events import PURPOSES, Event
from schemas.items import Item
from schemas.policy import RANKER
from schemas.records import LogRecord
from schemas.topics import DECISIONS
from scripts.console import percentile, say, show, show_json
from scripts.demo import shop
from scripts.demo.feeding import DecisionReader, feed
from scripts.demo.shop import opening, publish_items, shop_items
from scripts.demo.showing import Stage, decided_without, latency, play, rehearse, story_of
from scripts.demo.telling import names_of, next_steps
from scripts.demo.typed import go_on
from scripts.exit_codes import passed
from scripts.files.event_files import assuming
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, SnowplowImport, read_snowplow
from scripts.files.item_files import read_items
from scripts.files.retime import retime
from scripts.ops.engine import Engine
from scripts.ops.homes import DEMOS
from scripts.ops.reset import begin_demo
from scripts.ops.stores import store_of
from scripts.training.model_guard import in_words, ranker_doubts
from scripts.training.model_versions import announce
from scripts.training.training import Source, default_knowledge, train_from

DEFAULTS: Final = shop.DEFAULTS | {
    "KAIROS_PORTS": "0", "KAIROS_API_PORT": "8010", "KAIROS_HOME": str(DEMOS),
}  # fmt: skip
"""Of its own, so that it runs beside `kairos up`, which finds nothing of it."""
EVENTS_PER_S: Final = 100
LEARNT_SHARE: Final = 0.6
"""Of the events a model learns from so many, the oldest, and then ranks for the others."""
DRAIN_S_MAX: Final = 60.0
POLL_S: Final = 0.02


class Summary(NamedTuple):
    """What a run did. Latency from sending an event to having its decision in the store, in ms."""

    events_read: int
    dropped_by_app_id: int
    events_in: int
    invalid: int
    late: int
    duplicates: int
    decisions: int
    decisions_in_kafka: int
    decisions_in_store: int
    people: int
    latency_ms_p50: float | None
    latency_ms_p99: float | None


class Run(NamedTuple):
    """One run: what feeds it, where its decisions come out, and what had been counted before it began."""

    engine: Engine
    config: Config
    reader: DecisionReader
    store: Store
    imported: SnowplowImport
    events: Sequence[Event]
    items: Sequence[Item]
    before: dict[str, int]


def demo(config: Config, is_once: bool, is_json: bool) -> int:
    """Runs the demo; with `is_once` it ends after the input. The exit code.

    For a program (`is_once` or `is_json`) it plays all events at once and sums up; for a person it shows some of them.
    """
    begin_demo(config)
    imported = consented(read_snowplow(DEMO_FOLDER, DEMO_APP_IDS))
    opened_ms = now_ms()
    # the shop from now on: the bundled events, all older, are another shop's, whose policy is the default one
    open_shop = opening(config, opened_ms)
    items = list(read_items(DEMO_FOLDER / "items.jsonl"))

    def prepare(log: Log, kafka: str) -> None:
        open_shop(log, kafka)
        publish_items(log, kafka, config.topic_prefix, items)

    events = retime(imported.events, opened_ms - 1)
    if not (is_once or is_json):
        rehearse(events, items, _rules(config))
    say("starting Kafka, Valkey, two Flink jobs and the API: 10 to 30 s")
    with Engine(config, say, has_api=not is_once, prepare=prepare) as engine:
        addresses = engine.start()
        # a job that begins on an empty log has counted nothing yet
        before = {} if config.kafka is None else engine.counts_now()
        reader = DecisionReader(addresses.kafka, config.topic_prefix + DECISIONS)
        store = store_of(config, addresses.redis)
        store.forget_latencies()
        say(f"Kafka {addresses.kafka}  Valkey {addresses.redis}  Flink {addresses.flink}")
        run = Run(engine, config, reader, store, imported, events, items, before)
        try:
            summary = _sum_up(run, is_json) if is_once or is_json else _show(run)
            if not is_once:
                go_on(engine, reader, names_of([*items, *shop_items()]))
        finally:
            reader.close()
    is_whole = summary.decisions == summary.decisions_in_kafka and summary.decisions_in_store > 0
    return passed(is_whole)


def consented(imported: SnowplowImport) -> SnowplowImport:
    """The same, of people who agree to everything: they are none, the events are a public sample."""
    rows = [
        row._replace(event=event)
        for row, event in zip(
            imported.rows, assuming(imported.events, frozenset(PURPOSES)), strict=True
        )
        if isinstance(event, Event)
    ]
    return imported._replace(rows=rows)


def _sum_up(run: Run, is_json: bool) -> Summary:
    """All events, one after the other, and what became of them: for programs."""
    _teach(run)

    def take(decision: Decision) -> None:
        if not is_json:
            show(line_of(decision, now_ms()))

    feed(run.engine, run.reader, run.events, EVENTS_PER_S, take)
    summary = _summarise(run)
    show_json(summary._asdict()) if is_json else _show_summary(summary)
    return summary


def _show(run: Run) -> Summary:
    """A minute for a person: see scripts/demo/showing.py. Then the addresses, and what to do there."""
    stage = Stage(run.engine, run.reader, run.events, run.items)
    without = decided_without(run.events, run.items, _rules(run.config))
    made = play(stage, story_of(run.events, LEARNT_SHARE), without, partial(_teach, run))
    summary = _summarise(run)
    for text in (
        latency(run.store.latencies_ms(), len(made), stage.first_ms), _counts(summary),
        *next_steps(
            run.engine.await_api() or "", run.config.home, made[-1].decision_id,
            names_of(shop_items()),
        ),
    ):  # fmt: skip
        show(text)
    return summary


def _rules(config: Config) -> FoldRules:
    return FoldRules(EVENT.decode, config.seed, config.lateness_ms, rate_of(config))


def _teach(run: Run) -> None:
    """Trains a model on the older events; it is in force for what comes after them."""
    source = lessons(run.imported, run.items, _rules(run.config))
    report, published = train_from(source, run.config)
    split = int(len(run.events) * LEARNT_SHARE)
    announce(run.engine.log, RANKER, published, run.events[split].event_time_ms)
    say(
        f"a model, {published.version}, learnt from the first {split} events ({report.examples} "
        "decisions that were followed by a choice); it ranks what comes after them"
    )
    doubts = ranker_doubts(report.examples, report.metrics, report.report)
    if doubts:
        say(f"`kairos model publish` would want --force: {in_words(doubts)}")


def lessons(imported: SnowplowImport, items: Sequence[Item], rules: FoldRules) -> Source:
    """What the model learns from: the older events at their own time, so that every demo learns the same."""
    events = retime(imported.events, imported.events[-1].event_time_ms)
    log = [
        LogRecord("demo", 0, at, one.event_time_ms, one.session_id, EVENT.encode(one))
        for at, one in enumerate(events[: int(len(events) * LEARNT_SHARE)])
    ]
    return Source(log, default_knowledge(items), rules)


def _summarise(run: Run) -> Summary:
    after = run.engine.counts_now()
    counts = {name: count - run.before.get(name, 0) for name, count in after.items()}
    _await_arrival(run.engine, run.reader, run.store, counts["decisions"])
    people = {decision.person for decision in run.reader.seen.values()}
    samples = run.store.latencies_ms()
    imported = run.imported
    late = counts["too_late"]
    return Summary(
        events_read=len(imported.events) + len(imported.bad) + imported.dropped,
        dropped_by_app_id=imported.dropped,
        events_in=counts["events"],
        invalid=counts["dead_letters"] - late + len(imported.bad),
        late=late,
        duplicates=counts["duplicates"],
        decisions=counts["decisions"],
        decisions_in_kafka=len(run.reader.seen),
        decisions_in_store=len(samples),
        people=len(people),
        latency_ms_p50=percentile(samples, 0.50),
        latency_ms_p99=percentile(samples, 0.99),
    )


def _await_arrival(engine: Engine, reader: DecisionReader, store: Store, count: int) -> None:
    """Waits until every decision can be read in Kafka and in the store."""
    deadline_s = time.monotonic() + DRAIN_S_MAX
    while min(len(reader.seen), len(store.latencies_ms())) < count:
        engine.check()
        reader.read(POLL_S)
        if time.monotonic() > deadline_s:
            raise ConfigError(
                f"of {count} decisions only {len(reader.seen)} came to Kafka and "
                f"{len(store.latencies_ms())} to the store within {DRAIN_S_MAX:.0f} s; see the logs"
            )


def _counts(summary: Summary) -> str:
    return (
        f"{summary.events_read} events read, {summary.dropped_by_app_id} dropped by its app id, "
        f"{summary.events_in} taken; {summary.invalid} invalid, {summary.late} late, "
        f"{summary.duplicates} duplicates\n"
        f"{summary.decisions} decisions for {summary.people} people: "
        f"{summary.decisions_in_kafka} in Kafka, {summary.decisions_in_store} in the store"
    )


def _show_summary(summary: Summary) -> None:
    show("")
    show(_counts(summary))
    p50, p99 = summary.latency_ms_p50, summary.latency_ms_p99
    show(f"event to store: p50 {p50} ms, p99 {p99} ms (a cold JVM included)")


def line_of(decision: Decision, at_ms: int) -> str:
    """One decision in one line, with its latency up to `at_ms`."""
    took = f"{at_ms - decision.sent_at_ms:4d} ms" if decision.sent_at_ms is not None else ""
    items = " ".join(one.item_id for one in decision.items[:4]) or "nothing"
    more = f" +{len(decision.items) - 4}" if len(decision.items) > 4 else ""
    return (
        f"{took}  {decision.person[:8]:8}  {decision.placement:10} {items}{more}  "
        f"{decision.explanation} [{decision.versions.model}]  {decision.decision_id}"
    )
