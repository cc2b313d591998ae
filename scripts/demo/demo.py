"""`kairos demo`: the whole engine on this machine, fed with real events of a shop."""

import queue
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from confluent_kafka import Consumer, TopicPartition

from channels.store.store import Store
from jobs.config import Config
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.publish import now_ms
from log.clients import open_consumer_of
from log.kafka import end_offsets
from schemas.codec import DECISION, EVENT
from schemas.decisions import Decision
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from schemas.records import LogRecord
from schemas.topics import DECISIONS
from scripts.console import percentile, say, show, show_json
from scripts.demo import shop
from scripts.demo.shop import opening, publish_items
from scripts.exit_codes import passed
from scripts.files.import_events import read_items
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, SnowplowImport, read_snowplow
from scripts.files.retime import retime
from scripts.ops.engine import Engine
from scripts.ops.homes import DEMOS
from scripts.ops.reset import begin_demo
from scripts.ops.stores import store_of
from scripts.training.model_guard import ranker_doubts
from scripts.training.model_versions import RANKER, announce
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
READER_WAIT_MS: Final = 100
HINT: Final = (
    'Type an event, such as {"event_type": "product_viewed", "item_ids": ["1236"]}, '
    "or pipe them in; Ctrl-C ends."
)


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


class DecisionReader:
    """Reads what is decided from now on."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._consumer: Consumer = open_consumer_of(kafka, wait_ms=READER_WAIT_MS)
        ends = end_offsets(self._consumer, topic)
        self._consumer.assign([TopicPartition(topic, at, end) for at, end in ends.items()])
        self.seen: dict[str, Decision] = {}

    def read(self, timeout_s: float) -> list[Decision]:
        """What came within the time, at once if there is anything."""
        messages = self._consumer.consume(500, timeout=timeout_s)
        decisions = [DECISION.decode(m.value()) for m in messages if m.error() is None]
        self.seen |= {decision.decision_id: decision for decision in decisions}
        return decisions

    def close(self) -> None:
        """Lets go of Kafka."""
        self._consumer.close()


def demo(config: Config, is_once: bool, is_json: bool) -> int:
    """Runs the demo; with `is_once` it ends after the input. The exit code."""
    begin_demo(config)
    imported = read_snowplow(DEMO_FOLDER, DEMO_APP_IDS)
    opened_ms = now_ms()
    # the shop from now on: the bundled events, all older, are another shop's, whose policy is the default one
    open_shop = opening(config, opened_ms)
    with Engine(config, say, has_api=not is_once, prepare=open_shop) as engine:
        addresses = engine.start()
        items = read_items(DEMO_FOLDER / "items.jsonl")
        publish_items(engine.log, addresses.kafka, config.topic_prefix, items)
        before = engine.counts_now()
        reader = DecisionReader(addresses.kafka, config.topic_prefix + DECISIONS)
        store = store_of(config, addresses.redis)
        store.forget_latencies()
        say(f"Kafka {addresses.kafka}  Valkey {addresses.redis}  Flink {addresses.flink}")
        try:
            events = retime(imported.events, opened_ms - 1)
            _teach(engine, config, events)
            _feed(engine, reader, events, not is_json)
            summary = _summarise(engine, reader, store, imported, before)
            show_json(summary._asdict()) if is_json else _show_summary(summary)
            if not is_once:
                address = engine.await_api()
                show(
                    f"API http://{address}/docs  shop http://{address}/shop/  console http://{address}/console"
                )
                _go_on(engine, reader)
        finally:
            reader.close()
    is_whole = summary.decisions == summary.decisions_in_kafka and summary.decisions_in_store > 0
    return passed(is_whole)


def _teach(engine: Engine, config: Config, events: Sequence[Event]) -> None:
    """Trains a model on the older events; it is in force for what comes after them."""
    split = int(len(events) * LEARNT_SHARE)
    log = [
        LogRecord("demo", 0, at, one.event_time_ms, one.session_id, EVENT.encode(one))
        for at, one in enumerate(events[:split])
    ]
    rules = FoldRules(EVENT.decode, config.seed, config.lateness_ms, rate_of(config))
    items = read_items(DEMO_FOLDER / "items.jsonl")
    report, published = train_from(Source(log, default_knowledge(items), rules), config)
    announce(engine.log, RANKER, published, events[split].event_time_ms)
    say(
        f"a model, {published.version}, learnt from the first {split} events ({report.examples} "
        "decisions that were followed by a choice); it ranks what comes after them"
    )
    for doubt in ranker_doubts(report.examples, report.metrics, report.report):
        say(f"`kairos model publish` would want --force: {doubt}")


def _feed(engine: Engine, reader: DecisionReader, events: Sequence[Event], is_shown: bool) -> None:
    """Sends the events at their pace and shows what is decided meanwhile."""
    begun_s = time.monotonic()
    for number, event in enumerate(events):
        while time.monotonic() < begun_s + number / EVENTS_PER_S:
            _show_new(reader, 0.002, is_shown)
        engine.log.event(msgspec.structs.replace(event, sent_at_ms=now_ms()))
        engine.check()
    engine.log.flush()


def _summarise(
    engine: Engine,
    reader: DecisionReader,
    store: Store,
    imported: SnowplowImport,
    before: dict[str, int],
) -> Summary:
    after = engine.counts_now()
    counts = {name: count - before[name] for name, count in after.items()}
    _await_arrival(engine, reader, store, counts["decisions"])
    people = {decision.person for decision in reader.seen.values()}
    samples = store.latencies_ms()
    late = counts["too_late"]
    return Summary(
        events_read=len(imported.events) + len(imported.bad) + imported.dropped,
        dropped_by_app_id=imported.dropped,
        events_in=counts["events"],
        invalid=counts["dead_letters"] - late + len(imported.bad),
        late=late,
        duplicates=counts["duplicates"],
        decisions=counts["decisions"],
        decisions_in_kafka=len(reader.seen),
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


def _show_summary(summary: Summary) -> None:
    show("")
    show(
        f"{summary.events_read} events read, {summary.dropped_by_app_id} dropped by its app id, "
        f"{summary.events_in} taken; {summary.invalid} invalid, {summary.late} late, "
        f"{summary.duplicates} duplicates"
    )
    show(
        f"{summary.decisions} decisions for {summary.people} people: "
        f"{summary.decisions_in_kafka} in Kafka, {summary.decisions_in_store} in the store"
    )
    p50, p99 = summary.latency_ms_p50, summary.latency_ms_p99
    show(f"event to store: p50 {p50} ms, p99 {p99} ms (a cold JVM included)")


def _go_on(engine: Engine, reader: DecisionReader) -> None:
    """Keeps the engine running and takes typed events until Ctrl-C or SIGTERM."""
    show(HINT)
    typed: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_stdin, args=(typed,), daemon=True).start()
    number = 0
    while True:
        engine.keep()
        while not typed.empty():
            number += 1
            _send_typed(engine, typed.get(), number)
        _show_new(reader, 0.05, is_shown=True)


def _read_stdin(typed: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        if line.strip():
            typed.put(line.strip())


def _send_typed(engine: Engine, line: str, number: int) -> None:
    try:
        event = typed_event(line, now_ms(), number)
    except InvalidEvent as error:
        show(f"not an event: {error}")
        return
    engine.log.event(event)


def typed_event(line: str, time_ms: int, number: int) -> Event:
    """The event that somebody typed as JSON; what is missing is filled in. Raises InvalidEvent."""
    try:
        given = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", str(error)) from error
    if not isinstance(given, dict):
        raise InvalidEvent("malformed", "a JSON object is wanted")
    filled = {
        "event_id": f"typed-{time_ms}-{number}",
        "event_time_ms": time_ms,
        "session_id": "typed",
        "anonymous_id": "you",
        "sent_at_ms": time_ms,
    } | given
    return event_from_json(msgspec.json.encode(filled))


def _show_new(reader: DecisionReader, timeout_s: float, is_shown: bool) -> None:
    for decision in reader.read(timeout_s):
        if is_shown:
            show(line_of(decision, now_ms()))


def line_of(decision: Decision, at_ms: int) -> str:
    """One decision in one line, with its latency up to `at_ms`."""
    took = f"{at_ms - decision.sent_at_ms:4d} ms" if decision.sent_at_ms is not None else ""
    items = " ".join(one.item_id for one in decision.items[:4]) or "nothing"
    more = f" +{len(decision.items) - 4}" if len(decision.items) > 4 else ""
    return (
        f"{took}  {decision.person[:8]:8}  {decision.placement:10} {items}{more}  "
        f"{decision.explanation} [{decision.versions.model}]  {decision.decision_id}"
    )
