"""Authorisation as a table: every endpoint, every key and role, own ids and foreign ones."""

from typing import Any, NamedTuple

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.api import decision_stream
from channels.api.handlers.events import BEACON_BYTES_MAX
from channels.api.openapi import document
from channels.api.services import Services
from channels.security.keys import ROLES
from channels.shop.pages import CLIENT
from schemas.outcomes import Outcome
from tests.channels.decisions import make_decision
from tests.channels.test_access import PAGE
from tests.console.conftest import StandIn, console_of

PERSON, FOREIGN = "anna", "bert"
IN = 0
"""Let in: whatever is answered then, it is neither 401 nor 403."""


class Ids(NamedTuple):
    """A session of our own with its token, and that of somebody else."""

    own: str
    anonymous: str
    token: str
    foreign: str
    foreign_anonymous: str


@pytest.fixture(scope="module")
def ids(services: Services) -> Ids:
    own, foreign = services.access.new_session(), services.access.new_session()
    return Ids(
        own.session_id, own.anonymous_id, own.token, foreign.session_id, foreign.anonymous_id
    )


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # who may read a stream is told that there are too many, instead of reading for ever
    monkeypatch.setattr(decision_stream, "SUBSCRIBERS_MAX", 0)


def headers_of(caller: str, services: Services, ids: Ids) -> dict[str, str]:
    """What this caller sends: a key, and the tokens that are theirs."""
    key, _, token = caller.partition("+")
    headers = {} if key in ("nobody", "person") else {"Authorization": f"Bearer k-{key}"}
    if token == "session":
        headers["X-Kairos-Session"] = ids.token
    if token == "person" or key == "person":
        headers["X-Kairos-Person"] = services.access.person_token(PERSON)
    return headers


def body_of(kind: str, ids: Ids) -> Any:
    """A request's body, about own or foreign ids."""
    whose, _, what = kind.partition(" ")
    session = ids.foreign if whose == "foreign" else ids.own
    event = {
        "event_id": f"e-{kind}", "event_type": "page_viewed", "event_time_ms": 1_700_000_000_000,
        "session_id": session,
        "anonymous_id": ids.foreign_anonymous if whose in ("foreign", "claims-visitor") else ids.anonymous,
    }  # fmt: skip
    if whose == "claims-person":
        event["person_id"] = FOREIGN
    if whose == "proves-person":
        event["person_id"] = PERSON
    bodies: dict[str, Any] = {
        "event": event,
        "events": {"events": [event]},
        "recommendations": {"session_id": session, "events_in_session": [], "budget_ms": 0},
        "session": {"session_id": session, "placements": ["home"], "budget_ms": 0},
        "person": {"person": FOREIGN if whose == "foreign" else PERSON, "placements": ["home"]},
        "both": {
            "session_id": ids.own, "person": FOREIGN, "placements": ["home"], "budget_ms": 0,
        },
        "reaction": {"session_id": session, "anonymous_id": event["anonymous_id"]},
        "nothing": {},
    }  # fmt: skip
    return bodies[what]


CALLERS = ("nobody", "unknown", "browser", "browser+session", "writer", "reader", "admin", "operator",
           "person", "browser+person", "writer+person")  # fmt: skip
NOT_KNOWN = {"nobody": 401, "unknown": 401}


def row(default: int, **others: int) -> dict[str, int]:
    """The answer for each caller; `_` in a name stands for `+`."""
    found = dict.fromkeys(CALLERS, default) | NOT_KNOWN
    return found | {name.replace("_", "+"): answer for name, answer in others.items()}


WRITES_OWN = row(403, browser_session=IN, writer=IN, admin=IN, writer_person=IN)
WRITES_ANY = row(403, writer=IN, admin=IN, writer_person=IN)
READS_AND_WRITES_OWN = row(403, browser_session=IN, admin=IN)
READS_AND_WRITES_ANY = row(403, admin=IN)
READS_OWN = row(403, browser_session=IN, reader=IN, admin=IN)
READS_ANY = row(403, reader=IN, admin=IN)
READS_PERSON = row(403, reader=IN, admin=IN, person=IN, browser_person=IN, writer_person=IN)
FOR_ALL = dict.fromkeys(CALLERS, IN)
WITH_ANY_KEY = row(IN)

