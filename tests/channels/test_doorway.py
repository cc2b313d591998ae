"""The doors of the API over real sockets, with keys: connections, halves of requests, streams, floods, made-up facts."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from channels.api import http_limits
from channels.api.event_log import LogUnavailable
from channels.api.services import Services
from channels.security.keys import Key, KeysFile, Scope, SecretFile, hash_of, write_keys
from schemas.events import Event
from tests.channels.api_process import lonely_services, served
from tests.channels.decisions import make_decision

SCOPES: Final[tuple[Scope, ...]] = ("events:write", "decisions:read")
PAGE: Final = "https://shop.example"
OTHER: Final = "127.0.0.2"
"""Another address of this machine."""


POST: Final = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k-server\r\n"


class Log:
    """Takes events in Kafka's place: what would have been written."""

    is_down = False

    def __init__(self) -> None:
        self.written: list[Event] = []
        self.paced: list[bool] = []
        self.ended: list[str] = []

    async def write(self, events: list[Event], *, is_page: bool) -> None:
        self.written += events
        self.paced.append(is_page)

    def send(self, _: list[Event], *, is_page: bool) -> None:
        self.paced.append(is_page)
        raise LogUnavailable("a stand-in")

    def dead_letters(self, *_: object) -> None: ...

    def hurry(self) -> None:
        self.ended.append("hurried")

    def close(self) -> int:
        self.ended.append("closed")
        return 0


@contextmanager
def api(folder: Path, **settings: str) -> Iterator[tuple[str, Services, Log]]:
    keys = (
        Key("page", hash_of("k-page"), SCOPES, is_browser=True, origins=(PAGE,)),
        Key("server", hash_of("k-server"), SCOPES),
    )
    (folder / "secret").write_text("s" * 64)
    write_keys(folder / "keys.yaml", KeysFile(keys, SecretFile("secret")))
    services = lonely_services(KAIROS_API_KEYS=str(folder / "keys.yaml"), **settings)
    services.log.close()
    log = Log()
    services.log = log  # type: ignore[assignment]  # Kafka's part is tested with Kafka
    with served(services) as address:
        yield address, services, log


@contextmanager
def page(address: str, source: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """A visitor's page with a session of its own."""
    headers = {"Authorization": "Bearer k-page", "Origin": PAGE}
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(
        base_url=f"http://{address}", headers=headers, transport=transport, timeout=20
    ) as client:
        made = client.post("/v1/sessions")
        assert made.status_code == 201, made.text
        client.headers["X-Kairos-Session"] = made.json()["token"]
        client.headers["X-Test-Session"] = made.json()["session_id"]
        yield client


def event(**more: Any) -> dict[str, Any]:
    return {"event_type": "page_viewed"} | more


def connected(address: str, source: str = "127.0.0.1") -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), 10, (source, 0))


def is_closed(one: socket.socket) -> bool:
    one.settimeout(10)
    try:
        while one.recv(65_536):
            pass
    except ConnectionError:
        return True
    return True


# --- quantity ---------------------------------------------------------------------------------------------------


def test_a_session_that_sends_too_much_is_told_when_to_come_again_and_others_go_on(
    tmp_path: Path,
) -> None:
    with (
        api(tmp_path, KAIROS_API_SESSION_EVENTS="1/100") as (address, services, log),
        page(address) as greedy,
        page(address) as honest,
    ):
        batch = {"events": [event() for _ in range(60)]}
        assert [greedy.post("/v1/events", json=batch).status_code for _ in range(2)] == [202, 202]
        refused = greedy.post("/v1/events", json=batch)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == pytest.approx(21, abs=3)
        assert refused.headers["access-control-allow-origin"] == PAGE
        said = refused.json()
        assert said["accepted"] == 0
        assert said["retry_after_s"] == int(refused.headers["retry-after"])
        assert said["detail"].startswith("this session sends too many events")
        assert len(log.written) == 120
        assert honest.post("/v1/events", json=event()).status_code == 202
        assert 'kairos_api_limited_total{what="session"} 1' in services.measures.text()


def test_a_flood_is_refused_before_it_is_read_and_other_addresses_go_on(tmp_path: Path) -> None:
    with (
        api(tmp_path, KAIROS_API_ADDRESS_REQUESTS="1/20") as (address, services, log),
        page(address, OTHER) as flooder,
        page(address) as honest,
    ):
        answers = [
            flooder.post("/v1/events", content=b"no JSON at all").status_code for _ in range(60)
        ]
        assert answers == [400] * 19 + [429] * 41
        assert flooder.get("/v1/items").json()["detail"].startswith("this address asks too often")
        assert honest.post("/v1/events", json=event()).status_code == 202
        assert len(log.written) == 1
        assert 'what="address"} 42' in services.measures.text()


