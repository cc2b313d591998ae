"""An address that others wrote in clear into `events` stands in nothing that the running engine writes: no other topic, no state, no key or value of the store, no log."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis

from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from log.store_address import open_redis
from schemas.codec import EVENT
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, KNOWLEDGE, TRACES
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, wait_for

pytestmark = pytest.mark.e2e
CANARY = b"clara.canary@example.com"
SESSION = "canary-session"


def holding(folder: Path, said: bytes, since_ms: int) -> list[Path]:
    """Files, written since then, that hold these bytes; a checkpoint may be gone again while it is read."""
    found = []
    # not rglob, which fails where a folder is gone meanwhile
    for path in (Path(at) / name for at, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError, IsADirectoryError):
            if path.stat().st_mtime * 1_000 >= since_ms and said in path.read_bytes():
                found.append(path)
    return found


def test_what_was_typed_is_in_no_topic_state_store_or_log_of_ours(engine: Engine) -> None:
    at_ms, address = now_ms(), CANARY.decode()
    event = make_event(
        event_id="canary-1", event_type="search_performed", event_time_ms=at_ms, session_id=SESSION, anonymous_id=SESSION,
        query=f"i1 {address}", page=f"/search?q={address}", properties={"text": address}, placements=("next_item",),
    )  # fmt: skip
    log = Log(engine.kafka)
    with Decisions(engine.kafka) as decisions:
        log.raw(EVENTS, SESSION, EVENT.encode(event), at_ms)
        log.raw(EVENTS, SESSION, b'{"query": "' + CANARY + b'"', at_ms)
        log.raw(EVENTS, "another-key", EVENT.encode(event), at_ms)
        log.flush()
        decided = wait_for(lambda: decisions.of("canary-1"))
    assert decided.session_id == SESSION

    def letters() -> list[bytes]:
        found = read_to_end(engine.kafka, [DEAD_LETTERS], at_ms)
        return [one.value for one in found if b"query" in one.value or b"another-key" in one.value]

    wait_for(lambda: len(letters()) >= 2)
    assert any(CANARY in one.value for one in read_to_end(engine.kafka, [EVENTS]))
    for topic in (DECISIONS, TRACES, DEAD_LETTERS, KNOWLEDGE):
        left = [one for one in read_to_end(engine.kafka, [topic]) if CANARY in one.value]
        assert left == [], topic
    redis: Redis[bytes] = open_redis(engine.redis)
    keys = list(redis.scan_iter())
    assert keys
    assert [key for key in keys if CANARY in key or CANARY in (redis.dump(key) or b"")] == []
    checkpoints, asked_ms = engine.home.path / "checkpoints", now_ms()
    wait_for(lambda: holding(checkpoints, SESSION.encode(), asked_ms))
    assert holding(checkpoints, CANARY, 0) == []
    logs = engine.home.path / "logs"
    assert holding(logs, b"a", 0)
    assert holding(logs, CANARY, 0) == holding(logs, SESSION.encode(), 0) == []