TABLE: dict[tuple[str, str], dict[str, int]] = {
    ("POST /api/recommendations", "own recommendations"): READS_AND_WRITES_OWN,
    ("POST /api/recommendations", "foreign recommendations"): READS_AND_WRITES_ANY,
    ("POST /v1/decisions", "own session"): READS_AND_WRITES_OWN,
    ("POST /v1/decisions", "foreign session"): READS_AND_WRITES_ANY,
    ("POST /v1/decisions", "own person"): READS_PERSON,
    ("POST /v1/decisions", "foreign person"): READS_ANY,
    ("POST /v1/decisions", "own both"): READS_AND_WRITES_ANY,
    (f"GET /v1/decisions/{PERSON}/home", ""): READS_PERSON,
    (f"GET /v1/decisions/{FOREIGN}/home", ""): READS_ANY,
    (f"GET /v1/outcomes/{PERSON}", ""): READS_PERSON,
    (f"GET /v1/outcomes/{FOREIGN}", ""): READS_ANY,
    ("POST /v1/events", "own event"): WRITES_OWN,
    ("POST /v1/events", "own events"): WRITES_OWN,
    ("POST /v1/events", "foreign event"): WRITES_ANY,
    ("POST /v1/events", "claims-visitor event"): WRITES_ANY,
    ("POST /v1/events", "claims-person event"): WRITES_ANY,
    ("POST /v1/decisions/0123456789abcdef0123456789abcdef/exposed", "own reaction"): WRITES_OWN,
    ("POST /v1/decisions/0123456789abcdef0123456789abcdef/clicked", "foreign reaction"): WRITES_ANY,
    (
        "POST /v1/decisions/0123456789abcdef0123456789abcdef/dismissed",
        "foreign reaction",
    ): WRITES_ANY,
    ("POST /v1/sessions", "own nothing"): row(
        403,
        browser=IN,
        browser_session=IN,
        browser_person=IN,
        writer=IN,
        admin=IN,
        writer_person=IN,
    ),
    ("GET /v1/stream?session_id=OWN", ""): READS_OWN,
    ("GET /v1/stream?session_id=FOREIGN", ""): READS_ANY,
    ("GET /v1/items", ""): WITH_ANY_KEY,
    ("GET /v1/items/i1", ""): WITH_ANY_KEY,
    ("GET /v1/catalogue/categories", ""): WITH_ANY_KEY,
    ("GET /healthz", ""): FOR_ALL,
    ("GET /openapi.json", ""): FOR_ALL,
    ("GET /shop/", ""): FOR_ALL,
    ("GET /client/kairos.js", ""): FOR_ALL,
    ("GET /client/kairos-capture.js", ""): FOR_ALL,
    ("GET /console/", ""): FOR_ALL,
    ("GET /console/console.js", ""): FOR_ALL,
}


def ask(client: TestClient[Litestar], what: str, headers: dict[str, str], body: Any = None) -> int:
    method, _, path = what.partition(" ")
    client.cookies.clear()
    answer = client.request(
        method, path, headers=headers, **({"json": body} if body is not None else {})
    )
    assert answer.status_code != 500, answer.text
    if answer.status_code in (401, 403):
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code if answer.status_code in (401, 403) else IN


@pytest.mark.parametrize(("what", "about"), TABLE)
def test_who_is_let_in(
    client: TestClient[Litestar], services: Services, ids: Ids, what: str, about: str
) -> None:
    body = body_of(about, ids) if about else None
    path = what.replace("OWN", ids.own).replace("FOREIGN", ids.foreign)
    found = {
        caller: ask(client, path, headers_of(caller, services, ids), body) for caller in CALLERS
    }
    assert found == TABLE[what, about]


