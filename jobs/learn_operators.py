"""The operators of the learn job: facts from sessions, knowledge from facts, whole epochs."""

from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, KeyedProcessFunction

from jobs.job_settings import JobSettings
from jobs.metrics import Counts
from jobs.operators import BYTES, SessionStep, enter_task, pack, take_knowledge, unpack
from jobs.plain_state import BytesByNumber, ValueOfBytes
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    ACTION_KNOWLEDGE_STATE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    ITEM_KNOWLEDGE_STATE,
    PAST_SESSION,
    EpochEnd,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_MS
from schemas.session import SessionNews
from schemas.topics import KNOWLEDGE
from udfs.knowledge import Knowledge
from udfs.learn_facts import (
    ACTION_FACT,
    ITEM_FACT,
    SESSION_FACT,
    action_facts,
    item_facts,
    session_fact,
)
from udfs.learn_items import learn_action, learn_item, past_session

FACT_ROW: Final = Types.ROW([Types.STRING(), Types.ROW([Types.LONG(), BYTES])])
"""`item/ID`, `category/NAME`, `action/KEY` or `session/HASH` (key of the next operator); order_ms and facts."""
RECORD_ROW: Final = Types.ROW([Types.STRING(), Types.ROW([Types.LONG(), Types.STRING(), BYTES])])
"""The one key of the next operator; epoch, Kafka key and value of a record."""
ACTION_KEY: Final = "action/"
SESSION_KEY: Final = "session/"
END_KEY: Final = b"epoch-end"
WRITER: Final = "0"
FACTS_PER_EPOCH_MAX: Final = 2**20
"""Rows of one key in one epoch: the numbers that are left for them beside the epoch's."""


class FactOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by session: records of `events` in, facts for items, categories, actions and past sessions out.

    It takes the very step that the decide job takes, which also writes the dead letters.
    """

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: Any) -> None:
        """Reads what events are folded with before the first of them."""
        self._step = SessionStep(self._settings, runtime_context)

    def process_element(self, value: Any, ctx: Any) -> Iterator[Row]:
        """One record of the log."""
        for news in self._step.take(value, ctx).news:
            yield from fact_rows(news, self._step.feed.knowledge)

    def process_broadcast_element(self, value: Any, ctx: Any) -> None:
        """One record of knowledge."""
        take_knowledge(self._step.feed, value, ctx, self._settings)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Row]:
        """A silent session."""
        outcome = self._step.expire(timestamp, ctx)
        for news in outcome.news if outcome is not None else ():
            yield from fact_rows(news, self._step.feed.knowledge)


def fact_rows(news: SessionNews, knowledge: Knowledge) -> Iterator[Row]:
    """The facts of one piece of news, one row for each that learns from it."""
    facts: dict[str, list[bytes]] = {}
    for action in action_facts(news):
        facts.setdefault(ACTION_KEY + action.key, []).append(ACTION_FACT.encode(action))
    for fact in item_facts(news, knowledge):
        facts.setdefault(f"{fact.kind}/{fact.item_id}", []).append(ITEM_FACT.encode(fact))
    ended = session_fact(news, knowledge)
    if ended is not None:
        facts[SESSION_KEY + ended.session_hash] = [SESSION_FACT.encode(ended)]
    for key, encoded in facts.items():
        yield Row(key, Row(news.order_ms, pack(encoded)))


class EpochBuffer:
    """Bytes of the current key by epoch, in Flink's state. Adding costs the same however many there are.

    How many a key has is kept beside, and counted again where an instance did not see them come.
    """

    def __init__(self, context: Any, name: str) -> None:
        self._rows = BytesByNumber(context, name)
        self._sizes: dict[tuple[str, int], int] = {}

    def add(self, key: str, epoch: int, value: bytes) -> bool:
        """Keeps a value of the current key, which is `key`; False: it has too many in this epoch already."""
        size = self._size(key, epoch)
        if size >= FACTS_PER_EPOCH_MAX:
            return False
        self._rows.put(epoch * FACTS_PER_EPOCH_MAX + size, value)
        self._sizes[key, epoch] = size + 1
        return True

    def take(self, key: str, epoch: int) -> list[bytes]:
        """Removes and returns what the current key, which is `key`, has in the epoch."""
        first = epoch * FACTS_PER_EPOCH_MAX
        places = range(first, first + self._size(key, epoch))
        found = [self._rows.take(place) for place in places]
        self._sizes.pop((key, epoch), None)
        return found

    def _size(self, key: str, epoch: int) -> int:
        size = self._sizes.get((key, epoch))
        if size is None:
            size, first = 0, epoch * FACTS_PER_EPOCH_MAX
            while self._rows.contains(first + size):
                size += 1
        return size


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
        if key.startswith(SESSION_KEY):
            return PAST_SESSION.encode(past_session(SESSION_FACT.decode(facts[0]), epoch))
        before = self._known.value()
        if key.startswith(ACTION_KEY):
            action = learn_action(
                None if before is None else ACTION_KNOWLEDGE_STATE.decode(before),
                [ACTION_FACT.decode(one) for one in facts],
                epoch,
            )
            self._known.update(ACTION_KNOWLEDGE_STATE.encode(action))
            return ACTION_KNOWLEDGE.encode(action)
        item = learn_item(
            None if before is None else ITEM_KNOWLEDGE_STATE.decode(before),
            [ITEM_FACT.decode(one) for one in facts],
            epoch,
        )
        self._known.update(ITEM_KNOWLEDGE_STATE.encode(item))
        return ITEM_KNOWLEDGE.encode(item)


def open_epoch(order_ms: int, watermark_ms: int) -> int:
    """The epoch of `order_ms`; where that has ended by the watermark, the one that ends next."""
    return max(epoch_of(order_ms), epoch_of(watermark_ms))


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
