"""The Flink operators: decode state, call the step, encode state, yield, count."""

import gc
import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import OutputTag
from pyflink.datastream.functions import KeyedBroadcastProcessFunction

from jobs.code import check_code
from jobs.config import config_from
from jobs.flink.plain_state import BytesByNumber
from jobs.flink.rate_limit import Pace
from jobs.flink.timed_state import TimedState
from jobs.job_settings import JobSettings
from jobs.knowledge_feed import KnowledgeFeed, LearntReader, open_feed
from jobs.metrics import Counts
from schemas.codec import DEAD_LETTER, DECISION, TRACE, StateCodec
from schemas.dead_letters import DeadLetter, fit_letter, key_of
from schemas.formats import DECODERS
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_NEWS, SESSION_STATE, SessionNews, SessionState
from schemas.topics import DEAD_LETTERS, DECISIONS, TRACES
from udfs.decide import decide, expire_person
from udfs.explain.fit_records import Room
from udfs.results import PersonOutcome, SessionOutcome
from udfs.track_session import expire_session, track_session

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
        self._state = TimedState[SessionState](runtime_context, "session", SESSION_STATE)
        self._decode = DECODERS[settings.source_format]
        self._pace = Pace.of(settings)
        self.feed = open_feed(settings, settings.session_topics, self._counts.add)
        enter_task(settings)
        settle_memory()

    def take(self, value: Any, ctx: Any) -> SessionOutcome:
        """One record of the log for the current key."""
        if self._pace is not None:
            self._pace.wait()
        self.feed.settle()
        payload, partition, offset, key = value
        topic, lateness_ms = self._settings.events_topic, self._settings.lateness_ms
        record = LogRecord(topic, partition, offset, ctx.timestamp(), key, payload)
        state, knowledge = self._state.load(key), self.feed.knowledge
        outcome = track_session(
            state, record, self._decode, knowledge, lateness_ms, self._settings.rate
        )
        return self._keep(key, outcome, ctx)

    def expire(self, fired_ms: int, ctx: Any) -> SessionOutcome | None:
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

    def _keep(self, key: str, outcome: SessionOutcome, ctx: Any) -> SessionOutcome:
        self._state.store(key, outcome.state, ctx.timer_service())
        self._counts.add(*outcome.counts, *["dead_letters"] * len(outcome.dead_letters))
        return outcome


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
        outcome = self._step.expire(timestamp, ctx)
        if outcome is not None:
            yield from self._rows(outcome)

    def _rows(self, outcome: SessionOutcome) -> Iterator[Any]:
        for news in outcome.news:
            yield Row(news.person, SESSION_NEWS.encode(news))
        for letter in outcome.dead_letters:
            yield DEAD_LETTERS_TAG, letter_row(letter, self._settings)


class PersonStep:
    """What the person operators share: one key's state, the step, and its outputs as rows."""

    def __init__(self, settings: JobSettings, runtime_context: Any) -> None:
        self._settings = settings
        self._counts = Counts(runtime_context.get_metrics_group())
        self._state = TimedState[PersonState](runtime_context, "person", PERSON_STATE)
        self._decisions_topic = settings.sink_prefix + DECISIONS
        self._traces_topic = settings.sink_prefix + TRACES
        self._room = Room(settings.record_bytes_max, settings.events_topic)
        # a replay's operator reads what was learnt up to the time that it has come to
        learnt = () if settings.replay else (settings.learnt_topic,)
        self.feed = open_feed(settings, (*settings.session_topics, *learnt), self._counts.add)
        enter_task(settings)
        settle_memory()

    def is_busy(self, person: str) -> bool:
        """Whether this instance has acted on news of the person lately."""
        return self._state.is_busy(person)

    def act(self, news: SessionNews, ctx: Any) -> Iterator[Row]:
        """Takes one piece of news for the current key."""
        key = news.person
        self.feed.settle()
        self.feed.see(news.order_ms)
        outcome = decide(
            self._state.load(key), news, self.feed.knowledge, self._settings.seed, room=self._room
        )
        yield from self._emit(key, outcome, ctx)

    def expire(self, fired_ms: int, ctx: Any) -> Iterator[Row]:
        """Runs what a timer of the current key has to do."""
        if fired_ms > self._settings.end_ms:
            return
        key = ctx.get_current_key()
        state = self._state.load_due(key, fired_ms, ctx.timer_service())
        if state is not None:
            yield from self._emit(key, expire_person(state, fired_ms), ctx)

    def _emit(self, key: str, outcome: PersonOutcome, ctx: Any) -> Iterator[Row]:
        self._state.store(key, outcome.state, ctx.timer_service())
        for decision, trace in outcome.decisions:
            person = decision.person.encode()
            yield Row(self._decisions_topic, person, DECISION.encode(decision))
            yield Row(self._traces_topic, trace.decision_id.encode(), TRACE.encode(trace))
            self._counts.add("decisions")
        for letter in outcome.dead_letters:
            yield letter_row(letter, self._settings)
            self._counts.add("dead_letters")
        self._counts.add(*outcome.counts)


