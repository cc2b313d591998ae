"""What the console does with policies: it tells what looks wrong when one is checked, published and taken back."""

from pathlib import Path

import pytest

from channels.api.audit_log import Actor
from channels.console.policy_bodies import PolicyText
from jobs.config import config_from
from schemas.policy import DEFAULT_POLICY, Policy
from scripts.change import Change
from scripts.ops import console_versions
from scripts.ops.console_versions import ConsoleVersions
from scripts.policy import policy_versions
from scripts.policy.policy_file import parse_policy
from scripts.policy.policy_versions import PolicyVersion

HELD = "placements: [{name: home, event_types: [page_viewed]}]\ncontact: {quiet_hours: {begin: 8, end: 8}}\n"
WARNING = "contact.quiet_hours: it ends when it begins: all hours are quiet"


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleVersions:
    """Of a Kafka on which two policies lie, the older one with hours that are all quiet; what is changed is not written."""

    def policy(from_ms: int, policy: Policy) -> PolicyVersion:
        return PolicyVersion(from_ms, from_ms, f"v{from_ms}", "default", policy)

    found = [policy(1, parse_policy(HELD)), policy(2, DEFAULT_POLICY)]
    monkeypatch.setattr(console_versions, "read_to_end", lambda *_: [])
    monkeypatch.setattr(policy_versions, "announced", lambda *_: found)
    monkeypatch.setattr(
        console_versions, "change_policy", lambda *_: Change("v", 3, "v2", None, "record")
    )
    monkeypatch.setattr(ConsoleVersions, "_log", lambda _: None)
    return ConsoleVersions(config_from({"KAIROS_HOME": str(tmp_path)}), "nowhere:1")


def test_what_looks_wrong_is_told_when_a_policy_is_checked(
    versions: ConsoleVersions,
) -> None:
    assert versions.check(HELD)["warnings"] == [
        {"line": 2, "field": "contact.quiet_hours", "message": WARNING.partition(": ")[2]}
    ]


def test_the_holdout_that_holds_by_itself_is_told(versions: ConsoleVersions) -> None:
    (note,) = versions.check(HELD)["notes"]
    assert note.startswith("5% of people are held out")
    assert versions.check(f"{HELD}holdout: {{share: 0}}\n")["notes"] == ()


@pytest.mark.parametrize("version", ["", "v1"])
def test_what_looks_wrong_is_told_when_a_policy_is_published_or_taken_back(
    versions: ConsoleVersions, version: str
) -> None:
    anna = Actor("anna", "marketer", "127.0.0.1")
    assert versions.publish_policy(anna, PolicyText(HELD))["warnings"] == [WARNING]
    assert versions.roll_back_policy(anna, version)["warnings"] == [WARNING]
    assert versions.roll_back_policy(anna, "v2")["warnings"] == [
        f"placements[{at}]: no event type asks for it: only events that name it do"
        for at, one in enumerate(DEFAULT_POLICY.placements)
        if not one.event_types
    ]
