"""The Decision API while Kafka, store and engine are all absent, and what hostile clients send."""

import asyncio
import gzip
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import msgspec
import pytest

from channels.api.answers import Answerer
from channels.api.bodies import BODY_BYTES_MAX
from channels.api.compose_answer import Wanted
from channels.api.docs import swagger_files
from channels.api.event_of_request import Ask
from channels.api.http_limits import HEAD_BYTES_MAX
from channels.api.openapi import document
from channels.api.rates import Rates
from channels.api.services import Services
from schemas.events import Event
from tests.channels.api_process import lonely_services, served
from tests.channels.operations import OPERATIONS

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


@pytest.fixture(scope="module")
def lonely() -> Iterator[tuple[str, Services]]:
    services = lonely_services()
    with served(services) as address:
        yield address, services


@pytest.fixture(scope="module")
def client(lonely: tuple[str, Services]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{lonely[0]}", timeout=20) as client:
        yield client


ASKED: Final = {
    "session_id": "s",
    "events_in_session": [{"event": "product_viewed", "product_id": "p"}],
}


def test_it_answers_with_the_default_and_says_what_is_missing(client: httpx.Client) -> None:
    found = client.post("/api/recommendations", json=ASKED)
    assert found.status_code == 200
    answer = found.json()
    assert (answer["source"], answer["product_ids"]) == ("default", [])
    assert "Kafka" in answer["why"]
    assert "catalogue is not known" in answer["why"]


def test_a_list_of_the_caller_comes_back_in_its_order(client: httpx.Client) -> None:
    body = {
        "session_id": "s",
        "placements": ["rerank"],
        "candidates": [{"item_id": one} for one in "cab"],
    }
    [decision] = client.post("/v1/decisions", json=body).json()["decisions"]
    assert [one["item_id"] for one in decision["items"]] == ["c", "a", "b"]
    assert decision["source"] == "default"


def test_of_an_empty_list_nothing_is_chosen(client: httpx.Client) -> None:
    body = {"session_id": "s", "placements": ["home", "rerank"]}
    for whose in ({"session_id": "s"}, {"session_id": None, "person": "p"}):
        found = client.post("/v1/decisions", json=body | whose | {"candidates": []}).json()
        assert [(one["items"], one["source"]) for one in found["decisions"]] == [([], "fresh")] * 2
    absent = client.post("/v1/decisions", json=body | {"candidates": None}).json()
    assert {one["source"] for one in absent["decisions"]} == {"default"}


def test_an_event_that_brings_its_list_is_answered_by_that_list(client: httpx.Client) -> None:
    def answered(candidates: object) -> Any:
        event = {"event_type": "ranking_requested", "candidates": candidates}
        body = {"session_id": "s", "placements": ["rerank"], "budget_ms": 0, "events": [event]}
        [decision] = client.post("/v1/decisions", json=body).json()["decisions"]
        return [one["item_id"] for one in decision["items"]], decision["source"]

    assert answered([{"item_id": "b"}, {"item_id": "a"}]) == (["b", "a"], "default")
    assert answered([]) == ([], "fresh")


def test_servers_that_are_down_cost_their_time_out_only_at_first(client: httpx.Client) -> None:
    answers = [
        client.post("/api/recommendations", json=ASKED | {"session_id": f"s{at}"})
        for at in range(20)
    ]
    assert {one.status_code for one in answers} == {200}
    assert "Kafka has not been" in answers[-1].json()["why"]
    metrics = client.get("/metrics").text
    assert 'kairos_api_waits_total{outcome="held_back"}' in metrics
    assert "kairos_api_kafka_up 0" in metrics
    assert "kairos_api_store_up 0" in metrics


@pytest.mark.parametrize("is_connected", [True, False])
def test_why_nobody_waits_names_a_server_before_the_load(is_connected: bool) -> None:
    """A busy machine does not hide that Kafka is away: the load can pass, and the server is the cause."""
    services = lonely_services()

    async def asked() -> str:
        answerer = Answerer(services)
        answerer.lag_s = 1.0
        services.decisions.follower.is_complete = True
        services.decisions.follower.is_connected = is_connected
        cause = Event("e", "page_viewed", 1_700_000_000_000, "s", "v")
        ask = Ask((Wanted("home"),), "s", None, cause, (), 100)
        answered = await answerer.answer(ask)
        return answered.answers[0].why

    why = asyncio.run(asked())
    assert why.startswith("Too much is asked" if is_connected else "Kafka has not been answering.")
    outcome = "shed" if is_connected else "held_back"
    assert f'kairos_api_waits_total{{outcome="{outcome}"}} 1' in services.measures.text()


def test_events_are_not_accepted_while_kafka_does_not_have_them(client: httpx.Client) -> None:
    found = client.post("/v1/events", json={"event_type": "page_viewed", "session_id": "s"})
    assert (found.status_code, found.headers["content-type"]) == (503, PROBLEM)
    assert int(found.headers["retry-after"]) >= 1
    assert "send them again" in found.json()["detail"]


def test_alive_but_not_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {"is_ready": False} | dict.fromkeys(
        ("kafka", "store", "engine", "knowledge"), "down"
    )


def test_explaining_needs_kafka(client: httpx.Client) -> None:
    assert client.get("/v1/explain/d1").status_code == 503


def test_sessions_are_made_without_any_server(client: httpx.Client) -> None:
    first = client.post("/v1/sessions").json()
    again = client.post("/v1/sessions", json={"token": first["token"]}).json()
    assert first["anonymous_id"] == again["anonymous_id"]
    assert first["session_id"] != again["session_id"]


# --- headers, pages, other origins --------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/healthz", "/openapi.json", "/docs", "/shop/", "/no/such", "/v1/items"]
)
def test_every_answer_carries_the_headers_of_safety(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].split("style-src")[0]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


