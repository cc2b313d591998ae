"""The operators of the learn job: facts from sessions, knowledge from facts, whole epochs."""

from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import OutputTag
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, KeyedProcessFunction

from jobs.code import import_operators
from jobs.flink.epoch_buffer import EpochBuffer, open_epoch
from jobs.flink.plain_state import ValueOfBytes
from jobs.flink.side_outputs import AsideOperator
from jobs.flink.task import enter_task
from jobs.flink.timed_state import TimedState
from jobs.flink.waiting import Waiting, pack, unpack
from jobs.job_settings import JobSettings
from jobs.knowledge_feed import open_feed
from jobs.metrics import Counts
from jobs.operators import BYTES, OUTPUT_ROW, SessionStep, row_of, take_knowledge
from log.private_lines import privately
from schemas.knowledge import EPOCH_END, EpochEnd, effective_from_ms, epoch_end_ms, epoch_of
from schemas.limits import BUSY_KEYS_MAX, EPOCH_MS
from schemas.outputs import counters
from schemas.state.lessons import LEARNER_MEMORY, LESSON, LearnerMemory, Lesson
from schemas.state.outcomes import OUTCOME_MEMORY, OutcomeMemory
from schemas.state.session import SessionNews
from schemas.topics import KNOWLEDGE
from udfs.knowledge.learnt_kinds import facts_of, kind_of
from udfs.outcomes.join import Joined, expire_outcomes
from udfs.outcomes.join_lesson import (
    bears_on_outcomes,
    join_lesson,
    lessons_of,
    looks_at_shown,
)
from udfs.take_lessons import take_lesson

FACT_ROW: Final = Types.ROW([Types.STRING(), Types.ROW([Types.LONG(), BYTES])])
"""What is learnt of (key of the next operator; udfs/knowledge/learnt_kinds.py); order_ms and facts."""
LESSON_ROW: Final = Types.ROW([Types.STRING(), BYTES])
"""The person (key of the next operator) and the lesson."""
RECORD_ROW: Final = Types.ROW([Types.STRING(), Types.ROW([Types.LONG(), Types.STRING(), BYTES])])
"""The one key of the next operator; epoch, Kafka key and value of a record."""
END_KEY: Final = b"epoch-end"
OUTCOMES_TAG: Final = OutputTag("outcomes", OUTPUT_ROW)
"""Records of `outcomes`."""
WRITER: Final = "0"


class FactOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by session: records of `events` in, lessons for persons out.

    It takes the very step that the decide job takes, which also writes the dead letters.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads what events are folded with before the first of them."""
        self._step = SessionStep(self._settings, runtime_context)
        self._asked = KeptBySession(runtime_context, "asked")
        self._shown = KeptBySession(runtime_context, "shown")

    def process_element(self, value: Any, ctx: Any) -> Iterator[Row]:
        """One record of the log."""
        for news in self._step.take(value, ctx).news:
            yield from self._lessons(news)

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Row]:
        """A silent session."""
        result = self._step.expire(timestamp, ctx)
        for news in result.news if result is not None else ():
            yield from self._lessons(news)

    def _lessons(self, news: SessionNews) -> Iterator[Row]:
        asked = self._asked.load(news.session_id)
        shown = self._shown.load(news.session_id) if looks_at_shown(news) else b""
        told = lessons_of(asked, shown, news, self._step.feed.knowledge)
        self._asked.store(news.session_id, asked, told.asked)
        self._shown.store(news.session_id, shown, told.shown)
        for lesson in told.lessons:
            yield Row(lesson.person, LESSON.encode(lesson))


class KeptBySession:
    """What the current session, while it is open, has asked for, or seen; that of busy sessions kept beside Flink's state."""

    def __init__(self, context: Any, name: str) -> None:
        self._cell = ValueOfBytes(context, name)
        self._busy: dict[str, bytes] = {}

    def load(self, session_id: str) -> bytes:
        """Of the current key, which is `session_id`."""
        kept = self._busy.pop(session_id, None)
        if kept is None:
            kept = self._cell.value() or b""
        self._busy[session_id] = kept
        if len(self._busy) > BUSY_KEYS_MAX:
            del self._busy[next(iter(self._busy))]
        return kept

    def store(self, session_id: str, before: bytes, asked: bytes) -> None:
        """Keeps what has changed; nothing where the session has ended."""
        if asked == before:
            return
        self._busy[session_id] = asked
        if asked:
            self._cell.update(asked)
        else:
            self._cell.clear()


def fact_rows(lesson: Lesson) -> Iterator[Row]:
    """The facts of one lesson, one row for each that learns from it."""
    facts: dict[str, list[bytes]] = {}
    for key, fact in facts_of(lesson):
        facts.setdefault(key, []).append(kind_of(key).fact.encode(fact))
    for key, encoded in facts.items():
        yield Row(key, Row(lesson.order_ms, pack(encoded)))


