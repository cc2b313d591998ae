"""Decisions to be stored."""

from typing import Any

import msgspec

from schemas.codec import DECISION
from schemas.decisions import Decision, DecisionItem, Versions

BASE = Decision(
    decision_id="d1", kind="decided", person="p1", session_id="s1", event_id="e1",
    event_time_ms=1_700_000_000_000, placement="home", channel=None, action_id="recommend_items",
    treatment_id="slate", items=(DecisionItem("i1", 0.5, "Popular with other people"),),
    priority=0.5, response_propensity=None, action_probability=1.0, arm={}, is_holdout=False,
    is_merging=False, explanation="Popular with other people",
    versions=Versions("default-1", "popularity", 0, 0, "test"), sequence=1, sent_at_ms=None,
    valid_until_ms=4_000_000_000_000,
)  # fmt: skip


def make_decision(sequence: int, **changes: Any) -> Decision:
    """A decision for p1 on home that is valid for long."""
    fields = {"sequence": sequence, "decision_id": f"d{sequence}"} | changes
    return msgspec.structs.replace(BASE, **fields)


def with_bytes(*decisions: Decision) -> list[tuple[Decision, bytes]]:
    return [(one, DECISION.encode(one)) for one in decisions]
