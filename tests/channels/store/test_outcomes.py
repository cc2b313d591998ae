"""What came of decisions, in a real Valkey: what is kept, what is taken back, and what is gone for good."""

import time
from random import Random
from typing import Any

import pytest
from redis import Redis

from channels.security.pseudonyms import Pseudonyms
from channels.store import outcomes as module
from channels.store.outcomes import KEPT_MS, cause_of
from channels.store.store import Store
from schemas.codec import OUTCOME
from schemas.decisions import EVERYWHERE, WITHDRAWN_PURPOSES
from schemas.limits import DAY_MS
from schemas.outcomes import NO_DECISION, Outcome
from tests.channels.decisions import make_decision
from tests.models.experiments.outcomes import make_outcome

pytestmark = pytest.mark.e2e
NOW = time.time_ns() // 1_000_000
KEY = "test:outcomes:p1"


def outcome(kind: str, at_ms: int = NOW, revision: int = 0, **fields: Any) -> Outcome:
    sign = -1 if revision % 2 else 1
    told = {"decision_id": "d1", "sign": sign, "revision": revision} | fields
    return make_outcome(kind, "p1", at_ms, cause=f"{revision}", **told)


def write(store: Store, *outcomes: Outcome) -> int:
    pairs = [(one, OUTCOME.encode(one)) for one in outcomes]
    return sum(one.is_new for one in store.outcomes.write(pairs))


def kinds(store: Store, person: str = "p1") -> list[str]:
    return [one.kind for one in store.outcomes.read(person, NOW)]


def test_what_came_of_decisions_is_read_the_newest_first(store: Store) -> None:
    seen, bought = outcome("exposed", NOW - 9_000), outcome("converted", event_id="e7", value=9.0)
    assert write(store, seen, bought) == 2
    assert store.outcomes.read("p1", NOW) == [bought, seen]
    assert kinds(store, "p2") == []


def test_what_came_of_no_decision_is_not_there(store: Store) -> None:
    """A visit, or a purchase that nothing led to: the topic has it, and no channel asks."""
    assert write(store, outcome("visited", decision_id=NO_DECISION)) == 0
    assert kinds(store) == []


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_and_however_often_the_newest_revision_stands(
    store: Store, seed: int
) -> None:
    revisions = [outcome("converted", revision=n, event_id="e1", share=1 / (n + 1)) for n in range(3)]  # fmt: skip
    revisions.append(outcome("clicked"))
    for one in Random(seed).sample(revisions * 2, 8):
        write(store, one)
    found = {one.kind: one.share for one in store.outcomes.read("p1", NOW)}
    assert found == {"converted": 1 / 3, "clicked": 1.0}


def test_what_was_taken_back_is_not_among_them(store: Store) -> None:
    write(store, outcome("ignored"), outcome("exposed"), outcome("ignored", revision=1))
    assert kinds(store) == ["exposed"]


def test_each_purchase_of_one_decision_is_one(store: Store) -> None:
    two = [outcome("converted", event_id=one, session_id="s") for one in ("e1", "e2")]
    assert len({cause_of(one) for one in two}) == 2
    write(store, *two)
    assert kinds(store) == ["converted", "converted"]


def test_at_the_bound_the_one_that_happened_first_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTCOMES_MAX", 3)
    write(store, *(outcome("clicked", NOW - 1_000 * n, decision_id=f"d{n}") for n in (3, 1, 4, 0, 2)))  # fmt: skip
    assert [one.decision_id for one in store.outcomes.read("p1", NOW)] == ["d0", "d1", "d2"]


def test_it_is_kept_for_thirty_days_after_it_happened(store: Store, redis: "Redis[bytes]") -> None:
    write(store, outcome("clicked", NOW - 29 * DAY_MS), outcome("exposed", NOW - 31 * DAY_MS))
    assert kinds(store) == ["clicked"]
    assert 0 < redis.pttl(KEY) <= DAY_MS
    redis.delete(KEY)
    write(store, outcome("exposed", NOW - 31 * DAY_MS))  # history that was imported
    assert not redis.exists(KEY)


@pytest.mark.parametrize(
    ("content", "is_gone"),
    [
        ({}, True),  # erased
        ({WITHDRAWN_PURPOSES: "analytics, personalisation"}, True),
        ({WITHDRAWN_PURPOSES: "advertising"}, False),
    ],
)
def test_who_is_erased_or_withdraws_analytics_has_none_and_none_come_back(
    store: Store, redis: "Redis[bytes]", content: dict[str, str], is_gone: bool
) -> None:
    before, after = outcome("exposed", NOW - 1_000), outcome("clicked", NOW + 1_000)
    write(store, before)
    purged = make_decision(
        2, kind="purged", placement=EVERYWHERE, event_time_ms=NOW, content=content
    )
    store.outcomes.withdraw([purged])
    assert kinds(store) == ([] if is_gone else ["exposed"])
    write(store, outcome("dismissed", NOW - 500))  # read after the withdrawal, of before it
    assert kinds(store) == ([] if is_gone else ["dismissed", "exposed"])
    write(store, after)
    assert kinds(store)[0] == "clicked"
    assert 0 < redis.pttl(KEY) <= KEPT_MS + DAY_MS


def test_a_decision_that_is_made_withdraws_nothing(store: Store) -> None:
    write(store, outcome("exposed"))
    store.outcomes.withdraw([make_decision(1), make_decision(2, kind="void")])
    assert kinds(store) == ["exposed"]


def test_forgetting_leaves_no_key(store: Store, redis: "Redis[bytes]") -> None:
    write(store, outcome("exposed"))
    assert store.forget(["p1"], [], []) == 1
    assert redis.keys("*") == []


def test_keys_bear_pseudonyms_where_there_is_a_key(store: Store, redis: "Redis[bytes]") -> None:
    own = Store(redis, "test", Pseudonyms(b"k" * 32))
    write(own, outcome("exposed"))
    assert kinds(own) == ["exposed"]
    assert not redis.exists(KEY)


@pytest.mark.parametrize("junk", [b"", b"1", b"x:y:z", b"1:2:\xff", b"::", b"9" * 400 + b":1:x"])
def test_what_others_wrote_there_is_as_if_absent(
    store: Store, redis: "Redis[bytes]", junk: bytes
) -> None:
    redis.hset(KEY, mapping={"exposed/d1": junk, "gone": junk})
    assert kinds(store) == []
    write(store, outcome("clicked"))
    assert kinds(store) == ["clicked"]


def test_what_is_no_hash_is_overwritten(store: Store, redis: "Redis[bytes]") -> None:
    redis.set(KEY, b"x")
    assert kinds(store) == []
    assert write(store, outcome("clicked")) == 1
    assert kinds(store) == ["clicked"]


def test_what_is_of_somebody_else_is_shown_to_nobody(store: Store, redis: "Redis[bytes]") -> None:
    write(store, outcome("exposed"))
    redis.rename(KEY, "test:outcomes:p2")
    assert kinds(store, "p2") == []
