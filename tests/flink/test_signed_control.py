"""A real job with public keys: it takes what is signed and nothing else, and the commands that sign."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from jobs.config import PROJECT
from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from schemas.codec import CONTROL, DECISION, EVENT
from schemas.control import Control
from schemas.decisions import Decision
from schemas.policy import DEFAULT_POLICY, Placement, Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS
from tests.builders import NOON, make_catalogue, make_event
from tests.e2e.homes import OPERATORS
from tests.flink.runs import (
    Line,
    Running,
    environment,
    fill_log,
    produce,
    read_outputs,
    start_decide,
)

pytestmark = [pytest.mark.flink, pytest.mark.long]
PREFIX = "signing."


class Deployment(NamedTuple):
    """A home with a key, and the job that asks for its signatures."""

    kafka: str
    home: Path
    settings: dict[str, str]
    decide: Running

    def kairos(self, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        own = {"KAIROS_KAFKA": self.kafka} | self.settings | settings
        return subprocess.run(
            [PROJECT / "kairos", *words], env=environment(PREFIX, self.home) | own,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def json(self, *words: str) -> Any:
        return json.loads(self.kairos(*words, "--json").stdout)

    def counts(self) -> dict[str, int]:
        return read_counts(FlinkRest(self.decide.rest, self.decide.keys))

    def counts_when(self, name: str, wanted: int) -> dict[str, int]:
        while (counts := self.counts())[name] < wanted:
            time.sleep(0.1)
        return counts

    def decided(self, name: str, time_ms: int) -> Decision:
        """Sends a product view and waits for the decision on it."""
        event = make_event(
            event_id=name, event_type="product_viewed", event_time_ms=time_ms, session_id=name,
            anonymous_id=name, item_ids=("i1",),
        )  # fmt: skip
        produce(self.kafka, PREFIX + EVENTS, [Line(time_ms, name, EVENT.encode(event))])
        while True:
            for record in read_outputs(self.kafka, PREFIX)[DECISIONS]:
                decision = DECISION.decode(record.value)
                if decision.event_id == name:
                    return decision
            time.sleep(0.1)


@pytest.fixture(scope="module")
def deployed(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("signing") / "home"
    fill_log(kafka, PREFIX, [], make_catalogue())  # with the default policy, unsigned
    key = home / "control.key"
    made = subprocess.run(
        [PROJECT / "kairos", "control", "keygen", str(key)], env=environment(PREFIX, home),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert key.stat().st_mode & 0o777 == 0o600
    readers = {"KAIROS_CONTROL_PUBLIC_KEYS": f"{key}.pub"}
    settings = readers | {"KAIROS_CONTROL_SIGNING_KEY_FILE": str(key)}
    decide = start_decide(kafka, PREFIX, home, settings=readers)
    decide.wait_until_ready()
    yield Deployment(kafka, home, settings, decide)
    decide.process.kill()
    decide.process.communicate()


def test_what_was_published_before_the_key_is_refused_until_it_is_signed(
    deployed: Deployment,
) -> None:
    counts = deployed.counts_when("knowledge_refused", OPERATORS)
    assert counts["knowledge_refused"] == OPERATORS
    listed = deployed.kairos("control", "list", "--json")
    assert listed.returncode == 1
    (row,) = json.loads(listed.stdout)
    assert (row["state"], row["is_missed"], row["signed_by"]) == ("refused", True, "nobody")
    assert "not signed" in row["fault"]
    (signed,) = deployed.json("control", "sign")
    assert signed["record"] == row["record"], "the same record"
    assert deployed.json("control", "sign") == [], "done twice it changes nothing"
    (row,) = deployed.json("control", "list")
    assert (row["state"], row["fault"], row["record"]) == ("live", "", signed["record"])
    deployed.counts_when("knowledge_applied", OPERATORS * 41)
    assert deployed.decided("first", NOON).versions.policy == "default-1"


def test_nobody_publishes_without_the_key(deployed: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("placements:\n- name: next_item\n  event_types: [product_viewed]\n  size: 3\n")
    done = deployed.kairos("policy", "publish", str(file), KAIROS_CONTROL_SIGNING_KEY_FILE="")
    assert done.returncode == 2
    assert "set KAIROS_CONTROL_SIGNING_KEY_FILE where you publish" in done.stderr
    published = deployed.json("policy", "publish", str(file))
    (entry,) = deployed.json("key", "audit", "--last", "1")
    assert entry["details"]["record"] == published["record"], "the audit log names the record"
    rows = {row["record"]: row for row in deployed.json("control", "list")}
    assert rows[published["record"]]["fault"] == ""
    from_ms = published["effective_from_ms"]
    while time.time() * 1000 < from_ms:
        time.sleep(0.1)
    found = deployed.decided("second", from_ms)
    assert found.versions.policy == published["version"]


def test_a_record_of_somebody_else_changes_nothing(deployed: Deployment) -> None:
    now_ms = int(time.time() * 1000)
    before = deployed.decided("before", now_ms).versions
    refused = deployed.counts()["knowledge_refused"]
    policy = Policy(placements=(Placement("evil", event_types=("product_viewed",)),))
    evil = Control("policy", "evil", "evil", now_ms, msgspec.json.encode(policy))
    old = Control("policy", "default", "old", now_ms, msgspec.json.encode(DEFAULT_POLICY))
    values = [evil, msgspec.structs.replace(old, signature=bytes(64), key_id="0" * 16)]
    lines = [(NOON, "k", CONTROL.encode(one)) for one in values]
    produce(deployed.kafka, PREFIX + CONTROL_TOPIC, lines)
    deployed.counts_when("knowledge_refused", refused + OPERATORS * len(values))
    assert deployed.decided("after", now_ms + 1).versions == before
    log = (deployed.home / "logs" / "flink-decide.signing.log").read_text()
    assert "policy evil version evil: it is not signed" in log
