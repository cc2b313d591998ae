"""What is in force, as the console shows it: policy, models, experiments."""

from typing import Any, Final

from schemas.policy import RANKER, RESPONSES, Policy
from schemas.records import LogRecord
from schemas.signed_control import ControlKeys
from scripts import change
from scripts.policy.policy_file import summary
from scripts.policy.policy_versions import PolicyVersion, history_json, in_force, versions_in
from scripts.training.model_versions import announced_in, called

HISTORY_MAX: Final = 100
Shown = dict[str, Any]


def live_versions(
    records: list[LogRecord], arms: list[Shown], at_ms: int, keys: ControlKeys
) -> Shown:
    """What the records of `control` put in force at `at_ms`; `arms` counts decisions of experiments."""
    versions = versions_in(records, keys)
    now = in_force(versions, at_ms)
    policy = now.policy if now else None
    return {
        "policy": _policy_shown(now),
        "history": history_json(versions, at_ms)[:HISTORY_MAX],
        "models": {
            "ranker": _model_in_force(records, at_ms, keys, is_responses=False),
            "responses": _model_in_force(records, at_ms, keys, is_responses=True),
        },
        "experiments": _experiments(policy, arms),
        "holdout_share": policy.holdout.share if policy else 0.0,
    }


def _policy_shown(version: PolicyVersion | None) -> Shown | None:
    if version is None or version.policy is None:
        return None
    return {
        "version": version.version,
        "name": version.name,
        "effective_from_ms": version.effective_from_ms,
        "summary": summary(version.policy),
    }


def _model_in_force(
    records: list[LogRecord], at_ms: int, keys: ControlKeys, *, is_responses: bool
) -> Shown | None:
    announced = announced_in(records, keys, is_responses=is_responses)
    found = change.in_force(called(announced, RESPONSES if is_responses else RANKER), at_ms)
    if found is None:
        return None
    return {"version": found.version, "effective_from_ms": found.effective_from_ms}


def _experiments(policy: Policy | None, arms: list[Shown]) -> list[Shown]:
    counted = {(one["experiment"], one["arm"]): one["decisions"] for one in arms}
    return [
        {
            "name": one.name,
            "arms": [
                {
                    "name": arm.name,
                    "share": share,
                    "decisions": counted.get((one.name, arm.name), 0),
                }
                for arm, share in zip(one.arms, one.shares, strict=True)
            ],
        }
        for one in (policy.experiments if policy else ())
    ]
