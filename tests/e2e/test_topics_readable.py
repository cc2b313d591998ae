"""Anybody can read our topics with an Avro library and `schemas/avro`: none of our code is used.

A record is C3 01, the little-endian CRC-64-AVRO of its schema's canonical form, and the body.
"""

import json
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import fastavro
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from fastavro.schema import parse_schema, to_parsing_canonical_form

from jobs.config import PROJECT
from jobs.publish import Log, now_ms
from log.kafka import ends_of
from log.settings import client_settings
from scripts.files.import_events import read_json_lines, write_events
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, wait_for

pytestmark = pytest.mark.e2e
JUNK = b"no record at all"
KEYS: dict[str, Callable[[Any], str]] = {
    "events": lambda one: one["session_id"],
    "items": lambda one: one["item_id"],
    "control": lambda one: f"{one['kind']}/{one['name']}",
    "knowledge": lambda one: (
        "epoch-end"
        if "writer" in one
        else f"session/{one['session_hash']}"
        if "session_hash" in one
        else f"{one['kind']}/{one.get('item_id') or one['key']}"
    ),
    "decisions": lambda one: one["person"],
    "traces": lambda one: one["decision_id"],
    "dead_letters": lambda one: f"{one['topic']}/{one['partition']}/{one['offset']}",
}


class Read(NamedTuple):
    """One record; `fields` None: no Avro record."""

    place: str
    key: str
    timestamp_ms: int
    raw: bytes
    fields: Any


def crc_64_avro(data: bytes) -> int:
    """As the Avro specification defines it."""
    empty = 0xC15D213AA4D7A795
    crc = empty
    for byte in data:
        low = (crc ^ byte) & 0xFF
        for _ in range(8):
            low = (low >> 1) ^ (empty if low & 1 else 0)
        crc = (crc >> 8) ^ low
    return crc


def schemas_by_header() -> dict[bytes, Any]:
    found = {}
    for path in (PROJECT / "schemas" / "avro").glob("*.avsc"):
        schema = parse_schema(json.loads(path.read_text()))
        crc = crc_64_avro(to_parsing_canonical_form(schema).encode())
        found[b"\xc3\x01" + crc.to_bytes(8, "little")] = schema
    return found


def read_topic(kafka: str, topic: str) -> list[Read]:
    consumer = Consumer(
        client_settings(kafka) | {"group.id": "anybody", "enable.auto.commit": False}
    )
    partitions = consumer.list_topics(topic, 20).topics[topic].partitions
    ends = {n: consumer.get_watermark_offsets(TopicPartition(topic, n), 20)[1] for n in partitions}
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in ends])
    schemas = schemas_by_header()
    found: list[Read] = []
    while sum(ends.values()):
        message = consumer.poll(1.0)
        if message is None or message.offset() >= ends[message.partition()]:
            continue
        assert message.error() is None
        found.append(_read(message, schemas))
        if message.offset() + 1 == ends[message.partition()]:
            ends[message.partition()] = 0
    consumer.close()
    return found


def _read(message: Any, schemas: dict[bytes, Any]) -> Read:
    raw, schema, fields = message.value(), schemas.get(message.value()[:10]), None
    if schema is not None:
        body = BytesIO(raw[10:])
        fields = fastavro.schemaless_reader(body, schema, None)
        assert body.read() == b"", "nothing follows the record"
    place = f"{message.topic()}/{message.partition()}/{message.offset()}"
    return Read(place, message.key().decode(), message.timestamp()[1], raw, fields)


@pytest.fixture(scope="module")
def topics(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Read]]:
    """Every topic, after good events, junk in `events` and bad lines of a file."""
    log, time_ms = Log(engine.kafka), now_ms()
    dead_letters = engine.counts()["dead_letters"]
    event = make_event(
        event_id="readable", event_type="product_viewed", event_time_ms=time_ms + 1000,
        session_id="readable", anonymous_id="reader", item_ids=("i1",),
    )  # fmt: skip
    log.raw("events", "readable", JUNK, time_ms)
    log.event(event)
    file = tmp_path_factory.mktemp("lines") / "bad.jsonl"
    file.write_bytes(b"bad line\n")
    write_events(log, read_json_lines(file))
    with Decisions(engine.kafka) as decisions:
        decisions.of("readable")
    wait_for(lambda: engine.counts()["dead_letters"] > dead_letters)
    wait_for(lambda: any(ends_of(engine.kafka, ["knowledge"])["knowledge"].values()))
    return {topic: read_topic(engine.kafka, topic) for topic in KEYS}


def test_every_record_is_readable_but_those_that_the_dead_letters_name(
    topics: dict[str, list[Read]],
) -> None:
    unreadable = {
        one.place: one.raw for read in topics.values() for one in read if one.fields is None
    }
    letters = {one.key: one.fields for one in topics["dead_letters"]}
    assert JUNK in unreadable.values()
    for place, raw in unreadable.items():
        kept = letters[place]["raw"]
        assert len(kept) == len(raw), "what is masked keeps its length"
        assert all(mine in (one, ord("*")) for mine, one in zip(kept, raw, strict=True))
    assert {letters[place]["reason"] for place in unreadable} == {"not_single_object"}
    assert all(read for read in topics.values())
    assert any(one["topic"] == "import:bad.jsonl" for one in letters.values())


def test_topics_hold_their_own_record_under_its_key(topics: dict[str, list[Read]]) -> None:
    letters = {one.key for one in topics["dead_letters"]}
    for topic, read in topics.items():
        for one in read:
            if one.fields is not None and one.place not in letters:
                assert one.key == KEYS[topic](one.fields), one.place


def test_no_record_is_from_the_future(topics: dict[str, list[Read]]) -> None:
    now = time.time_ns() // 1_000_000
    for read in topics.values():
        assert max(one.timestamp_ms for one in read) <= now
    (mine,) = [r for r in topics["events"] if r.fields and r.fields["event_id"] == "readable"]
    assert mine.timestamp_ms < mine.fields["event_time_ms"], "its own time was a second ahead"


def test_decision_and_trace_belong_together(topics: dict[str, list[Read]]) -> None:
    read = [one.fields for one in topics["decisions"]]
    decisions = {one["decision_id"]: one for one in read if one["kind"] == "decided"}
    traces = {one.fields["decision_id"]: one.fields for one in topics["traces"]}
    assert decisions.keys() == traces.keys()
    for decision_id, decision in decisions.items():
        assert traces[decision_id]["event_id"] == decision["event_id"]
        chosen = {
            c["item_id"] for c in traces[decision_id]["candidates"] if c["verdict"] == "chosen"
        }
        assert chosen == {item["item_id"] for item in decision["items"]}
