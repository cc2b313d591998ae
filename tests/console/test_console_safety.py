"""The console against hostile pages: cookies, origins, headers, input; and what it writes down."""

from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.api.audit_log import verify
from channels.api.services import Services
from channels.console.desk import SIGN_INS_MAX, Desk
from channels.console.routes import PAGES, STATIC
from channels.security.keys import KeysFile, SecretFile, write_keys
from tests.channels.test_access import KEYS
from tests.console.conftest import HERE, StandIn, client_of, console_of, services_with

CHANGE = "/console/api/policy/rollback"


def test_the_cookie_is_for_the_console_alone(client: TestClient[Litestar]) -> None:
    client.cookies.clear()
    answer = client.post("/console/api/sign-in", json={"key": "k-viewer"})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/console", "max-age=28800"):
        assert part in cookie
    assert "k-viewer" not in cookie
    assert "secure" not in cookie


@pytest.mark.parametrize(
    ("url", "origin", "is_secure"),
    [
        (f"http://{HERE}", None, False), (f"http://{HERE}", f"http://{HERE}", False), (f"https://{HERE}", None, True),
        ("http://kairos.example", "https://kairos.example", True), ("http://kairos.example", None, True),
        ("http://kairos.example:8443", "https://kairos.example:8443", True),
        ("http://kairos.example", "http://kairos.example", False),
    ],
)  # fmt: skip
def test_over_tls_the_cookie_is_secure_also_behind_a_proxy(
    client: TestClient[Litestar], url: str, origin: str | None, is_secure: bool
) -> None:
    """A proxy speaks plain HTTP to us; how the browser sees the page its Origin says."""
    client.cookies.clear()
    headers = {"origin": origin} if origin else {}
    answer = client.post(f"{url}/console/api/sign-in", json={"key": "k-viewer"}, headers=headers)
    assert answer.status_code == 200
    said = answer.headers["set-cookie"]
    name, value = said.partition(";")[0].split("=", 1)
    parts = {one.strip().lower() for one in said.split(";")[1:]}
    assert {"httponly", "samesite=strict"} <= parts
    assert ("secure" in parts) == is_secure
    assert name == ("__Host-kairos_console" if is_secure else "kairos_console")
    assert ("path=/" if is_secure else "path=/console") in parts
    assert not any(one.startswith("domain") for one in parts)
    client.cookies.clear()
    assert client.get("/console/api/me").status_code == 401
    me = client.get("/console/api/me", headers={"cookie": f"{name}={value}"})
    assert me.json()["name"] == "viewer"


def test_who_signs_out_is_out(client: TestClient[Litestar]) -> None:
    headers = console_of(client, "viewer")
    assert client.get("/console/api/me").json()["name"] == "viewer"
    out = client.post("/console/api/sign-out", headers=headers)
    assert out.status_code == 200
    gone = out.headers.get_list("set-cookie")
    assert [one.partition("=")[0] for one in gone] == ["kairos_console", "__Host-kairos_console"]
    assert all("max-age=0" in one.lower() for one in gone)
    assert "secure" in gone[1].lower()
    assert client.get("/console/api/me").status_code == 401


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": f"http://{HERE}.evil"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"x-kairos-csrf": "x"},
        {"x-kairos-csrf": ""}, {"x-kairos-csrf": "ü".encode()},
    ],
)  # fmt: skip
def test_a_foreign_page_changes_nothing(
    client: TestClient[Litestar], facts: StandIn, foreign: dict[str, Any]
) -> None:
    headers: dict[str, Any] = console_of(client, "operator")
    facts.changes.clear()
    answer = client.post(CHANGE, json={"version": "v1"}, headers=headers | foreign)
    assert answer.status_code == 403
    assert facts.changes == []
    ours = headers | {"origin": f"http://{HERE}", "sec-fetch-site": "same-origin"}
    assert client.post(CHANGE, json={"version": "v1"}, headers=ours).status_code == 200


def test_a_form_of_a_foreign_page_is_not_read(client: TestClient[Litestar]) -> None:
    headers = console_of(client, "operator")
    answer = client.post(CHANGE, data={"version": "v1"}, headers=headers)
    assert answer.status_code in (400, 415)


def test_another_ones_page_token_does_not_do(client: TestClient[Litestar]) -> None:
    other = console_of(client, "marketer")
    console_of(client, "operator")
    assert client.post(CHANGE, json={}, headers=other).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil", ""])
