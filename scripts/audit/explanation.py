"""`kairos explain`: a decision, readable: funnel, candidates, feature values, contributions, versions."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import isnan
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from jobs.audit.decoded import decoded
from jobs.learning.artefact_check import Artefacts
from jobs.learning.examples import matrix_of
from jobs.learning.trust import Trust
from log.kafka import read_to_end
from models.ranker import XgboostRanker
from schemas.codec import DECISION, TRACE, Codec
from schemas.decisions import (
    Decision,
    DecisionTrace,
    LeftOut,
    TracedAction,
    TracedCandidate,
)
from schemas.errors import ConfigError
from schemas.limits import AHEAD_OF_LOG_MAX_MS
from schemas.topics import DECISIONS, TRACES
from scripts.commands.models_cli import announced
from scripts.console import say, show, show_table
from scripts.policy.action_words import STAGES, priority_in_words, verdict_in_words
from scripts.progress import Watched
from scripts.times import utc
from udfs.decide import COLD_SCORER
from udfs.facts.features import FEATURE_SPACE, FEATURES

BIAS: Final = "bias"
"""What a score is before any feature is looked at."""
SHOWN_CHOSEN: Final = 3
SHOWN_RUNNERS_UP: Final = 2
SHOWN_FEATURES: Final = 15
FATES: Final = {"chosen": 0, "not_chosen": 1, "excluded": 2}
MEANINGS: Final = {feature.name: feature.meaning for feature in FEATURES}

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


def find(kafka: str, prefix: str, decision_id: str, trust: Trust) -> Explained:
    """The newest record of a decision and its trace; ConfigError if there is none."""
    trace = _newest(kafka, prefix + TRACES, TRACE, decision_id, 0)
    if trace is None:
        raise ConfigError(f"no decision {decision_id!r} in {prefix + TRACES}; it may have expired")
    # its record bears the time of the event's record, which the event may be ahead of
    from_ms = max(0, trace.event_time_ms - AHEAD_OF_LOG_MAX_MS)
    decision = _newest(kafka, prefix + DECISIONS, DECISION, decision_id, from_ms)
    if decision is None:
        raise ConfigError(f"decision {decision_id!r} has a trace but is not in {prefix}{DECISIONS}")
    return explain(decision, trace, lambda version: find_ranker(kafka, prefix, version, trust))


def explain(
    decision: Decision, trace: DecisionTrace, ranker: Callable[[str], XgboostRanker]
) -> Explained:
    """A decision with what its scores rest on; `ranker` finds a model's version or raises ConfigError."""
    if trace.feature_set != FEATURE_SPACE.digest:
        remark = (
            f"its features are of set {trace.feature_set}, this code knows {FEATURE_SPACE.digest}"
        )
        return Explained(decision, trace, [], [], remark)
    if trace.left_out is not None:
        return Explained(decision, trace, [], [], _said_of(trace.left_out))
    contributions, remark = _contributions(trace, ranker)
    return Explained(decision, trace, features_of(trace), contributions, remark)


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
        found.setdefault(one.source, Counter())[_verdict(one)] += 1
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
    if version == COLD_SCORER.version:
        return [], "no model was in force: the order is that of popularity"
    try:
        ranker = find_model(version)
    except ConfigError as error:
        return [], f"contributions are unknown: {error}"
    shares = ranker.contributions(np.array(matrix_of(trace)))
    names = (*FEATURE_SPACE.names, BIAS)
    return [dict(zip(names, row, strict=True)) for row in shares.tolist()], ""


