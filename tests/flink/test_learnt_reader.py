"""In a replay what was learnt is read as far as the replay's time has come, and no further."""

from collections import Counter

import pytest

from jobs.config import config_from
from jobs.job_settings import job_settings
from jobs.knowledge_feed import CATCH_UP_MS, KnowledgeFeed, LearntReader, open_feed
from jobs.learning.trust import Trust
from log.kafka import create_topics, ends_of
from log.offsets import ReplayRange
from schemas.errors import ConfigError
from schemas.knowledge import (
    EPOCH_END,
    ITEM_KNOWLEDGE,
    EpochEnd,
    ItemKnowledge,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_MS
from schemas.topics import KNOWLEDGE, TopicSpec, topics
from tests.builders import NOON
from tests.flink.runs import Line, produce
from udfs.knowledge.knowledge import Knowledge

pytestmark = pytest.mark.flink
FIRST = epoch_of(NOON)


def epoch(number: int) -> list[Line]:
    """An epoch in which item `a` has been viewed as often as there were epochs."""
    end_ms, from_ms = epoch_end_ms(number), effective_from_ms(number)
    seen = number - FIRST + 1.0
    item = ItemKnowledge("item", "a", number, from_ms, end_ms, 0, 0, views=seen)
    end = EpochEnd("0", number, from_ms, 1)
    return [
        Line(end_ms, "item/a", ITEM_KNOWLEDGE.encode(item)),
        Line(end_ms, "epoch-end", EPOCH_END.encode(end)),
    ]


def topic(kafka: str, prefix: str, numbers: range) -> str:
    create_topics(kafka, [one for one in topics(prefix) if one.name == prefix + KNOWLEDGE])
    lines = [line for number in numbers for line in epoch(number)]
    produce(kafka, prefix + KNOWLEDGE, lines)
    return prefix + KNOWLEDGE


def reader(kafka: str, prefix: str) -> tuple[Knowledge, Counter[str], LearntReader]:
    counts: Counter[str] = Counter()
    knowledge = Knowledge()
    feed = KnowledgeFeed(knowledge, lambda name: counts.update([name]), Trust())
    ends = ends_of(kafka, [prefix + KNOWLEDGE])
    config = config_from({"KAIROS_TOPIC_PREFIX": prefix})
    settings = job_settings("decide", config, kafka, ends, replay=ReplayRange({}, {}, NOON))
    return knowledge, counts, LearntReader(feed, settings)


def views(knowledge: Knowledge) -> float:
    known = knowledge.statistics.item("a", knowledge.statistics.epoch)
    return known.views if known else 0.0


def test_each_moment_sees_the_epochs_of_its_time(kafka: str) -> None:
    topic(kafka, "moments.", range(FIRST, FIRST + 50))
    knowledge, counts, learnt = reader(kafka, "moments.")
    for number in range(FIRST, FIRST + 50):
        learnt.read_until(effective_from_ms(number) - 1)
        assert views(knowledge) == counts["epochs_applied"] == number - FIRST
        learnt.read_until(effective_from_ms(number))
        assert views(knowledge) == counts["epochs_applied"] == number - FIRST + 1
    learnt.read_until(effective_from_ms(FIRST + 1_000))
    assert counts == {"epochs_applied": 50}


def test_what_comes_after_the_replay_began_is_not_read(kafka: str) -> None:
    name = topic(kafka, "ends.", range(FIRST, FIRST + 5))
    knowledge, _, learnt = reader(kafka, "ends.")
    produce(kafka, name, epoch(FIRST + 5))
    learnt.read_until(NOON + 100 * EPOCH_MS)
    assert views(knowledge) == 5.0


def test_nothing_was_learnt_yet(kafka: str) -> None:
    topic(kafka, "unlearnt.", range(0))
    knowledge, counts, learnt = reader(kafka, "unlearnt.")
    learnt.read_until(NOON)
    assert (views(knowledge), counts) == (0.0, {})


def test_topic_of_several_partitions_is_refused(kafka: str) -> None:
    create_topics(kafka, [TopicSpec("wide." + KNOWLEDGE, 2, {})])
    with pytest.raises(ConfigError, match="2 partitions"):
        reader(kafka, "wide.")


def test_live_start_has_old_epochs_in_force_and_the_last_hours_wait_for_their_time(
    kafka: str,
) -> None:
    count = 2 * CATCH_UP_MS // EPOCH_MS
    name = topic(kafka, "start.", range(FIRST, FIRST + count))
    settings = job_settings("decide", config_from({}), kafka, {}, None, None)
    knowledge = open_feed(settings, [name], lambda _: None).knowledge
    assert views(knowledge) == count // 2
    knowledge.advance(effective_from_ms(FIRST + count))
    assert views(knowledge) == count
