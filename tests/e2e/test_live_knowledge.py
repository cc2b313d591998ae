"""Policies and models take effect in a running job, by the time of the event, without a restart."""

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from jobs.config import config_from
from jobs.publish import Log, now_ms
from log.kafka import ends_of
from models.content import Published
from schemas.control import Control
from schemas.decisions import Decision
from schemas.experiments import Arm, Experiment
from schemas.limits import MINUTE_MS, SECOND_MS
from schemas.policy import RANKER, Holdout, Placement, Policy
from schemas.topics import CONTROL, ITEMS
from scripts.audit.explanation import BIAS
from scripts.bench.workload import shoppers
from scripts.training.model_versions import announce
from scripts.training.train_report import Report
from scripts.training.training import from_files, train_from
from tests.builders import make_event
from tests.e2e.homes import OPERATORS, Decisions, Engine, everybody_comes, wait_for
from udfs.facts.features import FEATURE_SPACE

pytestmark = pytest.mark.e2e


class Flow(NamedTuple):
    """A stream of page views, each of a session of its own, and the decisions on them."""

    engine: Engine
    log: Log
    decisions: Decisions

    def send(self, name: str, event_time_ms: int) -> str:
        """Sends a product view; its id."""
        event_id = f"{name}-{event_time_ms}"
        self.log.event(
            make_event(
                event_id=event_id, event_type="product_viewed", event_time_ms=event_time_ms,
                session_id=event_id, anonymous_id=event_id, item_ids=("i1",),
            )
        )  # fmt: skip
        return event_id

    def decide(self, name: str, event_time_ms: int) -> Decision:
        """The decision on a product view."""
        return self.decisions.of(self.send(name, event_time_ms))

    def publish(self, control: Control) -> None:
        """Puts a record of knowledge into the log and waits until all operators have met it."""
        self.log.control(control)
        self.log.flush()
        ends = ends_of(self.engine.kafka, (CONTROL, ITEMS))
        records = sum(sum(places.values()) for places in ends.values())
        wait_for(lambda: self._met() >= OPERATORS * records)

    def _met(self) -> int:
        counts = self.counts()
        return counts["knowledge_applied"] + counts["knowledge_refused"]

    def counts(self) -> dict[str, int]:
        """The job's, while people come: an operator takes what was loaded beside it with its next record."""
        everybody_comes(self.log)
        return self.engine.counts()


@pytest.fixture(scope="module")
def flow(engine: Engine) -> Iterator[Flow]:
    with Decisions(engine.kafka) as decisions:
        yield Flow(engine, Log(engine.kafka), decisions)


def make_model(home: Path, folder: Path, events: int) -> tuple[Report, Published]:
    """A model trained on made-up events; another number of them is another model."""
    file = folder / "events.jsonl"
    from_ms = now_ms() - events * SECOND_MS
    moved = (
        msgspec.structs.replace(event, event_time_ms=from_ms + number * SECOND_MS)
        for number, event in enumerate(islice(shoppers("live", 40), events))
    )
    file.write_bytes(b"\n".join(map(msgspec.json.encode, moved)))
    config = config_from({"KAIROS_HOME": str(home), "KAIROS_CONSENT": "all"})
    return train_from(from_files([file], None, config), config)