def test_open_only_localhost_is_answered(
    open_client: TestClient[Litestar], facts: StandIn, host: str
) -> None:
    """A foreign name that is made to lead here (DNS rebinding) gets nothing."""
    facts.changes.clear()
    for method, path in (
        ("GET", "/console/api/me"),
        ("GET", "/console/api/live"),
        ("POST", CHANGE),
    ):
        answer = open_client.request(method, path, headers={"host": host})
        assert answer.status_code in (400, 403)
    assert facts.changes == []


def test_open_everybody_here_is_operator_but_foreign_pages_are_not(
    open_client: TestClient[Litestar], facts: StandIn
) -> None:
    facts.changes.clear()
    me = open_client.get("/console/api/me").json()
    assert (me["role"], me["is_open"]) == ("operator", True)
    assert open_client.post(CHANGE, json={}).status_code == 403
    headers = {"x-kairos-csrf": me["csrf"]}
    evil = headers | {"origin": "https://evil.example"}
    assert open_client.post(CHANGE, json={}, headers=evil).status_code == 403
    assert open_client.post(CHANGE, json={}, headers=headers).status_code == 200
    assert [what for _, what in facts.changes] == ["rollback "]


PARTS = {
    "content-security-policy": ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"],
    "x-content-type-options": ["nosniff"],
    "x-frame-options": ["DENY"],
    "referrer-policy": ["no-referrer"],
    "cross-origin-opener-policy": ["same-origin"],
    "cache-control": ["no-store"],
}  # fmt: skip


