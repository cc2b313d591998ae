"""Log: all that a deployment has written down, as audits read it."""

from collections.abc import Iterator
from itertools import chain

from jobs.audit.taught import Taught, taught_from_ms
from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.event_format import format_of
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import trust_of
from log.range import LogRange
from schemas.errors import InvalidEvent
from schemas.knowledge import KnowledgeRecord
from schemas.signed_control import read_control
from schemas.topics import CONTROL, DECISIONS, EVENTS, ITEMS, KNOWLEDGE
from scripts.ops.archive import opened


class Log:
    """The topics of a deployment, each as often as it is asked for, behind what is archived of it."""

    def __init__(self, kafka: str, config: Config, archive: str | None = None) -> None:
        self._kafka, self._prefix = kafka, config.topic_prefix
        self._archived = {name: opened(archive, config, name) for name in (EVENTS, DECISIONS)}
        self.config = config
        self.rules = FoldRules(
            format_of(config).decode, config.seed, config.lateness_ms, rate_of(config),
            decides=lambda _: False,
        )  # fmt: skip

    def name(self, topic: str) -> str:
        """Its name in Kafka."""
        return self._prefix + topic

    def records(self, topic: str, from_ms: int | None = None) -> LogRange:
        """The records of a topic, partitions merged by time."""
        archived = self._archived.get(topic)
        return LogRange(self._kafka, self.name(topic), from_ms, None, archived)

    def begins_at_first(self, topic: str) -> bool:
        """Whether the topic has still all that was ever written to it."""
        records = self.records(topic)
        return records.begins_at_first and not (topic == KNOWLEDGE and taught_from_ms(records))

    def taught(self, epochs_kept: int) -> Taught:
        """All that was published, and what was taught, to be learnt."""
        feed = KnowledgeFeed(
            empty_knowledge(self.config, epochs_kept), lambda _: None, trust_of(self.config)
        )
        for record in chain(self.records(CONTROL), self.records(ITEMS)):
            feed.apply(record.value, record.offset, record.timestamp_ms)
        return Taught(feed.knowledge, self._learnt(feed), taught_from_ms(self.records(KNOWLEDGE)))

    def late_policies(self) -> frozenset[str]:
        """The policies that were published at or after the time from which they are in force."""
        found, trust = set(), trust_of(self.config)
        for record in self.records(CONTROL):
            try:
                control = read_control(record.value, trust.keys)
            except InvalidEvent:
                continue
            if control.kind == "policy" and record.timestamp_ms >= control.effective_from_ms > 0:
                found.add(control.version)
        return frozenset(found)

    def _learnt(self, feed: KnowledgeFeed) -> Iterator[KnowledgeRecord]:
        for record in self.records(KNOWLEDGE):
            learnt = feed.decode_learnt(record)
            if learnt is not None:
                yield learnt
