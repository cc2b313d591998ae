"""Nobody ends the holdout or an experiment before its time without saying why, and what was said stands in the audit log."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from channels.api.audit_log import Actor, AuditLog
from jobs.config import config_from
from schemas.errors import ConfigError
from schemas.experiments import Arm, Experiment
from schemas.limits import DAY_MS
from schemas.policy import Holdout, Policy
from scripts.ops.audited_change import Audited, change_policy
from scripts.policy.policy_versions import Draft, PolicyVersion, version_of
from scripts.policy.switched_off import switched_off
from tests.builders import NOON

TEST = Experiment("hero", (Arm("a"), Arm("b")), starts_ms=NOON - DAY_MS, ends_ms=NOON + DAY_MS)
POLICY = Policy(experiments=(TEST,), holdout=Holdout(0.05))


def holding(**fields: Any) -> Policy:
    return replace(POLICY, holdout=Holdout(**({"share": 0.05} | fields)))


def comparing(**fields: Any) -> Policy:
    return replace(POLICY, experiments=(replace(TEST, **fields),))


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (holding(share=0.0), "the holdout of 5.0% of people is switched off"),
        (holding(ends_ms=NOON), "the holdout of 5.0% of people is switched off"),
        (holding(share=0.02), "shrinks to 2.0%"),
        (holding(salt="again"), "is drawn anew"),
        (holding(rank_by="given"), "gets given in place of popularity"),
        (holding(ends_ms=NOON + DAY_MS), "ends sooner, on 2023-11-15"),
        (replace(POLICY, experiments=()), "the experiment hero (until 2023-11-15T22:13:20.000+00:00) is taken out"),
        (comparing(salt="again"), "is changed while it runs: salt"),
        (comparing(arms=(Arm("a", 0.9), Arm("b", 0.1)), metrics=("m",)), "while it runs: arms, metrics"),
        (comparing(ends_ms=NOON + 1), "while it runs: ends"),
    ],
)  # fmt: skip
def test_what_ends_or_changes_before_its_time_is_named(after: Policy, words: str) -> None:
    (said,) = switched_off(POLICY, after, NOON)
    assert words in said


@pytest.mark.parametrize(
    "after",
    [
        POLICY,
        replace(POLICY, currency="USD"),
        holding(share=0.1),
        comparing(ends_ms=NOON + 9 * DAY_MS),
        replace(POLICY, experiments=(TEST, replace(TEST, name="another"))),
    ],
)
def test_what_leaves_them_as_they_are_needs_no_reason(after: Policy) -> None:
    assert switched_off(POLICY, after, NOON) == []


def test_out_of_their_dates_and_without_an_end_they_may_go() -> None:
    nothing = Policy(holdout=Holdout(0.0))
    dated = replace(POLICY, holdout=Holdout(0.05, starts_ms=NOON, ends_ms=NOON + 1))
    assert switched_off(dated, nothing, NOON + DAY_MS) == []
    assert switched_off(dated, nothing, NOON - DAY_MS - 1) == []
    endless = replace(nothing, experiments=(Experiment("hero", (Arm("a"), Arm("b"))),))
    assert switched_off(endless, nothing, NOON) == [], "it ends by being taken out"


class Topic:
    """Takes what is published."""

    def __init__(self) -> None:
        self.versions: list[str] = []

    def control(self, control: Any) -> None:
        self.versions.append(control.version)

    def flush(self) -> None:
        pass


def test_without_a_reason_nothing_is_published_and_both_stand_in_the_audit_log(
    tmp_path: Path,
) -> None:
    log = AuditLog(config_from({"KAIROS_HOME": str(tmp_path)}).home / "audit.jsonl")
    audited = Audited(log, Actor("anna", "marketer", "local"), "publish")
    topic, nothing = Topic(), Policy(holdout=Holdout(0.0))
    there = [PolicyVersion(0, 0, "v1", "default", POLICY)]
    draft = Draft(version_of(nothing), "default", nothing)

    def publish(reason: str = "") -> None:
        change_policy(audited, topic, there, draft._replace(reason=reason), NOON)  # type: ignore[arg-type]

    with pytest.raises(ConfigError, match="--reason says why"):
        publish()
    assert topic.versions == []
    publish("the shop moves to another country")
    assert topic.versions == [draft.version]
    done, _, refused, _ = log.newest(4)
    assert done.outcome == "done"
    assert done.details["reason"] == "the shop moves to another country"
    for one in (done, refused):
        assert "the holdout of 5.0% of people is switched off; the experiment hero" in one.details["switches_off"]  # fmt: skip
    assert "reason" not in refused.details


def test_a_version_that_never_began_is_taken_back_without_a_reason(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    audited = Audited(log, Actor("anna", "marketer", "local"), "take back")
    before = Policy(holdout=Holdout(0.0))
    there = [
        PolicyVersion(0, 0, "v1", "default", before),
        PolicyVersion(NOON, 1, "v2", "default", POLICY),
    ]
    topic = Topic()
    change_policy(audited, topic, there, Draft("v1", "default", before, is_return=True), NOON)  # type: ignore[arg-type]
    assert topic.versions == ["v1"]
