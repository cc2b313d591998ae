"""`kairos explain`: a decision, readable: funnel, candidates, feature values, contributions, versions."""

from collections import Counter
from collections.abc import Callable
from math import isnan
from typing import Any, Final, NamedTuple

import msgspec

from jobs.audit.decoded import decoded
from jobs.learning.artefact_check import Artefacts
from jobs.learning.trust import Trust
from log.kafka import read_to_end
from models.ranker import XgboostRanker
from models.scorer import WeightedScorer
from schemas.codec import DECISION, TRACE, Codec
from schemas.decisions import (
    Decision,
    DecisionTrace,
    LeftOut,
    TracedAction,
    TracedCandidate,
)
from schemas.errors import ConfigError
from schemas.topics import DECISIONS, TRACES, earliest_record_ms
from scripts.console import say
from scripts.policy.action_words import STAGES, priority_in_words, verdict_in_words
from scripts.progress import Watched
from scripts.training.model_versions import announced
from udfs.explain.vectors import is_withheld, matrix_of
from udfs.facts.features import FEATURE_SPACE, FEATURES, columns_of
from udfs.items.orders import ORDERS

BIAS: Final = "bias"
"""What a score is before any feature is looked at."""
FATES: Final = {"chosen": 0, "not_chosen": 1, "excluded": 2}
MEANINGS: Final = {one.feature: one.meaning for one in FEATURES}

MakeAgain = Callable[[str], DecisionTrace | None]
"""Gives the whole trace of a decision, made again from the log; None = it comes out otherwise."""
Row = dict[str, float]
"""Values by feature; what is missing is left out."""


class Explained(NamedTuple):
    """A decision with its trace.

    `features` and `contributions` have one row per candidate, in the order of the trace; empty where
    they cannot be told, and `remark` says why. A row of contributions with its BIAS sums to the score.
    """

    decision: Decision
    trace: DecisionTrace
    features: list[Row]
    contributions: list[Row]
    remark: str


def find(
    kafka: str, prefix: str, decision_id: str, trust: Trust, again: MakeAgain | None = None
) -> Explained:
    """The newest record of a decision and its trace; ConfigError if there is none."""
    trace = _newest(kafka, prefix + TRACES, TRACE, decision_id, 0)
    if trace is None:
        raise ConfigError(f"no decision {decision_id!r} in {prefix + TRACES}; it may have expired")
    # to the end: an imported event may be years older than what was decided on it
    since_ms = earliest_record_ms(trace.event_time_ms)
    decision = _newest(kafka, prefix + DECISIONS, DECISION, decision_id, since_ms)
    if decision is None:
        raise ConfigError(f"decision {decision_id!r} has a trace but is not in {prefix}{DECISIONS}")
    return explain(
        decision, trace, lambda version: find_ranker(kafka, prefix, version, trust), again
    )


def explain(
    decision: Decision,
    trace: DecisionTrace,
    ranker: Callable[[str], XgboostRanker],
    again: MakeAgain | None = None,
) -> Explained:
    """A decision with what its scores rest on; `ranker` finds a model's version or raises ConfigError.

    `again` makes the whole trace once more where the logged one holds the digest of its features alone; None = it is
    not to be made.
    """
    if trace.feature_set != FEATURE_SPACE.digest:
        remark = (
            f"its features are of set {trace.feature_set}, this code knows {FEATURE_SPACE.digest}"
        )
        return Explained(decision, trace, [], [], remark)
    if trace.left_out is not None:
        return Explained(decision, trace, [], [], _said_of(trace.left_out))
    whole, remark = (trace, "") if not is_withheld(trace) else _made_again(trace, again)
    if whole is None:
        return Explained(decision, trace, [], [], remark)
    contributions, unknown = _contributions(whole, ranker)
    remark = "; ".join(filter(None, (remark, unknown)))
    return Explained(decision, trace, features_of(whole), contributions, remark)


def _made_again(trace: DecisionTrace, again: MakeAgain | None) -> tuple[DecisionTrace | None, str]:
    """The trace with its features, if they are what was decided with; and what is to be said of them."""
    if again is None:
        return None, (
            "its trace holds a digest of its feature values (KAIROS_TRACE_SHARE): "
            f"`kairos explain {trace.decision_id}` computes them again from the log"
        )
    made = again(trace.decision_id)
    if made is None or made.matrix_digest != trace.matrix_digest:
        return None, (
            "its feature values are no longer recomputable: the log does not give the same again; "
            f"`kairos verify replay --decision {trace.decision_id}` says why"
        )
    return (
        made,
        "its feature values are computed again from the log, and are those that were decided with",
    )


def _said_of(left_out: LeftOut) -> str:
    """What the trace has not."""
    others = ((left_out.candidates, "candidates"), (left_out.actions, "actions"))
    parts = ["its features"] if left_out.features else []
    parts += [f"{count:,} {name}" for count, name in others if count]
    return f"the trace would have been too large: {', '.join(parts)} are left out"


