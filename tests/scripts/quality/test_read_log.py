"""`kairos status --quality` on a real Kafka: five weeks of visits, and what is broken today is named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import TopicPartition
from msgspec.structs import replace
from typer.testing import CliRunner

from jobs.publish import Log, now_ms
from log.bounds import offsets_at
from log.clients import open_admin_of
from log.kafka import create_topics
from schemas.control import Control
from schemas.events import Event
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.topics import EVENTS, topics
from scripts.cli import app
from scripts.exit_codes import NOT_UP
from scripts.policy.policy_file import payload_of, read_policy
from scripts.quality.volume import WEEK_MS, spans_at
from tests.broker import running_broker
from tests.scripts.quality.made import STEPS, visits

pytestmark = pytest.mark.e2e
VISITS: Final = 75
HOUR: Final = VISITS * len(STEPS)
"""Records of an hour: more than are too few to be unusual, and enough to be held against a week before."""

Told = Callable[[str], Any]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def told(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the command says of a log with the prefix that it is handed; nothing of Kairos runs but Kafka."""
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    monkeypatch.setenv("KAIROS_KAFKA", broker)

    def ask(prefix: str) -> Any:
        monkeypatch.setenv("KAIROS_TOPIC_PREFIX", prefix)
        done = CliRunner().invoke(app, ["status", "--quality", "--json"], standalone_mode=False)
        assert done.exception is None, done.exception
        assert done.return_value == NOT_UP, "Kafka alone is not the engine"
        return json.loads(done.stdout)["quality"]

    return ask


def broken(event: Event) -> Event:
    """As a shop sends it that has just changed: without prices, with a property that is new and one that is nobody's business."""
    said = replace(event, properties={"diet": "vegan", "theme": "dark"})
    return replace(said, price=None) if event.event_type == "product_viewed" else said


def log_of(broker: str, prefix: str) -> Log:
    create_topics(broker, topics(prefix))
    return Log(broker, prefix, linger_ms=20)


def written(log: Log, *events: Iterator[Event]) -> None:
    for one in events:
        for event in one:
            log.event(event)
    log.flush()


def test_what_broke_today_is_named_and_the_rest_is_as_it_was(broker: str, told: Told) -> None:
    log, at_ms = log_of(broker, "broken-"), now_ms()
    whole, _ = spans_at(at_ms)
    policy = read_policy("sensitive_attributes: [Diet]\nactions: []\n")
    log.control(Control("policy", "default", "one", 1, payload_of(policy)))
    past = [
        visits(VISITS * (3 - week % 2), whole.from_ms - week * WEEK_MS, f"w{week}-")
        for week in (5, 4, 3, 2, 1)
    ]
    written(log, *past, visits(VISITS, whole.from_ms, "now-", broken))
    found = told("broken-")
    hour, running = found["volume"]
    assert (hour["records"], hour["past"]) == (HOUR, [2 * HOUR, 3 * HOUR, 2 * HOUR, 3 * HOUR])
    assert (hour["usual"], hour["ratio"], hour["is_unusual"]) == (2.5 * HOUR, 0.4, True)
    assert (running["records"], running["is_unusual"]) == (0, False)
    assert (found["basis"], found["before"]["records"]) == ("week_before", HOUR)
    said = [(one["what"], one["field"], one["event_type"]) for one in found["findings"]]
    assert said == [
        ("volume", None, None), ("null_share", "price", "product_viewed"), ("value_new", "properties", None),
    ]  # fmt: skip
    assert found["findings"][1]["says"] == (
        "price is missing in 100% of product_viewed of web, proven; before it was 0%"
    )
    assert "diet" not in json.dumps(found).lower(), "the policy calls it sensitive"


def test_a_young_log_is_held_against_what_came_right_before(broker: str, told: Told) -> None:
    log, at_ms = log_of(broker, "young-"), now_ms()
    written(
        log,
        visits(VISITS, at_ms - 30 * HOUR_MS, "old-"),
        visits(VISITS, at_ms - 10 * MINUTE_MS, "new-"),
    )
    found = told("young-")
    assert [one["past"] for one in found["volume"]] == [[None] * 4] * 2
    assert (found["basis"], found["findings"]) == ("time_before", [])
    assert (found["now"]["records"], found["before"]["records"]) == (HOUR, HOUR)


def test_an_empty_topic_none_at_all_and_one_that_nobody_can_read_have_their_answers(
    broker: str, told: Told
) -> None:
    log_of(broker, "empty-")
    assert told("empty-") == {"unknown": "there are no records in the topic empty-events"}
    assert told("missing-")["unknown"].startswith("Kafka topic 'missing-events'")
    log = log_of(broker, "junk-")
    for number in range(20):
        log.raw(EVENTS, f"k{number}", b"junk", now_ms())
    log.flush()
    found = told("junk-")
    (one,) = found["findings"]
    assert one["says"].startswith("100.0% of the records are no events: not_single_object")
    assert (found["sources"], found["basis"]) == ([], None)


def test_weeks_that_retention_has_deleted_are_not_taken_for_empty(broker: str, told: Told) -> None:
    log, (whole, _) = log_of(broker, "cut-"), spans_at(now_ms())
    weeks = range(4, -1, -1)
    written(log, *(visits(VISITS, whole.from_ms - week * WEEK_MS, f"w{week}-") for week in weeks))
    turn = offsets_at(broker, "cut-events", [whole.from_ms - 2 * WEEK_MS])[0]
    places = [TopicPartition("cut-events", at, offset) for at, offset in turn.items()]
    admin = open_admin_of(broker)  # kept: without it nobody answers
    for deleted in admin.delete_records(places).values():
        deleted.result()
    hour = told("cut-")["volume"][0]
    assert (hour["records"], hour["past"][:1], hour["past"][2:]) == (HOUR, [HOUR], [None, None])


def test_times_have_the_offsets_of_what_comes_at_or_after_them(broker: str) -> None:
    log, first_ms = log_of(broker, "times-"), now_ms() - HOUR_MS
    written(log, visits(2, first_ms))
    times = (first_ms - 1, first_ms, first_ms + 4_000, first_ms + HOUR_MS)
    found = offsets_at(broker, "times-events", times)
    assert [sum(one.values()) for one in found] == [0, 0, 4, 8]