def test_only_who_holds_a_servers_key_is_noted_to_have_read_outcomes(
    client: TestClient[Litestar], services: Services, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page, or a person's own token, is told of its own person."""
    looks: list[str] = []

    async def outcomes(person: str, now_ms: int, timeout_s: float, before: Any) -> list[Outcome]:
        before()
        return []

    monkeypatch.setattr(services.store, "outcomes", outcomes)
    monkeypatch.setattr(services, "looked", lambda actor, *_: looks.append(actor.who))
    noted = {}
    for caller in ("reader", "admin", "person", "browser+person", "writer+person"):
        looks.clear()
        headers = headers_of(caller, services, ids)
        assert client.get(f"/v1/outcomes/{PERSON}", headers=headers).status_code == 200
        noted[caller] = len(looks)
    assert noted == {"reader": 1, "admin": 1, "person": 0, "browser+person": 0, "writer+person": 1}


def test_a_person_who_is_proven_may_be_named_in_ones_own_session(
    client: TestClient[Litestar], services: Services, ids: Ids
) -> None:
    headers = headers_of("browser+session", services, ids)
    body = body_of("proves-person event", ids)
    assert ask(client, "POST /v1/events", headers, body) == 403
    proven = headers | {"X-Kairos-Person": services.access.person_token(PERSON)}
    assert ask(client, "POST /v1/events", proven, body) == IN


@pytest.mark.parametrize(
    ("auth", "status"),
    [
        ({"key": "k-browser", "session": "TOKEN"}, IN),
        ({"key": "k-browser", "session": "TOKEN", "person": "PERSON"}, IN),
        ({"key": "k-browser"}, 403), ({"key": "k-browser", "session": "x"}, 401), ({"key": "k-nobody"}, 401),
        ({"session": "TOKEN"}, 401), ({}, 401), (None, 401), ("k-browser", 401), ({"key": 5}, 401), ({"key": "x" * 300}, 401),
    ],
)  # fmt: skip
def test_a_beacon_says_in_its_body_who_sends_it(
    client: TestClient[Litestar], services: Services, ids: Ids, auth: Any, status: int
) -> None:
    tokens = {"TOKEN": ids.token, "PERSON": services.access.person_token(PERSON)}
    if isinstance(auth, dict):
        auth = {name: tokens.get(value, value) for name, value in auth.items()}
    body = body_of("own events", ids) | {"auth": auth}
    text = {"content-type": "text/plain", "origin": PAGE}
    assert ask(client, "POST /v1/events", text, body) == status


def test_what_comes_without_a_key_is_small_and_refused_before_it_is_told_to_be_wrong(
    client: TestClient[Litestar],
) -> None:
    def status(content: bytes) -> int:
        return client.post("/v1/events", content=content).status_code

    assert [status(one) for one in (b"", b"{", b"[]", b"5", b"[" * 10_000)] == [401] * 5
    assert status(b" " * (BEACON_BYTES_MAX + 1)) == 413


def test_no_address_holds_a_key_or_token() -> None:
    """Addresses stand in logs and go to others as referrers."""
    source = CLIENT.read_text()
    assert "token=" not in source
    assert "&key" not in source
    assert "?key" not in source
    assert "new EventSource" not in source
    for operations in document()["paths"].values():
        for one in operations.values():
            named = {each["name"] for each in one.get("parameters", ()) if each["in"] == "query"}
            assert not named & {"key", "token"}


def test_every_endpoint_of_the_api_is_in_the_table(client: TestClient[Litestar]) -> None:
    """A new endpoint fails here until it is said who may use it."""
    document = client.get("/openapi.json").json()
    there = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post")
    }
    asked = {what.partition("?")[0] for what, _ in TABLE}
    elsewhere = {"GET /v1/explain/{decision_id}", "GET /readyz", "GET /metrics"}
    left = {one for one in there - elsewhere if not any(_is_of(one, other) for other in asked)}
    assert left == set()


def _is_of(template: str, asked: str) -> bool:
    parts, given = template.split("/"), asked.split("/")
    return len(parts) == len(given) and all(
        one == other or one.startswith("{") for one, other in zip(parts, given, strict=True)
    )


EXPLAINED = {
    # of own session and person, of a foreign session and of the person, of foreign ones
    "own": ({"browser+session", "reader", "admin", "person", "browser+person", "writer+person"}),
    "persons": ({"reader", "admin", "person", "browser+person", "writer+person"}),
    "foreign": {"reader", "admin"},
}


