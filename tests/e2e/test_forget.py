"""Somebody is forgotten on the running engine: every topic, checkpoint, file, key and value is searched byte by byte."""

import json
from typing import Any

import pytest
from redis import Redis

from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from log.store_address import open_redis
from schemas.topics import CONTROL, DEAD_LETTERS, DECISIONS, EVENTS, KNOWLEDGE, TRACES
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, wait_for
from tests.e2e.test_canary import holding

pytestmark = pytest.mark.e2e
PERSON, DEVICE, SESSION, CITY = (
    "canary-person-17",
    "canary-device-17",
    "canary-session-17",
    "Canaryville",
)
ALL_OF_IT = (PERSON.encode(), DEVICE.encode(), SESSION.encode(), CITY.encode())


def test_nothing_but_the_proof_is_left_of_who_was_forgotten(engine: Engine) -> None:
    log, home, begun_ms = Log(engine.kafka), engine.home, now_ms()
    whose = {"session_id": SESSION, "anonymous_id": DEVICE}
    with Decisions(engine.kafka) as decisions:
        steps: list[tuple[str, dict[str, Any]]] = [
            ("product_viewed", {"item_ids": ["i1"]}),
            ("identified", {"person_id": PERSON}),
            ("profile_updated", {"attribute": "city", "value": CITY}),
            ("page_viewed", {"placements": ["next_item"]}),
        ]
        for number, (kind, more) in enumerate(steps):
            event = make_event(event_id=f"canary-{number}", event_type=kind, event_time_ms=now_ms(), **whose, **more)  # fmt: skip
            log.event(event)
        log.flush()
        wait_for(lambda: decisions.of("canary-3"))
    home.json("archive", "--json")
    checkpoints = home.path / "checkpoints"
    wait_for(lambda: holding(checkpoints, PERSON.encode(), 0))
    given = home.json("export", PERSON, "--json")
    assert given["state"][PERSON]["statements"]["fields"]["statements"]["value"] == {"city": CITY}
    before = {
        topic: [one.key for one in read_to_end(engine.kafka, [topic]) if PERSON.encode() in one.value]
        for topic in (EVENTS, DECISIONS, TRACES)
    }  # fmt: skip
    assert all(before.values()), "each place holds the person, so the search can find them"

    done = home.kairos("forget", PERSON, "--wait", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    proof = json.loads(done.stdout)
    assert proof["done_ms"]
    rows = {one["place"]: one for one in proof["rows"]}
    assert rows["topic decisions"]["until_ms"] > now_ms()

    def left_in_state() -> list[str]:
        return [str(path) for what in ALL_OF_IT for path in holding(checkpoints, what, 0)]

    wait_for(lambda: left_in_state() == [])
    redis: Redis[bytes] = open_redis(engine.redis)
    for what in ALL_OF_IT:
        keys = list(redis.scan_iter())
        assert [key for key in keys if what in key or what in (redis.dump(key) or b"")] == []
        for topic in (CONTROL, KNOWLEDGE, DEAD_LETTERS):
            records = read_to_end(engine.kafka, [topic])
            assert [one for one in records if what in one.value or what in one.key.encode()] == []
        for folder in ("logs", "archive", "models", "savepoints"):
            assert holding(home.path / folder, what, 0) == [], folder
        assert holding(home.path / "audit.jsonl", what, 0) == []
    verified = home.kairos("verify", "archive")
    assert verified.returncode in (0, 1), verified.stderr
    # others publish items late beside their own decisions on this engine
    unknown = home.kairos("verify", "replay", "--from", str(begun_ms))
    assert unknown.returncode == 0, unknown.stdout + unknown.stderr
    again = home.json("export", PERSON, "--json")
    assert again["state"] == {}
