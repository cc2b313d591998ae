"""The Flink operators: decode state, call the step, encode state, yield, count."""

import gc
import os
import threading
from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import OutputTag
from pyflink.datastream.functions import KeyedBroadcastProcessFunction

from jobs.code import check_code
from jobs.config import config_from
from jobs.flink.rate_limit import Pace
from jobs.flink.timed_state import TimedState
from jobs.flink.waiting import Waiting
from jobs.job_settings import JobSettings
from jobs.knowledge_feed import KnowledgeFeed, LearntReader, open_feed
from jobs.metrics import Counts
from log.private_lines import privately
from schemas.formats import FORMATS
from schemas.knowledge import is_learnt
from schemas.outputs import DESTINATIONS, Written, counters
from schemas.records import LogRecord
from schemas.state.inputs import head_of
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_NEWS, SESSION_STATE, SessionNews, SessionState
from udfs.decide import expire_person
from udfs.explain.fit_records import fit_letters
from udfs.explain.tracing import Room, Tracing
from udfs.inputs import INPUTS, PersonInput, decode_input
from udfs.results import PersonResult, SessionResult
from udfs.track_session import expire_session, look_again_ms, track_session

BYTES: Final = Types.PRIMITIVE_ARRAY(Types.BYTE())
NEWS_ROW: Final = Types.ROW([Types.STRING(), BYTES])
"""The person (key of the next operator) and the news."""
OUTPUT_ROW: Final = Types.ROW([Types.STRING(), BYTES, BYTES])
"""Topic, key and value of a Kafka record."""
DEAD_LETTERS_TAG: Final = OutputTag("dead_letters", OUTPUT_ROW)
GC_ALLOCATIONS: Final = 100_000


class SessionStep:
    """What the session operators share: one key's state and the step."""

    def __init__(self, settings: JobSettings, runtime_context: Any) -> None:
        self._settings = settings
        self._counts = Counts(runtime_context.get_metrics_group())
        put_off = None if settings.replay else look_again_ms
        self._state = TimedState[SessionState](runtime_context, "session", SESSION_STATE, put_off)
        self._decode = FORMATS[settings.source_format].decode
        self._topic = settings.events_topic
        self._pace = Pace.of(settings)
        self.feed = open_feed(settings, settings.session_topics, self._counts.add)
        enter_task(settings)
        settle_memory()

    def take(self, value: Any, ctx: Any) -> SessionResult:
        """One record of the log for the current key."""
        if self._pace is not None:
            self._pace.wait()
        self.feed.settle()
        payload, partition, offset, key = value
        record = LogRecord(self._topic, partition, offset, ctx.timestamp(), key, payload)
        state, knowledge = self._state.load(key), self.feed.knowledge
        lateness_ms, rate = self._settings.lateness_ms, self._settings.rate
        result = privately(track_session, state, record, self._decode, knowledge, lateness_ms, rate)
        return self._keep(key, result, ctx)

    def expire(self, fired_ms: int, ctx: Any) -> SessionResult | None:
        """Runs what a timer of the current key has to do, if anything."""
        if fired_ms > self._settings.end_ms:
            return None
        key = ctx.get_current_key()
        timers = ctx.timer_service()
        state = self._state.load_due(key, fired_ms, timers)
        if state is None:
            return None
        log_ms = min(timers.current_watermark(), self._settings.end_ms)
        return self._keep(key, expire_session(state, key, fired_ms, log_ms), ctx)

    def _keep(self, key: str, result: SessionResult, ctx: Any) -> SessionResult:
        self._state.store(key, result.state, ctx.timer_service())
        self._counts.add(*result.counts, *counters(result.outputs))
        return result


class SessionOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by session: records of `events` in, news for persons out, dead letters aside."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads what events are folded with before the first of them."""
        self._step = SessionStep(self._settings, runtime_context)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """One record of the log."""
        yield from self._rows(self._step.take(value, ctx))

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """A silent session."""
        result = self._step.expire(timestamp, ctx)
        if result is not None:
            yield from self._rows(result)

    def _rows(self, result: SessionResult) -> Iterator[Any]:
        for one in fit_letters(result.outputs, self._settings.record_bytes_max):
            if isinstance(one, SessionNews):
                yield Row(one.person, SESSION_NEWS.encode(one))
            else:
                yield DEAD_LETTERS_TAG, row_of(one, self._settings)


