"""Somebody is forgotten on the running engine: every topic, checkpoint, file, key, value and answer is searched byte by byte."""

import json
from typing import Any, Final

import httpx
import pytest
from redis import Redis

from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from log.store_address import open_redis
from schemas.codec import DECISION, EVENT
from schemas.mask_text import EMAIL
from schemas.topics import CONTROL, DEAD_LETTERS, DECISIONS, EVENTS, KNOWLEDGE, TRACES
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, wait_for
from tests.e2e.test_canary import holding

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]
PERSON, DEVICE, SESSION, CITY, ADDRESS = (
    "canary-person-17",
    "canary-device-17",
    "canary-session-17",
    "Canaryville",
    "canary17@example.com",
)
ALL_OF_IT: Final = tuple(one.encode() for one in (PERSON, DEVICE, SESSION, CITY, ADDRESS))
FOLDERS: Final = ("logs", "archive", "models", "tried-models", "savepoints", "examples")
OTHERS: Final = 40
"""Visits of others, so that there is something to train on."""


def live_a_little(engine: Engine) -> None:
    """What the person does, written in clear by somebody else, and what others do; until it is decided on."""
    log = Log(engine.kafka)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("product_viewed", {"item_ids": ["i1"]}),
        ("search_performed", {"query": f"item {ADDRESS}", "page": f"/search?q={ADDRESS}"}),
        ("identified", {"person_id": PERSON}),
        ("profile_updated", {"attribute": "city", "value": CITY}),
        ("profile_updated", {"attribute": "mail", "value": ADDRESS}),
        ("product_viewed", {"item_ids": ["i2"]}),
        ("page_viewed", {"placements": ["next_item"]}),
    ]
    for visit in range(OTHERS):
        for step in range(3):
            item, whose = f"i{(7 * visit + step) % 40}", f"canary-other-{visit}"
            log.event(
                make_event(
                    event_id=f"{whose}-{step}", event_type="product_viewed", event_time_ms=now_ms(), item_ids=[item],
                    session_id=whose, anonymous_id=whose,
                )
            )  # fmt: skip
    with Decisions(engine.kafka) as decisions:
        for number, (kind, more) in enumerate(steps):
            event = make_event(
                event_id=f"canary-{number}", event_type=kind, event_time_ms=now_ms(), session_id=SESSION, anonymous_id=DEVICE, **more,
            )  # fmt: skip
            log.raw(EVENTS, SESSION, EVENT.encode(event), event.event_time_ms)
        log.flush()
        wait_for(lambda: decisions.of(f"canary-{len(steps) - 1}"))


def answers(api: str) -> list[dict[str, Any]]:
    """What the API answers to who asks for what is decided for the person and the device."""
    asked = [f"http://{api}/v1/decisions/{one}/next_item" for one in (PERSON, DEVICE)]
    return [httpx.get(one, timeout=10.0).raise_for_status().json() for one in asked]


def test_nothing_but_the_proof_is_left_of_who_was_forgotten(engine: Engine) -> None:
    home, begun_ms = engine.home, now_ms()
    live_a_little(engine)
    home.json("archive", "--json")
    trained = home.json("train", "--from", str(begun_ms), "--json")
    assert trained["examples"] > 0
    assert holding(home.path / "models", b"", 0), "there is a model to be searched"
    checkpoints = home.path / "checkpoints"
    wait_for(lambda: holding(checkpoints, PERSON.encode(), 0))
    given = home.json("export", PERSON, "--json")
    told = given["state"][PERSON]["statements"]["fields"]["statements"]["value"]
    assert told == {"city": CITY, "mail": EMAIL}, "what was typed is masked before it is kept"
    before = {
        topic: [one for one in read_to_end(engine.kafka, [topic]) if PERSON.encode() in one.value]
        for topic in (EVENTS, DECISIONS, TRACES)
    }  # fmt: skip
    assert all(before.values()), "each place holds the person, so the search can find them"
    told_in_clear = [one for one in read_to_end(engine.kafka, [EVENTS]) if one.key == SESSION]
    assert sum(ADDRESS.encode() in one.value for one in told_in_clear) == 2
    mine = frozenset(DECISION.decode(one.value).decision_id for one in before[DECISIONS])
    api = home.status()["api"]["address"]
    wait_for(lambda: answers(api)[0]["decision_id"] in mine)

    done = home.kairos("forget", PERSON, "--wait", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    proof = json.loads(done.stdout)
    assert proof["done_ms"]
    check_proof(proof)

    def left_in_state() -> list[str]:
        return [str(path) for what in ALL_OF_IT for path in holding(checkpoints, what, 0)]

    wait_for(lambda: left_in_state() == [])
    search(engine, mine)
    verified = home.kairos("verify", "archive")
    assert verified.returncode in (0, 1), verified.stderr
    # others publish items late beside their own decisions on this engine
    unknown = home.kairos("verify", "replay", "--from", str(begun_ms))
    assert unknown.returncode == 0, unknown.stdout + unknown.stderr
    again = home.json("export", PERSON, "--json")
    assert again["state"] == {}


def check_proof(proof: dict[str, Any]) -> None:
    """Each place that held the person is told: as gone, or with the latest date, or whose it is to delete."""
    rows = {one["place"].partition(" /")[0]: one for one in proof["rows"]}
    for place in ("state and checkpoints of the decide job", "state and checkpoints of the learn job", "store", "savepoints", "archive"):  # fmt: skip
        assert (rows[place]["left"], rows[place]["said"]) == (0, ""), place
    for topic in (DECISIONS, TRACES):
        row = rows[f"topic {topic}"]
        assert row["left"] > 0
        assert row["until_ms"] > now_ms(), "the latest date"
    events = rows[f"topic {EVENTS}"]
    assert events["left"] > 0
    assert (events["until_ms"], "owner" in events["said"]) == (None, True)
    assert proof["left_until_ms"] == max(one["until_ms"] or 0 for one in proof["rows"])
    assert not any(one.decode() in json.dumps(proof) for one in ALL_OF_IT)


def search(engine: Engine, decision_ids: frozenset[str]) -> None:
    """Nothing of the person is anywhere but where the proof says."""
    home = engine.home
    redis: Redis[bytes] = open_redis(engine.redis)
    answered = answers(home.status()["api"]["address"])
    assert not [one for one in answered if one["decision_id"] in decision_ids]
    for what in ALL_OF_IT:
        keys = list(redis.scan_iter())
        assert [key for key in keys if what in key or what in (redis.dump(key) or b"")] == []
        for topic in (CONTROL, KNOWLEDGE, DEAD_LETTERS):
            records = read_to_end(engine.kafka, [topic])
            assert [one for one in records if what in one.value or what in one.key.encode()] == []
        for folder in FOLDERS:
            assert holding(home.path / folder, what, 0) == [], folder
        assert holding(home.path / "checkpoints", what, 0) == []
        assert what not in (home.path / "audit.jsonl").read_bytes()
        assert what.decode() not in json.dumps(answered)
    for topic in (DECISIONS, TRACES):
        assert not any(ADDRESS.encode() in one.value for one in read_to_end(engine.kafka, [topic]))