class LessonOperator(AsideOperator):
    """Keyed by person: lessons in, what counts of them out as facts for items, categories, actions and past sessions; aside, outcomes.

    They wait for the watermark and are taken in the order of time, live too: the epochs that they belong to wait for it
    anyway. So what counts does not depend on which of a person's sessions is read first.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads which policies there are before the first lesson."""
        self._counts = Counts(runtime_context.get_metrics_group())
        self._feed = open_feed(self._settings, self._settings.policy_topics, self._counts.add)
        self._memory = TimedState[LearnerMemory](runtime_context, "memory", LEARNER_MEMORY)
        self._outcomes = TimedState[OutcomeMemory](runtime_context, "outcomes", OUTCOME_MEMORY)
        self._waiting = Waiting(runtime_context, LESSON.decode)
        enter_task(self._settings)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """Keeps the lesson under its time, or takes it at once: what is late has nothing to wait for."""
        lesson, timers = LESSON.decode(value), ctx.timer_service()
        if lesson.order_ms > timers.current_watermark():
            self._waiting.put(lesson.order_ms, value, timers)
        else:
            yield from self._take(lesson, timers)

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of `control`."""
        take_knowledge(self._feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Takes the lessons of this moment, then the memories' own timers."""
        key, timers = ctx.get_current_key(), ctx.timer_service()
        for lesson in self._waiting.take(timestamp):
            yield from self._aside(self._take(lesson, timers))
        if timestamp <= self._settings.end_ms:
            due = self._outcomes.load_due(key, timestamp, timers)
            if due is not None:
                yield from self._aside(self._joined(expire_outcomes(due, key, timestamp), key, timers))  # fmt: skip
            silent = self._memory.load_due(key, timestamp, timers)
            if silent is not None:
                self._memory.store(key, None, timers)

    def _take(self, lesson: Lesson, timers: Any) -> Iterator[Any]:
        key, assumed = lesson.person, self._settings.assumed
        memory = self._memory.load(key)
        taken = privately(take_lesson, memory, lesson, assumed)
        self._memory.store(key, taken.memory, timers)
        self._counts.add(*taken.counts)
        yield from fact_rows(taken.lesson)
        if bears_on_outcomes(taken):
            self._feed.settle()
            before = self._outcomes.load(key)
            joined = privately(join_lesson, before, taken, self._feed.knowledge, assumed)
            yield from self._joined(joined, key, timers)

    def _joined(self, joined: Joined, key: str, timers: Any) -> Iterator[Any]:
        self._outcomes.store(key, joined.memory, timers)
        for one in joined.outcomes:
            yield OUTCOMES_TAG, row_of(one, self._settings)
        self._counts.add(*joined.counts, *counters(joined.outcomes))


class ItemOperator(KeyedProcessFunction):  # type: ignore[misc]
    """Keyed by item, category, action or session: its facts in, its record at the end of each epoch out."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Nothing is read."""
        self._counts = Counts(runtime_context.get_metrics_group())
        self._facts = EpochBuffer(runtime_context, "facts")
        # named when there were only items: the name is bound to savepoints
        self._known = ValueOfBytes(runtime_context, "item")
        enter_task(self._settings)

    def process_element(self, value: Any, ctx: Any) -> None:
        """Keeps facts until their epoch ends; those of an epoch that has ended, until the open one does."""
        order_ms, facts = value
        epoch = open_epoch(order_ms, ctx.timer_service().current_watermark())
        if epoch != epoch_of(order_ms):
            self._counts.add("late_facts")
        if not self._facts.add(ctx.get_current_key(), epoch, facts):
            self._counts.add("facts_dropped")
        ctx.timer_service().register_event_time_timer(epoch_end_ms(epoch))

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Row]:
        """The end of an epoch: what it taught."""
        if timestamp > self._settings.end_ms:
            return
        key, epoch = ctx.get_current_key(), timestamp // EPOCH_MS
        facts = [one for row in self._facts.take(key, epoch) for one in unpack(row)]
        yield Row("", Row(epoch, key, self._learn(key, facts, epoch)))

    def _learn(self, key: str, facts: list[bytes], epoch: int) -> bytes:
        """The record of the current key, which is `key`; what is known of it is kept for its next epoch."""
        kind = kind_of(key)
        kept = None if kind.state is None else self._known.value()
        before = None if kind.state is None or kept is None else kind.state.decode(kept)
        record = kind.learn(before, [kind.fact.decode(one) for one in facts], epoch)
        if kind.state is not None:
            self._known.update(kind.state.encode(record))
        return kind.record.encode(record)


class EpochCloser(KeyedProcessFunction):  # type: ignore[misc]
    """One instance: records in, each epoch's in the order of their keys and then its end marker out.

    Flink hands the watermark on after the timers that it let fire: once it is here, so are all
    records of the epochs that it ends. After a restart an epoch may be written again, by the same
    state: readers take no epoch twice.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Nothing is read."""
        self._counts = Counts(runtime_context.get_metrics_group())
        self._records = EpochBuffer(runtime_context, "records")
        self._topic = self._settings.sink_prefix + KNOWLEDGE
        enter_task(self._settings)

    def process_element(self, value: Any, ctx: Any) -> None:
        """Keeps a record until its epoch ends."""
        epoch, key, record = value
        if not self._records.add("", epoch, pack([key.encode(), record])):
            self._counts.add("facts_dropped")
        ctx.timer_service().register_event_time_timer(epoch_end_ms(epoch))

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Row]:
        """The end of an epoch: all of it."""
        if timestamp > self._settings.end_ms:
            return
        epoch = timestamp // EPOCH_MS
        records = sorted(unpack(one) for one in self._records.take("", epoch))
        for key, record in records:
            yield Row(self._topic, key, record)
        end = EpochEnd(WRITER, epoch, effective_from_ms(epoch), len(records))
        yield Row(self._topic, END_KEY, EPOCH_END.encode(end))
        self._counts.add("epochs_written")


import_operators()