@pytest.mark.parametrize("whose", EXPLAINED)
def test_a_decision_is_explained_to_whom_it_is_for_and_to_others_there_is_none(
    client: TestClient[Litestar],
    services: Services,
    ids: Ids,
    whose: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = ids.own if whose == "own" else ids.foreign
    person = FOREIGN if whose == "foreign" else PERSON
    found = {"decision": {"session_id": session, "person": person}}
    decision = make_decision(1, session_id=session, person=person)
    newest = {"d1": decision}.get
    monkeypatch.setattr(services.decisions, "find_id", newest)  # Kafka is not there
    services.explain = lambda decision_id, _: found if decision_id == "d1" else None
    services.decisions.follower.is_complete = True
    services.decisions.follower.is_connected = True
    let_in = set()
    for caller in CALLERS:
        headers = headers_of(caller, services, ids)
        status = client.get("/v1/explain/d1", headers=headers).status_code
        assert status == 401 if caller in NOT_KNOWN else status in (200, 404)
        assert status == 401 or client.get("/v1/explain/d2", headers=headers).status_code == 404
        let_in |= {caller} if status == 200 else set()
    assert let_in == EXPLAINED[whose]


SHOWN = {
    "GET /console/api/me": "viewer",
    "GET /console/api/live": "viewer",
    "GET /console/api/traffic": "viewer",
    "GET /console/api/letters": "viewer",
    "GET /console/api/letters/kinds": "viewer",
    "GET /console/api/recent": "viewer",
    "GET /console/api/today": "viewer",
    "GET /console/api/experiments": "viewer",
    "GET /console/api/business": "viewer",
    "GET /console/api/business?by=segment&value=country:DE": "viewer",
    "GET /console/api/catalogue?words=shoe&offset=5": "viewer",
    "GET /console/api/person?named=anna": "viewer",
    "GET /console/api/limits?person=anna": "viewer",
    "GET /console/api/decision?decision_id=d1": "viewer",
    "GET /console/api/why-not?person=anna&action=a": "viewer",
    "GET /console/api/policy": "viewer",
    "GET /console/api/drafts": "viewer",
    "GET /console/api/draft?name=sale": "viewer",
    "GET /console/api/scheduled": "viewer",
    "GET /console/api/offers": "viewer",
    "GET /console/api/models": "viewer",
    "GET /console/api/audit": "operator",
}
CHANGES: dict[str, tuple[str, Any]] = {
    "POST /console/api/policy/check": ("marketer", {"text": "placements: []"}),
    "POST /console/api/policy/publish": ("marketer", {"text": "placements: []"}),
    "POST /console/api/policy/rollback": ("marketer", {"version": "v1"}),
    "POST /console/api/policy/take-back": (
        "marketer",
        {"version": "v2", "effective_from_ms": 1_800_000_000_000},
    ),
    "POST /console/api/drafts/save": ("marketer", {"name": "sale", "text": "unfinished"}),
    "POST /console/api/drafts/delete": ("marketer", {"name": "sale"}),
    "POST /console/api/offers/draft": ("marketer", {"base": "v1", "offer": {"id": "x"}}),
    "POST /console/api/offers/preview": ("marketer", {"base": "v1", "offer": {"id": "x"}}),
    "POST /console/api/offers/reach": ("marketer", {"base": "v1", "offer": {"id": "x"}}),
    "POST /console/api/offers/what-if": ("marketer", {"base": "v1", "offer": {"id": "x"}}),
    "POST /console/api/policy/what-if": ("marketer", {"text": "placements: []"}),
    "POST /console/api/offers/publish": ("marketer", {"base": "v1", "offer": {"id": "x"}}),
    "POST /console/api/offers/take-back": ("marketer", {"base": "v1", "id": "x"}),
    "POST /console/api/letters/repair": ("operator", {"reason": "invalid_value"}),
    "POST /console/api/letters/replay": ("operator", {"reason": "invalid_value"}),
    "POST /console/api/models/publish": ("operator", {"version": "m1"}),
    "POST /console/api/models/rollback": ("operator", None),
}


@pytest.mark.parametrize("what", [*SHOWN, *CHANGES])
def test_who_sees_and_changes_what_on_the_console(
    client: TestClient[Litestar], services: Services, facts: StandIn, ids: Ids, what: str
) -> None:
    method, _, path = what.partition(" ")
    role, body = CHANGES.get(what, (SHOWN.get(what, ""), None))
    sent = {} if body is None else {"json": body}
    facts.changes.clear()
    for caller in CALLERS:  # keys of the API open nothing here
        client.cookies.clear()
        answer = client.request(method, path, headers=headers_of(caller, services, ids), **sent)
        assert answer.status_code == 401, caller
    for name in ROLES:
        headers = console_of(client, name)
        answer = client.request(method, path, headers=headers, **sent)
        may = ROLES.index(name) >= ROLES.index(role)
        assert answer.status_code == (200 if may else 403), (name, answer.text)
    made = {actor.who for actor, _ in facts.changes}
    if what in CHANGES and not what.endswith(("check", "preview", "reach", "what-if", "repair")):
        assert made == set(ROLES[ROLES.index(role) :])
    else:
        assert made == set()


@pytest.mark.parametrize("name", ["browser", "writer", "reader", "admin", "nobody"])
def test_a_key_without_a_role_does_not_sign_in(client: TestClient[Litestar], name: str) -> None:
    client.cookies.clear()
    answer = client.post("/console/api/sign-in", json={"key": f"k-{name}"})
    assert answer.status_code in (401, 403)
    assert "set-cookie" not in answer.headers
