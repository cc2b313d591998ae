"""What is in force, as the console shows it: policy, models, experiments."""

from typing import Any, Final

from jobs.knowledge_feed import RESPONSES
from schemas.control import Control
from schemas.errors import InvalidEvent
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.signed_control import ControlKeys, read_control
from scripts.policy.policy_file import summary
from scripts.policy.policy_versions import PolicyVersion, history_json, in_force, versions_in

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
    newest: tuple[int, int, Control] | None = None
    for record in records:
        try:
            control = read_control(record.value, keys)
        except InvalidEvent:
            continue  # the jobs count and name it
        if control.kind != "model" or (control.name == RESPONSES) is not is_responses:
            continue
        this = (control.effective_from_ms, record.offset, control)
        if this[0] <= at_ms and (newest is None or this[:2] > newest[:2]):
            newest = this
    if newest is None:
        return None
    return {"version": newest[2].version, "effective_from_ms": newest[0]}


def _experiments(policy: Policy | None, arms: list[Shown]) -> list[Shown]:
    counted = {(one["experiment"], one["arm"]): one["decisions"] for one in arms}
    return [
        {
            "name": one.name,
            "arms": [
                {
                    "name": arm.name,
                    "share": arm.share,
                    "decisions": counted.get((one.name, arm.name), 0),
                }
                for arm in one.arms
            ],
        }
        for one in (policy.experiments if policy else ())
    ]
