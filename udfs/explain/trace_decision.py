"""The trace of a decision: every candidate and action with its verdict and numbers, and what was drawn."""

from collections.abc import Mapping, Sequence

from schemas.decisions import Decision, DecisionTrace, TracedAction, TracedCandidate
from udfs.actions.arbitrate import Choice, Contender
from udfs.actions.judge_actions import Judged
from udfs.facts.features import FEATURE_SPACE
from udfs.items.fill_slate import Ranked, Slate


def trace_decision(
    decision: Decision,
    ranked: Ranked,
    slates: Mapping[str, Slate],
    actions: tuple[TracedAction, ...],
    drawn: float,
) -> DecisionTrace:
    """What a later look at the decision needs; `slates` by the action that they are of."""
    return DecisionTrace(
        decision_id=decision.decision_id,
        person=decision.person,
        session_id=decision.session_id,
        event_id=decision.event_id,
        event_time_ms=decision.event_time_ms,
        placement=decision.placement,
        sequence=decision.sequence,
        versions=decision.versions,
        feature_set=FEATURE_SPACE.digest,
        features=ranked.features.tobytes(),
        candidates=_candidates(ranked, slates, slates.get(decision.action_id)),
        draw=drawn,
        actions=actions,
        matrix_digest=ranked.digest,
    )


def _candidates(
    ranked: Ranked, slates: Mapping[str, Slate], chosen: Slate | None
) -> tuple[TracedCandidate, ...]:
    """The verdicts are those of the chosen slate, else of the first that competed."""
    shown = chosen or next(iter(slates.values()), None)
    verdicts = shown.verdicts if shown else ranked.verdicts
    places = set(chosen.places) if chosen else set()
    return tuple(
        TracedCandidate(
            candidate.item_id,
            candidate.source,
            "chosen" if at in places else "suppressed" if verdicts[at].rule else "not_chosen",
            verdicts[at].rule or ("ranked" if at in places else "outranked"),
            verdicts[at].values,
            score,
        )
        for at, (candidate, score) in enumerate(
            zip(ranked.candidates, ranked.scores.tolist(), strict=True)
        )
    )


def trace_actions(
    judged: Sequence[Judged], contenders: Mapping[str, Contender], choice: Choice
) -> tuple[TracedAction, ...]:
    """Each action of the placement, in the order of their ids."""
    return tuple(_action(one, contenders.get(one.compiled.action.id), choice) for one in judged)


def _action(one: Judged, contender: Contender | None, choice: Choice) -> TracedAction:
    action, verdict = one.compiled.action, one.verdict
    treatment_id = one.treatment.treatment.id if one.treatment else ""
    if contender is None:
        return TracedAction(
            action.id, treatment_id, "excluded", verdict.stage, verdict.rule, dict(verdict.values),
            0.0, "", 0.0, action.value, action.lever, 0.0, 0.0,
        )  # fmt: skip
    is_chosen = action.id == choice.action_id
    return TracedAction(
        action.id, treatment_id, "chosen" if is_chosen else "not_chosen", "arbitration",
        "chosen" if is_chosen else "outweighed", dict(contender.told), contender.propensity, contender.source,
        contender.context_weight, contender.value, contender.lever, contender.priority,
        choice.probabilities.get(action.id, 0.0),
    )  # fmt: skip