def test_sessions_without_end_are_not_made(tmp_path: Path) -> None:
    with api(tmp_path, KAIROS_API_ADDRESS_SESSIONS="1/30") as (address, _, _):
        ask = {"Authorization": "Bearer k-page"}
        with httpx.Client(base_url=f"http://{address}", headers=ask) as client:
            made = [client.post("/v1/sessions").status_code for _ in range(60)]
            assert 30 <= made.count(201) <= 35
            assert set(made) == {201, 429}
            server = {"Authorization": "Bearer k-server"}
            assert client.post("/v1/sessions", headers=server).status_code == 201
        with page(address, OTHER):
            pass


def test_whoever_never_listens_is_not_even_let_in(tmp_path: Path) -> None:
    settings = {"KAIROS_API_ADDRESS_REQUESTS": "1/10"}
    with api(tmp_path, **settings) as (address, services, _), page(address) as honest:
        with connected(address, OTHER) as flood:
            flood.sendall(b"GET /v1/items HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
            assert is_closed(flood)
        assert services.door.is_blocked(OTHER)
        with connected(address, OTHER) as again:
            assert again.recv(100) == b""
        assert honest.post("/v1/events", json=event()).status_code == 202


def test_a_proxy_that_is_named_speaks_for_its_visitors(tmp_path: Path) -> None:
    settings = {"KAIROS_API_ADDRESS_REQUESTS": "1/5", "KAIROS_API_PROXIES": "127.0.0.1"}
    with (
        api(tmp_path, **settings) as (address, _, _),
        httpx.Client(base_url=f"http://{address}") as proxy,
    ):

        def asked(said: str) -> list[int]:
            headers = {"Authorization": "Bearer k-page", "X-Forwarded-For": said}
            return [proxy.get("/v1/items", headers=headers).status_code for _ in range(6)]

        assert asked("203.0.113.1") == [200] * 5 + [429]
        assert asked("6.6.6.6, 203.0.113.1") == [429] * 6, "what the visitor makes up is no name"
        assert asked("203.0.113.2") == [200] * 5 + [429]
        assert asked("2001:db8::1") == [200] * 5 + [429]
        assert asked("2001:db8::2") == [429] * 6


def test_streams_of_one_address_are_bounded_and_end_with_their_readers(tmp_path: Path) -> None:
    settings = {"KAIROS_API_STREAMS": "100/90/3"}
    with api(tmp_path, **settings) as (address, services, _), page(address, OTHER) as visitor:
        head = "".join(
            f"{name}: {visitor.headers[name]}\r\n" for name in ("Authorization", "X-Kairos-Session")
        )
        asked = f"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode()
        streams = [connected(address, OTHER) for _ in range(5)]
        for one in streams:
            one.sendall(asked)
        heads = [one.recv(15)[9:12] for one in streams]
        assert sorted(heads) == [b"200"] * 3 + [b"429"] * 2
        with page(address) as honest, honest.stream("GET", "/v1/stream") as mine:
            assert mine.status_code == 200
        for one in streams:
            one.close()
        deadline_s = time.monotonic() + 10
        while services.door.streams.count("all"):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        assert services.decisions.readers == 0


# --- connections --------------------------------------------------------------------------------------------------


def test_connections_of_one_address_are_bounded(tmp_path: Path) -> None:
    with api(tmp_path, KAIROS_API_ADDRESS_CONNECTIONS="20") as (address, services, _):
        held = [connected(address, OTHER) for _ in range(40)]
        for one in held[20:]:
            assert one.recv(100).startswith(b"HTTP/1.1 503 ")
        with page(address) as honest:
            assert honest.post("/v1/events", json=event()).status_code == 202
        for one in held:
            one.close()
        deadline_s = time.monotonic() + 10
        while services.door.connections.count(OTHER):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        with page(address, OTHER):
            pass


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"POST /v1/events HTT",
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
        POST + b"Content-Length: 100\r\n\r\n[",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n",
    ],
)
def test_halves_of_requests_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    """Also while a byte comes now and then, and also where the answer did not wait for the body."""
    monkeypatch.setattr(http_limits, "HEAD_S", 0.5)
    monkeypatch.setattr(http_limits, "REST_S", 0.5)
    with api(tmp_path) as (address, services, _), connected(address) as slow:
        slow.sendall(half)
        deadline_s = time.monotonic() + 20
        while services.door.connections.count("all"):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
            try:
                slow.sendall(b"a" if half else b"")
            except OSError:
                break
        assert is_closed(slow)


def test_what_pages_send_is_spread_and_what_servers_send_is_not(tmp_path: Path) -> None:
    with api(tmp_path) as (address, _, log), page(address) as client:
        assert client.post("/v1/events", json=event()).status_code == 202
        asking = {"session_id": client.headers["X-Test-Session"], "placement": "home"}
        assert client.post("/api/recommendations", json=asking).status_code == 200
        server = {"Authorization": "Bearer k-server", "X-Kairos-Session": ""}
        told = client.post("/v1/events", json=event(session_id="s"), headers=server)
        assert told.status_code == 202
        assert log.paced == [True, True, False]
    assert log.ended == ["hurried", "closed"], "what waits is handed over before the end"


# --- what a page can know ------------------------------------------------------------------------------------------


