"""The Flink operator of sessions, and what all of them share: decode state, call the step, encode state, yield, count."""

from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import OutputTag

from jobs.code import import_operators
from jobs.event_format import format_of
from jobs.flink.rate_limit import Pace
from jobs.flink.side_outputs import AsideOperator
from jobs.flink.task import enter_task, settle_memory
from jobs.flink.timed_state import TimedState
from jobs.job_settings import JobSettings
from jobs.knowledge_feed import KnowledgeFeed, open_feed
from jobs.metrics import Counts
from log.private_lines import privately
from schemas.knowledge import is_learnt
from schemas.outputs import DESTINATIONS, Written, counters
from schemas.records import LogRecord
from schemas.state.inputs import CLAIM, Claim, Transfer
from schemas.state.session import SESSION_NEWS, SESSION_STATE, SessionNews, SessionState
from udfs.explain.fit_records import fit_letters
from udfs.results import SessionResult
from udfs.session.visit_of_history import look_again_ms
from udfs.track_session import expire_session, track_session

BYTES: Final = Types.PRIMITIVE_ARRAY(Types.BYTE())
NEWS_ROW: Final = Types.ROW([Types.STRING(), BYTES])
"""The person (key of the next operator) and what they are told."""
OUTPUT_ROW: Final = Types.ROW([Types.STRING(), BYTES, BYTES])
"""Topic, key and value of a Kafka record."""
DEAD_LETTERS_TAG: Final = OutputTag("dead_letters", OUTPUT_ROW)
MEMBERS_TAG: Final = OutputTag("members", NEWS_ROW)
"""What people who have signed in are told; visitors get the main output."""


class SessionStep:
    """What the session operators share: one key's state and the step."""

    def __init__(self, settings: JobSettings, runtime_context: Any) -> None:
        self._settings = settings
        self._counts = Counts(runtime_context.get_metrics_group())
        self._state = TimedState[SessionState](
            runtime_context, "session", SESSION_STATE, look_again_ms
        )
        self._decode = format_of(settings).decode
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
        key = ctx.get_current_key()
        timers = ctx.timer_service()
        state = self._state.load_due(key, fired_ms, timers)
        if state is None or state.timer_ms > self._settings.end_ms:
            return None
        log_ms = min(timers.current_watermark(), self._settings.end_ms)
        return self._keep(key, expire_session(state, key, fired_ms, log_ms), ctx)

    def _keep(self, key: str, result: SessionResult, ctx: Any) -> SessionResult:
        self._state.store(key, result.state, ctx.timer_service())
        self._counts.add(*result.counts, *counters(result.outputs))
        return result


class SessionOperator(AsideOperator):
    """Keyed by session: records of `events` in, news and claims for visitors out; aside news for members, and dead letters."""

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
            yield from self._aside(self._rows(result))

    def _rows(self, result: SessionResult) -> Iterator[Any]:
        for one in fit_letters(result.outputs, self._settings.record_bytes_max):
            if isinstance(one, SessionNews):
                row = Row(one.person, SESSION_NEWS.encode(one))
                yield (MEMBERS_TAG, row) if one.is_member else row
            elif isinstance(one, Claim):
                yield Row(one.person, CLAIM.encode(one))
            elif not isinstance(one, Transfer):
                yield DEAD_LETTERS_TAG, row_of(one, self._settings)


def row_of(output: Written, settings: JobSettings) -> Row:
    """An output as a record of its topic."""
    to = DESTINATIONS[type(output)]
    topic = settings.sink_prefix + to.topic
    return Row(topic, to.key(output).encode(), to.codec.encode(output))


def take_knowledge(feed: KnowledgeFeed, value: Any, ctx: Any, settings: JobSettings) -> None:
    """One record of knowledge; live, what nobody can see any more is forgotten."""
    payload, position = value[0], value[1]
    feed.apply(payload, position, ctx.timestamp())
    # what is learnt bears the time of its arrival: events may be far behind it
    if settings.replay is None and not is_learnt(payload):
        feed.prune(ctx.timestamp())


import_operators()
