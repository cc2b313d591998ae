"""A day is ten seconds: what was imported of five years ago is decided, explained and verified more than a day later."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from jobs.publish import Log, now_ms
from jobs.stack import kafka as stack_kafka
from jobs.stack.jars import jar_paths
from jobs.stack.kafka import format_storage, kafka_child
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.process import Process
from log.bounds import bounds
from log.kafka import create_topics, read_to_end
from schemas.limits import DAY_MS, SECOND_MS
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, TRACES, TopicSpec, topics
from scripts.bench.workload import catalogue, shoppers
from tests.e2e.homes import JARS, Decisions, Home, fresh_home, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(900)]
DAY_S: Final = 10
EVENTS_IMPORTED: Final = 120
CHECK_MS: Final = 500
CONTROL_CASE: Final = "by_event_time"
LOGGED: Final = (DECISIONS, TRACES, DEAD_LETTERS)


class Lived(NamedTuple):
    """A home whose Kafka is the quick one, the import, and what a check of retention ought to leave."""

    home: Home
    kafka: str
    imported: dict[str, Any]
    first_ms: int

    def json(self, *words: str) -> Any:
        return self.home.json(*words, KAIROS_KAFKA=self.kafka)


def of_short_days(spec: TopicSpec) -> TopicSpec:
    """The topic with retention in days of DAY_S, and segments that end soon enough to be deleted."""
    settings = dict(spec.settings)
    if settings["retention.ms"] != "-1":
        days = int(settings["retention.ms"]) // DAY_MS
        settings["retention.ms"] = str(days * DAY_S * SECOND_MS)
    return spec._replace(settings=settings | {"segment.ms": str(SECOND_MS)})


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that looks for what is to be deleted twice a second."""
    folder = tmp_path_factory.mktemp("quick")
    jars, port = jar_paths("kafka", JARS, print), free_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("log.retention.check.interval.ms", "log.initial.task.delay.ms"):
            patch.setitem(stack_kafka._SETTINGS, name, CHECK_MS)
        cluster = format_storage(folder / "kafka", jars, folder / "logs")
        child = kafka_child(folder / "kafka", jars, port, cluster)
        with Process(child, folder / "logs") as process:
            process.wait_until_healthy()
            yield f"{LOOPBACK}:{port}"


def write_files(folder: Path, first_ms: int) -> tuple[Path, Path]:
    events, items = folder / "events.jsonl", folder / "items.jsonl"
    lines = []
    for number, one in enumerate(islice(shoppers("old", 30), EVENTS_IMPORTED)):
        event = msgspec.structs.replace(
            one, event_time_ms=first_ms + number * 2_000, sent_at_ms=None
        )
        lines.append(msgspec.json.encode(event).decode())
    events.write_text("\n".join(lines))
    held = [msgspec.to_builtins(one) | {"effective_from_ms": first_ms} for one in catalogue(30)]
    items.write_text("\n".join(json.dumps(one) for one in held))
    return events, items


@pytest.fixture(scope="module")
def lived(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    create_topics(broker, [of_short_days(one) for one in topics()])
    traces = next(one for one in topics() if one.name == TRACES)
    by_event = of_short_days(traces)._replace(name=CONTROL_CASE)
    by_event.settings["message.timestamp.type"] = "CreateTime"
    create_topics(broker, [by_event])
    folder = tmp_path_factory.mktemp("old")
    first_ms = now_ms() - 5 * 365 * DAY_MS
    with fresh_home(folder / "home") as home:
        started = home.kairos("up", KAIROS_KAFKA=broker)
        assert started.returncode == 0, started.stderr
        events, items = write_files(folder, first_ms)
        log = Log(broker)
        log.raw(EVENTS, "junk", b"junk", first_ms)
        log.raw(CONTROL_CASE, "old", b"old", first_ms)
        log.flush()
        found = home.json(
            "import", str(events), "--items", str(items), "--json", KAIROS_KAFKA=broker
        )
        yield Lived(home, broker, found, first_ms)
        assert home.kairos("down").returncode == 0


@pytest.fixture(scope="module")
def a_day_later(lived: Lived) -> Lived:
    """Everything was decided; a day has passed, and what may be deleted was."""
    with Decisions(lived.kafka) as decisions:
        wait_for(lambda: len(decisions.look()) > EVENTS_IMPORTED // 5)
        wait_for(lambda: not _grows(decisions))
    time.sleep(DAY_S + 4 * CHECK_MS / SECOND_MS)
    wait_for(lambda: bounds(lived.kafka, CONTROL_CASE)[0] != dict.fromkeys(range(4), 0))
    return lived


def _grows(decisions: Decisions) -> bool:
    before = len(decisions.look())
    time.sleep(2)
    return len(decisions.look()) > before


def test_nothing_of_the_import_is_gone(a_day_later: Lived) -> None:
    assert a_day_later.imported["events"] == EVENTS_IMPORTED
    for name in (EVENTS, *LOGGED):
        assert set(bounds(a_day_later.kafka, name)[0].values()) == {0}, name
        assert list(read_to_end(a_day_later.kafka, [name])), name


def test_what_was_decided_bears_the_time_of_its_arrival(a_day_later: Lived) -> None:
    for name in LOGGED:
        times = [one.timestamp_ms for one in read_to_end(a_day_later.kafka, [name])]
        assert min(times) > a_day_later.first_ms + 4 * 365 * DAY_MS, name


def test_every_decision_is_verified(a_day_later: Lived) -> None:
    found = a_day_later.json("verify", "replay", "--json")
    assert (found["is_whole"], found["unexplained"], found["differing"]) == (True, 0, {}), found
    with Decisions(a_day_later.kafka) as decisions:
        count = len(wait_for(decisions.look) and decisions.by_id)
    assert found["reproduced"] == found["decisions"] >= count > EVENTS_IMPORTED // 5
    skew = a_day_later.json("verify", "skew", "--json")
    assert skew["compared"] > 0 == skew["differing"] + skew["missing"]


def test_a_range_of_event_time_finds_what_arrived_years_later(a_day_later: Lived) -> None:
    first_ms = a_day_later.first_ms
    words = ("verify", "replay", "--from", str(first_ms), "--to", str(first_ms + DAY_MS))
    found = a_day_later.json(*words, "--json")
    assert (found["is_whole"], found["differing"]) == (True, {})
    assert found["from_ms"] >= first_ms


def test_a_decision_is_explained(a_day_later: Lived) -> None:
    with Decisions(a_day_later.kafka) as decisions:
        one = next(iter(wait_for(decisions.look).values()))
    found = a_day_later.json("explain", one.decision_id, "--json")
    assert found["decision"]["decision_id"] == one.decision_id
    assert found["decision"]["event_time_ms"] < a_day_later.first_ms + DAY_MS
    assert found["trace"]["candidates"]
