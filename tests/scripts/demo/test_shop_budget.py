"""The demo shop's offer is there for every guest at any hour: its tour leads to it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.knowledge import epoch_of
from scripts.demo.shop import FOLDER
from scripts.policy.policy_file import read_policy
from udfs.actions.pace_budgets import within_budget
from udfs.knowledge.action_statistics import ActionStatistics


@pytest.mark.parametrize("minute", [0, 1, 29, 31, 12 * 60, 24 * 60 - 1])
def test_nobody_is_turned_away_while_nothing_is_spent(minute: int) -> None:
    policy = read_policy(FOLDER / "policy.yaml")
    local = datetime(2026, 11, 30, minute // 60, minute % 60, 1, tzinfo=ZoneInfo(policy.time_zone))
    now_ms = int(local.timestamp() * 1000)
    limited = [one for one in policy.actions if one.budget is not None]
    assert limited
    for one in limited:
        assert one.budget is not None
        refused = within_budget(
            one.id, one.budget, ActionStatistics(4), epoch_of(now_ms), now_ms, policy.time_zone, 0.999
        )  # fmt: skip
        assert refused is None