def test_the_front_door_leads_to_the_shop(client: httpx.Client) -> None:
    assert client.get("/").headers["location"] == "/shop/"


def test_the_docs_page_has_no_inline_script_and_asks_nobody_else(client: httpx.Client) -> None:
    page = client.get("/docs").text
    for asset in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"):
        assert asset in page
        assert client.get(asset).status_code == 200
    assert "http" not in page.replace("<!doctype html>", "")
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1.")
    assert client.get("/docs/openapi.json").status_code == 404


def test_the_docs_page_is_of_today_and_flask_is_not_imported() -> None:
    version = (swagger_files() / "VERSION").read_text().strip().removeprefix("v")
    assert int(version.partition(".")[0]) >= 5
    code = "import sys, channels.api.docs as d; d.docs_router(); print([one for one in sys.modules if 'flask' in one])"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_without_keys_only_pages_of_this_machine_may_ask(client: httpx.Client) -> None:
    def status(**headers: str) -> int:
        return client.get("/v1/items", headers=headers).status_code

    own = str(client.base_url).removeprefix("http://").rstrip("/")
    assert status(origin=f"http://{own}") == 200
    assert status(origin="https://evil.example") == 403
    assert status(origin="null") == 403
    assert status(host="evil.example") == 403
    assert status(host="[", origin="http://[") == 400
    assert status(host="localhost:9") == 200


def test_origins_that_are_named_get_the_headers_that_browsers_ask_for() -> None:
    with (
        served(lonely_services(KAIROS_API_ORIGINS="https://shop.example")) as address,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        origin = {"origin": "https://shop.example"}
        preflight = client.options(
            "/v1/events", headers=origin | {"access-control-request-method": "POST"}
        )
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert "x-kairos-session" in preflight.headers["access-control-allow-headers"]
        found = client.get("/v1/items", headers=origin)
        assert found.headers["access-control-allow-origin"] == "https://shop.example"
        other = client.get("/v1/items", headers={"origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


# --- what hostile clients send -----------------------------------------------------------------------------


def posted(client: httpx.Client, path: str, content: bytes, **headers: str) -> httpx.Response:
    found = client.post(path, content=content, headers={"content-type": JSON} | headers)
    if found.status_code >= 400:
        assert found.headers["content-type"] == PROBLEM
        assert set(found.json()) == {"type", "title", "status", "detail", "instance"}
        assert "Traceback" not in found.text
    return found


BODIES: Final = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"session_id":"\xff\xfe"}',
    "a lone surrogate": b'{"session_id":"\\ud800","placements":["home"],"event_type":"page_viewed"}',
    "NaN": b'{"session_id":"s","budget_ms":NaN}',
    "infinity": b'{"session_id":"s","limit":1e999}',
    "a number": b"5",
    "a string": b'"x"',
    "null": b"null",
    "wrong types": b'{"session_id":[],"events_in_session":{},"placements":5,"events":7}',
    "a long id": b'{"session_id":"%s","placements":["home"]}' % (b"x" * 10_000),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "deep context": b'{"session_id":"s","placements":["a"],"context":' + b'{"device":' * 5_000,
    "too many events": json.dumps(
        {"session_id": "s", "events_in_session": [{"event": "page_viewed"}] * 501, "placements": ["a"],
         "events": [{}] * 501}
    ).encode(),
    "too large": b'{"session_id":"' + b"x" * BODY_BYTES_MAX + b'"}',
    "a null byte": b'{"session_id":"\\u0000"}\x00',
}  # fmt: skip
PATHS: Final = (
    "/api/recommendations",
    "/v1/decisions",
    "/v1/events",
    "/v1/decisions/d/exposed",
    "/v1/sessions",
)


NAMING_FIELDS: Final = {"not UTF-8", "infinity", "wrong types", "a long id", "too many events"}
"""These are wrong where the fields mean something; elsewhere they are passed over."""
CASES: Final = [
    (name, path)
    for name in BODIES
    for path in PATHS
    if name not in NAMING_FIELDS or path in PATHS[:3]
    if (name, path) != ("nothing", "/v1/sessions")
]


@pytest.mark.parametrize(("name", "path"), CASES)
def test_a_body_that_cannot_be_used_is_refused(client: httpx.Client, name: str, path: str) -> None:
    status = posted(client, path, BODIES[name]).status_code
    assert status in (400, 413, 422), name
    if name == "too large":
        assert status == 413


@pytest.mark.parametrize("value", [5, [], "x", None, {}], ids=repr)
def test_what_is_no_event_is_named_and_the_document_lets_it_be_sent(
    client: httpx.Client, value: object
) -> None:
    answer = client.post("/api/recommendations", json=ASKED | {"events_in_session": [value]})
    assert answer.status_code == 200
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], bool(rejected["reason"])) == (0, True)
    schema = document()["components"]["schemas"]["RecommendationsRequest"]
    assert {} in schema["properties"]["events_in_session"]["items"]["anyOf"]


