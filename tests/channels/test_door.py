"""How much one visitor may ask, send and hold open: what an office needs goes through, and a flood does not."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from channels.api.access import Access, Caller
from channels.api.door import BLOCK_S, Door, Visit
from channels.security.keys import Key, KeysFile, Scope, SecretFile, hash_of, write_keys
from jobs.config import config_from
from scripts.ops.serve_api import limits_of

PAGE = Caller("page", frozenset({"events:write", "decisions:read"}), is_browser=True)
SERVER = Caller("server", frozenset({"events:write", "decisions:read"}))
PAGE_SCOPES: tuple[Scope, ...] = ("events:write", "decisions:read")
HERE, THERE = "198.51.100.1", "198.51.100.2"
POST = {b"content-length": b"500"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    keys = (
        Key("page", hash_of("k-page"), PAGE_SCOPES, is_browser=True, origins=("*",)),
        Key("server", hash_of("k-server"), ("events:write", "decisions:read")),
        Key("operator", hash_of("k-operator"), role="operator"),
    )
    (tmp_path / "secret").write_text("s" * 64)
    write_keys(tmp_path / "keys.yaml", KeysFile(keys, SecretFile("secret")))
    return Access(tmp_path / "keys.yaml")


@pytest.fixture
def door(access: Access, clock: Clock) -> Callable[..., Door]:
    return lambda **settings: Door(limits_of(config_from(settings)), access, clock)


def test_only_a_servers_key_has_a_bucket_of_its_own(door: Callable[..., Door]) -> None:
    one = door()
    for key in ("k-page", "k-operator", "made up", ""):
        assert not one.is_server({b"authorization": f"Bearer {key}".encode()})
    assert not one.is_server({})
    assert not one.is_server({b"authorization": b"Bearer \xff\xfe"})
    assert one.is_server({b"authorization": b"bearer k-server"})


def test_fifty_visitors_of_one_office_are_never_refused(
    door: Callable[..., Door], clock: Clock
) -> None:
    """Each opens a page every ten seconds or so: eight files, two requests of the API, four events, a stream."""
    office, chance = door(), random.Random(7)
    begin = [(chance.random() * 60, visitor) for visitor in range(50)]
    pages = [
        (clock.now_s + first + at * 10 * (0.5 + chance.random()), visitor, at)
        for first, visitor in begin
        for at in range(30)
    ]
    for moment, visitor, at in sorted(pages):
        clock.now_s = moment
        if at == 0:
            assert office.session(PAGE, HERE) is None
            assert office.stream(PAGE, Visit(HERE)) is None
        for _ in range(8):
            assert office.refusal("GET", "/shop/main.js", HERE, HERE, {}) is None
        for count in (1, 3):
            assert office.refusal("POST", "/v1/events", HERE, HERE, POST) is None
            assert office.events(PAGE, HERE, {f"s{visitor}": count}, 500) is None


def test_a_flood_of_one_session_stops_at_its_bucket_and_others_go_on(
    door: Callable[..., Door], clock: Clock
) -> None:
    one = door()
    taken = 0
    for _ in range(600):  # 18,700 events in six seconds, as it was
        clock.now_s += 0.01
        taken += 0 if one.events(PAGE, HERE, {"flood": 31}, 10_000) else 31
    assert taken <= 60 + 31 + 6 * 10
    assert one.events(PAGE, THERE, {"honest": 4}, 800) is None


def test_a_flood_of_sessions_from_one_address_stops_at_the_addresses_bucket(
    door: Callable[..., Door], clock: Clock
) -> None:
    one = door()
    made = taken = 0
    for at in range(3_680):
        clock.now_s += 0.001
        made += one.session(PAGE, HERE) is None
        taken += 0 if one.events(PAGE, HERE, {f"s{at}": 5}, 500) else 5
    assert made <= 100 + 4
    assert taken <= 150 + 5 + 50 * 4
    assert one.session(PAGE, THERE) is None
    assert one.events(PAGE, THERE, {"honest": 4}, 800) is None


def test_sessions_have_a_number_for_a_day_too(door: Callable[..., Door], clock: Clock) -> None:
    one = door(KAIROS_API_ADDRESS_SESSIONS_PER_DAY="200")
    made = 0
    for _ in range(1_000):
        clock.now_s += 1.0
        made += one.session(PAGE, HERE) is None
    assert 200 <= made <= 203


def test_what_is_refused_takes_nothing(door: Callable[..., Door]) -> None:
    one = door(KAIROS_API_SESSION_EVENTS="1/10", KAIROS_API_ADDRESS_EVENTS="1/100")
    assert one.events(PAGE, HERE, {"a": 10}, 1) is None
    for _ in range(50):
        refused = one.events(PAGE, HERE, {"a": 10}, 1)
        assert refused is not None
        assert refused.bucket == "session"
    assert one.events(PAGE, HERE, {"b": 80}, 1) is None, "the address has not been charged"


def test_the_key_of_a_page_bounds_all_its_visitors(door: Callable[..., Door]) -> None:
    one = door(KAIROS_API_KEY_EVENTS="1/100")
    refused = [one.events(PAGE, f"198.51.100.{at}", {f"s{at}": 10}, 1) for at in range(20)]
    assert [found is None for found in refused] == [True] * 10 + [False] * 10
    assert one.events(SERVER, HERE, {"s": 10_000}, 10**6) is None


def test_a_servers_bucket_is_large_and_has_a_bottom(door: Callable[..., Door]) -> None:
    one = door()
    taken = [one.events(SERVER, HERE, {"s": 500}, 100_000) is None for _ in range(400)]
    assert sum(taken) == 200
    assert one.events(PAGE, HERE, {"p": 4}, 800) is None


def test_bytes_are_counted_before_they_are_read(door: Callable[..., Door]) -> None:
    one = door()
    head = {b"content-length": str(1024 * 1024).encode()}
    asked = [one.refusal("POST", "/v1/events", HERE, HERE, head) for _ in range(5)]
    assert [found is None for found in asked] == [True, True, False, False, False]
    assert asked[-1] is not None
    assert asked[-1].bucket == "address"
    assert one.part(THERE, 5_000_000) is None
    assert one.part(THERE, 1) is not None


@pytest.mark.parametrize("length", [b"-1", b"1e9", b"9" * 50, b"\xb2", b""])
def test_a_length_that_is_none_is_no_fault_of_ours(
    door: Callable[..., Door], length: bytes
) -> None:
    assert door().refusal("POST", "/v1/events", HERE, HERE, {b"content-length": length}) is None


def test_whoever_goes_on_without_listening_is_not_let_in_for_a_while(
    door: Callable[..., Door], clock: Clock
) -> None:
    one = door()
    asked = [one.refusal("GET", "/v1/items", HERE, HERE, {}) for _ in range(2_000)]
    closing = [found is not None and found.is_closing for found in asked]
    assert not any(closing[: 600 + 100])
    assert closing[-1]
    assert one.is_blocked(HERE)
    assert not one.is_blocked(THERE)
    clock.now_s += BLOCK_S + 1
    assert not one.is_blocked(HERE)


def test_a_proxy_is_never_kept_out_for_one_of_its_visitors(door: Callable[..., Door]) -> None:
    one = door(KAIROS_API_PROXIES="10.0.0.1")
    said = [(b"x-forwarded-for", HERE.encode())]
    address = one.address_of("10.0.0.1", said)
    assert address == HERE
    asked = [one.refusal("GET", "/v1/items", "10.0.0.1", address, {}) for _ in range(2_000)]
    assert asked[-1] is not None
    assert not any(found is not None and found.is_closing for found in asked)
    assert not one.is_blocked("10.0.0.1")
    assert one.refusal("GET", "/v1/items", "10.0.0.1", THERE, {}) is None
    assert [name for name, _ in one.connection("10.0.0.1")] == ["all"]


def test_a_proxy_that_is_not_named_is_told_of_once(
    door: Callable[..., Door], caplog: pytest.LogCaptureFixture
) -> None:
    one = door()
    for _ in range(3):
        assert one.address_of(HERE, [(b"x-forwarded-for", b"1.2.3.4")]) == HERE
    assert caplog.text.count("KAIROS_API_PROXIES") == 1


def test_streams_are_bounded_by_address_by_key_and_in_all(door: Callable[..., Door]) -> None:
    one = door(KAIROS_API_STREAMS="10/7/3")
    visits = [Visit(f"198.51.100.{at // 4}") for at in range(12)]
    refused = [one.stream(PAGE, visit) for visit in visits]
    names = [found.bucket if found else "" for found in refused]
    assert names == ["", "", "", "address", "", "", "", "address", "", "key", "key", "key"]
    assert [one.stream(SERVER, Visit(HERE)) is None for _ in range(5)] == [True] * 3 + [False] * 2
    for give_back in visits[0].leaving:
        give_back()
    assert one.stream(PAGE, Visit("198.51.100.0")) is None


def test_where_all_is_open_every_program_of_this_machine_is_a_server(clock: Clock) -> None:
    one = Door(limits_of(config_from({})), Access(None), clock)
    assert one.is_server({})
    assert [name for name, _ in one.connection("127.0.0.1")] == ["all"]


def test_a_refusal_says_when_to_come_again(door: Callable[..., Door]) -> None:
    one = door(KAIROS_API_SESSION_EVENTS="2/10")
    one.events(PAGE, HERE, {"a": 30}, 1)
    refused = one.events(PAGE, HERE, {"a": 1}, 1)
    assert refused is not None
    assert refused.wait_s == pytest.approx(10.5)
    assert msgspec.json.encode(refused.detail).count(b"in 10 s") == 1
