"""Kafka's own cleaner compacts a topic of knowledge; what is read of it then is in force as if nothing were gone."""

import time
from collections.abc import Iterator
from typing import Final

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from jobs.audit.taught import taught_from_ms
from jobs.config import config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.job_settings import job_settings
from jobs.knowledge_feed import open_feed
from log.clients import open_admin_of
from log.kafka import create_topics, read_to_end
from schemas.codec import EVENT
from schemas.knowledge import EpochEnd, KnowledgeRecord
from schemas.records import LogRecord
from schemas.topics import CLEANUP, COMPACTION_LAG_MS, KNOWLEDGE, topics
from scripts.training.training import from_log
from tests.builders import make_catalogue, make_knowledge
from tests.flink.runs import produce
from tests.jobs.live_job import encoded
from tests.logs import shopping_log
from tests.udfs.knowledge.compacted import Log, compacted, key_of, names_in, view
from udfs.knowledge.knowledge import Knowledge

pytestmark = pytest.mark.flink
QUICK: Final = {"segment.ms": "200", "min.cleanable.dirty.ratio": "0.01"}
"""Segments end soon, and the cleaner waits for no share of them."""
WAVES: Final = 4
LAG_MS: Final = next(one for one in topics() if one.name == KNOWLEDGE).settings[COMPACTION_LAG_MS]


@pytest.fixture(scope="module")
def cleaner(kafka: str) -> Iterator[None]:
    """Looks for something to compact ten times a second, not every quarter of a minute."""
    _set(kafka, AlterConfigOpType.SET)
    yield
    _set(kafka, AlterConfigOpType.DELETE)


def _set(kafka: str, operation: AlterConfigOpType) -> None:
    entry = ConfigEntry("log.cleaner.backoff.ms", "100", incremental_operation=operation)
    broker = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[entry])
    admin = open_admin_of(kafka)  # kept until all has been answered, which goes with it
    for answer in admin.incremental_alter_configs([broker]).values():
        answer.result()


def lessons() -> Log:
    """What an hour of a shop teaches, by a writer that was killed once and began again a few epochs before."""
    knowledge, learner = make_knowledge(*make_catalogue()), Learner()
    lines = shopping_log(1_500, seed=3, hours=1)
    log = [
        LogRecord("events", 0, n, line.timestamp_ms, line.key, line.value)
        for n, line in enumerate(lines)
    ]
    taught: Log = []
    for one in Fold(knowledge, FoldRules(EVENT.decode, "seed")).run(log):
        if one.news is not None:
            taught += learner.close(one.news.order_ms)
            learner.add(one.news, knowledge)
    ends = [place for place, one in enumerate(taught) if isinstance(one, EpochEnd)]
    killed, restored = ends[len(ends) // 2] + 2, ends[len(ends) // 2 - 3] + 1
    return taught[:killed] + taught[restored:]


def make_topic(kafka: str, prefix: str, log: Log, lag_ms: str) -> str:
    """A topic whose segments all end but for the last; the writer's records bear times of years ago."""
    name = prefix + KNOWLEDGE
    spec = next(one for one in topics(prefix) if one.name == name)
    assert spec.settings[CLEANUP] == "compact"
    settings = spec.settings | QUICK | {COMPACTION_LAG_MS: lag_ms}
    create_topics(kafka, [spec._replace(settings=settings)])
    for wave in range(WAVES):
        lines = [(one.effective_from_ms, key_of(one), encoded(one)) for one in waves(log)[wave]]
        produce(kafka, name, lines)
        time.sleep(0.3)
    return name


def waves(log: Log) -> list[Log]:
    return [log[len(log) * at // WAVES : len(log) * (at + 1) // WAVES] for at in range(WAVES)]


def read_by(kafka: str, name: str) -> Knowledge:
    """What an operator knows that starts now."""
    settings = job_settings("decide", config_from({}), kafka, {}, None, None)
    feed = open_feed(settings, [name], lambda _: None)
    feed.knowledge.advance(2**53)
    return feed.knowledge


def test_a_topic_that_kafka_has_compacted_teaches_the_same(kafka: str, cleaner: None) -> None:
    log = lessons()
    assert len(log) > 1_000
    cut = len(log) - len(waves(log)[-1])
    wanted = compacted(log, cut)
    name = make_topic(kafka, "squeezed.", log, "1")
    whole = make_topic(kafka, "unsqueezed.", log, LAG_MS)
    while len(found := list(read_to_end(kafka, [name]))) > len(wanted):
        time.sleep(0.1)  # the test's time limit is the only bound
    assert [one.offset for one in found] == [place for place, _ in wanted]
    assert len(wanted) < 0.8 * len(log)
    assert len(list(read_to_end(kafka, [whole]))) == len(log), "it came within the usual lag"
    last = [one.epoch for one in log if isinstance(one, EpochEnd)][-1]
    before, after = read_by(kafka, whole), read_by(kafka, name)
    assert view(after, last, names_in(log)) == view(before, last, names_in(log))
    first: KnowledgeRecord = next(one for _, one in wanted if isinstance(one, EpochEnd))
    assert taught_from_ms(found) == first.effective_from_ms
    assert taught_from_ms(read_to_end(kafka, [whole])) == 0
    begins_ms = first.effective_from_ms
    assert learns_again(kafka, "squeezed.", None)
    assert learns_again(kafka, "squeezed.", begins_ms - 1)
    assert not learns_again(kafka, "squeezed.", begins_ms)
    assert not learns_again(kafka, "unsqueezed.", None)


def learns_again(kafka: str, prefix: str, from_ms: int | None) -> bool:
    """Whether training from then on makes the statistics from the log, not from the topic."""
    create_topics(kafka, topics(prefix))
    config = config_from({"KAIROS_TOPIC_PREFIX": prefix})
    return from_log(kafka, config, from_ms, None).taught is None
