"""On a real Kafka: topics of other teams become items and facts of people, each record once, from where reading stopped."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.config import Config, config_from
from jobs.publish import now_ms
from log.group_reading import read_for_group
from log.kafka import create_topics, read_to_end
from schemas.codec import DEAD_LETTER, EVENT, ITEM
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS
from schemas.topics import DEAD_LETTERS, EVENTS, ITEMS, TopicSpec, topics
from scripts.files import foreign_topics
from scripts.files.foreign_topics import events_of_topic, items_of_topic, profiles_of_topic
from scripts.files.import_profiles import ProfileRows
from scripts.files.item_files import AUTO
from scripts.files.topic_events import TopicEvents
from scripts.mappings import infer_here
from tests.flink.runs import Line, produce
from udfs.knowledge.erasures import Erasures

pytestmark = pytest.mark.flink

Put = Callable[..., None]


@pytest.fixture
def config(
    kafka: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Config:
    prefix = f"{request.node.name[:40]}."
    create_topics(kafka, [*topics(prefix), TopicSpec(f"{prefix}theirs", 2, {})])
    monkeypatch.setattr(foreign_topics, "running_kafka", lambda _: kafka)
    monkeypatch.setattr(foreign_topics, "list_of_erased", lambda *_: Erasures())
    return config_from({"KAIROS_TOPIC_PREFIX": prefix, "KAIROS_HOME": str(tmp_path)})


@pytest.fixture
def put(kafka: str, config: Config) -> Put:
    def say_it(key: str, said: object) -> None:
        value = said if said is None or isinstance(said, bytes) else json.dumps(said).encode()
        line = Line(now_ms() - DAY_MS, key, value)
        produce(kafka, f"{config.topic_prefix}theirs", [line])

    return say_it


def items_on(kafka: str, config: Config) -> list[Item]:
    return [ITEM.decode(one.value) for one in read_to_end(kafka, [config.topic_prefix + ITEMS])]


def events(kafka: str, config: Config) -> list[Event]:
    return [EVENT.decode(one.value) for one in read_to_end(kafka, [config.topic_prefix + EVENTS])]


def read_items(config: Config) -> int:
    return items_of_topic(config, f"{config.topic_prefix}theirs", AUTO, is_followed=False, is_json=True)  # fmt: skip


def test_a_topic_is_read_once_from_where_it_stopped_and_what_is_as_it_was_is_not_written(
    kafka: str, config: Config, put: Put
) -> None:
    put("boot", {"sku": "boot", "title": "Boot", "price": "80,50 EUR"})
    put("sock", {"sku": "sock", "title": "Sock"})
    put("junk", b"{")
    assert read_items(config) == 0
    assert {one.item_id: one.price for one in items_on(kafka, config)} == {
        "boot": 80.5,
        "sock": None,
    }
    assert read_items(config) == 0, "there is nothing new"
    put("boot", {"sku": "boot", "title": "Boot", "price": 80.5, "currency": "EUR"})
    put("sock", None)
    put("hat", None)
    assert read_items(config) == 0
    found = items_on(kafka, config)
    assert len(found) == 3, "the boot says what it said, and there never was a hat"
    assert (found[-1].item_id, found[-1].is_gone, found[-1].name) == ("sock", True, "Sock")
    put("sock", {"sku": "sock", "title": "Sock"})
    read_items(config)
    assert (items_on(kafka, config)[-1].item_id, items_on(kafka, config)[-1].is_gone) == (
        "sock",
        False,
    )


def test_what_was_read_and_not_written_is_read_again(kafka: str, config: Config, put: Put) -> None:
    topic = f"{config.topic_prefix}theirs"
    put("a", {"sku": "a"})
    stopped = read_for_group(kafka, topic, "stopped")
    (message,) = next(stopped)
    stopped.close()
    assert message.key() == b"a"
    again = [one.key() for batch in read_for_group(kafka, topic, "stopped") for one in batch]
    assert again == [b"a"]
    assert not list(read_for_group(kafka, topic, "stopped"))


def test_people_of_a_topic_are_told_of_at_their_own_time_or_that_of_the_record(
    kafka: str, config: Config, put: Put
) -> None:
    at_ms = now_ms() - 2 * DAY_MS
    put("mia", {"customer": "mia", "as_of": at_ms, "tier": "gold", "email": "m@example.com"})
    put("tom", {"customer": "tom", "tier": "silver"})
    put("ann", None)
    put("bob", {"customer": "bob", "as_of": "soon", "tier": "x"})
    how = ProfileRows(renames={"customer": "person_id"}, consent=frozenset({"personalisation"}))
    topic = f"{config.topic_prefix}theirs"
    assert profiles_of_topic(config, topic, how, is_followed=False, is_json=False) == 0
    mia, tom = sorted(events(kafka, config), key=lambda one: one.person_id or "")
    assert (mia.person_id, mia.event_time_ms, mia.properties["tier"]) == ("mia", at_ms, "gold")
    assert "email" not in mia.properties
    assert mia.consent == ("personalisation",)
    assert abs(tom.event_time_ms - (now_ms() - DAY_MS)) < DAY_MS / 24
    profiles_of_topic(config, topic, how, is_followed=False, is_json=False)
    assert len(events(kafka, config)) == 2


def test_events_of_a_topic_with_other_keys_come_by_their_sessions_and_what_is_none_is_put_aside(
    kafka: str, config: Config, put: Put
) -> None:
    topic, at_ms = f"{config.topic_prefix}theirs", now_ms() - DAY_MS
    track = {
        "type": "track", "event": "Product Viewed", "anonymousId": "ada", "timestamp": at_ms, "properties": {"product_id": "i1"},
        "context": {"sessionId": "visit-1"},
    }  # fmt: skip
    for number in range(3):
        put(f"customer-{number}", track | {"messageId": f"m{number}"})
    put(
        "customer-1",
        {"type": "track", "messageId": "m9", "properties": {"email": "ada@example.com"}},
    )
    put("customer-1", None)
    how = TopicEvents("segment", consent=frozenset({"personalisation"}))
    assert events_of_topic(config, topic, how, is_followed=False, is_json=True) == 0
    found = list(read_to_end(kafka, [config.topic_prefix + EVENTS]))
    assert {one.key for one in found} == {"visit-1"}
    assert len({one.partition for one in found}) == 1
    assert sorted(one.event_id for one in events(kafka, config)) == ["m0", "m1", "m2"]
    assert {one.consent for one in events(kafka, config)} == {("personalisation",)}
    (letter,) = [DEAD_LETTER.decode(one.value) for one in read_to_end(kafka, [config.topic_prefix + DEAD_LETTERS])]  # fmt: skip
    assert (letter.topic, letter.offset >= 0) == (topic, True)
    assert b"ada@example.com" not in letter.raw
    assert events_of_topic(config, topic, how, is_followed=False, is_json=True) == 0
    assert len(events(kafka, config)) == 3, "there is nothing new"


def test_a_topic_of_ours_or_none_is_refused(kafka: str, config: Config) -> None:
    for name, said in ((f"{config.topic_prefix}items", "a topic of ours"), ("nowhere", "create it first")):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            items_of_topic(config, name, AUTO, is_followed=False, is_json=False)


def test_a_mapping_is_proposed_from_the_newest_of_a_topic(
    kafka: str, config: Config, put: Put, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(infer_here, "running_kafka", lambda _: kafka)
    theirs = f"{config.topic_prefix}theirs"
    put("junk", b"\xff")
    put("gone", None)
    for number in range(20):
        put("k", {"message_id": f"m{number}", "action": "view_item", "datetime": "2026-01-31T12:00:00Z", "visit_id": "v", "cookie_id": "c", "sku": "s1"})  # fmt: skip
    assert (
        infer_here.infer(
            infer_here.of_topic(config, theirs, 100), infer_here.Outs(), 100, is_json=True
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["missing"]) == (20, [])
    assert told["types"]["view_item"]["event_type"] == "product_viewed"
    assert told["fields"]["session_id"]["paths"] == ["visit_id"]
    with pytest.raises(ConfigError, match="there is no topic nowhere"):
        next(infer_here.of_topic(config, "nowhere", 100))
