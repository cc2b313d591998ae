"""`GET /v1/outcomes/PERSON`: what the store holds of a person, who looked, and what is said where it cannot be told."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.api.handlers.outcomes import READ
from channels.store.store import Store
from jobs.config import config_from
from schemas.codec import OUTCOME
from schemas.errors import ConfigError
from scripts.ops.serve_api import services_of
from tests.channels.api_process import NOWHERE, lonely_services, served
from tests.models.experiments.outcomes import make_outcome

NOW = time.time_ns() // 1_000_000
SOLD = make_outcome(
    "converted", "p/1", NOW, decision_id="d1", event_id="e1", item_ids=("i",), value=20.0, share=0.5
)


def asked(address: str) -> httpx.Response:
    return httpx.get(f"http://{address}/v1/outcomes/p%2F1", timeout=20)


@pytest.mark.e2e
def test_it_tells_what_the_store_holds_and_notes_who_looked(valkey: str, store: Store) -> None:
    store.outcomes.write([(SOLD, OUTCOME.encode(SOLD))])
    services = services_of(config_from({"KAIROS_STORE_PREFIX": "test"}), NOWHERE, valkey, None)
    looks: list[Any] = []
    services.looked = lambda actor, what, persons, details: looks.append((what, [*persons]))
    with served(services) as address:
        [found] = asked(address).json()["outcomes"]
    assert found == {
        "kind": "converted", "decision_id": "d1", "placement": "home", "action_id": "recommend_items", "name": "purchase_completed",
        "outcome_ms": NOW, "decided_ms": NOW, "exposed_ms": NOW, "item_ids": ["i"], "share": 0.5, "value": 20.0, "currency": "EUR",
    }  # fmt: skip
    assert looks == [(READ, ["p/1"])]


@pytest.mark.e2e
def test_where_who_looked_cannot_be_written_nothing_is_told(
    valkey: str, store: Store, tmp_path: Path
) -> None:
    services = services_of(config_from({"KAIROS_STORE_PREFIX": "test"}), NOWHERE, valkey, None)

    def full(*_: object) -> None:
        raise ConfigError("no room")

    services.looked = full
    with served(services) as address:
        answer = asked(address)
    assert (answer.status_code, answer.json()["detail"]) == (503, "no room")


def test_a_store_that_does_not_answer_is_told() -> None:
    with served(lonely_services()) as address:
        answer = asked(address)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the store does not answer"
    assert answer.headers["retry-after"] == "5"
