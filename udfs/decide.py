"""The person step: fold the news, and where a placement asks, choose the next best action."""

from typing import Final

from models.scorer import ColumnScorer
from schemas import CODE_VERSION
from schemas.decisions import (
    Decision,
    DecisionItem,
    DecisionTrace,
    TracedCandidate,
    Versions,
)
from schemas.events import Event
from schemas.limits import PERSON_EXPIRY_MS
from schemas.person import PersonState
from schemas.policy import Placement, Policy
from schemas.session import SESSION_CONTEXT, SessionContext, SessionNews
from udfs.choose_slate import choose_slate
from udfs.draw import draw, identify_decision
from udfs.explain_items import explain_items
from udfs.features import FEATURE_INDEX, FEATURE_SPACE, compute_features
from udfs.fold_profile import fold_profile
from udfs.follow_session import follow_session
from udfs.knowledge import Knowledge, Known
from udfs.outcomes import PersonOutcome
from udfs.retrieve_candidates import retrieve_candidates
from udfs.suppress_candidates import PASSED, suppress_candidates
from udfs.view_candidates import View

Made = tuple[Decision, DecisionTrace]
COLD_SCORER: Final = ColumnScorer("popularity", FEATURE_INDEX["item_interest"])
"""The order of popularity, for as long as there is no model."""


def decide(
    state: PersonState | None,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    is_wanted: bool = True,
    epoch: int | None = None,
) -> PersonOutcome:
    """One piece of news for the person that is its key; due timers run first.

    Without `is_wanted` everything is folded and nothing decided. An audit names the `epoch` whose
    knowledge is seen; else it is the newest in force.
    """
    knowledge.advance(news.order_ms)
    counts: tuple[str, ...] = ()
    if state is not None and news.order_ms >= state.timer_ms:
        state, counts = None, ("persons_forgotten",)
    if state is None:
        state = PersonState(news.order_ms, news.order_ms)
    fold_profile(state, news, knowledge)
    state.last_ms = max(state.last_ms, news.order_ms)
    state.timer_ms = state.last_ms + PERSON_EXPIRY_MS
    made = _decisions(state, news, knowledge, seed, epoch) if is_wanted else ()
    return PersonOutcome(state, made, state.timer_ms, counts)


def expire_person(state: PersonState, now_ms: int) -> PersonOutcome:
    """Forgets a person without any event for PERSON_EXPIRY_MS; nothing if it is not yet due."""
    if now_ms >= state.timer_ms:
        return PersonOutcome(None, (), None, ("persons_forgotten",))
    return PersonOutcome(state, (), state.timer_ms, ())


def _decisions(
    state: PersonState, news: SessionNews, knowledge: Knowledge, seed: str, epoch: int | None
) -> tuple[Made, ...]:
    event = news.event
    if news.kind != "event" or event is None or news.is_late or not news.context:
        return ()
    known = knowledge.at(event.event_time_ms, news.order_ms)
    if epoch is not None:
        known = known._replace(epoch=epoch)
    if known.policy is None:
        return ()
    placements = _placements(known.policy, event)
    if not placements:
        return ()
    context = SESSION_CONTEXT.decode(news.context)
    return tuple(
        _decide_one(
            placement, known.policy, state, context, news.person, event, knowledge, known, seed
        )
        for placement in placements
    )


def _placements(policy: Policy, event: Event) -> list[Placement]:
    return [
        placement
        for placement in policy.placements
        if event.event_type in placement.event_types or placement.name in event.placements
    ]


def _decide_one(
    placement: Placement,
    policy: Policy,
    state: PersonState,
    context: SessionContext,
    person: str,
    event: Event,
    knowledge: Knowledge,
    known: Known,
    seed: str,
) -> Made:
    """Retrieve, score, suppress, choose, explain: reads top to bottom."""
    now_ms = event.event_time_ms
    leads = follow_session(context, state, knowledge.statistics, known.epoch, now_ms)
    candidates = retrieve_candidates(
        state, context, event, leads, knowledge, known, placement.candidates
    )
    view = View(candidates, state, context, event, leads, knowledge, known)
    features = compute_features(view)
    scorer = known.scorer or COLD_SCORER
    verdicts = (
        suppress_candidates(candidates, state, event, policy.suppression)
        if placement.suppress
        else [PASSED] * len(candidates)
    )
    scores = scorer.score(features)
    propensities = scorer.propensity(scores)
    free = [at for at, verdict in enumerate(verdicts) if verdict is PASSED]
    slate = choose_slate(candidates, scores, free, placement.size, placement.diversity)
    shown = [candidates[at] for at in slate]
    reasons = explain_items(shown, context, knowledge, now_ms)
    items = tuple(
        DecisionItem(candidates[at].item_id, float(scores[at]), reason)
        for at, reason in zip(slate, reasons, strict=True)
    )
    state.sequence = max(state.sequence + 1, event.event_time_ms * 1000)
    propensity = float(propensities[slate[0]]) if propensities is not None and slate else None
    decision = _decision(
        placement, person, event, items, known, scorer.version, propensity, state.sequence
    )
    chosen = set(slate)
    traced = tuple(
        TracedCandidate(
            candidate.item_id,
            candidate.source,
            "chosen" if at in chosen else "suppressed" if verdicts[at].rule else "not_chosen",
            verdicts[at].rule or ("ranked" if at in chosen else "outranked"),
            verdicts[at].values,
            score,
        )
        for at, (candidate, score) in enumerate(zip(candidates, scores.tolist(), strict=True))
    )
    trace = _trace(decision, traced, features.tobytes(), draw(seed, person, event.event_id))
    return decision, trace


def _decision(
    placement: Placement,
    person: str,
    event: Event,
    items: tuple[DecisionItem, ...],
    known: Known,
    model: str,
    propensity: float | None,
    sequence: int,
) -> Decision:
    versions = Versions(known.policy_version, model, known.catalogue_ms, known.epoch, CODE_VERSION)
    return Decision(
        decision_id=identify_decision(person, event.session_id, event.event_id, placement.name),
        kind="decided",
        person=person,
        session_id=event.session_id,
        event_id=event.event_id,
        event_time_ms=event.event_time_ms,
        placement=placement.name,
        channel=event.channel,
        action_id="recommend_items" if items else "nothing",
        treatment_id="slate" if items else "none",
        items=items,
        priority=items[0].score if items else 0.0,
        response_propensity=propensity,
        action_probability=1.0,
        arm={},
        is_holdout=False,
        is_merging=False,
        explanation=items[0].reason if items else "Nothing suits you better than silence",
        versions=versions,
        sequence=sequence,
        sent_at_ms=event.sent_at_ms,
        valid_until_ms=event.event_time_ms + placement.valid_ms,
    )


def _trace(
    decision: Decision, candidates: tuple[TracedCandidate, ...], features: bytes, drawn: float
) -> DecisionTrace:
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
        features=features,
        candidates=candidates,
        draw=drawn,
    )
