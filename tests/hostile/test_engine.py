"""A running engine, handed hostile records in every topic, hostile values in its store and hostile requests: it goes on."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import pytest
from confluent_kafka import KafkaException, Producer
from redis import Redis

from channels.store.store import Store
from jobs.config import Config, config_from
from jobs.publish import AHEAD_MS, Log, now_ms
from log.clients import open_producer_of
from log.kafka import ends_of
from log.store_address import open_redis
from schemas.decisions import Decision
from schemas.policy import DEFAULT_CONTROL
from schemas.topics import KNOWLEDGE, TOPICS
from scripts.ops.status import redis_of, running_kafka, status
from tests.builders import make_catalogue, make_event
from tests.e2e.homes import Decisions, Home, fresh_home, wait_for
from tests.hostile.records import hostile_value

pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(900)]
RECORDS: Final = 120
"""Hostile ones of each topic; `long` sends many more."""
MEMORY_MAX: Final = 6 * 2**30
KEYS: Final = (b"", b"p1", b"\xff\xfe", b"x" * 5_000, "漢".encode(), b"policy/default")
TIMES_MS: Final = (0, 1, 946_684_800_000, None)
BODIES: Final = (
    b"", b"null", b"[]", b"{", b"[" * 50_000, b'{"events": 5}', b'{"events": [[[]]]}', b"\xff\xfe{}",
    b'{"session_id": 1e999}', b'{"event_type": "page_viewed", "event_time_ms": 99999999999999999999}',
    b'{"session_id": "s", "events_in_session": [{"event": "\\ud83d"}]}', b'"' + b"x" * 1_000_000 + b'"',
)  # fmt: skip
PATHS: Final = ("/v1/events", "/v1/decisions", "/api/recommendations", "/v1/decisions/x/clicked")


class Besieged(NamedTuple):
    """An engine of its own: what is done to it here nobody else should meet."""

    home: Home
    config: Config
    kafka: str
    redis: "Redis[bytes]"
    store: Store
    log: Log
    decisions: Decisions

    @property
    def api(self) -> str:
        """Where the API answers now: another start may be on another port."""
        return f"http://{self.services()['api']['address']}"

    def services(self) -> dict[str, Any]:
        return dict(status(self.config))

    def is_whole(self) -> bool:
        """Whether everything is up and nothing had to be started again."""
        found = self.services()
        return all(one["state"] == "up" and "reason" not in one for one in found.values())

    def decide(self, name: str) -> tuple[float, Decision]:
        """Seconds from an event of somebody new to the decision in the log and in the store, and that."""
        event = make_event(
            event_id=name, event_type="product_viewed", event_time_ms=now_ms(), session_id=name,
            anonymous_id=name, item_ids=("i1",), placements=(), sent_at_ms=now_ms(),
        )  # fmt: skip
        begun_s = time.monotonic()
        self.log.event(event)
        self.log.flush()
        decision = self.decisions.of(name)
        wait_for(lambda: self.store.stored_at_ms(decision))
        return time.monotonic() - begun_s, decision

    def memory(self) -> int:
        """Bytes of all that runs in this home."""
        return sum(one.memory_info().rss for one in self.home.processes())


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with fresh_home(tmp_path_factory.mktemp("hostile") / "kairos") as home:
        started = home.kairos("up")
        assert started.returncode == 0, started.stderr
        config = config_from({"KAIROS_HOME": str(home.path)})
        kafka = running_kafka(config)
        redis = open_redis(redis_of(config))
        log = Log(kafka)
        for item in make_catalogue():
            log.item(item)
        log.flush()
        with Decisions(kafka) as decisions:
            yield Besieged(
                home, config, kafka, redis, Store(redis, config.store_prefix), log, decisions
            )
        assert home.kairos("down").returncode == 0
        assert home.names_left(0.0) == []


def besiege(producer: Producer, topic: str, seed: int, count: int) -> None:
    """Writes hostile records; what the broker itself refuses is refused."""
    for number in range(count):
        value = hostile_value(topic, seed + number)
        time_ms = TIMES_MS[number % len(TIMES_MS)]
        with suppress(KafkaException, BufferError):
            producer.produce(
                topic, value, KEYS[number % len(KEYS)],
                timestamp=now_ms() if time_ms is None else time_ms,
            )  # fmt: skip
        producer.poll(0)


def taught(engine: Besieged) -> int:
    return sum(ends_of(engine.kafka, [KNOWLEDGE])[KNOWLEDGE].values())


def after_the_siege(engine: Besieged, name: str) -> None:
    """It decides, learns, answers, and nothing of it has died."""
    # who may write to `control` may put any policy in force: the usual one comes after it
    version = f"usual {name}"
    at_ms = now_ms() + AHEAD_MS
    usual = msgspec.structs.replace(DEFAULT_CONTROL, version=version, effective_from_ms=at_ms)
    engine.log.control(usual)
    engine.log.flush()
    wait_for(lambda: now_ms() > at_ms)
    seconds, decision = engine.decide(name)
    assert decision.versions.policy == version
    print(f"decided after {seconds:.2f} s")
    before = taught(engine)
    engine.decide(f"{name}-again")
    wait_for(lambda: taught(engine) > before)
    wait_for(lambda: httpx.get(f"{engine.api}/readyz", timeout=10).status_code == 200)
    assert httpx.get(f"{engine.api}/console/", timeout=10).status_code < 500
    assert engine.is_whole(), engine.services()
    assert engine.memory() < MEMORY_MAX


def test_hostile_records_in_every_topic_end_nothing(engine: Besieged) -> None:
    engine.decide("before")
    producer = open_producer_of(engine.kafka, linger_ms=20)
    for spec in TOPICS:
        besiege(producer, spec.name, 7_000, RECORDS)
    assert producer.flush(60) == 0
    after_the_siege(engine, "after records")
    counts = engine.services()["flink"]["counts"]
    assert counts["dead_letters"] > 0
    assert counts["knowledge_refused"] > 0


def test_hostile_values_in_the_store_end_nothing(engine: Besieged) -> None:
    store, redis = engine.store, engine.redis
    for person in ("after store", "after store-again", "x"):
        redis.set(store.key(person, "next_item"), b"\xff")
        redis.rpush(store.session_key(person), b"\xff")
    redis.delete("kairos:latency", "kairos:writer")
    redis.set("kairos:latency", b"\xff")
    redis.rpush("kairos:writer", b"x")
    redis.set("kairos:fallback:", b"{no json")
    for placement in ("next_item", "home"):
        found = httpx.get(f"{engine.api}/v1/decisions/x/{placement}", timeout=10)
        assert found.status_code < 500, found.text
    after_the_siege(engine, "after store")


def test_hostile_requests_end_nothing(engine: Besieged) -> None:
    api = engine.api
    for path in PATHS:
        for body in BODIES:
            for kind in ("application/json", "text/plain", "\x01"):
                with suppress(httpx.HTTPError, httpx.InvalidURL):
                    found = httpx.post(
                        api + path, content=body, headers={"content-type": kind}, timeout=10
                    )
                    assert found.status_code != 500, (path, body[:50])
    after_the_siege(engine, "after requests")


def test_all_of_it_starts_again_over_the_same_log(engine: Besieged) -> None:
    """What is in the log is read at every start: one record ended the stack for ever."""
    assert engine.home.kairos("down").returncode == 0
    started = engine.home.kairos("up")
    assert started.returncode == 0, started.stderr
    wait_for(lambda: all(one["state"] == "up" for one in engine.services().values()))
    after_the_siege(engine, "after a start")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100_000, 150_000, 10_000))
def test_many_more_hostile_records(engine: Besieged, seed: int) -> None:
    producer = open_producer_of(engine.kafka, linger_ms=20)
    for spec in TOPICS:
        besiege(producer, spec.name, seed, 3_000)
    assert producer.flush(300) == 0
    after_the_siege(engine, f"after {seed}")
