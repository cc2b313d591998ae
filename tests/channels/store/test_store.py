"""The store, on a real Valkey: what it shows, what it refuses, what it forgets when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from channels.security.pseudonyms import Pseudonyms
from channels.store.keys import former_key_of, key_of
from channels.store.store import (
    BEAT_MS,
    FALLBACK_KEPT_MS,
    LATENCY_SAMPLES_MAX,
    SESSION_KEPT_MS,
    Store,
    Stored,
    open_store,
)
from channels.store.values import Trend
from schemas.decisions import Decision
from tests.channels.decisions import make_decision, with_bytes

pytestmark = pytest.mark.e2e
NAMES = st.text(st.sampled_from("ua:%3A {}\u00e9\x00/"), min_size=1, max_size=6)
KEY = "test:decision:p1:home"


def write(store: Store, *decisions: Decision) -> list[bool]:
    """Writes in one go; whether each was taken."""
    return [bool(one.stored_at_ms) for one in store.write(with_bytes(*decisions))]


def shown(store: Store, now_ms: int = 0) -> int | None:
    """The sequence of what is shown."""
    found = store.read("p1", "home", now_ms)
    return found.sequence if found is not None else None


def server_ms(redis: "Redis[bytes]") -> int:
    seconds, micros = redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


def test_what_was_written_is_read(store: Store) -> None:
    decision = make_decision(1_700_000_000_000_000)
    assert write(store, decision) == [True]
    assert store.read("p1", "home", 0) == decision
    assert store.read("p1", "cart", 0) is None
    assert store.read("p2", "home", 0) is None


def test_a_newer_decision_takes_the_place(store: Store) -> None:
    assert write(store, make_decision(1), make_decision(2)) == [True, True]
    assert shown(store) == 2


@pytest.mark.parametrize("sequence", [1, 6, 7])
def test_an_older_or_equal_sequence_is_refused(store: Store, sequence: int) -> None:
    write(store, make_decision(7))
    assert write(store, make_decision(sequence, decision_id="again")) == [False]
    found = store.read("p1", "home", 0)
    assert found is not None
    assert found.decision_id == "d7"


def test_neighbouring_sequences_of_real_size_are_told_apart(store: Store) -> None:
    large = 1_800_000_000_000_000
    assert write(store, make_decision(large), make_decision(large), make_decision(large + 1)) == [
        True, False, True,
    ]  # fmt: skip
    assert shown(store) == large + 1


def test_a_repeat_of_a_whole_batch_changes_nothing(store: Store, redis: "Redis[bytes]") -> None:
    batch = [make_decision(n) for n in (1, 2, 3)]
    write(store, *batch)
    before = redis.hgetall(KEY)
    assert write(store, *batch) == [False] * 3
    assert redis.hgetall(KEY) == before


def test_persons_and_placements_are_apart(store: Store) -> None:
    others = [make_decision(5, person="p2"), make_decision(4, placement="cart"), make_decision(3)]
    assert write(store, *others) == [True] * 3
    assert shown(store) == 3


def test_a_decision_expires_when_its_validity_ends(store: Store, redis: "Redis[bytes]") -> None:
    until_ms = server_ms(redis) + 60_000
    write(store, make_decision(1, valid_until_ms=until_ms))
    assert redis.pexpiretime(KEY) == until_ms
    assert shown(store, until_ms - 1) == 1
    assert shown(store, until_ms) is None


def test_what_is_over_already_is_not_kept(store: Store, redis: "Redis[bytes]") -> None:
    write(store, make_decision(1, valid_until_ms=server_ms(redis) - 1))
    assert redis.exists(KEY) == 0


def test_an_older_longer_lived_decision_does_not_come_back(
    store: Store, redis: "Redis[bytes]"
) -> None:
    now_ms = server_ms(redis)
    older = make_decision(1, valid_until_ms=now_ms + 90_000)
    newer = make_decision(2, valid_until_ms=now_ms + 30_000)
    write(store, older, newer)
    assert redis.pexpiretime(KEY) == now_ms + 90_000
    assert shown(store, now_ms) == 2
    assert shown(store, now_ms + 30_000) is None
    assert write(store, older, newer) == [False, False]
    assert shown(store, now_ms + 30_000) is None


@pytest.mark.parametrize("kind", ["void", "purged"])
def test_void_and_purged_leave_the_sequence_as_a_floor(
    store: Store, redis: "Redis[bytes]", kind: str
) -> None:
    write(store, make_decision(1), make_decision(2, kind=kind, items=()))
    assert shown(store) is None
    fields = redis.hgetall(KEY)
    assert fields[b"sequence"] == b"2"
    assert b"decision" not in fields
    assert write(store, make_decision(1), make_decision(2)) == [False, False]
    assert shown(store) is None
    assert write(store, make_decision(3)) == [True]
    assert shown(store) == 3


@pytest.mark.parametrize("kind", ["void", "purged"])
def test_void_and_purged_leave_nothing_but_the_sequence(
    store: Store, redis: "Redis[bytes]", kind: str
) -> None:
    write(store, make_decision(1), make_decision(2, kind=kind, items=()))
    assert redis.hgetall(KEY) == {b"sequence": b"2"}


def test_when_a_decision_was_stored_is_known_while_it_is_shown(
    store: Store, redis: "Redis[bytes]"
) -> None:
    before_ms = server_ms(redis)
    assert store.stored_at_ms(make_decision(1)) is None
    (stored,) = store.write(with_bytes(make_decision(1)))
    assert store.stored_at_ms(make_decision(1)) == stored.stored_at_ms
    assert before_ms <= stored.stored_at_ms <= server_ms(redis)
    write(store, make_decision(2))
    assert store.stored_at_ms(make_decision(1)) is None


def test_a_session_leads_to_its_person_for_a_day(store: Store, redis: "Redis[bytes]") -> None:
    now_ms = server_ms(redis)
    write(store, make_decision(1, person="a1", event_time_ms=now_ms))
    write(store, make_decision(2, person="p1", event_time_ms=now_ms))
    assert redis.get("test:session:s1") == b"p1"
    assert 0 < redis.pttl("test:session:s1") <= SESSION_KEPT_MS


def test_a_decision_that_comes_late_does_not_take_the_session_back(
    store: Store, redis: "Redis[bytes]"
) -> None:
    """The visitor's and the person's decisions lie in two partitions, which are read in any order."""
    now_ms = server_ms(redis)
    write(store, make_decision(2, person="p1", event_time_ms=now_ms))
    write(store, make_decision(1, person="a1", event_time_ms=now_ms - 1))
    assert redis.get("test:session:s1") == b"p1"


def test_a_purge_writes_no_session(store: Store, redis: "Redis[bytes]") -> None:
    write(store, make_decision(1, kind="purged", items=()))
    assert redis.keys("test:session:*") == []


def test_nothing_to_write_asks_nobody() -> None:
    assert open_store("127.0.0.1:1", "test").write([]) == []


def test_an_opened_store_finds_what_another_wrote(store: Store, valkey: str) -> None:
    write(store, make_decision(1))
    assert shown(open_store(valkey, "test")) == 1
    assert shown(open_store(valkey, "other")) is None


def test_many_decisions_go_in_one_batch(store: Store) -> None:
    batch = [make_decision(n, person=f"p{n % 100}") for n in range(1, 1001)]
    assert write(store, *batch) == [True] * 1000
    assert shown(store) == 901


def test_the_script_is_loaded_again_after_the_server_forgot_it(
    store: Store, redis: "Redis[bytes]"
) -> None:
    write(store, make_decision(1))
    redis.script_flush()
    assert write(store, make_decision(2)) == [True]


def test_latencies_are_those_of_what_was_stored(store: Store) -> None:
    store.sample_latencies(
        [
            Stored(make_decision(1, sent_at_ms=1_000), 1_012),
            Stored(make_decision(2, sent_at_ms=1_000), 0),
            Stored(make_decision(3), 1_020),
            Stored(make_decision(4, sent_at_ms=1_000), 1_007),
        ]
    )
    assert store.latencies_ms() == [12, 7]
    store.sample_latencies([])
    store.forget_latencies()
    assert store.latencies_ms() == []


def test_latencies_are_bounded_and_the_oldest_go(store: Store) -> None:
    sample = make_decision(1, sent_at_ms=1)
    for start in range(0, LATENCY_SAMPLES_MAX + 10_000, 10_000):
        store.sample_latencies([Stored(sample, start + n + 2) for n in range(10_000)])
    found = store.latencies_ms()
    assert len(found) == LATENCY_SAMPLES_MAX
    assert (found[0], found[-1]) == (10_001, LATENCY_SAMPLES_MAX + 10_000)


def test_a_writer_says_that_it_is_there_for_a_while(store: Store, redis: "Redis[bytes]") -> None:
    assert not store.has_writer()
    store.beat()
    assert store.has_writer()
    assert 0 < redis.pttl("test:writer") <= BEAT_MS


def test_fallbacks_are_read_as_they_were_written_and_expire(
    store: Store, redis: "Redis[bytes]"
) -> None:
    trends = [Trend("i2", 3.5, 1_700_000_000_000), Trend("i1", 1.0, 1_700_000_005_000)]
    store.write_fallbacks({"": trends, "Shop/C1": trends[:1]})
    assert store.read_fallback("") == trends
    assert store.read_fallback("Shop/C1") == trends[:1]
    assert store.read_fallback("Shop/C2") == []
    assert 0 < redis.pttl("test:fallback:Shop%2FC1") <= FALLBACK_KEPT_MS


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_keys_are_one_only_where_all_names_are(a: str, b: str, c: str, d: str) -> None:
    assert (key_of("p", "decision", a, b) == key_of("p", "decision", c, d)) == ((a, b) == (c, d))
    assert key_of("p", "decision", a, b).count(":") == 3


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_former_key_is_nobodys_key_of_today(a: str, b: str, c: str, d: str) -> None:
    assert former_key_of("p", "decision", a, b) != key_of("p", "decision", c, d)


def test_plain_names_stand_in_keys_as_they_are() -> None:
    assert key_of("kairos", "decision", "a-1_x.y~z", "home") == "kairos:decision:a-1_x.y~z:home"
    assert former_key_of("kairos", "decision", "a-1_x.y~z", "home") is None


@pytest.mark.parametrize("pseudonyms", [Pseudonyms(), Pseudonyms(b"k" * 32)], ids=["ids", "mac"])
def test_a_person_whose_id_holds_a_separator_does_not_get_the_decision_of_another(
    redis: "Redis[bytes]", pseudonyms: Pseudonyms
) -> None:
    store = Store(redis, "test", pseudonyms)
    write(store, make_decision(1, person="u", placement="a:b"))
    assert store.read("u:a", "b", 0) is None
    assert store.read("u", "a:b", 0) == make_decision(1, person="u", placement="a:b")
    assert write(store, make_decision(1, person="u:a", placement="b")) == [True]
    found = store.read("u", "a:b", 0)
    assert found is not None
    assert found.person == "u"


def put_formerly(redis: "Redis[bytes]", decision: Decision, key: str) -> None:
    """As it was stored while names stood in keys as they are."""
    ((_, data),) = with_bytes(decision)
    redis.hset(key, mapping={"sequence": decision.sequence, "decision": data})


def test_what_lies_under_a_former_key_is_read_by_whom_it_names_only(
    store: Store, redis: "Redis[bytes]"
) -> None:
    theirs = make_decision(5, person="u", placement="a:b")
    put_formerly(redis, theirs, "test:decision:u:a:b")
    assert store.read("u", "a:b", 0) == theirs
    assert store.read("u:a", "b", 0) is None
    write(store, make_decision(6, person="u", placement="a:b"))
    found = store.read("u", "a:b", 0)
    assert found is not None
    assert found.sequence == 6


def test_a_repeat_does_not_come_before_what_lies_under_a_former_key(
    store: Store, redis: "Redis[bytes]"
) -> None:
    put_formerly(redis, make_decision(5, person="a b"), "test:decision:a b:home")
    write(store, make_decision(4, person="a b"))
    found = store.read("a b", "home", 0)
    assert found is not None
    assert found.sequence == 5
    write(store, make_decision(6, person="a b", kind="purged", items=()))
    assert store.read("a b", "home", 0) is None


def test_a_decision_under_the_key_of_another_is_shown_to_nobody(
    store: Store, redis: "Redis[bytes]"
) -> None:
    """As an id that looked encoded left it, or whoever may write there."""
    put_formerly(redis, make_decision(5, person="u%3Aa"), key_of("test", "decision", "u:a", "home"))
    assert store.read("u:a", "home", 0) is None
    assert store.read("u%3Aa", "home", 0) is None


def test_a_session_and_a_slate_under_a_former_key_are_read(
    store: Store, redis: "Redis[bytes]"
) -> None:
    redis.set("test:session:s 1", b"p1")
    redis.set("test:fallback:Shop/C1", b'[["i1",1.0,1]]')
    assert store.person_of("s 1") == "p1"
    assert store.read_fallback("Shop/C1") == [Trend("i1", 1.0, 1)]
    redis.set("test:session:x%3Ay", b"p2")
    assert former_key_of("test", "session", "x%3Ay") is None
    assert store.person_of("x%3Ay") is None