def test_a_lie_about_the_length_is_no_way_in(lonely: tuple[str, Services]) -> None:
    head = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
    for more in (
        b"Content-Length: -5\r\n",
        b"Content-Length: 99999999999\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
    ):
        said = raw(lonely[0], head + more + b"\r\n" + b"x" * 10, is_closing=True)
        assert said == b"" or said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), said[:80]


def raw(address: str, data: bytes, *, is_closing: bool = False) -> bytes:
    """What the API says to these bytes."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(data)
            if is_closing:
                connection.shutdown(socket.SHUT_WR)
            return connection.recv(65_536)
        except OSError:
            return b""


def test_a_bomb_of_headers_is_cut_off(lonely: tuple[str, Services], client: httpx.Client) -> None:
    bomb = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    one_big = bomb + b"X-Big: " + b"x" * 4 * HEAD_BYTES_MAX + b"\r\n\r\n"
    many = bomb + b"".join(b"X-%d: y\r\n" % at for at in range(100_000)) + b"\r\n"
    long_address = b"GET /" + b"a" * 4 * HEAD_BYTES_MAX + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for data in (one_big, many, long_address):
        assert raw(lonely[0], data).startswith(b"HTTP/1.1 431 ") or raw(lonely[0], data) == b""
    assert client.get("/healthz").status_code == 200


def test_a_large_body_after_a_small_head_is_no_bomb(lonely: tuple[str, Services]) -> None:
    body = json.dumps(
        {
            "session_id": "s",
            "events_in_session": [{"event": "page_viewed", "page": "x" * 2_000}] * 100,
        }
    ).encode()
    head = (
        b"POST /api/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    )
    assert raw(lonely[0], head + body).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_is_refused(lonely: tuple[str, Services], client: httpx.Client) -> None:
    for data in (
        b"\x16\x03\x01\x02\x00" * 50,
        b"GET\r\n\r\n",
        b"\x00" * 1_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        assert not raw(lonely[0], data).startswith(b"HTTP/1.1 2")
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=501", "limit=٣", "limit=1e3", "offset=99999999999", "q=" + "x" * 3_000]
)  # fmt: skip
def test_a_query_out_of_bounds_is_refused(client: httpx.Client, query: str) -> None:
    found = client.get(f"/v1/items?{query}")
    assert (found.status_code, found.headers["content-type"]) == (400, PROBLEM)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_named(client: httpx.Client, method: str) -> None:
    found = client.request(method, "/v1/items")
    assert (found.status_code, found.headers["content-type"]) == (405, PROBLEM)
    assert "GET" in found.headers["allow"]


def test_a_session_that_asks_without_end_is_told_to_wait() -> None:
    services = lonely_services()
    services.session_rates = Rates(0.01, 5)
    with served(services) as address, httpx.Client(base_url=f"http://{address}") as client:

        def asked(session_id: str) -> httpx.Response:
            return client.post(
                "/api/recommendations", json={"session_id": session_id, "budget_ms": 0}
            )

        assert [asked("greedy").status_code for _ in range(6)] == [200] * 5 + [429]
        assert int(asked("greedy").headers["retry-after"]) >= 1
        assert asked("another").status_code == 200
        assert 'kairos_api_limited_total{what="session"} 2' in client.get("/metrics").text


# --- the document ------------------------------------------------------------------------------------------


def test_every_endpoint_of_the_document_is_there_and_no_other_of_the_api(
    client: httpx.Client,
) -> None:
    for one in OPERATIONS:
        if one.is_endless:
            continue
        path = one.path.replace("{", "").replace("}", "")
        found = client.request(one.method, path, content=b"{")
        assert str(found.status_code) in one.told["responses"], one.path
        assert found.status_code != 405, one.path


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_refers_to_nothing_that_is_not_there() -> None:
    described = document()
    there = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= there


def test_the_document_says_what_is_asked_and_what_is_refused() -> None:
    told = {(one.method, one.path): one.told for one in OPERATIONS}
    assert len(told) == 17
    assert {one["operationId"] for one in told.values()} >= {
        "post_v1_events", "post_v1_decisions_decision_id_exposed", "get_v1_decisions_person_placement",
    }  # fmt: skip
    for (method, path), one in told.items():
        assert one["summary"], path
        for status, answer in one["responses"].items():
            is_problem = status[0] in "45" and (path, status) != ("/readyz", "503")
            kinds = [PROBLEM] if is_problem and status != "431" else []
            assert not is_problem or list(answer.get("content", {})) == kinds, (path, status)
        assert ("requestBody" in one) == (method == "post"), path
        in_path = [each for each in one.get("parameters", ()) if each["in"] == "path"]
        assert [each["name"] for each in in_path] == re.findall(r"\{(\w+)\}", path)
        assert all(each["schema"]["maxLength"] and each["description"] for each in in_path)
    assert told["get", "/healthz"]["security"] == told["get", "/readyz"]["security"] == []
    assert document()["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert set(told["post", "/v1/events"]["requestBody"]["content"]) == {JSON, "text/plain"}
    assert not told["post", "/v1/sessions"]["requestBody"]["required"]


def test_the_document_has_the_bounds_that_are_checked() -> None:
    """Litestar's own reading of structs loses these."""
    schemas = document()["components"]["schemas"]
    asked = schemas["DecisionsRequest"]["properties"]
    assert asked["placements"]["items"] == {"type": "string", "minLength": 1, "maxLength": 256}
    assert {"type": "integer", "minimum": 0, "maximum": 10_000} in asked["budget_ms"]["anyOf"]
    assert schemas["DecisionsRequest"]["description"].startswith("What to show")
    [limit] = [
        each
        for one in OPERATIONS
        if one.path == "/v1/items"
        for each in one.told["parameters"]
        if each["name"] == "limit"
    ]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 500}


