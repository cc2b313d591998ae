"""A policy file goes live on a running engine, scenarios 1 and 2 work there, and a rollback takes it back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import msgspec
import pytest

from jobs.publish import Log, now_ms
from log.kafka import ends_of
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import HOUR_MS, SECOND_MS
from schemas.topics import CONTROL, ITEMS
from tests.builders import make_event
from tests.e2e.homes import (
    OPERATORS,
    Decisions,
    Engine,
    fresh_home,
    kafka_of,
    redis_of,
    wait_for,
)
from tests.scripts.scenarios import FOLDER, Scenario, records_of, renamed, scenarios

pytestmark = [pytest.mark.e2e, pytest.mark.long]
BY_NAME = {one.name: one for one in scenarios()}


class Shop(NamedTuple):
    """A running engine with the demo shop's policy in force from `from_ms` on."""

    engine: Engine
    log: Log
    decisions: Decisions
    version: str

    def decided(self, event_id: str, placement: str) -> Decision:
        """The decision on an event for a placement, as soon as it is there."""
        return wait_for(lambda: self.find(event_id, placement))

    def find(self, event_id: str, placement: str) -> Decision | None:
        """The same if it is there."""
        self.decisions.look()
        return self.decisions.by_cause.get((event_id, placement))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """An engine of its own: its policies would change what other tests see."""
    with fresh_home(tmp_path_factory.mktemp("shop") / "kairos") as home:
        started = home.kairos("up")
        assert started.returncode == 0, started.stderr
        found = home.status()
        rest = (found["flink"]["address"], found["learn"]["address"])
        with opened(Engine(home, kafka_of(found), redis_of(found), *rest)) as shop:
            yield shop
        assert home.kairos("down").returncode == 0


@contextmanager
def opened(engine: Engine) -> Iterator[Shop]:
    """The shop's items and policy, in force."""
    log = Log(engine.kafka)
    for item in BY_NAME["hesitation"].items():
        log.item(item)
    log.flush()
    file = FOLDER / "shop" / "policy.yaml"
    # since two hours ago: the scenarios' events lie up to an hour before now
    since = str(now_ms() - 2 * HOUR_MS)
    words = ("policy", "publish", str(file), "--effective-from", since, "--json")
    published = engine.home.json(*words)
    ends = ends_of(engine.kafka, (CONTROL, ITEMS))
    records = sum(sum(places.values()) for places in ends.values())
    wait_for(lambda: met(engine) >= OPERATORS * records)
    from_ms = published["effective_from_ms"]
    wait_for(lambda: now_ms() > from_ms)
    with Decisions(engine.kafka) as decisions:
        yield Shop(engine, log, decisions, published["version"])


def met(engine: Engine) -> int:
    """Records of knowledge that the operators have taken or refused."""
    counts = engine.counts()
    return counts["knowledge_applied"] + counts["knowledge_refused"]


RUN = str(now_ms())


def own(scenario: Scenario, name: str) -> str:
    """The name as it is in this run; items keep theirs."""
    return name if name.startswith("SKU") else f"{RUN}-{scenario.name}-{name}"


def retimed(scenario: Scenario) -> list[Event]:
    """Its events, so that the last one happens now, under ids of this run."""
    events = renamed(scenario.events(), partial(own, scenario))
    moved_ms = now_ms() - events[-1].event_time_ms
    return [
        msgspec.structs.replace(one, event_time_ms=one.event_time_ms + moved_ms) for one in events
    ]


@pytest.mark.parametrize("name", ["running_shoes", "hesitation", "hesitation_stands"])
def test_a_scenario_works_on_the_real_stack(shop: Shop, name: str) -> None:
    scenario = BY_NAME[name]
    for record in records_of(retimed(scenario)):
        shop.log.raw("events", record.key, record.value, record.timestamp_ms)
    shop.log.flush()
    for placement, action_id in scenario.expected.items():
        decision = shop.decided(own(scenario, scenario.asked), placement)
        assert decision.action_id == action_id
        assert decision.explanation
        assert action_id != "cart_recovery" or "auf Lager" in decision.content["title"]


def test_the_words_of_the_marketer(shop: Shop) -> None:
    event = make_event(
        event_id=f"ask-{RUN}", event_type="cart_viewed", event_time_ms=now_ms(),
        session_id=f"s-{RUN}", anonymous_id=f"a-{RUN}",
    )  # fmt: skip
    shop.log.event(event)
    decision = shop.decided(event.event_id, "offer_bar")
    assert decision.action_id == "nothing"
    home = shop.engine.home
    wait_for(lambda: home.kairos("explain", decision.decision_id).returncode == 0)
    said = home.kairos("explain", decision.decision_id).stdout
    assert "express_shipping" in said
    assert shop.version in said
    why = home.json("why-not", event.anonymous_id, "express_shipping", "--json")
    assert why["decision_id"] == decision.decision_id
    assert why["sentence"].startswith("express_shipping was not chosen at offer_bar")
    unknown = home.kairos("why-not", event.anonymous_id, "free_lunch")
    assert unknown.returncode == 2
    assert "competed in no decision" in unknown.stderr


def live(engine: Engine) -> str:
    """The version of the policy that decides now."""
    history = engine.home.json("policy", "history", "--json")
    return str(next(one["version"] for one in history if one["state"] == "live"))


def test_a_rollback_brings_the_old_policy_back(shop: Shop) -> None:
    before = live(shop.engine)
    back = shop.engine.home.json("policy", "rollback", "--json")
    assert back["replaces"] == before != back["version"]
    sent: dict[str, int] = {}
    while now_ms() < back["effective_from_ms"] + SECOND_MS:
        name = f"back-{now_ms()}"
        event = make_event(
            event_id=name, event_type="product_viewed", event_time_ms=now_ms(),
            session_id=name, anonymous_id=name, item_ids=("i1",),
        )  # fmt: skip
        sent[name] = event.event_time_ms
        shop.log.event(event)
        time.sleep(0.02)
    shop.log.flush()
    found = {at_ms: shop.decisions.of(event_id).versions.policy for event_id, at_ms in sent.items()}
    assert (before, back["version"]) == (shop.version, "default-1")
    changed_ms = back["effective_from_ms"]
    assert {one for at_ms, one in found.items() if at_ms < changed_ms} == {before}
    assert {one for at_ms, one in found.items() if at_ms >= changed_ms} == {back["version"]}
    assert live(shop.engine) == back["version"]
