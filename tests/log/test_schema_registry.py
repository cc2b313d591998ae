"""A registry that is down, slow or lies: known schemas go on, unknown ones wait bounded, and nobody else waits for them."""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import trustme

from log.registry_address import RegistryAddress, check_url
from log.registry_settings import access_to
from log.schema_answers import Unavailable, fetch_schema
from log.schema_registry import SchemaRegistry, registry_at
from schemas.errors import ConfigError, InvalidEvent
from schemas.formats.foreign_schema import ForeignSchema
from schemas.limits import (
    SCHEMA_BYTES_MAX,
    SCHEMA_REFERENCES_MAX,
    SCHEMA_RETRY_MAX_MS,
    SCHEMA_RETRY_MS,
    SCHEMA_UNKNOWN_MS,
)
from tests.listening import HOST as LOOPBACK

A = {"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}]}
OTHER = {"type": "record", "name": "B", "fields": [{"name": "b", "type": "A"}]}


class Misbehaving:
    """A server that answers by a script: by path, a status and a body, or whatever it does with the connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, tuple[int, Any] | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.headers: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.headers.append(self.headers["Authorization"])
                answer = outer.answers.get(self.path, (404, {"error_code": 40403}))
                if callable(answer):
                    answer(self)
                    return
                status, body = answer
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{LOOPBACK}:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def says(self, schema: Any, schema_id: int = 1, **more: Any) -> None:
        self.answers[f"/schemas/ids/{schema_id}"] = (200, {"schema": json.dumps(schema)} | more)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    made = Misbehaving()
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def asked(url: str, schema_id: int = 1) -> ForeignSchema:
    return fetch_schema(access_to(url), schema_id)


def why(registry: SchemaRegistry, schema_id: int = 1) -> str:
    with pytest.raises(InvalidEvent) as caught:
        registry(schema_id)
    return f"{caught.value.reason}: {caught.value.message}"


# --- what it answers ----------------------------------------------------------------------------


def test_a_schema_is_asked_for_once(server: Misbehaving) -> None:
    server.says(A)
    registry = registry_at(server.url)
    assert registry(1).parsed["name"] == "A"
    assert registry(1) is registry(1)
    assert server.asked == ["/schemas/ids/1"]


def test_what_a_schema_refers_to_is_asked_for_too(server: Misbehaving) -> None:
    refers = [{"name": "A", "subject": "a/b ü", "version": 3}]
    server.says(OTHER, references=refers, schemaType="AVRO")
    server.answers["/subjects/a%2Fb%20%C3%BC/versions/3"] = (200, {"schema": json.dumps(A), "references": None, "id": 2})  # fmt: skip
    assert asked(server.url).parsed["fields"][0]["type"] == "A"


def test_references_have_an_end(server: Misbehaving) -> None:
    def refers(number: int) -> list[dict[str, Any]]:
        return [{"name": "x", "subject": f"s{number}", "version": 1}]

    server.says(A, references=refers(0))
    for number in range(SCHEMA_REFERENCES_MAX + 5):
        server.answers[f"/subjects/s{number}/versions/1"] = (200, {"schema": json.dumps(A), "references": refers(number + 1)})  # fmt: skip
    with pytest.raises(InvalidEvent, match=f"more than {SCHEMA_REFERENCES_MAX} references"):
        asked(server.url)
    assert len(server.asked) == SCHEMA_REFERENCES_MAX + 1


def test_a_reference_to_itself_ends(server: Misbehaving) -> None:
    itself = [{"name": "A", "subject": "a", "version": 1}]
    server.says(OTHER, references=itself)
    server.answers["/subjects/a/versions/1"] = (200, {"schema": json.dumps(A), "references": itself})  # fmt: skip
    assert asked(server.url).parsed["name"] == "B"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, {}), "the registry answers 500"),
        ((401, {}), "the registry answers 401"),
        ((302, {}), "the registry answers 302"),
        ((200, b"<html>"), "none of a registry"),
        ((200, b"\xff\xfe"), "none of a registry"),
        ((200, b"[" * 200_000), "none of a registry"),
        ((200, {"schema": 5}), "none of a registry"),
        ((200, {}), "none of a registry"),
        ((200, {"schema": "{}", "references": [{"subject": "a", "version": -1}]}), "none of a registry"),
        (lambda handler: handler.connection.close(), "the registry is not reached"),
        (lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n"), "the registry is not reached"),
    ],
)  # fmt: skip
def test_what_may_be_better_next_time_is_unavailable(
    server: Misbehaving, answer: Any, message: str
) -> None:
    server.answers["/schemas/ids/1"] = answer
    with pytest.raises(Unavailable, match=message):
        asked(server.url)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}), "unknown_schema"),
        ((200, {"schema": "{", "schemaType": "AVRO"}), "schema_invalid"),
        ((200, {"schema": "{}", "schemaType": "PROTOBUF"}), "schema_invalid"),
        ((200, {"schema": json.dumps(OTHER), "references": [{"subject": "gone", "version": 1}]}), "unknown_schema"),
        ((200, b" " * (SCHEMA_BYTES_MAX + 1)), "schema_invalid"),
    ],
)  # fmt: skip
def test_what_stays_so_says_why(server: Misbehaving, answer: Any, reason: str) -> None:
    server.answers["/schemas/ids/1"] = answer
    with pytest.raises(InvalidEvent) as caught:
        asked(server.url)
    assert caught.value.reason == reason


def test_an_answer_without_an_end_is_cut(server: Misbehaving) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65_536)
        except OSError:
            pass

    server.answers["/schemas/ids/1"] = endless
    with pytest.raises(InvalidEvent, match=f"more than {SCHEMA_BYTES_MAX:,} bytes"):
        asked(server.url)


# --- waiting ------------------------------------------------------------------------------------


def test_a_registry_that_is_down_is_left_alone_for_longer_each_time() -> None:
    clock, tries = Clock(), []

    def down(schema_id: int) -> ForeignSchema:
        tries.append(clock.s)
        raise Unavailable("the registry is not reached: ConnectionRefusedError")

    registry = SchemaRegistry(down, clock)
    for _ in range(400):
        assert why(registry) == "schema_unavailable: schema 1: the registry is not reached: ConnectionRefusedError"  # fmt: skip
        clock.s += 1
    pauses = [int(b - a) for a, b in pairwise(tries)]
    assert pauses[:3] == [SCHEMA_RETRY_MS // 1000 * 2**n for n in range(3)]
    assert pauses[-1] == max(pauses) == SCHEMA_RETRY_MAX_MS // 1000


def test_known_schemas_go_on_while_it_is_down_and_unknown_ones_when_it_is_back(
    server: Misbehaving,
) -> None:
    clock = Clock()
    registry = SchemaRegistry(lambda schema_id: asked(server.url, schema_id), clock)
    server.says(A)
    known = registry(1)
    server.answers["/schemas/ids/2"] = (503, {})
    assert "503" in why(registry, 2)
    server.says(A, 2)
    assert "503" in why(registry, 2), "not asked again at once"
    assert registry(1) is known
    clock.s += SCHEMA_RETRY_MS / 1000
    assert registry(2).parsed["name"] == "A"


def test_what_it_does_not_know_is_asked_for_again_after_a_while(server: Misbehaving) -> None:
    clock = Clock()
    registry = SchemaRegistry(lambda schema_id: asked(server.url, schema_id), clock)
    assert why(registry) == why(registry) == "unknown_schema: schema 1 is not in the registry"
    server.says(A)
    assert "unknown_schema" in why(registry)
    assert len(server.asked) == 1
    clock.s += SCHEMA_UNKNOWN_MS / 1000
    assert registry(1)


def test_a_slow_one_is_waited_for_once_and_its_late_answer_counts(
    server: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("log.schema_registry.SCHEMA_WAIT_MS", 200)
    answers = Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        answers.wait(20)
        body = json.dumps({"schema": json.dumps(A)}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.answers["/schemas/ids/1"] = slow
    server.says(A, 2)
    registry = registry_at(server.url)
    assert "has not answered for 0.2 s" in why(registry)
    begun_s = time.monotonic()
    for _ in range(100):
        assert "has not answered yet" in why(registry, 2)
    assert time.monotonic() - begun_s < 10, "nobody else waits: a hundred would for 20 s"
    answers.set()
    begun_s = time.monotonic()
    while registry._answers.empty() and time.monotonic() - begun_s < 20:
        time.sleep(0.01)
    assert registry(1).parsed["name"] == "A"
    assert server.asked == ["/schemas/ids/1"]


def test_who_asks_next_does_not_find_the_last_question_open() -> None:
    """The thread that has answered may still be there."""
    registry = SchemaRegistry(lambda _: ForeignSchema("string", None))
    assert [registry(number).parsed for number in range(300)] == ["string"] * 300


def test_a_bug_is_no_fault_of_the_registry() -> None:
    def broken(schema_id: int) -> ForeignSchema:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        SchemaRegistry(broken)(1)


def test_so_many_schemas_are_kept_and_the_one_read_longest_ago_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 20
    monkeypatch.setattr("log.schema_registry.SCHEMAS_KEPT_MAX", most)
    tries: list[int] = []

    def fetch(schema_id: int) -> ForeignSchema:
        tries.append(schema_id)
        return ForeignSchema("string", None)

    registry = SchemaRegistry(fetch)
    for number in range(most):
        registry(number)
    registry(0)
    registry(most)
    registry(0)
    assert tries.count(0) == 1
    registry(1)
    assert tries.count(1) == 2


# --- who asks -----------------------------------------------------------------------------------


def settings(folder: Path, *lines: str) -> Path:
    path = folder / "registry.properties"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def test_it_is_told_who_asks(server: Misbehaving, tmp_path: Path) -> None:
    server.says(A)
    for line, wanted in (
        ("basic.auth.user.info=kairos:a:secret", "Basic " + b64encode(b"kairos:a:secret").decode()),
        ("bearer.auth.token=abc.def", "Bearer abc.def"),
    ):
        asked(RegistryAddress(server.url, settings(tmp_path, "# ours", line)))
        assert server.headers[-1] == wanted
    asked(server.url)
    assert server.headers[-1] is None


def test_over_tls_only_a_registry_of_the_authority_is_asked(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    server = Misbehaving(context)
    try:
        server.says(A)
        ca = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(ca)
        file = settings(tmp_path, f"ssl.ca.location={ca}", "bearer.auth.token=secret")
        assert asked(RegistryAddress(server.url, file)).parsed["name"] == "A"
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            asked(server.url)
        assert server.headers == ["Bearer secret"]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["basic.auth.user.info=nobody"], "has to be NAME:PASSWORD"),
        (["basic.auth.user.info=a:hush", "bearer.auth.token=b"], "leave one out"),
        (["ssl.ca.location=/nowhere.pem"], "certificates cannot be used"),
        (["sasl.password=hush"], "line 1: no such setting"),
        (["bearer.auth.token=a\x01b"], "is no token"),
    ],
)
def test_settings_that_cannot_be_used_say_so_and_no_secret(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        access_to(RegistryAddress("https://r.example", settings(tmp_path, *lines)))
    assert "hush" not in str(caught.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = settings(tmp_path, "bearer.auth.token=a")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        access_to(RegistryAddress("http://r.example", path))


@pytest.mark.parametrize(
    "url",
    [
        "registry:8081", "ftp://r", "http://", "http://r:99999", "http://r:x", "https://r/?a=b", "https://r/#a", "http://r /x",
        "https://u:p@r", "http://ü.example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_registry_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|a password stands in a file"):
        check_url(url)


def test_addresses_are_taken_apart() -> None:
    assert check_url("https://r.example/apis/ccompat/v7/") == "https://r.example/apis/ccompat/v7"
    access = access_to("https://r.example/apis/ccompat/v7")
    assert access[:3] == ("r.example", 443, "/apis/ccompat/v7")
    assert access_to("http://[::1]:8081")[:3] == ("::1", 8081, "")
