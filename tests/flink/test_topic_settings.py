"""Topics that are there get the settings of the table, and lose nothing that has just come."""

import time

import pytest

from log.kafka import create_topics, read_to_end
from log.topic_settings import Difference, bring_to, differences
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.topics import DECISIONS, EVENTS, KNOWLEDGE, TopicSpec, retention_from, topics
from tests.flink.runs import produce
from tests.logs import Line

pytestmark = pytest.mark.flink
OLD = {"cleanup.policy": "delete", "retention.ms": "-1", "message.timestamp.type": "CreateTime"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def spec_of(prefix: str, name: str, text: str = "") -> TopicSpec:
    return next(one for one in topics(prefix, retention_from(text)) if one.name == prefix + name)


def brought(kafka: str, spec: TopicSpec, later_ms: int = 0) -> list[Difference]:
    """What was changed, once the broker has it so: it says that it has a moment before."""
    changed = bring_to(kafka, [spec], now_ms() + later_ms)
    while set(changed) & set(differences(kafka, [spec])):
        time.sleep(0.1)
    return changed


def make_as_before(kafka: str, spec: TopicSpec) -> None:
    """The topic with settings of before; a busy broker tells them a moment after it has made it."""
    made = create_topics(kafka, [spec._replace(settings=OLD)])
    assert made == (spec.name,), "the broker is shared: each test has a prefix that nobody else has"
    while not differences(kafka, [spec]):
        time.sleep(0.1)


def of_five_years_ago(count: int) -> list[Line]:
    return [Line(now_ms() - 5 * 365 * DAY_MS + n, f"k{n}", b"v") for n in range(count)]


def test_what_is_made_by_the_table_is_as_the_table_has_it(kafka: str) -> None:
    specs = topics("fresh.")
    assert differences(kafka, specs) == []  # none of them is there
    create_topics(kafka, specs)
    assert differences(kafka, specs) == []
    produce(kafka, "fresh." + DECISIONS, of_five_years_ago(1))
    produce(kafka, "fresh." + EVENTS, of_five_years_ago(1))
    (arrived,) = read_to_end(kafka, ["fresh." + DECISIONS])
    (happened,) = read_to_end(kafka, ["fresh." + EVENTS])
    assert arrived.timestamp_ms > now_ms() - MINUTE_MS
    assert happened.timestamp_ms < now_ms() - 4 * 365 * DAY_MS


def test_another_retention_is_set_and_taken_back(kafka: str) -> None:
    create_topics(kafka, topics("other."))
    bounded, usual = (spec_of("other.", EVENTS, text) for text in ("events=730", ""))
    days = str(730 * DAY_MS)
    change = Difference("other.events", "retention.ms", "-1", days)
    assert brought(kafka, bounded) == [change]
    assert brought(kafka, bounded) == []
    back = change._replace(found=days, wanted="-1")
    assert brought(kafka, usual) == [back]


def test_an_empty_topic_of_before_is_bounded_at_once(kafka: str) -> None:
    spec = spec_of("empty.", DECISIONS)
    make_as_before(kafka, spec)
    changed = {one.setting for one in brought(kafka, spec)}
    assert changed == {"message.timestamp.type", "retention.ms"}
    assert differences(kafka, [spec]) == []


def test_records_of_before_are_kept_until_all_of_them_came_long_enough_ago(kafka: str) -> None:
    spec = spec_of("kept.", DECISIONS)
    make_as_before(kafka, spec)
    produce(kafka, spec.name, of_five_years_ago(40))
    (changed,) = brought(kafka, spec)
    assert changed == Difference(spec.name, "message.timestamp.type", "CreateTime", "LogAppendTime")
    assert brought(kafka, spec) == []
    produce(kafka, spec.name, of_five_years_ago(40))  # in every partition, and bearing today's time
    assert brought(kafka, spec, 399 * DAY_MS) == []
    (bounded,) = brought(kafka, spec, 401 * DAY_MS)
    assert bounded == Difference(spec.name, "retention.ms", "-1", str(400 * DAY_MS))


def test_live_records_of_before_are_not_bounded_while_they_are_young(kafka: str) -> None:
    spec = spec_of("aged.", DECISIONS)
    make_as_before(kafka, spec)
    produce(kafka, spec.name, [Line(now_ms() - n, f"k{n}", b"v") for n in range(40)])
    assert [one.setting for one in brought(kafka, spec)] == ["message.timestamp.type"]
    assert brought(kafka, spec, 399 * DAY_MS) == []


def test_knowledge_of_before_is_not_compacted_until_all_of_it_came_long_enough_ago(
    kafka: str,
) -> None:
    """Its records bore the times of what taught them: of an import they are as old as that."""
    spec = spec_of("taught.", KNOWLEDGE)
    make_as_before(kafka, spec)
    produce(kafka, spec.name, of_five_years_ago(40))
    lag = str(408 * DAY_MS)
    changed = {one.setting: one.wanted for one in brought(kafka, spec)}
    assert changed == {"message.timestamp.type": "LogAppendTime", "min.compaction.lag.ms": lag}
    produce(kafka, spec.name, of_five_years_ago(1))
    assert brought(kafka, spec, 407 * DAY_MS) == []
    (compacted,) = brought(kafka, spec, 409 * DAY_MS)
    assert compacted == Difference(spec.name, "cleanup.policy", "delete", "compact")


def test_knowledge_that_is_named_for_longer_is_kept_for_longer_at_once(kafka: str) -> None:
    usual, ever = (spec_of("named.", KNOWLEDGE, text) for text in ("", "traces=ever"))
    create_topics(kafka, [usual])
    produce(kafka, usual.name, of_five_years_ago(1))
    (longer,) = brought(kafka, ever)
    assert (longer.setting, longer.wanted) == ("min.compaction.lag.ms", str(2**63 - 1))
    (shorter,) = brought(kafka, usual)
    assert shorter == longer._replace(found=longer.wanted, wanted=longer.found)
