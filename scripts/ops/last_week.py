"""The newest of last week's log, folded beside the API's process: what a child that counts over it begins with."""

from collections.abc import Iterable
from typing import Final

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.event_format import format_of
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import trust_of
from jobs.publish import now_ms
from log.kafka import read_to_end
from log.range import LogRange
from schemas.limits import DAY_MS
from schemas.records import LogRecord
from schemas.topics import EVENTS, ITEMS
from scripts.ops.counting import Place
from udfs.explain.tracing import Tracing
from udfs.knowledge.knowledge import Knowledge

WEEK_MS: Final = 7 * DAY_MS
DIGESTS: Final = Tracing(share=0.0)
"""Nobody reads the features."""


def newest_of_week(place: Place, events_max: int) -> tuple[LogRange, bool]:
    """At most so many events, and whether those are all of the week; raises ConfigError where Kafka does not answer."""
    log = LogRange(place.brokers, place.prefix + EVENTS, now_ms() - WEEK_MS, None)
    return log, log.keep_newest(events_max)


def rules_of(config: Config) -> FoldRules:
    """As the engine folds, without the matrices of traces."""
    decode = format_of(config).decode
    return FoldRules(decode, config.seed, config.lateness_ms, rate_of(config), tracing=DIGESTS)


def items_of(place: Place) -> Iterable[LogRecord]:
    """All records of the catalogue."""
    return read_to_end(place.brokers, [place.prefix + ITEMS])


def catalogue_of(config: Config, items: Iterable[LogRecord]) -> Knowledge:
    """Knowledge of these items and nothing else."""
    feed = KnowledgeFeed(empty_knowledge(config), lambda _: None, trust_of(config))
    for one in items:
        feed.apply(one.value, one.offset, one.timestamp_ms)
    return feed.knowledge
