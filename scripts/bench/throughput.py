"""`kairos bench throughput`: the job's events per second, beside the same steps in a bare loop."""

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final, NamedTuple, Self

import msgspec
import psutil

from jobs.config import Config, config_from
from jobs.flink.counted import CountsOf
from jobs.flink.rest import rest_of
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.publish import now_ms
from models.artefact import load_scorer
from models.content import Published
from schemas.codec import DECISION, EVENT, TRACE
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.knowledge import KnowledgeRecord
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_STATE
from scripts.bench.setting import (
    CANDIDATES,
    BenchEngine,
    as_title,
    bench_config,
    bench_knowledge,
    describe,
    prepare,
    records,
)
from scripts.console import say, show, show_json, show_table
from scripts.ops.engine import Engine
from udfs.explain.tracing import Tracing
from udfs.facts.features import FEATURE_SPACE
from udfs.inputs import INPUTS, PersonInput, decode_input, is_for_member
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult
from udfs.track_session import track_session

WARM_UP_ROUNDS: Final = 3
ROUNDS: Final = 6
POLL_S: Final = 0.25
STALL_S_MAX: Final = 120.0


class Rate(NamedTuple):
    """Events per second of wall clock and of processor time, and decisions per event."""

    what: str
    events_per_s: float
    events_per_cpu_s: float
    decisions_per_event: float


class Reading(NamedTuple):
    """The job's progress at one moment."""

    time_s: float
    cpu_s: float
    events: int
    decisions: int


def bench(config: Config, events: int, items: int, is_json: bool) -> None:
    """Lets job and bare loop take the same events in turns, and prints both and their ratio.

    In turns, because a shared machine's speed changes by the minute; medians over the rounds.
    """
    config = bench_config(config)
    log = records(events, items)
    size = len(log) // (WARM_UP_ROUNDS + ROUNDS)
    chunks = [log[at * size : (at + 1) * size] for at in range(WARM_UP_ROUNDS + ROUNDS)]
    with BenchEngine(config, say) as engine:
        engine.start()
        published = prepare(engine, config, items)
        engine.await_learn()
        loop = prepared_loop(config, items, log, published)
        job = Job.of(engine)
        shift_ms = now_ms() - log[-1].timestamp_ms
        rounds: list[tuple[Rate, Rate]] = []
        for number, chunk in enumerate(chunks):
            say(f"round {number + 1} of {len(chunks)}, the first {WARM_UP_ROUNDS} to warm up")
            rounds.append((loop.rate(chunk), job_rate(job, chunk, shift_ms)))
    measured = rounds[WARM_UP_ROUNDS:]
    ratio = median(job.events_per_cpu_s / bare.events_per_cpu_s for bare, job in measured)
    rates = [_median("Flink job", [job for _, job in measured])]
    rates.append(_median("bare loop", [bare for bare, _ in measured]))
    setting = describe() | {
        "events": events, "items": items, "candidates": CANDIDATES, "rounds": ROUNDS,
    }  # fmt: skip
    if is_json:
        found = {rate.what: rate._asdict() for rate in rates}
        show_json(setting | found | {"ratio_per_cpu_s": round(ratio, 3)})
        return
    title = as_title(setting)
    columns = ("median of rounds", "events/s", "events per CPU second", "decisions per event")
    show_table(title, columns, rates)
    show(f"job / loop, events per CPU second, median of the rounds' ratios: {ratio:.2f}")


def _median(what: str, rates: list[Rate]) -> Rate:
    columns = list(zip(*rates, strict=True))[1:]
    return Rate(what, *(median(column) for column in columns))


class Job(NamedTuple):
    """The decide job of an engine that this process started: its processes and its counters."""

    engine: Engine
    processes: list[psutil.Process]
    counts: CountsOf

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """Raises ConfigError where it is not ours or does not answer."""
        rest = rest_of(config_from(), engine.addresses.flink)
        return cls(engine, job_process(), CountsOf(rest, ("events", "decisions")))

    def reading(self) -> Reading:
        """Its progress now."""
        counts = self.counts.read()
        return Reading(
            time.monotonic(), _cpu_s(self.processes), counts["events"], counts["decisions"]
        )

    def reach(self, events: int) -> Reading:
        """The reading when it has taken so many events and its decisions have come to rest."""
        last, since_s = self.reading(), time.monotonic()
        while True:
            time.sleep(POLL_S)
            now = self.reading()
            if now.events >= events and now.decisions == last.decisions:
                return last if last.events >= events else now  # few events come in one look
            if now.events > last.events:
                since_s = now.time_s
            self.engine.check()
            if now.time_s > since_s + STALL_S_MAX:
                raise ConfigError(f"the job stands at {now.events} of {events} events; see its log")
            last = now