@pytest.mark.parametrize(
    "path", ["", "console.js", "console.css", "icon.svg", "api/me", "api/live"]
)
def test_every_answer_has_the_headers_of_safety(client: TestClient[Litestar], path: str) -> None:
    client.cookies.clear()
    answer = client.get(f"/console/{path}")
    for name, parts in PARTS.items():
        for part in parts:
            assert part in answer.headers[name], name
        assert "unsafe" not in answer.headers[name]


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(client: TestClient[Litestar]) -> None:
    for name, (file, media_type) in PAGES.items():
        answer = client.get(f"/console/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.content == (STATIC / file).read_bytes()
    text = (STATIC / "index.html").read_text()
    for inline in ("<style", "style=", "onclick=", "<script>", "javascript:", "//cdn"):
        assert inline not in text
    for path in STATIC.iterdir():
        found = path.read_text().replace("http://www.w3.org/2000/svg", "")
        for wrong in ("http://", "https://", "innerHTML", "eval(", "document.write"):
            assert wrong not in found, (path.name, wrong)
    assert {file for file, _ in PAGES.values()} == {one.name for one in STATIC.iterdir()}


@pytest.mark.parametrize(
    "name",
    [
        "../routes.py",
        "%2e%2e/routes.py",
        "..%2froutes.py",
        "index.html",
        "static",
        "a" * 5_000,
    ],
)
def test_other_files_are_not_served(client: TestClient[Litestar], name: str) -> None:
    assert client.get(f"/console/{name}").status_code in (400, 404)


def test_the_address_without_a_slash_is_the_page_too(client: TestClient[Litestar]) -> None:
    assert client.get("/console").content == client.get("/console/").content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("policy/publish", b""), ("policy/publish", b"{"), ("policy/publish", b"[]"),
        ("policy/publish", b'{"text": 1}'), ("policy/publish", b'{"text": "x", "more": 1}'),
        ("policy/publish", b'{"text": "\xff"}'), ("policy/publish", b"[" * 100_000),
        ("policy/publish", b'{"text": "' + b"x" * (3 << 20) + b'"}'),
        ("policy/rollback", b'{"version": "' + b"v" * 301 + b'"}'),
        ("policy/publish", b'{"text": "x", "note": "' + b"n" * 301 + b'"}'), ("offers/publish", b'{"base": "v1"}'),
        ("policy/publish", b'{"text": "x", "starts": "' + b"1" * 101 + b'"}'), ("drafts/save", b'{"name": "x"}'),
        ("drafts/save", b'{"name": "' + b"x" * 101 + b'", "text": ""}'), ("drafts/delete", b'{"name": 1}'),
        ("policy/take-back", b'{"version": "x"}'), ("policy/take-back", b'{"version": "x", "effective_from_ms": 1e300}'),
        ("offers/publish", b'{"base": "v1", "offer": {"id": 5}}'), ("offers/publish", b'{"base": "v1", "offer": {"lever": "9"}}'),
        ("offers/publish", b'{"base": "v1", "offer": {"who": [{"of": "a", "how": "||"}]}}'),
        ("offers/take-back", b'{"base": "v1", "id": "' + b"v" * 301 + b'"}'),
        ("models/publish", b'{"version": null}'), ("sign-in", b'{"key": ""}'), ("sign-in", b"{}"),
        ("sign-in", b'{"key": "' + b"k" * 501 + b'"}'), ("sign-in", b'{"key": "\\ud800"}'),
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused(
    client: TestClient[Litestar], facts: StandIn, path: str, body: bytes
) -> None:
    headers = console_of(client, "operator") | {"content-type": "application/json"}
    facts.changes.clear()
    answer = client.post(f"/console/api/{path}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert facts.changes == []


def test_what_speaks_against_a_model_has_to_be_overridden_on_purpose(
    client: TestClient[Litestar], facts: StandIn
) -> None:
    headers = console_of(client, "operator")
    facts.changes.clear()
    for body in ({"version": "m1"}, {"version": "m1", "force": True}):
        assert client.post("/console/api/models/publish", json=body, headers=headers).is_success
    assert [what for _, what in facts.changes] == ["model m1", "model m1 forced"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("person", 400), ("person?named=", 400), ("person?named=" + "x" * 501, 400),
     ("person?named=nobody", 404), ("decision?decision_id=x", 404), ("why-not?person=anna", 400),
     ("policy?version=none", 503)],
)  # fmt: skip
def test_wrong_questions_get_an_answer_that_says_so(
    client: TestClient[Litestar], query: str, status: int
) -> None:
    console_of(client, "viewer")
    answer = client.get(f"/console/api/{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_change_that_may_not_be_says_why(client: TestClient[Litestar]) -> None:
    headers = console_of(client, "marketer")
    answer = client.post("/console/api/policy/publish", json={"text": "broken"}, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (409, "3: actions: a mistake")


def test_sign_ins_are_written_down_without_the_key(
    client: TestClient[Litestar], facts: StandIn
) -> None:
    client.post("/console/api/sign-in", json={"key": "k-nobody-knows"})
    console_of(client, "viewer")
    done, failed = facts.log.newest(2)
    assert (done.who, done.role, done.what, done.outcome) == ("viewer", "viewer", "sign in", "done")
    assert (failed.who, failed.what) == ("unknown", "sign in")
    assert "unknown, or was revoked" in failed.outcome
    text = facts.log.path.read_text()
    assert "k-viewer" not in text
    assert "k-nobody-knows" not in text
    assert verify(facts.log.path).faults == []


def test_sign_ins_that_fail_too_often_wait(services: Services) -> None:
    from channels.api.access import Forbidden

    now_s = 0.0
    desk = Desk(services, clock=lambda: now_s)
    for _ in range(SIGN_INS_MAX):
        desk.check_sign_ins()
        desk.count_failed_sign_in()
    with pytest.raises(Forbidden, match="in a minute"):
        desk.check_sign_ins()
    now_s = 60.0
    desk.check_sign_ins()


def test_a_key_that_is_revoked_is_signed_out(tmp_path: Path, facts: StandIn) -> None:
    path = tmp_path / "keys.yaml"
    path.with_name("the.secret").write_text("s" * 32)
    write_keys(path, KeysFile(tuple(KEYS.values()), SecretFile("the.secret")))
    services = services_with(facts, KAIROS_API_KEYS=str(path))
    now_s = [1_000_000.0]
    services.access._clock = lambda: now_s[0]
    with client_of(services) as client:
        console_of(client, "operator")
        assert client.get("/console/api/live").status_code == 200
        write_keys(path, KeysFile((KEYS["viewer"],), SecretFile("the.secret")))
        now_s[0] += 2.0
        assert client.get("/console/api/live").status_code == 401


def test_without_an_engine_the_console_says_so() -> None:
    with client_of(services_with(None)) as client:
        answer = client.get("/console/api/live")
    assert answer.status_code == 503
    assert "kairos api" in answer.json()["detail"]
