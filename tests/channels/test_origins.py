"""Host and Origin may hold any bytes: the answer is a refusal at the worst, never a fault of ours."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.api.origins import BadHost, Host, host_of, place_of
from channels.security.keys import Key, KeysFile, SecretFile, hash_of, write_keys
from tests.channels.api_process import lonely_services, served

KEYS: Final = KeysFile(
    (
        Key("server", hash_of("k-server"), ("events:write", "decisions:read")),
        Key("page", hash_of("k-page"), ("events:write",), None, True, ("*",)),
        Key("viewer", hash_of("k-viewer"), role="viewer"),
    ),
    SecretFile("secret"),
)
ODD: Final = (
    b"", b"[", b"]", b"[::1", b"[]", b"[x]", b"[::1]:x", b":", b"::", b":80", b"localhost:", b"localhost:99999999",
    b"localhost:-1", b"local host", b"localhost/", b"user@localhost", b"localhost?", b"\xff\xfe", b"\xc3\xa9.example",
    b"localhost\x00", b"%00", b"\x7f", b"http://localhost", b"//", b"x" * 5_000, b"[fe80::1%25eth0]",
    b"[::ffff:1.2.3.4]x", b"localhost, evil.example", "l\N{CYRILLIC SMALL LETTER O}calhost".encode(),
)  # fmt: skip
SCHEMES: Final = (
    b"",
    b"http://",
    b"https://",
    b"null",
    b"javascript:",
    b"http:",
    b"http:///",
    b"chrome-extension://",
)
ASKS: Final = (
    (b"GET", b"/healthz", b""),
    (b"GET", b"/v1/items", b"Authorization: Bearer k-page\r\n"),
    (b"GET", b"/no/such", b""),
    (b"GET", b"/", b""),
    (b"OPTIONS", b"/v1/events", b""),
    (b"POST", b"/v1/decisions/d/clicked", b"Authorization: Bearer k-server\r\n"),
    (b"POST", b"/console/api/sign-in", b""),
    (b"GET", b"/console/api/me", b""),
    (b"GET", b"/console/", b""),
)  # fmt: skip


@pytest.fixture(scope="module", params=["open", "with keys"])
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An API without servers; with keys, hosts and origins are looked at elsewhere than where all is open."""
    settings = {"KAIROS_API_ADDRESS_REQUESTS": "100000/100000"}  # not the rate is asked here
    if request.param == "with keys":
        path = Path(tmp_path_factory.mktemp("keys")) / "keys.yaml"
        write_keys(path, KEYS)
        path.with_name("secret").write_text("s" * 32)
        settings["KAIROS_API_KEYS"] = str(path)
    with served(lonely_services(**settings)) as found:
        yield found


def status_of(address: str, method: bytes, path: bytes, headers: bytes) -> int:
    """What is answered to these bytes; 0 = the connection was closed without a word."""
    host, _, port = address.rpartition(":")
    body = b'{"key":"k-viewer"}' if method == b"POST" else b""
    head = method + b" " + path + b" HTTP/1.1\r\n" + headers
    head += b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + body)
        said = b""
        while b"\r\n" not in said:
            part = connection.recv(65_536)
            if not part:
                return 0
            said += part
    return int(said.split()[1])


@pytest.mark.parametrize(("method", "path", "more"), ASKS, ids=lambda one: one.decode()[:30])
def test_an_odd_host_is_refused(address: str, method: bytes, path: bytes, more: bytes) -> None:
    for odd in ODD[1:]:
        status = status_of(address, method, path, b"Host: " + odd + b"\r\n" + more)
        assert status == 0 or 400 <= status < 500, (odd, status)


@pytest.mark.parametrize(("method", "path", "more"), ASKS, ids=lambda one: one.decode()[:30])
def test_an_odd_origin_is_no_fault_of_ours(
    address: str, method: bytes, path: bytes, more: bytes
) -> None:
    for scheme in SCHEMES:
        for odd in ODD:
            headers = b"Host: localhost\r\nOrigin: " + scheme + odd + b"\r\n" + more
            assert status_of(address, method, path, headers) < 500, (scheme, odd)


def test_two_hosts_are_none(address: str) -> None:
    headers = b"Host: localhost\r\nHost: evil.example\r\n"
    assert status_of(address, b"GET", b"/healthz", headers) == 400


@given(st.lists(st.binary(max_size=40), max_size=2))
def test_any_bytes_are_a_host_or_none(said: list[bytes]) -> None:
    try:
        found = host_of([(b"Host", one) for one in said])
    except BadHost:
        return
    assert found == Host() or found.name in found.place


@given(st.text(max_size=40), st.sampled_from(("http://", "https://", "HTTP://", "")))
def test_any_text_is_an_origin_or_none(text: str, scheme: str) -> None:
    place = place_of(scheme + text)
    assert place is None or place == text.lower() or place in (scheme + text).lower()


def test_hosts_and_origins_are_what_they_name() -> None:
    assert host_of([(b"Host", b"LocalHost:8000")]) == Host("localhost", "localhost:8000")
    assert host_of([(b"host", b"[::1]:80")]) == Host("::1", "[::1]:80")
    assert place_of("https://Shop.example:8443") == "shop.example:8443"
    assert place_of("null") is None
