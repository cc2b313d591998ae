"""What others may have written into the store, and what the server may say: nothing ends a reader or the writer."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError, ResponseError
from redis import exceptions as faults

from channels.security.server_faults import SAYS, in_words, refuses_for_now
from channels.store.store import Store, open_store
from channels.store.values import Trend
from channels.store.writer import store_writer
from jobs.stack.ports import free_port
from jobs.stack.process import Process
from jobs.stack.valkey import valkey_child
from log.kafka import create_topics
from schemas.topics import DEAD_LETTERS, DECISIONS, KNOWLEDGE, topics
from tests.channels.decisions import make_decision, with_bytes
from tests.channels.store.test_writer import produce, running, shown, wait_until

pytestmark = pytest.mark.e2e
JUNK = b"\xff\xfe\x00 no text"


def as_string(redis: "Redis[bytes]", key: str) -> None:
    redis.set(key, JUNK)


def as_list(redis: "Redis[bytes]", key: str) -> None:
    redis.rpush(key, JUNK)


def as_set(redis: "Redis[bytes]", key: str) -> None:
    redis.sadd(key, JUNK)


def as_hash(redis: "Redis[bytes]", key: str) -> None:
    redis.hset(key, mapping={"x": JUNK})


def with_fields(*fields: tuple[str, bytes]) -> Callable[["Redis[bytes]", str], None]:
    def write(redis: "Redis[bytes]", key: str) -> None:
        redis.hset(key, mapping=dict(fields))

    return write


HOSTILE: dict[str, Callable[["Redis[bytes]", str], None]] = {
    "string": as_string,
    "list": as_list,
    "set": as_set,
    "hash": as_hash,
    "no_number": with_fields(("sequence", b"x"), ("decision", JUNK)),
    "nan": with_fields(("sequence", b"nan")),
    "infinite": with_fields(("sequence", b"inf"), ("stored_at_ms", b"-1")),
    "huge": with_fields(("sequence", b"9" * 400)),
    "no_decision": with_fields(("sequence", b"0"), ("decision", JUNK), ("stored_at_ms", b"x")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_decision_that_is_none_is_absent_and_is_overwritten(
    store: Store, redis: "Redis[bytes]", name: str
) -> None:
    decision = make_decision(7)
    HOSTILE[name](redis, store.key("p1", "home"))
    assert store.read("p1", "home", 0) is None
    assert store.stored_at_ms(decision) is None
    (stored,) = store.write(with_bytes(decision))
    assert stored.stored_at_ms > 0
    assert store.read("p1", "home", 0) == decision


@pytest.mark.parametrize("name", ["string", "list", "set", "hash"])
def test_a_session_that_is_none_is_absent_and_is_overwritten(
    store: Store, redis: "Redis[bytes]", name: str
) -> None:
    HOSTILE[name](redis, store.session_key("s1"))
    assert store.person_of("s1") is None
    store.write(with_bytes(make_decision(1, event_time_ms=int(time.time() * 1_000))))
    assert store.person_of("s1") == "p1"


@pytest.mark.parametrize(
    "value",
    [JUNK, b"", b"{}", b"[[]]", b'["i1"]', b'[["i1", "x", 1]]', b'[["i1", -1, 1]]', b"[" * 5_000,
     b'[["i1", 1e400, 1]]', b'[["i1", 1, 99999999999999999999]]', b'[["i1", 1e300, 1]]'],
)  # fmt: skip
def test_a_slate_that_is_none_is_absent_and_is_overwritten(
    store: Store, redis: "Redis[bytes]", value: bytes
) -> None:
    redis.set("test:fallback:", value)
    assert store.read_fallback("") == []
    store.write_fallbacks({"": [Trend("i1", 1.0, 5)]})
    assert store.read_fallback("") == [Trend("i1", 1.0, 5)]


def test_a_slate_of_another_type_is_absent(store: Store, redis: "Redis[bytes]") -> None:
    redis.rpush("test:fallback:Shoes", JUNK)
    assert store.read_fallback("Shoes") == []


def test_samples_that_are_none_are_left_out(store: Store, redis: "Redis[bytes]") -> None:
    redis.rpush("test:latency", b"5", JUNK, b"-3", b"7")
    assert store.latencies_ms() == [5, 7]


def test_samples_take_the_place_of_what_is_no_list(store: Store, redis: "Redis[bytes]") -> None:
    redis.set("test:latency", JUNK)
    assert store.latencies_ms() == []
    (stored,) = store.write(with_bytes(make_decision(1, sent_at_ms=1)))
    store.sample_latencies([stored])
    assert store.latencies_ms() == [stored.stored_at_ms - 1]


@pytest.mark.parametrize("code", SAYS)
@pytest.mark.parametrize(
    "form",
    ["{} something", "-{} something", "ERR Error running script (call to f_1): @user_script:3: {} x",
     "{} command not allowed. script: abc, on @user_script:6."],
)  # fmt: skip
def test_a_server_that_refuses_for_now_is_known_by_its_code(code: str, form: str) -> None:
    error = ResponseError(form.format(code))
    assert refuses_for_now(error)
    assert in_words(error) == f"{code}: {SAYS[code]}"


@pytest.mark.parametrize(
    ("error", "is_for_now"),
    [
        (faults.ConnectionError("x"), True),
        (faults.TimeoutError("x"), True),
        (faults.AuthenticationError("x"), True),
        (faults.BusyLoadingError("x"), True),
        (faults.ReadOnlyError("x"), True),
        (faults.OutOfMemoryError("x"), True),
        (faults.ClusterDownError("CLUSTERDOWN x"), True),
        (faults.NoPermissionError("NOPERM x"), True),
        (ResponseError("WRONGTYPE Operation against a key"), False),
        (ResponseError("ERR value is not an integer or out of range"), False),
        (ResponseError("ERR invalid expire time in 'pexpireat' command"), False),
        (ResponseError("ERR unknown command 'BUSYBODY'"), False),
    ],
)
def test_what_waiting_mends_and_what_it_does_not(error: RedisError, is_for_now: bool) -> None:
    assert refuses_for_now(error) is is_for_now
    assert "WRONGTYPE" not in in_words(error) or is_for_now


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[str, "Redis[bytes]"]]:
    """A Valkey of the test's own, to be mistreated."""
    child = valkey_child(tmp_path / "data", free_port())
    with Process(child, tmp_path) as process:
        process.wait_until_healthy()
        assert child.address
        host, _, port = child.address.rpartition(":")
        yield child.address, Redis(host=host, port=int(port))


