"""The Flink operators of persons: visitors, keyed by anonymous id, and members, the people who have signed in, keyed by theirs.

One code for both. Visitors answer claims, aside; members wait for the answers.
"""

from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row
from pyflink.datastream import OutputTag

from jobs.code import import_operators
from jobs.flink.holding import Holding
from jobs.flink.side_outputs import AsideOperator
from jobs.flink.task import enter_task, settle_memory
from jobs.flink.timed_state import TimedState
from jobs.flink.waiting import Waiting
from jobs.job_settings import JobSettings
from jobs.knowledge_feed import LearntReader, open_feed
from jobs.metrics import Counts
from jobs.operators import NEWS_ROW, row_of, take_knowledge
from log.private_lines import privately
from schemas.outputs import counters
from schemas.state.inputs import TRANSFER, Transfer, head_of
from schemas.state.person import PERSON_STATE, PersonState
from udfs.decide import expire_person
from udfs.explain.tracing import Room, Tracing
from udfs.inputs import INPUTS, PersonInput, decode_input
from udfs.results import PersonResult

TRANSFERS_TAG: Final = OutputTag("transfers", NEWS_ROW)
"""What visitors give to the people who have signed in."""


class PersonStep:
    """What the person operators share: one key's state, the step, and its outputs as rows."""

    def __init__(self, settings: JobSettings, runtime_context: Any, *, is_member: bool) -> None:
        self._settings = settings
        self._holding = Holding(runtime_context, decode_input) if is_member else None
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

    def take(self, given: PersonInput, ctx: Any) -> Iterator[Any]:
        """Takes one input for the current key, with all that need not wait any longer; nothing where it has to wait itself."""
        if self._holding is None:
            yield from self.act(given, ctx)
            return
        for one in self._holding.admit(given, is_busy=self.is_busy(given.person)):
            yield from self.act(one, ctx)

    def act(self, given: PersonInput, ctx: Any) -> Iterator[Any]:
        """Takes one input for the current key."""
        key, seed = given.person, self._settings.seed
        self.feed.settle()
        self.feed.see(given.order_ms)
        state, step = self._state.load(key), INPUTS[given.kind].step
        knowledge, tracing = self.feed.knowledge, self._tracing
        result = privately(step, state, given, knowledge, seed, tracing=tracing)
        yield from self._emit(key, result, ctx)

    def expire(self, fired_ms: int, ctx: Any) -> Iterator[Any]:
        """Runs what a timer of the current key has to do."""
        if fired_ms > self._settings.end_ms:
            return
        key = ctx.get_current_key()
        state = self._state.load_due(key, fired_ms, ctx.timer_service())
        if state is not None:
            yield from self._emit(key, expire_person(state, fired_ms), ctx)

    def _emit(self, key: str, result: PersonResult, ctx: Any) -> Iterator[Any]:
        self._state.store(key, result.state, ctx.timer_service())
        for one in result.outputs:
            if isinstance(one, Transfer):
                yield TRANSFERS_TAG, Row(one.person, TRANSFER.encode(one))
            else:
                yield row_of(one, self._settings)
        self._counts.add(*result.counts, *counters(result.outputs))


class PersonOperator(AsideOperator):
    """Keyed by person, live: acts on news as it arrives.

    Where a replay handed its state over, news of it that was ahead of the replay's end comes first.
    """

    def __init__(self, settings: JobSettings, *, is_member: bool) -> None:
        self._settings = settings
        self._is_member = is_member

    def open(self, runtime_context: Any) -> None:
        """Reads all knowledge before the first news."""
        self._step = PersonStep(self._settings, runtime_context, is_member=self._is_member)
        self._waiting = Waiting(runtime_context, decode_input)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """One piece of news."""
        given = decode_input(value)
        # asked of each person once: a live run adds nothing to what waits
        if not self._step.is_busy(given.person):
            for before in self._waiting.take_all():
                yield from self._step.take(before, ctx)
        yield from self._step.take(given, ctx)

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """A silent person, and what waits for this moment."""
        for before in self._waiting.take(timestamp):
            yield from self._aside(self._step.take(before, ctx))
        yield from self._step.expire(timestamp, ctx)


class ReplayPersonOperator(AsideOperator):
    """Keyed by person, in a replay: news waits for the watermark and is taken in order of time."""

    def __init__(self, settings: JobSettings, *, is_member: bool) -> None:
        self._settings = settings
        self._is_member = is_member

    def open(self, runtime_context: Any) -> None:
        """Reads all knowledge before the first news."""
        self._step = PersonStep(self._settings, runtime_context, is_member=self._is_member)
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
        for given in due:
            yield from self._aside(self._step.take(given, ctx))
        yield from self._step.expire(timestamp, ctx)


import_operators()
