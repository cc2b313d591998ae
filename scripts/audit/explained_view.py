"""An explained decision as a person reads it: in words, and tables."""

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.decisions import Decision, DecisionTrace
from scripts.audit.explanation import (
    BIAS,
    MEANINGS,
    Explained,
    action_funnel,
    by_fate,
    funnel,
    verdict_of,
)
from scripts.console import show, show_table
from scripts.policy.action_words import priority_in_words, verdict_in_words
from scripts.times import utc
from udfs.facts.features import FEATURE_SPACE

SHOWN_CHOSEN: Final = 3
SHOWN_RUNNERS_UP: Final = 2
SHOWN_FEATURES: Final = 15


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
        for one in by_fate(trace)
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
        f"{explained.trace.candidates[at].item_id} ({verdict_of(explained.trace.candidates[at])})"
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