def find_ranker(kafka: str, prefix: str, version: str, trust: Trust) -> XgboostRanker:
    """The ranker of a version that was published; ConfigError where it cannot be had any more."""
    records = [one for one in announced(kafka, prefix, trust.keys) if one.version == version]
    if not records:
        raise ConfigError(f"model {version} is not on control any more")
    return Artefacts(trust.roots, trust.marks).ranker(records[-1].published, FEATURE_SPACE)


def features_of(trace: DecisionTrace) -> list[Row]:
    """The known values of each candidate's vector by name; the trace must be of this feature set."""
    return [
        {name: row[at] for at, name in enumerate(FEATURE_SPACE.names) if not isnan(row[at])}
        for row in matrix_of(trace).tolist()
    ]


def funnel(trace: DecisionTrace) -> dict[str, dict[str, int]]:
    """How many candidates each source gave, by verdict or the rule that spoke against them."""
    found: dict[str, Counter[str]] = {}
    for one in trace.candidates:
        found.setdefault(one.source, Counter())[verdict_of(one)] += 1
    return {source: dict(counts) for source, counts in found.items()}


def action_funnel(trace: DecisionTrace) -> dict[str, int]:
    """How many actions competed, were excluded at each stage, and were left to choose from."""
    counted = Counter(one.stage for one in trace.actions if one.verdict == "excluded")
    stages = {stage: counted[stage] for stage in STAGES if counted[stage]}
    left = len(trace.actions) - sum(stages.values())
    return {"actions": len(trace.actions)} | stages | {"left": left}


def _contributions(
    trace: DecisionTrace, find_model: Callable[[str], XgboostRanker]
) -> tuple[list[Row], str]:
    """The shares of each score, by the model that decided; else nothing, and why."""
    version = trace.versions.model
    order = ORDERS.get(version)
    if isinstance(order, WeightedScorer):
        parts = order.parts(columns_of(matrix_of(trace), order.names))
        return [dict(zip(order.names, row, strict=True)) for row in parts.tolist()], ""
    if order is not None:
        return [], f"no model ranked these: the order is `{version}`"
    try:
        ranker = find_model(version)
    except ConfigError as error:
        return [], f"contributions are unknown: {error}"
    shares = ranker.contributions(columns_of(matrix_of(trace), ranker.names))
    names = (*ranker.names, BIAS)
    return [dict(zip(names, row, strict=True)) for row in shares.tolist()], ""


def explained_json(explained: Explained, stored_at_ms: int | None = None) -> dict[str, Any]:
    """All of it as builtins: what `kairos explain --json` prints and the API answers.

    `actions` say in words what became of each, the chosen one first; `timing` holds epoch milliseconds.
    """
    decision = explained.decision
    trace = msgspec.to_builtins(explained.trace, builtin_types=(bytes,)) | {
        "features": explained.features,
        "contributions": explained.contributions,
        "matrix_digest": explained.trace.matrix_digest.hex(),
    }
    return {
        "decision": msgspec.to_builtins(decision),
        "trace": trace,
        "funnel": funnel(explained.trace),
        "action_funnel": action_funnel(explained.trace),
        "actions": [
            msgspec.to_builtins(one)
            | {
                "stage_meaning": STAGES.get(one.stage, ""),
                "words": verdict_in_words(one)
                if one.verdict == "excluded"
                else priority_in_words(one),
            }
            for one in by_fate(explained.trace)
        ],
        "timing": {
            "event_time_ms": decision.event_time_ms,
            "sent_at_ms": decision.sent_at_ms,
            "stored_at_ms": stored_at_ms,
            "valid_until_ms": decision.valid_until_ms,
        },
        "meanings": MEANINGS,
        "remark": explained.remark,
    }


def by_fate(trace: DecisionTrace) -> list[TracedAction]:
    """The chosen action, those that were outweighed by priority, those that were excluded."""
    return sorted(trace.actions, key=lambda one: (FATES[one.verdict], -one.priority))


def verdict_of(candidate: TracedCandidate) -> str:
    """What became of a candidate: the rule that spoke against it, or its verdict."""
    return candidate.rule if candidate.verdict == "suppressed" else candidate.verdict


def _newest(
    kafka: str, topic: str, codec: Codec[Any], decision_id: str, from_ms: int
) -> Any | None:
    """The last record with this id among those of `from_ms` and later (a repeat writes it again)."""
    wanted = decision_id.encode()
    found = None
    every = Watched(f"looking through {topic}", read_to_end(kafka, [topic], from_ms))
    records = (one for one in every if wanted in one.value)
    for record in decoded(records, codec.decode, say):
        found = record if record.decision_id == decision_id else found
    return found