def letter_row(letter: DeadLetter, settings: JobSettings) -> Row:
    """A dead letter as a record of its topic."""
    fitting = fit_letter(letter, settings.record_bytes_max)
    topic = settings.sink_prefix + DEAD_LETTERS
    return Row(topic, key_of(fitting).encode(), DEAD_LETTER.encode(fitting))


class Ordered(Protocol):
    """What a person takes in the order of its time, then session, then position."""

    @property
    def order_ms(self) -> int:
        """The session's running maximum of event time."""

    @property
    def session_id(self) -> str:
        """The session it is of."""

    @property
    def position(self) -> int:
        """Its number in the session."""


T = TypeVar("T", bound=Ordered)


class Waiting(Generic[T]):
    """What the current person has not taken yet, news or lessons, in Flink's state, by its time."""

    def __init__(self, context: Any, codec: StateCodec[T]) -> None:
        self._by_time = BytesByNumber(context, "waiting")
        self._codec = codec

    def put(self, time_ms: int, value: bytes, timers: Any) -> None:
        """Keeps it until the watermark has come to its time."""
        before = self._by_time.get(time_ms)
        timers.register_event_time_timer(time_ms)
        self._by_time.put(time_ms, pack([*unpack(before), value]))

    def take(self, time_ms: int) -> list[T]:
        """Removes and returns what waits for this moment, in order."""
        waiting = self._by_time.get(time_ms)
        if waiting is None:
            return []
        self._by_time.remove(time_ms)
        return self._in_order([waiting])

    def take_all(self) -> list[T]:
        """Removes and returns all that waits, in order."""
        if self._by_time.is_empty():
            return []
        waiting = list(self._by_time.values())
        self._by_time.clear()
        return self._in_order(waiting)

    def _in_order(self, packed: Iterable[bytes]) -> list[T]:
        found = (self._codec.decode(one) for some in packed for one in unpack(some))
        return sorted(found, key=lambda one: (one.order_ms, one.session_id, one.position))


class PersonOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by person, live: acts on news as it arrives.

    Where a replay handed its state over, news of it that was ahead of the replay's end comes first.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads all knowledge before the first news."""
        self._step = PersonStep(self._settings, runtime_context)
        self._waiting = Waiting(runtime_context, SESSION_NEWS)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """One piece of news."""
        news = SESSION_NEWS.decode(value)
        # asked of each person once: a live run adds nothing to what waits
        if not self._step.is_busy(news.person):
            for before in self._waiting.take_all():
                yield from self._step.act(before, ctx)
        yield from self._step.act(news, ctx)

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
        self._waiting = Waiting(runtime_context, SESSION_NEWS)

    def process_element(self, value: Any, ctx: Any) -> None:
        """Keeps the news under its time."""
        self._waiting.put(SESSION_NEWS.decode(value).order_ms, value, ctx.timer_service())

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
    if settings.replay is None:
        feed.prune(ctx.timestamp())


def pack(values: list[bytes]) -> bytes:
    """Several values as one, for Flink's state and rows."""
    return msgspec.msgpack.encode(values)


def unpack(data: bytes | None) -> list[bytes]:
    """The inverse of `pack`; nothing in nothing."""
    return [] if data is None else msgspec.msgpack.decode(data, type=list[bytes])