def full(redis: "Redis[bytes]") -> Callable[[], Any]:
    redis.config_set("maxmemory", "1mb")
    return lambda: redis.config_set("maxmemory", "512mb")


def replica(redis: "Redis[bytes]") -> Callable[[], Any]:
    redis.replicaof("127.0.0.1", 1)
    return lambda: redis.replicaof("NO", "ONE")


def lonely(redis: "Redis[bytes]") -> Callable[[], Any]:
    redis.config_set("min-replicas-to-write", 1)
    return lambda: redis.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("mistreat", [full, replica, lonely])
def test_a_store_that_refuses_for_now_is_waited_for_and_no_person_is_in_the_log(
    kafka: str,
    own: tuple[str, "Redis[bytes]"],
    mistreat: Callable[["Redis[bytes]"], Callable[[], Any]],
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address, redis = own
    prefix = f"{abs(hash(request.node.name))}-"
    wanted = {prefix + name for name in (DECISIONS, KNOWLEDGE, DEAD_LETTERS)}
    create_topics(kafka, [spec for spec in topics(prefix) if spec.name in wanted])
    store = open_store(address, "test")
    with running(store_writer(kafka, address, prefix, "test")) as writer:
        produce(kafka, prefix, range(1, 3))
        wait_until(lambda: shown(store) == 2)
        mend = mistreat(redis)
        produce(kafka, prefix, range(3, 6), person="anna@example.org")
        wait_until(lambda: "the store refuses, waiting for it" in caplog.text)
        assert shown(store, "anna@example.org") is None
        mend()
        wait_until(lambda: shown(store, "anna@example.org") == 5)
    assert (writer.written, writer.invalid) == (5, 0)
    assert not re.search("anna", caplog.text)


def test_a_cluster_takes_the_same_writes(tmp_path: Path) -> None:
    child = valkey_child(tmp_path / "data", free_port())
    argv = (*child.argv, "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with Process(child._replace(argv=argv), tmp_path) as process:
        process.wait_until_healthy()
        assert child.address
        host, _, port = child.address.rpartition(":")
        node: Redis[bytes] = Redis(host=host, port=int(port))
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        wait_until(lambda: b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO"))
        store = open_store(f"redis+cluster://{child.address}", "test")
        now_ms = int(time.time() * 1_000)
        decisions = [
            make_decision(n, person=f"p{n}", session_id=f"s{n}", event_time_ms=now_ms)
            for n in range(1, 30)
        ]
        assert all(one.stored_at_ms for one in store.write(with_bytes(*decisions)))
        assert not any(one.stored_at_ms for one in store.write(with_bytes(*decisions)))
        assert [store.read(f"p{n}", "home", 0) for n in range(1, 30)] == decisions
        assert store.person_of("s7") == "p7"
        store.write_fallbacks({"": [Trend("i1", 1.0, 5)]})
        assert store.read_fallback("") == [Trend("i1", 1.0, 5)]
        process.stop()
