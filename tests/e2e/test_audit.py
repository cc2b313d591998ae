"""On the running engine: decisions are reproduced; a flipped bit in a copy of the log is named; an archive replaces a topic."""

import time
from itertools import islice
from typing import NamedTuple

import msgspec
import pytest
from confluent_kafka import TopicPartition

from jobs.publish import Log, now_ms
from log.bounds import bounds
from log.clients import open_admin_of, open_producer_of
from log.kafka import create_topics, read_to_end
from schemas.records import LogRecord
from schemas.topics import DECISIONS, EVENTS, TOPICS, TRACES, topics
from scripts.bench.workload import shoppers
from tests.e2e.homes import Decisions, Engine, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
COPY = "copy."
FIRST, AGAIN = "first.", "again."
EVENTS_SENT = 300
SEVERAL_TIMES_S = 0.01
Topics = dict[str, list[LogRecord]]


class Lived(NamedTuple):
    """The engine, and its log as it was after people had come."""

    engine: Engine
    topics: Topics


@pytest.fixture(scope="module")
def lived(engine: Engine) -> Lived:
    log, from_ms = Log(engine.kafka), now_ms()
    asking = set()
    for event in islice(shoppers(f"audit{from_ms}", 20), EVENTS_SENT):
        time.sleep(SEVERAL_TIMES_S)
        items = tuple(one.replace("item-", "i") for one in event.item_ids)
        log.event(msgspec.structs.replace(event, event_time_ms=now_ms(), item_ids=items))
        if event.event_type == "product_viewed":
            asking.add(event.event_id)
    log.flush()
    with Decisions(engine.kafka) as decisions:
        wait_for(lambda: decisions.look().keys() >= asking)
    found = {spec.name: list(read_to_end(engine.kafka, [spec.name])) for spec in TOPICS}
    assert len(found[DECISIONS]) >= len(asking) > 50
    return Lived(engine, found)


def write_copy(kafka: str, prefix: str, found: Topics) -> None:
    """The records under a prefix: same partitions, order, keys and times."""
    create_topics(kafka, topics(prefix))
    producer = open_producer_of(kafka, linger_ms=20)
    for name, records in found.items():
        for one in sorted(records, key=lambda one: (one.partition, one.offset)):
            producer.produce(
                prefix + name,
                one.value,
                one.key.encode(),
                one.partition,
                timestamp=one.timestamp_ms,
            )
    assert producer.flush(60) == 0


def values(kafka: str, topic: str) -> list[tuple[str, bytes]]:
    return sorted((one.key, one.value) for one in read_to_end(kafka, [topic]))


def flipped(records: list[LogRecord], at: int, place: int) -> list[LogRecord]:
    value = bytearray(records[at].value)
    value[place] ^= 1
    return [*records[:at], records[at]._replace(value=bytes(value)), *records[at + 1 :]]


def place_of(record: LogRecord, prefix: str = COPY) -> str:
    return f"{prefix}{record.topic}/{record.partition}/{record.offset}"


def test_what_the_engine_decided_is_reproduced(lived: Lived) -> None:
    found = lived.engine.home.json("verify", "replay", "--json")
    assert (found["is_whole"], found["unexplained"]) == (True, 0), found["differences"][:3]
    assert found["reproduced"] >= len(lived.topics[DECISIONS]) > 50
    assert set(found["differing"]) <= {"not_yet", "late_policy"}, found["differing"]


def test_one_tampered_byte_in_a_copy_of_the_log_is_named(lived: Lived) -> None:
    engine, found = lived.engine, dict(lived.topics)
    event = next(at for at, one in enumerate(found[EVENTS]) if b"product" in one.value)
    found[EVENTS] = flipped(found[EVENTS], event, 0)
    found[DECISIONS] = flipped(found[DECISIONS], -1 % len(found[DECISIONS]), 60)
    write_copy(engine.kafka, COPY, found)
    done = engine.home.kairos("verify", "replay", "--json", KAIROS_TOPIC_PREFIX=COPY)
    assert done.returncode == 1, done.stderr
    for record in (found[EVENTS][event], found[DECISIONS][-1]):
        assert place_of(record) in done.stdout


@pytest.mark.long
def test_an_archive_takes_the_place_of_a_topic(lived: Lived) -> None:
    engine, prefix = lived.engine, "old."
    write_copy(engine.kafka, prefix, lived.topics)
    own = {"KAIROS_TOPIC_PREFIX": prefix}
    folder = str(engine.home.path.parent / "archived")
    done = engine.home.json("archive", "--to", folder, "--json", **own)
    assert [one["records"] for one in done] == [
        len(lived.topics[EVENTS]), len(lived.topics[DECISIONS]),
    ]  # fmt: skip
    checked = engine.home.json("verify", "archive", folder, "--json", **own)
    assert [one["compared"] for one in checked] == [one["records"] for one in checked]
    before = engine.home.json("verify", "replay", "--json", **own)
    assert before["is_whole"], before["differences"][:3]
    engine.home.json("replay", "--prefix", FIRST, "--json", **own)
    admin = open_admin_of(engine.kafka)
    for name in (prefix + EVENTS, prefix + DECISIONS):
        ends = bounds(engine.kafka, name)[1]
        for one in admin.delete_records(
            [TopicPartition(name, at, end) for at, end in ends.items()]
        ).values():
            one.result()
    assert engine.home.kairos("verify", "replay", **own).returncode != 0
    after = engine.home.json("verify", "replay", "--archive", folder, "--json", **own)
    assert {**after, "differences": []} == {**before, "differences": []}
    engine.home.json("replay", "--prefix", AGAIN, "--archive", folder, "--json", **own)
    events = list(read_to_end(engine.kafka, [AGAIN + EVENTS]))
    assert sorted(one[1:] for one in events) == sorted(one[1:] for one in lived.topics[EVENTS])
    for name in (DECISIONS, TRACES):
        again, first = (values(engine.kafka, prefix + name) for prefix in (AGAIN, FIRST))
        assert again == first
        assert {key for key, _ in again} == {one.key for one in lived.topics[name]}
