"""The whole application in this process, with keys, and without any server behind it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.api import event_log
from channels.api.app import build_app
from channels.api.audit_log import Actor, AuditLog
from channels.api.read_log import ReadLog
from channels.api.services import Services
from channels.console.facts import Facts, Shown
from channels.console.letter_bodies import LetterEdits
from channels.console.offer_bodies import OfferBack, OfferChange
from channels.console.policy_bodies import Announced, DraftText, PolicyText
from channels.security.keys import KeysFile, SecretFile, write_keys
from channels.security.pseudonyms import Pseudonyms
from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.ops.serve_api import services_of
from tests.channels.test_access import KEYS, SECRET

NOBODY = "127.0.0.1:1"
HERE = "127.0.0.1:8000"


class StandIn(Facts):
    """Says which question it was asked; writes a real audit log. The real facts are tested on an engine."""

    def __init__(self, audit: AuditLog) -> None:
        self.log = audit
        self.looks = ReadLog(audit, lambda: Pseudonyms(b"k" * 32))
        self.changes: list[tuple[Actor, str]] = []

    def live(self) -> Shown:
        return {"asked": "live"}

    def traffic(self) -> Shown:
        return {"asked": "traffic"}

    def letters(self) -> Shown:
        return {"asked": "letters"}

    def letter_kinds(self) -> Shown:
        return {"asked": "kinds"}

    def repair_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        return {"asked": given.reason}

    def replay_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        return self._change(actor, f"send {given.reason}")

    def person(self, named: str) -> Shown | None:
        return {"asked": named} if named == "anna" else None

    def limits(self, person: str) -> Shown:
        return {"asked": person}

    def today(self) -> Shown:
        return {"asked": "today"}

    def experiments(self) -> Shown:
        return {"asked": "experiments"}

    def business(self, by: str, value: str) -> Shown | None:
        return {"asked": f"{by} {value}"} if by in ("all", "segment") else None

    def catalogue(self, words: str, offset: int) -> Shown:
        return {"asked": f"{words} {offset}"}

    def recent(self) -> Shown:
        return {"asked": "recent"}

    def decision(self, decision_id: str) -> Shown | None:
        return {"asked": decision_id} if decision_id == "d1" else None

    def why_not(self, person: str, action_id: str) -> Shown | None:
        return {"asked": f"{person} {action_id}"}

    def policy(self, version: str) -> Shown:
        if version == "none":
            raise ConfigError("no policies are 'none'")
        return {"asked": version}

    def check(self, text: str) -> Shown:
        return {"asked": text}

    def publish_policy(self, actor: Actor, given: PolicyText) -> Shown:
        return self._change(actor, f"publish {given.text}{given.note}")

    def drafts(self) -> Shown:
        return {"asked": "drafts"}

    def draft(self, name: str) -> Shown:
        return {"asked": name}

    def save_draft(self, actor: Actor, given: DraftText) -> Shown:
        return self._change(actor, f"draft {given.name}")

    def delete_draft(self, actor: Actor, name: str) -> Shown:
        return self._change(actor, f"no draft {name}")

    def scheduled(self) -> Shown:
        return {"asked": "scheduled"}

    def take_back_policy(self, actor: Actor, given: Announced) -> Shown:
        return self._change(actor, f"take back {given.version}")

    def offers(self) -> Shown:
        return {"asked": "offers"}

    def preview_offer(self, given: OfferChange) -> Shown:
        return {"asked": given.offer.id}

    def reach_of_offer(self, given: OfferChange) -> Shown:
        return {"asked": given.offer.id}

    def what_if_of_offer(self, given: OfferChange) -> Shown:
        return {"asked": given.offer.id}

    def what_if(self, text: str) -> Shown:
        return {"asked": text}

    def draft_offer(self, actor: Actor, given: OfferChange) -> Shown:
        return self._change(actor, f"draft of {given.offer.id}")

    def publish_offer(self, actor: Actor, given: OfferChange) -> Shown:
        return self._change(actor, f"offer {given.offer.id} {given.note}")

    def take_back_offer(self, actor: Actor, given: OfferBack) -> Shown:
        return self._change(actor, f"without {given.id}")

    def roll_back_policy(self, actor: Actor, version: str) -> Shown:
        return self._change(actor, f"rollback {version}")

    def models(self) -> list[Shown]:
        return [{"asked": "models"}]

    def publish_model(self, actor: Actor, version: str, *, is_forced: bool) -> Shown:
        return self._change(actor, f"model {version}{' forced' * is_forced}")

    def roll_back_model(self, actor: Actor) -> Shown:
        return self._change(actor, "model rollback")

    def audit(self, count: int) -> Shown:
        return {"asked": count}

    def record(self, actor: Actor, what: str, outcome: str, details: Mapping[str, str]) -> None:
        self.log.append(actor, what, outcome, details)

    def looked(
        self, actor: Actor, what: str, persons: Iterable[str], details: Mapping[str, str]
    ) -> None:
        self.looks.looked(actor, what, persons, details)

    def _change(self, actor: Actor, what: str) -> Shown:
        if what == "publish broken":
            raise ConfigError("3: actions: a mistake")
        self.changes.append((actor, what))
        return {"changed": what}


UNBOUNDED = {
    f"KAIROS_API_{name}": "1e9/1e9"
    for name in (
        "ADDRESS_REQUESTS",
        "ADDRESS_EVENTS",
        "ADDRESS_BYTES",
        "ADDRESS_SESSIONS",
        "SESSION_EVENTS",
        "EXPLANATIONS",
    )
}
"""All these tests come from one address, and ask more than a visitor."""


def services_with(facts: Facts | None, **settings: str) -> Services:
    """Services whose Kafka, store and Flink are not there."""
    services = services_of(config_from(UNBOUNDED | settings), NOBODY, NOBODY, None)
    services.extra.pop("console", None)
    if facts is not None:
        services.extra["console"] = facts
        services.looked = facts.looked
    return services


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn(AuditLog(tmp_path_factory.mktemp("audit") / "audit.jsonl"))


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.yaml"
    path.with_name("the.secret").write_text(SECRET)
    write_keys(path, KeysFile(tuple(KEYS.values()), SecretFile("the.secret")))
    return path


@pytest.fixture(scope="module")
def services(facts: StandIn, keys_file: Path) -> Services:
    """With the keys of KEYS."""
    return services_with(facts, KAIROS_API_KEYS=str(keys_file))


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[TestClient[Litestar]]:
    """Asks the application with keys; it does not wait long for the Kafka that is not there."""
    with pytest.MonkeyPatch.context() as patch, client_of(services) as client:
        patch.setattr(event_log, "TIMEOUT_S", 0.1)
        yield client


@pytest.fixture(scope="module")
def open_client(facts: StandIn) -> Iterator[TestClient[Litestar]]:
    """Asks an application without keys."""
    with client_of(services_with(facts)) as client:
        yield client


def client_of(services: Services) -> TestClient[Litestar]:
    """A client that shows failures instead of answering 500."""
    return TestClient(build_app(services), base_url=f"http://{HERE}", raise_server_exceptions=True)


def console_of(client: TestClient[Litestar], name: str) -> dict[str, str]:
    """Signs in with a key; the headers of a page that is signed in."""
    client.cookies.clear()
    answer = client.post("/console/api/sign-in", json={"key": f"k-{name}"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return {"x-kairos-csrf": found["csrf"]}