def job_process() -> list[psutil.Process]:
    """The job's process and its JVM."""
    for process in psutil.Process().children(recursive=True):
        if "jobs.run_decide" in " ".join(process.cmdline()):
            return [process, *process.children(recursive=True)]
    raise ConfigError("the decide job is not a child of this process: unset KAIROS_FLINK")


def job_rate(job: Job, chunk: list[LogRecord], shift_ms: int) -> Rate:
    """Sends a chunk as fast as Kafka takes it and waits until the job has decided on all of it."""
    before = job.reading()
    for record in chunk:
        job.engine.log.event(_moved(EVENT.decode(record.value), shift_ms))
    job.engine.log.flush()
    after = job.reach(before.events + len(chunk))
    took = after.events - before.events
    return Rate(
        "Flink job",
        took / (after.time_s - before.time_s),
        took / (after.cpu_s - before.cpu_s),
        (after.decisions - before.decisions) / took,
    )


def _moved(event: Event, shift_ms: int) -> Event:
    return msgspec.structs.replace(event, event_time_ms=event.event_time_ms + shift_ms)


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def prepared_loop(
    config: Config, items: int, log: Sequence[LogRecord], published: Published
) -> "Loop":
    """A loop with the job's knowledge; what the learn job teaches meanwhile is learnt beforehand."""
    knowledge = bench_knowledge(items)
    knowledge.add_model(
        published.version, 0, 0, load_scorer(published.uri, published.sha256, FEATURE_SPACE)
    )
    say("learning from the log what the learn job will")
    for record in taught(log, config):
        knowledge.learn(record)
    return Loop(knowledge, config)


def taught(log: Sequence[LogRecord], config: Config) -> Iterator[KnowledgeRecord]:
    """The epochs of a log, as the learn job makes them."""
    learner = Learner()
    rules = FoldRules(EVENT.decode, config.seed, config.lateness_ms, decides=lambda _: False)
    knowledge = Knowledge()
    for one in Fold(knowledge, rules).run(log):
        if one.news is not None:
            yield from learner.close(one.news.order_ms)
            learner.add(one.news, knowledge)


def person_step(
    state: PersonState | None, given: PersonInput, knowledge: Knowledge, seed: str, tracing: Tracing
) -> PersonResult:
    """The step of an input of its kind, under one name: `bench budget` watches it."""
    return INPUTS[given.kind].step(state, given, knowledge, seed, tracing=tracing)


class Loop:
    """What the operators do to each record, without Flink and Kafka: state as bytes in two dicts."""

    def __init__(self, knowledge: Knowledge, config: Config) -> None:
        self._knowledge, self._config = knowledge, config
        self._tracing = Tracing(config.trace_share)
        self._sessions: dict[str, bytes] = {}
        self._persons: dict[tuple[bool, str], bytes] = {}
        self.decisions = 0

    def rate(self, chunk: list[LogRecord]) -> Rate:
        """Takes a chunk and measures."""
        before, begun_s, cpu_s = self.decisions, time.monotonic(), time.process_time()
        for record in chunk:
            self.take(record)
        return Rate(
            "bare loop",
            len(chunk) / (time.monotonic() - begun_s),
            len(chunk) / (time.process_time() - cpu_s),
            (self.decisions - before) / len(chunk),
        )

    def take(self, record: LogRecord) -> None:
        """One record through both steps, state and news as bytes, as the operators do it."""
        stored = self._sessions.get(record.key)
        state = SESSION_STATE.decode(stored) if stored else None
        result = track_session(
            state, record, EVENT.decode, self._knowledge, self._config.lateness_ms
        )
        if result.state is not None:
            self._sessions[record.key] = SESSION_STATE.encode(result.state)
        for one in result.told:
            self._tell(INPUTS[one.kind].codec.encode(one))

    def _tell(self, data: bytes) -> None:
        given = decode_input(data)
        key = is_for_member(given), given.person
        stored = self._persons.get(key)
        state = PERSON_STATE.decode(stored) if stored else None
        result = person_step(state, given, self._knowledge, self._config.seed, self._tracing)
        if result.state is not None:
            self._persons[key] = PERSON_STATE.encode(result.state)
        for one in result.told:
            self._tell(INPUTS[one.kind].codec.encode(one))
        for decision, trace in result.decisions:
            DECISION.encode(decision)
            TRACE.encode(trace)
            self.decisions += 1