@pytest.fixture(scope="module")
def trained(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """A model made and announced as `train --publish` does: its version, and from when it holds."""
    report, published = make_model(engine.home.path, tmp_path_factory.mktemp("train"), 1_000)
    control = announce(Log(engine.kafka), RANKER, published)
    return report.version, control.effective_from_ms


def scores(decision: Decision) -> set[float]:
    assert decision.items
    return {item.score for item in decision.items}


def test_model_takes_effect_while_events_flow(flow: Flow, trained: tuple[str, int]) -> None:
    version, from_ms = trained
    counted = flow.engine.counts()["events"]
    sent: list[str] = []

    def is_live() -> bool:
        time.sleep(0.02)  # a flow, not a flood
        sent.append(flow.send("flow", now_ms()))
        found = flow.decisions.look()
        return any(found[one].versions.model == version for one in sent if one in found)

    wait_for(is_live)
    decided = [flow.decisions.of(event_id) for event_id in sent]
    early = {one.versions.model for one in decided if one.event_time_ms < from_ms}
    assert version not in early
    assert len({one.versions.model for one in decided}) <= len(early) + 1
    before, after = flow.decide("before", from_ms - 1), flow.decide("after", now_ms())
    assert before.versions.model != version
    assert after.versions.model == version
    assert scores(after).isdisjoint(scores(before)), "the ranker scores each item"
    # Flink shows its counts with a delay; after a restart they would begin anew and not get there
    wait_for(lambda: flow.engine.counts()["events"] >= counted + len(sent))


def test_policy_takes_effect_by_the_time_of_the_event(flow: Flow) -> None:
    # nobody held out: it stays in force when its minute has come, while later tests ask for models
    policy = Policy(
        placements=(Placement("next_item", event_types=("product_viewed",), size=3),),
        holdout=Holdout(share=0.0),
    )
    from_ms = now_ms() + MINUTE_MS
    before = flow.decide("before", now_ms())
    payload = msgspec.json.encode(policy)
    flow.publish(Control("policy", "default", "three-1", from_ms, payload=payload))
    just_before, just_then = flow.decide("x", from_ms - 1), flow.decide("x", from_ms)
    assert before.versions.policy == just_before.versions.policy == "default-1"
    assert (len(before.items), len(just_before.items)) == (8, 8)
    assert just_then.versions.policy == "three-1"
    assert len(just_then.items) == 3
    assert flow.decide("late", now_ms()).versions.policy == "default-1", (
        "the older event sees its own"
    )


def change_model(flow: Flow, *words: str) -> dict[str, Any]:
    """Changes the model by a command while events flow: what the command said.

    The new model must be live 2 s after its effective time at the latest, never before it, and
    until then the one model that it replaces decides.
    """
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(flow.engine.home.json, "model", *words, "--json")
        sent: list[str] = []
        while (
            not command.done() or now_ms() < command.result()["effective_from_ms"] + 3 * SECOND_MS
        ):
            sent.append(flow.send("over", now_ms()))
            time.sleep(0.02)
    change: dict[str, Any] = command.result()
    version, from_ms = change["version"], change["effective_from_ms"]
    decided = [flow.decisions.of(event_id) for event_id in sent]
    by_time = [(one.event_time_ms, one.versions.model) for one in decided]
    assert {model for at_ms, model in by_time if at_ms >= from_ms + 2 * SECOND_MS} == {version}
    assert {model for at_ms, model in by_time if at_ms < from_ms} == {change["replaces"]}
    assert {model for _, model in by_time} == {change["replaces"], version}
    return change


def test_a_model_is_published_and_rolled_back_by_one_command_each(
    flow: Flow, trained: tuple[str, int], tmp_path: Path
) -> None:
    first, _ = trained
    home = flow.engine.home
    wait_for(lambda: flow.decide("ready", now_ms()).versions.model == first)
    second = make_model(home.path, tmp_path, 1_500)[0].version
    listed = {one["version"]: one for one in home.json("model", "list", "--json")}
    assert (listed[first]["is_live"], listed[second]["is_live"]) == (True, False)
    assert listed[second]["metrics"]
    published = change_model(flow, "publish", second[:8], "--force")
    assert (published["version"], published["replaces"]) == (second, first)
    explained = home.json("explain", flow.decide("why", now_ms()).decision_id, "--json")
    rows = zip(explained["trace"]["candidates"], explained["trace"]["contributions"], strict=True)
    for candidate, shares in rows:
        assert sum(shares.values()) == pytest.approx(candidate["score"], abs=1e-3)
    assert explained["remark"] == ""
    assert explained["trace"]["contributions"][0].keys() <= {*FEATURE_SPACE.names, BIAS}
    back = change_model(flow, "rollback")
    assert (back["version"], back["replaces"]) == (first, second)
    said = home.kairos("model", "list").stdout
    assert any("live" in line and first in line for line in said.splitlines())


def test_an_arm_ranks_by_a_challenger_says_so_and_is_made_again(
    flow: Flow, trained: tuple[str, int], tmp_path: Path
) -> None:
    home = flow.engine.home
    champion = flow.decide("ready", now_ms()).versions.model
    assert champion == trained[0]
    challenger = make_model(home.path, tmp_path, 1_200)[0].version
    said = home.json("model", "publish", challenger, "--as", "challenger", "--force", "--json")
    assert (said["version"], said["replaces"]) == (challenger, None)
    arms = (Arm("as_is", 0.5), Arm("new", 0.5, {"placements": {"next_item": {"rank_by": "challenger"}}}))  # fmt: skip
    policy = Policy(
        placements=(Placement("next_item", event_types=("product_viewed",)),),
        holdout=Holdout(share=0.0),
        experiments=(Experiment("rankers", arms=arms),),
    )
    from_ms = now_ms() + 2 * MINUTE_MS
    flow.publish(Control("policy", "default", "arms-1", from_ms, payload=msgspec.json.encode(policy)))  # fmt: skip
    made = [flow.decide(f"arm{number}", from_ms) for number in range(16)]
    by_arm = {(one.arm["rankers"], one.versions.model) for one in made}
    assert by_arm == {("as_is", champion), ("new", challenger)}
    new = next(one for one in made if one.arm["rankers"] == "new")
    explained = home.json("explain", new.decision_id, "--json")
    assert explained["decision"]["versions"]["model"] == challenger
    rows = zip(explained["trace"]["candidates"], explained["trace"]["contributions"], strict=True)
    for candidate, shares in rows:
        assert sum(shares.values()) == pytest.approx(candidate["score"], abs=1e-3)
    listed = {one["version"]: one["live_as"] for one in home.json("model", "list", "--json")}
    assert (listed[champion], listed[challenger]) == (["ranker"], ["challenger"])
    audit = json.loads(home.kairos("verify", "replay", "--json").stdout)
    differing = {one["decision_id"] for one in audit["differences"]}
    assert not differing & {one.decision_id for one in made}
    assert audit["reproduced"] >= len(made)
    refused = home.kairos("model", "rollback", "--as", "challenger")
    assert (refused.returncode, "nothing to roll back to" in refused.stderr) == (2, True)
    assert "is the name of something else" in home.kairos("model", "publish", challenger, "--as", "popularity").stderr  # fmt: skip


def test_artefact_with_another_checksum_is_refused_and_the_old_one_stays(
    flow: Flow, trained: tuple[str, int]
) -> None:
    version, _ = trained
    (artefact,) = (flow.engine.home.path / "models").glob(f"{version}*")
    broken = artefact.with_name("broken")
    broken.write_bytes(artefact.read_bytes() + b"x")
    sha256 = hashlib.sha256(b"what it should have been").hexdigest()
    refused = flow.engine.counts()["knowledge_refused"]
    flow.publish(Control("model", "ranker", "broken", 1, uri=str(broken), sha256=sha256))
    flow.publish(Control("model", "ranker", "broken", now_ms(), uri=str(broken), sha256=sha256))
    wait_for(lambda: flow.counts()["knowledge_refused"] == refused + 2 * OPERATORS)
    assert flow.decide("kept", now_ms()).versions.model == version