def explained_json(explained: Explained, stored_at_ms: int | None = None) -> dict[str, Any]:
    """All of it as builtins: what `kairos explain --json` prints and the API answers.

    `actions` say in words what became of each, the chosen one first; `timing` holds epoch milliseconds.
    """
    decision = explained.decision
    trace = msgspec.to_builtins(explained.trace, builtin_types=(bytes,)) | {
        "features": explained.features,
        "contributions": explained.contributions,
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
            for one in _by_fate(explained.trace)
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


def _by_fate(trace: DecisionTrace) -> list[TracedAction]:
    """The chosen action, those that were outweighed by priority, those that were excluded."""
    return sorted(trace.actions, key=lambda one: (FATES[one.verdict], -one.priority))


def show_explained(explained: Explained, stored_at_ms: int | None) -> None:
    """The decision in words, and tables: the funnel, the candidates, what their scores rest on."""
    decision, trace = explained.decision, explained.trace
    show(f"{decision.kind}: {decision.action_id} at {decision.placement} for {decision.person}")
    show(f"  {decision.explanation}")
    show(f"  cause     event {decision.event_id} of session {decision.session_id}")
    for line in _timing(decision, stored_at_ms):
        show(line)
    versions = decision.versions
    show(
        f"  versions  policy {versions.policy}, model {versions.model}, "
        f"catalogue {utc(versions.catalogue)}, knowledge {versions.knowledge}, code {versions.code}"
    )
    if decision.arm or decision.is_holdout:
        arms = ", ".join(f"{name}: {arm}" for name, arm in decision.arm.items()) or "none"
        show(f"  arms      {arms}" + (" - in the holdout" if decision.is_holdout else ""))
    show(f"  chance    {decision.action_probability:.3f} (draw {trace.draw:.4f})")
    for name, text in decision.content.items():
        show(f"  {name:<10}{text}")
    _show_actions(trace)
    suppressed = sum(one.verdict == "suppressed" for one in trace.candidates)
    show(
        f"  funnel    {len(trace.candidates)} retrieved, {suppressed} suppressed, "
        f"{len(decision.items)} chosen"
    )
    if explained.remark:
        show(f"  remark    {explained.remark}")
    rows = [
        (source, sum(counts.values()), _counted(counts)) for source, counts in funnel(trace).items()
    ]
    show_table("funnel", ("source", "retrieved", "of them"), rows)
    columns = ("#", "item", "source", "score", "verdict", "rule", "reason")
    show_table("candidates, best first", columns, _rows(explained))
    if explained.features:
        _show_features(explained)


def _show_actions(trace: DecisionTrace) -> None:
    """The funnel of the actions, and what became of each: the chosen one first, then by priority."""
    counts = ", ".join(f"{count} {stage}" for stage, count in action_funnel(trace).items())
    show(f"  actions   {counts}")
    rows = [
        (
            one.action_id,
            one.verdict.replace("_", " "),
            one.stage,
            verdict_in_words(one) if one.verdict == "excluded" else priority_in_words(one),
            f"{one.probability:.1%}" if one.verdict != "excluded" else "",
        )
        for one in _by_fate(trace)
    ]
    columns = ("action", "verdict", "stage", "why", "chance")
    show_table("actions (priority = P x C x V x L)", columns, rows)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _show_features(explained: Explained) -> None:
    """The values of the best few; with a model those that moved their scores most."""
    shown = _shown(explained)
    if not shown:
        return
    names = _telling(explained, shown)
    heads = [
        f"{explained.trace.candidates[at].item_id} ({_verdict(explained.trace.candidates[at])})"
        for at in shown
    ]
    rows = [
        (
            name,
            *(_told(explained, at, name) for at in shown),
            MEANINGS.get(name, "before any feature"),
        )
        for name in names
    ]
    title = (
        "value (its contribution to the score)" if explained.contributions else "values that differ"
    )
    show_table(title, ("feature", *heads, "meaning"), rows)


def _shown(explained: Explained) -> list[int]:
    """Places in the trace: the best chosen ones, then the best of the others."""
    candidates = explained.trace.candidates
    place = {item.item_id: at for at, item in enumerate(explained.decision.items)}
    chosen = [at for at, one in enumerate(candidates) if one.item_id in place]
    chosen.sort(key=lambda at: place[candidates[at].item_id])
    others = [at for at, one in enumerate(candidates) if one.item_id not in place]
    others.sort(key=lambda at: -candidates[at].score)
    return chosen[:SHOWN_CHOSEN] + others[:SHOWN_RUNNERS_UP]


def _telling(explained: Explained, shown: Sequence[int]) -> list[str]:
    """Features by their largest contribution to one of the shown; without a model, where these differ."""
    if explained.contributions:
        rows = [explained.contributions[at] for at in shown]
        largest = {name: max(abs(row[name]) for row in rows) for name in rows[0]}
        return sorted(largest, key=lambda name: -largest[name])[:SHOWN_FEATURES]
    values = [explained.features[at] for at in shown]
    return [name for name in FEATURE_SPACE.names if len({row.get(name) for row in values}) > 1]


def _told(explained: Explained, at: int, name: str) -> str:
    value = explained.features[at].get(name)
    text = "" if name == BIAS else "missing" if value is None else f"{value:.4g}"
    if not explained.contributions:
        return text
    return f"{text} ({explained.contributions[at][name]:+.3f})".strip()


def _verdict(candidate: TracedCandidate) -> str:
    return candidate.rule if candidate.verdict == "suppressed" else candidate.verdict


def _timing(decision: Decision, stored_at_ms: int | None) -> Iterator[str]:
    yield f"  timing    event {utc(decision.event_time_ms)}, valid until {utc(decision.valid_until_ms)}"
    if stored_at_ms is not None and decision.sent_at_ms is not None:
        took = stored_at_ms - decision.sent_at_ms
        yield f"            in the store {took} ms after the event was sent"


def _rows(explained: Explained) -> list[tuple[object, ...]]:
    decision, trace = explained.decision, explained.trace
    reasons = {item.item_id: item.reason for item in decision.items}
    places = {item.item_id: str(place) for place, item in enumerate(decision.items, start=1)}
    ordered = sorted(
        trace.candidates,
        key=lambda one: (int(places.get(one.item_id, "9999")), -one.score),
    )
    return [
        (
            places.get(one.item_id, ""),
            one.item_id,
            one.source,
            f"{one.score:.4f}",
            one.verdict,
            " ".join([one.rule, *(f"{name}={value}" for name, value in one.values.items())]),
            reasons.get(one.item_id, ""),
        )
        for one in ordered
    ]


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