def test_what_comes_with_a_pages_key_is_unproven_whatever_it_says(tmp_path: Path) -> None:
    with api(tmp_path) as (address, _, log), page(address) as client:
        session = client.headers["X-Test-Session"]
        for body in (
            event(
                event_type="purchase_completed", item_ids=["a"], value_amount=9, is_unproven=False
            ),
            {"events": [event(is_unproven=False), event(event_type="profile_updated")]},
        ):
            assert client.post("/v1/events", json=body).status_code == 202
        reaction = f"/v1/decisions/{'0' * 32}/exposed"
        assert client.post(reaction, json={"session_id": session}).status_code == 202
        assert [one.is_unproven for one in log.written] == [True] * 4
        log.written.clear()
        server = {"Authorization": "Bearer k-server", "X-Kairos-Session": ""}
        told = event(event_type="purchase_completed", session_id="s", is_unproven=True)
        assert client.post("/v1/events", json=told, headers=server).status_code == 202
        assert [one.is_unproven for one in log.written] == [False]


def test_what_no_page_can_know_is_refused_one_by_one(tmp_path: Path) -> None:
    good = "0123456789abcdef" * 2
    reaction = event(event_type="decision_exposed")
    events = [
        event(),
        event(event_type="clock_ticked"),
        reaction | {"decision_id": good},
        reaction,
        reaction | {"decision_id": "made-up"},
        reaction | {"decision_id": good.upper()},
        event(event_type="product_added_to_cart", item_ids=["x"], decision_id="../../etc"),
    ]
    with api(tmp_path) as (address, _, log), page(address) as client:
        told = client.post("/v1/events", json={"events": events}).json()
        assert told["accepted"] == 2
        assert [one["index"] for one in told["rejected"]] == [1, 3, 4, 5, 6]
        assert [one.event_type for one in log.written] == ["page_viewed", "decision_exposed"]
        found = client.post("/v1/decisions/made-up/clicked", json={"session_id": "s"})
        assert found.status_code == 400


def test_reactions_of_a_page_are_few_in_a_request(tmp_path: Path) -> None:
    with api(tmp_path) as (address, _, _), page(address) as client:
        made_up = [
            event(event_type="decision_exposed", decision_id=f"{at:032x}") for at in range(80)
        ]
        told = client.post("/v1/events", json={"events": made_up}).json()
        assert told["accepted"] == 50
        assert len(told["rejected"]) == 30
        assert client.post("/v1/events", json={"events": made_up * 2}).status_code == 413


def test_a_pages_own_candidates_come_back_all_of_them_known_or_not(tmp_path: Path) -> None:
    with api(tmp_path) as (address, _, _), page(address) as client:
        body = {
            "session_id": client.headers["X-Test-Session"],
            "placements": ["rerank"],
            "candidates": [{"item_id": f"never-heard-of-{at}"} for at in range(30)],
            "budget_ms": 0,
        }
        [decision] = json.loads(client.post("/v1/decisions", json=body).text)["decisions"]
        assert len(decision["items"]) == 30


# --- explanations --------------------------------------------------------------------------------------------------


def test_explanations_for_pages_stand_before_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, asked = threading.Event(), threading.Semaphore(0)

    def explain(decision_id: str, _: int | None) -> dict[str, Any]:
        asked.release()
        assert decision_id == "servers" or may_go_on.wait(20)
        return {"decision": {"session_id": "", "person": ""}}

    with api(tmp_path) as (address, services, _), page(address) as client:
        own = make_decision(1, session_id=client.headers["X-Test-Session"])
        monkeypatch.setattr(services.decisions, "find_id", {"own": own}.get)
        services.explain = explain
        services.decisions.follower.is_complete = True
        services.decisions.follower.is_connected = True
        with ThreadPoolExecutor(3) as pages:
            asking = [pages.submit(client.get, "/v1/explain/own") for _ in range(3)]
            assert asked.acquire(timeout=20)
            refused = next(as_completed(asking, timeout=20))
            assert refused.result().status_code == 503, "two wait, whichever they are"
            held = [one for one in asking if one is not refused]
            server = {"Authorization": "Bearer k-server"}
            assert client.get("/v1/explain/servers", headers=server).status_code == 200
            assert client.get("/healthz").status_code == 200
            may_go_on.set()
            assert {one.result().status_code for one in held} == {404}, "of another session"
        assert client.get("/v1/explain/not-read-lately").status_code == 404


def test_explanations_for_pages_are_few(tmp_path: Path) -> None:
    with api(tmp_path, KAIROS_API_EXPLANATIONS="1/5") as (address, services, _):
        services.decisions.follower.is_complete = True
        services.decisions.follower.is_connected = True
        with page(address) as client:
            answers = [client.get("/v1/explain/unknown").status_code for _ in range(12)]
        assert answers[:5] == [404] * 5
        assert 429 in answers
        server = {"Authorization": "Bearer k-server"}
        with httpx.Client(base_url=f"http://{address}", headers=server) as client:
            services.explain = lambda *_: None
            assert {client.get("/v1/explain/unknown").status_code for _ in range(12)} == {404}
