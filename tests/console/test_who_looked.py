"""Every read of a person, a decision or raw dead letters on the console and through the API is in the audit log first."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.api.access import Caller
from channels.api.audit_log import AuditLog, Entry, is_look
from channels.api.explaining import Explaining
from channels.api.problems import ApiError
from channels.api.read_log import ReadLog
from channels.api.services import Services
from channels.security.pseudonyms import Pseudonyms
from schemas.errors import ConfigError
from tests.channels.decisions import make_decision
from tests.console.conftest import StandIn, console_of
from tests.console.test_authorisation import SHOWN

PERSON = "anna"
READS = [
    ("letters", {}, "read dead letters"),
    ("person", {"named": PERSON}, "read person"),
    ("person", {"named": "nobody-known"}, "read person"),
    ("limits", {"person": PERSON}, "read limits"),
    ("recent", {}, "read newest decisions"),
    ("decision", {"decision_id": "d1"}, "read decision"),
    ("why-not", {"person": PERSON, "action": "a1"}, "read why not"),
]
OF_NOBODY = {"me", "audit", "offers", "drafts", "draft", "scheduled"}
"""The reader, the log itself, and what is published or will be."""
NO_READS = [
    "live",
    "traffic",
    "letters/kinds",
    "today",
    "experiments",
    "business",
    "catalogue",
    "policy",
    "models",
]


def looks(facts: StandIn) -> list[Entry]:
    return facts.log.newest(999, is_look)


@pytest.mark.parametrize(("path", "asked", "what"), READS)
def test_a_look_on_the_console_stands_in_the_audit_log(
    client: TestClient[Litestar], facts: StandIn, path: str, asked: dict[str, str], what: str
) -> None:
    headers = console_of(client, "viewer")
    before = len(looks(facts))
    for _ in range(3):
        client.get(f"/console/api/{path}", params=asked, headers=headers)
    found = looks(facts)
    assert len(found) == before + 1, "once, however often the page refreshes"
    assert (found[0].who, found[0].role, found[0].what) == ("viewer", "viewer", what)
    for name in ("named", "person"):
        if name in asked:
            assert asked[name] not in str(found[0].details)
            assert facts.looks.looks_at(asked[name], 99)[0] == found[0]
    if "decision_id" in asked:
        assert found[0].details["decision"] == "d1"


@pytest.mark.parametrize("path", NO_READS)
def test_what_says_nothing_of_anybody_is_no_look(
    client: TestClient[Litestar], facts: StandIn, path: str
) -> None:
    headers = console_of(client, "viewer")
    before = looks(facts)
    assert client.get(f"/console/api/{path}", headers=headers).status_code == 200
    assert looks(facts) == before


def test_every_read_of_the_console_is_in_one_of_these_lists() -> None:
    reads = {name.partition("?")[0].partition("/console/api/")[2] for name in SHOWN}
    listed = {path for path, _, _ in READS} | set(NO_READS)
    assert reads - listed == OF_NOBODY


def test_where_it_cannot_be_written_down_nothing_is_shown(
    client: TestClient[Litestar], facts: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "looks", ReadLog(AuditLog(tmp_path), lambda: Pseudonyms(b"k" * 32)))
    headers = console_of(client, "viewer")
    answer = client.get("/console/api/person", params={"named": PERSON}, headers=headers)
    assert answer.status_code == 503
    assert "nothing of people is shown" in answer.text
    assert "asked" not in answer.text


class Connected:
    """Decisions of a Kafka that is there."""

    is_connected = True

    def __init__(self) -> None:
        self.decision = make_decision(9)

    def place_of(self, _: str) -> None: ...

    def find_id(self, _: str) -> Any:
        return self.decision


SERVER = Caller("shop", frozenset({"decisions:read"}))
PAGE = Caller("page", frozenset({"decisions:read"}), is_browser=True)


@pytest.mark.parametrize(("caller", "is_noted"), [(SERVER, True), (PAGE, False)])
def test_an_explanation_for_anybody_but_the_visitor_is_a_look(
    services: Services,
    facts: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caller: Caller,
    is_noted: bool,
) -> None:
    connected = Connected()
    about = {"session_id": connected.decision.session_id, "person": connected.decision.person}
    monkeypatch.setattr(services, "decisions", connected)
    monkeypatch.setattr(services, "explain", lambda *_: {"decision": about})
    monkeypatch.setattr(services, "looked", facts.looked)
    before = len(looks(facts))
    of_page = caller._replace(session_id=about["session_id"])
    found = asyncio.run(Explaining(services).explain(of_page, "d9", None, "10.0.0.9"))
    assert found == {"decision": about}
    assert len(looks(facts)) == before + is_noted
    if is_noted:
        newest = looks(facts)[0]
        assert (newest.who, newest.address, newest.what) == ("shop", "10.0.0.9", "read decision")
        assert facts.looks.looks_at(about["person"], 9)[0] == newest

    def full(*_: object) -> None:
        raise ConfigError("the audit log is full")

    monkeypatch.setattr(services, "looked", full)
    if is_noted:
        with pytest.raises(ApiError, match="full"):
            asyncio.run(Explaining(services).explain(of_page, "d9", None))