class PersonStep:
    """What the person operators share: one key's state, the step, and its outputs as rows."""

    def __init__(self, settings: JobSettings, runtime_context: Any) -> None:
        self._settings = settings
        self._counts = Counts(runtime_context.get_metrics_group())
        self._state = TimedState[PersonState](runtime_context, "person", PERSON_STATE)
        self._tracing = Tracing(
            settings.trace_share, room=Room(settings.record_bytes_max, settings.events_topic)
        )
        # a replay's operator reads what was learnt up to the time that it has come to
        learnt = () if settings.replay else (settings.learnt_topic,)
        self.feed = open_feed(settings, (*settings.session_topics, *learnt), self._counts.add)
        enter_task(settings)
        settle_memory()

    def is_busy(self, person: str) -> bool:
        """Whether this instance has acted on news of the person lately."""
        return self._state.is_busy(person)

    def act(self, given: PersonInput, ctx: Any) -> Iterator[Row]:
        """Takes one input for the current key."""
        key, seed = given.person, self._settings.seed
        self.feed.settle()
        self.feed.see(given.order_ms)
        state, step = self._state.load(key), INPUTS[given.kind].step
        knowledge, tracing = self.feed.knowledge, self._tracing
        result = privately(step, state, given, knowledge, seed, tracing=tracing)
        yield from self._emit(key, result, ctx)

    def expire(self, fired_ms: int, ctx: Any) -> Iterator[Row]:
        """Runs what a timer of the current key has to do."""
        if fired_ms > self._settings.end_ms:
            return
        key = ctx.get_current_key()
        state = self._state.load_due(key, fired_ms, ctx.timer_service())
        if state is not None:
            yield from self._emit(key, expire_person(state, fired_ms), ctx)

    def _emit(self, key: str, result: PersonResult, ctx: Any) -> Iterator[Row]:
        self._state.store(key, result.state, ctx.timer_service())
        for one in result.outputs:
            yield row_of(one, self._settings)
        self._counts.add(*result.counts, *counters(result.outputs))


def row_of(output: Written, settings: JobSettings) -> Row:
    """An output as a record of its topic."""
    to = DESTINATIONS[type(output)]
    topic = settings.sink_prefix + to.topic
    return Row(topic, to.key(output).encode(), to.codec.encode(output))


class PersonOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by person, live: acts on news as it arrives.

    Where a replay handed its state over, news of it that was ahead of the replay's end comes first.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads all knowledge before the first news."""
        self._step = PersonStep(self._settings, runtime_context)
        self._waiting = Waiting(runtime_context, decode_input)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """One piece of news."""
        given = decode_input(value)
        # asked of each person once: a live run adds nothing to what waits
        if not self._step.is_busy(given.person):
            for before in self._waiting.take_all():
                yield from self._step.act(before, ctx)
        yield from self._step.act(given, ctx)

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """A silent person, and what waits for this moment."""
        for before in self._waiting.take(timestamp):
            yield from self._step.act(before, ctx)
        yield from self._step.expire(timestamp, ctx)


class ReplayPersonOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by person, in a replay: news waits for the watermark and is taken in order of time."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads all knowledge before the first news."""
        self._step = PersonStep(self._settings, runtime_context)
        self._learnt = LearntReader(self._step.feed, self._settings)
        self._waiting = Waiting(runtime_context, decode_input)

    def process_element(self, value: Any, ctx: Any) -> None:
        """Keeps the news under its time."""
        self._waiting.put(head_of(value).order_ms, value, ctx.timer_service())

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Takes the news of this moment, then the person's own timer."""
        due = self._waiting.take(timestamp)
        if due:
            self._learnt.read_until(timestamp)
        for news in due:
            yield from self._step.act(news, ctx)
        yield from self._step.expire(timestamp, ctx)


def enter_task(settings: JobSettings) -> None:
    """What the open() of every operator does: checks which code this is, and takes the core."""
    check_code(settings.code)
    share_core(config_from().core)


def share_core(core: int | None) -> None:
    """Puts the calling task's thread on the one core that all Python tasks of this process share.

    Only one of them can hold the interpreter's lock. On two cores they wake each other at every
    call into Java, which costs more than the calls: measured here, a third less work is done.
    Processes differ in their core (`core`, modulo how many there are; None: their id), so that the
    task managers of one machine spread.
    """
    cores = sorted(os.sched_getaffinity(os.getpid()))
    place = os.getpid() if core is None else core
    os.sched_setaffinity(threading.get_native_id(), {cores[place % len(cores)]})


def settle_memory() -> None:
    """Takes what open() has read out of the garbage collector's rounds, and makes those rarer.

    Steps build and drop thousands of small objects a second, none of them in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)


def take_knowledge(feed: KnowledgeFeed, value: Any, ctx: Any, settings: JobSettings) -> None:
    """One record of knowledge; live, what nobody can see any more is forgotten."""
    payload, position = value[0], value[1]
    feed.apply(payload, position, ctx.timestamp())
    # what is learnt bears the time of its arrival: events may be far behind it
    if settings.replay is None and not is_learnt(payload):
        feed.prune(ctx.timestamp())
