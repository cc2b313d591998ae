"""A decision as the console shows it: the funnel, what became of every action and item, in words."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.decisions import Decision, DecisionTrace, TracedAction
from scripts.audit.explanation import BIAS, FATES, MEANINGS, Explained, action_funnel, funnel
from scripts.policy.action_words import STAGES, fate_in_words, priority_in_words, verdict_in_words
from scripts.times import utc

CANDIDATES_SHOWN_MAX: Final = 100
FEATURES_SHOWN_MAX: Final = 20
"""Candidates whose features are told, the best; and of each so many features, the weightiest."""


def decision_row(decision: Decision) -> dict[str, Any]:
    """A decision in a list."""
    versions = decision.versions
    return {
        "decision_id": decision.decision_id,
        "kind": decision.kind,
        "person": decision.person,
        "session_id": decision.session_id,
        "placement": decision.placement,
        "channel": decision.channel,
        "action_id": decision.action_id,
        "treatment_id": decision.treatment_id,
        "explanation": decision.explanation,
        "items": [one.item_id for one in decision.items],
        "event_time_ms": decision.event_time_ms,
        "valid_until_ms": decision.valid_until_ms,
        "is_holdout": decision.is_holdout,
        "arm": decision.arm,
        "versions": msgspec.to_builtins(versions) | {"catalogue": utc(versions.catalogue)},
    }


def seen_now(newest_first: Iterable[Decision], now_ms: int) -> list[dict[str, Any]]:
    """What a person sees at `now_ms`: of each placement the newest decision with its texts, while it is valid."""
    found: dict[str, Decision] = {}
    for one in newest_first:
        found.setdefault(one.placement, one)
    return [
        decision_row(one) | {"content": one.content}
        for _, one in sorted(found.items())
        if one.kind == "decided" and one.valid_until_ms > now_ms
    ]


def decision_view(decision: Decision, explained: Explained | None) -> dict[str, Any]:
    """A decision with all that is known of how it came about; where its trace has expired, the answer alone."""
    view = decision_row(decision) | {
        "content": decision.content,
        "event_id": decision.event_id,
        "response_propensity": decision.response_propensity,
        "propensity_source": decision.propensity_source,
        "action_probability": decision.action_probability,
        "priority": decision.priority,
        "slate": msgspec.to_builtins(decision.items),
        "has_trace": explained is not None,
    }
    if explained is None:
        return view
    trace = explained.trace
    suppressed = sum(one.verdict == "suppressed" for one in trace.candidates)
    return view | {
        "remark": explained.remark,
        "draw": trace.draw,
        "action_funnel": action_funnel(trace),
        "stages": STAGES,
        "actions": [
            _action(one)
            for one in sorted(trace.actions, key=lambda one: (FATES[one.verdict], -one.priority))
        ],
        "sources": funnel(trace),
        "item_funnel": {
            "retrieved": len(trace.candidates),
            "suppressed": suppressed,
            "ranked": len(trace.candidates) - suppressed,
            "chosen": len(decision.items),
        },
        "candidates": _candidates(explained),
    }


def fate_view(action: TracedAction, trace: DecisionTrace) -> dict[str, Any]:
    """Why an action was or was not chosen in a decision, in a sentence."""
    return {
        "sentence": fate_in_words(action, trace),
        "decision_id": trace.decision_id,
        "placement": trace.placement,
        "event_time_ms": trace.event_time_ms,
        "action": _action(action),
    }


def _action(one: TracedAction) -> dict[str, Any]:
    is_out = one.verdict == "excluded"
    told: dict[str, Any] = msgspec.to_builtins(one)
    del told["values"]
    return told | {"why": verdict_in_words(one) if is_out else priority_in_words(one)}


def _candidates(explained: Explained) -> list[dict[str, Any]]:
    """The candidates, the chosen ones in their order, then by score; features of the best few."""
    decision, candidates = explained.decision, explained.trace.candidates
    places = {item.item_id: place for place, item in enumerate(decision.items, start=1)}
    reasons = {item.item_id: item.reason for item in decision.items}
    last = len(places) + 1
    best = sorted(
        range(len(candidates)),
        key=lambda at: (places.get(candidates[at].item_id, last), -candidates[at].score),
    )
    return [
        {
            "place": places.get(candidates[at].item_id),
            "item_id": candidates[at].item_id,
            "source": candidates[at].source,
            "score": candidates[at].score,
            "verdict": candidates[at].verdict,
            "rule": candidates[at].rule,
            "values": candidates[at].values,
            "reason": reasons.get(candidates[at].item_id, ""),
            "features": _features(explained, at) if rank < FEATURES_SHOWN_MAX else [],
        }
        for rank, at in enumerate(best[:CANDIDATES_SHOWN_MAX])
    ]


def _features(explained: Explained, at: int) -> list[dict[str, Any]]:
    """The features that moved the score most; without a model, those that are not nought."""
    if not explained.features:
        return []
    row = explained.features[at]
    shares = explained.contributions[at] if explained.contributions else {}
    names = sorted(shares, key=lambda name: -abs(shares[name])) if shares else list(row)
    told = [one for one in names if one != BIAS and (shares.get(one) or (not shares and row[one]))]
    return [
        {
            "name": name,
            "value": row.get(name),
            "contribution": shares.get(name),
            "meaning": MEANINGS.get(name, ""),
        }
        for name in told[:FEATURES_SHOWN_MAX]
    ]
