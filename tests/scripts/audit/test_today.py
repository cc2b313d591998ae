"""What became of every action today, over all people."""

import json
from typing import Any

import msgspec

from schemas.decisions import DecisionTrace, TracedAction, Versions
from schemas.knowledge import ActionKnowledge, action_key
from schemas.limits import DAY_MS, HOUR_MS
from scripts.audit.today import budgets, fates
from scripts.policy.policy_file import parse_policy

MIDNIGHT = 1_700_006_400_000
"""A day of UTC begins."""
POLICY = parse_policy("""
actions:
  - {id: sale, kind: offer, treatments: [{id: t}], budget: {per_day: 100, total: 1000, cost: 2.5}}
  - {id: gift, kind: offer, treatments: [{id: t}], budget: {per_day: 10}}
  - {id: plain, kind: offer, treatments: [{id: t}]}
""")


def traced(action_id: str, verdict: str, stage: str = "", rule: str = "") -> dict[str, Any]:
    return {
        "action_id": action_id, "treatment_id": "", "verdict": verdict, "stage": stage, "rule": rule, "values": {},
        "propensity": 0.0, "propensity_source": "", "context_weight": 1.0, "value": 1.0, "lever": 1.0,
        "priority": 0.0, "probability": 0.0,
    }  # fmt: skip


def trace(*actions: dict[str, Any], person: str = "p") -> DecisionTrace:
    made = tuple(msgspec.convert(one, TracedAction) for one in actions)
    versions = Versions("v", "m", 0, 0, "c")
    return DecisionTrace("d", person, "s", "e", 0, "home", 1, versions, "f", b"", (), 0.5, made)


def test_rules_are_counted_by_action_the_most_frequent_first() -> None:
    full = traced("sale", "excluded", "applicability", "full_cart")
    once = traced("sale", "excluded", "constraints", "times")
    counted = fates(
        [
            trace(full, traced("nothing", "chosen")),
            trace(once, traced("nothing", "chosen")),
            trace(full, traced("nothing", "chosen")),
            trace(traced("sale", "chosen"), traced("nothing", "not_chosen")),
            trace(),
        ]
    )
    found = counted.actions
    assert counted[:4] == (5, 1, 1, 1)
    assert found == [
        {"action": "nothing", "competed": 4, "chosen": 3, "outweighed": 1, "limited_people": 0, "dropped": []},
        {
            "action": "sale", "competed": 4, "chosen": 1, "outweighed": 0, "limited_people": 1,
            "dropped": [
                {"stage": "applicability", "rule": "full_cart", "count": 2, "people": 1},
                {"stage": "constraints", "rule": "times", "count": 1, "people": 1},
            ],
        },
    ]  # fmt: skip
    assert json.dumps(found)


def test_what_a_budget_has_spent_is_what_was_shown_times_its_cost() -> None:
    now_ms = MIDNIGHT + 3 * HOUR_MS
    hour = now_ms // HOUR_MS
    known = ActionKnowledge(
        "action", action_key("sale"), 1, now_ms, now_ms, now_ms, now_ms,
        exposures_total=40, hour=hour, hourly=(1, 2, 4, 8, 16),
    )  # fmt: skip
    sale, gift = budgets(POLICY, {known.key: known}, now_ms)
    assert sale == {
        "action": "sale", "spent_today": 15 * 2.5, "per_day": 100.0, "spent": 100.0, "total": 1000.0,
    }  # fmt: skip
    assert (gift["spent_today"], gift["spent"], gift["per_day"], gift["total"]) == (
        0.0,
        0.0,
        10.0,
        None,
    )
    tomorrow = budgets(POLICY, {known.key: known}, now_ms + DAY_MS)[0]
    assert (tomorrow["spent_today"], tomorrow["spent"]) == (0.0, 100.0)


def test_who_met_a_limit_is_counted_by_action_and_over_all() -> None:
    often = traced("sale", "excluded", "constraints", "limit")
    closed = traced("sale", "excluded", "constraints", "dismissed")
    other = traced("gift", "excluded", "constraints", "cool_down")
    full = traced("gift", "excluded", "applicability", "full_cart")
    found = fates(
        [
            trace(often, full, person="anna"),
            trace(often, other, person="anna"),
            trace(closed, person="anna"),
            trace(often, person="bert"),
            trace(full, person="carl"),
        ]
    )
    assert found[:4] == (5, 3, 4, 2)
    gift, sale = found.actions
    assert (gift["limited_people"], sale["limited_people"]) == (1, 2)
    assert {one["rule"]: (one["count"], one["people"]) for one in sale["dropped"]} == {
        "limit": (3, 2), "dismissed": (1, 1),
    }  # fmt: skip