def test_the_head_of_a_stream_holds_no_stream_open(
    lonely: tuple[str, Services], client: httpx.Client
) -> None:
    assert client.head("/v1/stream?session_id=s").status_code == 200
    assert client.head("/healthz").status_code == 200
    for _ in range(100):
        if not lonely[1].decisions.readers:
            break
        time.sleep(0.05)
    assert lonely[1].decisions.readers == 0


def test_metrics_name_their_charset_once(client: httpx.Client) -> None:
    found = client.get("/metrics").headers["content-type"]
    assert found == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/healthz", "/shop/", "/openapi.json", "/docs", "/nowhere", "/v1/items", "/v1/items/x", "/readyz",
        "/v1/catalogue/categories", "/v1/decisions/p/home", "/v1/explain/d", "/v1/outcomes/p", "/metrics", "/console/",
    ],
)  # fmt: skip
def test_head_is_as_get_without_the_body(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def packed(body: bytes, **headers: str) -> dict[str, Any]:
    return {"content": body, "headers": {"content-type": "application/json", **headers}}


def test_a_body_may_be_packed_by_gzip(client: httpx.Client) -> None:
    plain = msgspec.json.encode(ASKED)
    found = client.post(
        "/api/recommendations", **packed(gzip.compress(plain), **{"content-encoding": "gzip"})
    )
    assert found.status_code == 200, found.text


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"content-encoding": "br"}, 415),
        (b"{}", {"content-encoding": "gzip, gzip"}, 415),
        ("{}".encode("utf-16"), {"content-type": "application/json; charset=utf-16"}, 415),
        (b"no gzip", {"content-encoding": "gzip"}, 400),
        (gzip.compress(b"{}" * 1_000, mtime=0)[:-9], {"content-encoding": "gzip"}, 400),
        (gzip.compress(b" " * 50_000_000, mtime=0), {"content-encoding": "gzip"}, 413),
    ],
    # the same in every process of xdist
    ids=["brotli", "gzip_twice", "utf_16", "no_gzip", "cut_off", "bomb"],
)
def test_a_body_that_is_packed_or_written_otherwise_is_refused_as_that(
    client: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    found = client.post("/api/recommendations", **packed(body, **headers))
    assert (found.status_code, found.headers["content-type"]) == (status, PROBLEM)
