"""Filling Knowledge: the topics `control`, `items` and `knowledge`, read at start, then broadcast."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from jobs.job_settings import JobSettings
from jobs.kafka import read_before, read_partition, read_to_end
from models.artefact import load_scorer
from models.response import load_responses
from schemas.codec import CONTROL, HEADER_BYTES, ITEM, WRITER_SCHEMAS
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    KnowledgeRecord,
)
from schemas.limits import DAY_MS, HOUR_MS
from schemas.policy import policy_from_payload
from udfs.compile_policy import compile_policy
from udfs.features import FEATURE_SPACE
from udfs.knowledge import Knowledge
from udfs.respond import RESPONSE_SPACE

PRUNE_EVERY: Final = 1_000
"""Live, knowledge that no event can see any more is forgotten after so many records."""
PRUNE_BEHIND_MS: Final = DAY_MS
CATCH_UP_MS: Final = HOUR_MS
"""Live, events as old as this, before the newest epoch, still see the epoch of their time at start."""

RESPONSES: Final = "responses"
"""The name of a control of kind `model` that is about responses to actions; any other is a ranker."""

logger = logging.getLogger(__name__)
RECORDS: Final = {schema.header: schema.record for schema in WRITER_SCHEMAS}
LEARNT: Final[dict[str, Callable[[bytes], KnowledgeRecord]]] = {
    "item_knowledge": ITEM_KNOWLEDGE.decode,
    "action_knowledge": ACTION_KNOWLEDGE.decode,
    "past_session": PAST_SESSION.decode,
    "epoch_end": EPOCH_END.decode,
}
"""How the records of the topic `knowledge` are read."""


class KnowledgeFeed:
    """Applies records to a Knowledge. One that cannot be used is counted, logged once, left out.

    Applying a record again changes nothing. `count` is called with a metric's name.
    """

    def __init__(self, knowledge: Knowledge, count: Callable[[str], None]) -> None:
        self.knowledge = knowledge
        self._count = count
        self._loaded: set[tuple[str, int]] = set()
        self._refused: set[str] = set()
        self._since_prune = 0
        self._newest_ms = 0

    def see(self, time_ms: int) -> None:
        """Takes note of an event's time: an epoch that should have been in force by then is late."""
        self._newest_ms = max(self._newest_ms, time_ms)

    def apply(self, value: bytes, position: int) -> int | None:
        """Takes one record; `position` is its offset. The time of the epoch that it completes, if any."""
        try:
            record = RECORDS.get(value[:HEADER_BYTES], "")
            if record in LEARNT:
                return self.learn(LEARNT[record](value))
            if record == "item":
                self.knowledge.add_item(ITEM.decode(value), position)
            else:
                self._apply_control(CONTROL.decode(value), position)
        except (InvalidEvent, ConfigError) as error:
            self._refuse(str(error))
        else:
            self._since_prune += 1
            self._count("knowledge_applied")
        return None

    def learn(self, record: KnowledgeRecord) -> int | None:
        """Takes a record of an epoch; from when on the epoch that it completes is in force, if any."""
        if not self.knowledge.learn(record):
            return None
        self._count("epochs_applied")
        if record.effective_from_ms <= self._newest_ms:
            self._count("epochs_late")
        return record.effective_from_ms

    def decode_learnt(self, value: bytes) -> KnowledgeRecord | None:
        """A record of the topic `knowledge`; None, and refused, where it is none."""
        decode = LEARNT.get(RECORDS.get(value[:HEADER_BYTES], ""))
        try:
            if decode is None:
                raise InvalidEvent("unknown_schema", f"starts with {value[:HEADER_BYTES].hex()}")
            return decode(value)
        except InvalidEvent as error:
            self._refuse(str(error))
            return None

    def prune(self, watermark_ms: int) -> None:
        """Forgets, now and then, what no event after the watermark can see."""
        if self._since_prune >= PRUNE_EVERY:
            self._since_prune = 0
            self.knowledge.prune(watermark_ms - PRUNE_BEHIND_MS)

    def _apply_control(self, control: Control, position: int) -> None:
        version, from_ms = control.version, control.effective_from_ms
        if control.kind == "policy":
            policy = policy_from_payload(control.payload or b"")
            self.knowledge.add_policy(version, from_ms, position, compile_policy(policy))
        elif control.kind == "model":
            self._apply_model(control, position)
        else:
            raise InvalidEvent("invalid_value", f"control of unknown kind {control.kind[:100]!r}")

    def _apply_model(self, control: Control, position: int) -> None:
        if (control.version, position) in self._loaded:
            return
        uri, checksum = control.uri or "", control.sha256 or ""
        version, from_ms = control.version, control.effective_from_ms
        if control.name == RESPONSES:
            responses = load_responses(uri, checksum, RESPONSE_SPACE)
            self.knowledge.add_responses(version, from_ms, position, responses)
        else:
            scorer = load_scorer(uri, checksum, FEATURE_SPACE)
            self.knowledge.add_model(version, from_ms, position, scorer)
        self._loaded.add((control.version, position))

    def _refuse(self, reason: str) -> None:
        self._count("knowledge_refused")
        if reason not in self._refused:
            self._refused.add(reason)
            logger.warning("a record of knowledge is left out: %s", reason)


class LearntReader:
    """What the stream has taught, in a replay: read as far as the replay's time has come.

    Not broadcast: a broadcast would run ahead of the events by the whole topic, kept in memory, or
    events ahead of it. And an instance that restarts begins at the topic's beginning again, as its
    Knowledge does. So whoever acts at t asks for what was in force at t and waits until it is there.
    """

    def __init__(self, feed: KnowledgeFeed, settings: JobSettings) -> None:
        self._feed = feed
        topic = settings.learnt_topic
        ends = settings.knowledge_from[topic]
        if set(ends) != {0}:
            raise ConfigError(f"{topic} has {len(ends)} partitions: its order needs exactly one")
        found = read_partition(settings.kafka, topic, ends[0])
        self._records = (record for one in found if (record := feed.decode_learnt(one.value)))
        self._next = next(self._records, None)

    def read_until(self, time_ms: int) -> None:
        """Brings into force every epoch whose time has come at `time_ms`; call it in order of time."""
        while self._next is not None and self._next.effective_from_ms <= time_ms:
            completed_ms = self._feed.learn(self._next)
            if completed_ms is not None:
                self._feed.knowledge.advance(completed_ms)
            self._next = next(self._records, None)


def open_feed(
    settings: JobSettings, topics: Sequence[str], count: Callable[[str], None]
) -> KnowledgeFeed:
    """A feed that has read these topics to their ends; in a replay, to where they ended when it began.

    Epochs that are far behind the newest are in force at once, so that they need not all be kept.
    """
    feed = KnowledgeFeed(Knowledge(), count)
    if settings.replay is None:
        records = read_to_end(settings.kafka, topics)
    else:
        records = read_before(settings.kafka, {one: settings.knowledge_from[one] for one in topics})
    for record in records:
        completed_ms = feed.apply(record.value, record.offset)
        if completed_ms is not None:
            feed.knowledge.advance(completed_ms - CATCH_UP_MS)
    return feed
