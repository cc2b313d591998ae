"""The person step: fold the news, and where a placement asks, choose the next best action."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from models.scorer import ColumnScorer, Scorer
from schemas import CODE_VERSION
from schemas.dead_letters import DeadLetter
from schemas.decisions import (
    Decision,
    DecisionItem,
    DecisionTrace,
    TracedAction,
    TracedCandidate,
    Versions,
)
from schemas.events import Event
from schemas.limits import CONTEXT_WEIGHT_MAX, PERSON_EXPIRY_MS
from schemas.links import is_link_name
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Placement
from schemas.state.person import PersonState, Unit
from schemas.state.session import SESSION_CONTEXT, Fact, SessionContext, SessionNews
from udfs.actions.arbitrate import Choice, Contender, arbitrate, contend
from udfs.actions.asked_decisions import asks_for, may_ask
from udfs.actions.assign_arms import assign_arms, is_held_out
from udfs.actions.draw_unit import changes_arm, told_unit, unit_of
from udfs.actions.judge_actions import MAY, Judged, Seen, Verdict, hold_out, judge_actions
from udfs.actions.respond import respond, response_context, response_row
from udfs.draw import draw, identify_decision
from udfs.explain.fit_records import TOO_LARGE, Made, Room, fit
from udfs.facts.attributes import read_attributes, read_item_attributes
from udfs.facts.features import FEATURE_INDEX, FEATURE_SPACE, compute_features
from udfs.facts.fold_profile import fold_profile
from udfs.facts.read_situation import Situation
from udfs.facts.remember_actions import has_limits, remember_grant, remember_reaction
from udfs.facts.remember_facts import fact_of, is_repeated, remember_fact
from udfs.facts.view_candidates import View
from udfs.items.fill_slate import Ranked, Slate, fill_slate, wanted_items
from udfs.items.retrieve_candidates import Retrieved, retrieve_candidates
from udfs.items.suppress_candidates import PASSED, suppress_candidates
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.language.render_texts import in_language, language_of, render, render_link
from udfs.language.sentences import say
from udfs.policy.compiled_policy import CompiledAction, CompiledPlacement, CompiledPolicy
from udfs.results import PersonOutcome
from udfs.session.follow_session import follow_session

COLD_SCORER: Final = ColumnScorer("popularity", FEATURE_INDEX["item_interest"])
"""The order of popularity, for as long as there is no model, and for people in the holdout."""
GIVEN_ORDER: Final = ColumnScorer("given", FEATURE_INDEX["caller_position"], sign=-1.0)
"""The order in which the caller handed its candidates in: what people in the holdout get of a rerank."""
NOBODY: Final = SessionContext(0, 0, 0)
UNRANKED: Final = Ranked(
    [], np.empty((0, FEATURE_SPACE.count), np.float32), [], np.empty(0, np.float32), None, ""
)


class Asked(NamedTuple):
    """One event that asks for decisions, and all they may depend on."""

    person: str
    event: Event
    state: PersonState
    context: SessionContext
    knowledge: Knowledge
    known: Known
    policy: CompiledPolicy
    arms: dict[str, str]
    is_held_out: bool
    language: str
    seed: str


def decide(
    state: PersonState | None,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    is_wanted: bool = True,
    named: Versions | None = None,
    room: Room | None = None,
) -> PersonOutcome:
    """One piece of news for the person that is its key; due timers run first.

    `room`: what a record may take; None = as much as it needs.

    Without `is_wanted` everything is folded and nothing decided. An audit says which versions a logged
    decision has `named` as what it saw; else they are those in force.
    """
    knowledge.advance(news.order_ms)
    counts: tuple[str, ...] = ()
    if state is not None and news.order_ms >= state.timer_ms:
        state, counts = None, ("persons_forgotten",)
    unit = unit_of(state, news)
    if state is None:
        state = PersonState(news.order_ms, news.order_ms)
    state.unit = unit
    is_repeat = _is_repeat(state, news)
    if is_repeat:
        counts += ("facts_repeated",)
    else:
        fold_profile(state, news, knowledge)
        if news.kind == "event" and news.event is not None:
            remember_reaction(state, news.event)
    if news.kind == "handover" and _is_exposed_twice(unit, news, knowledge):
        counts += ("multiple_exposures",)
    state.last_ms = max(state.last_ms, news.order_ms)
    state.timer_ms = state.last_ms + PERSON_EXPIRY_MS
    counts += ("fact_ids_dropped",) * _remember_facts(state, news)
    asked = _asked(state, news, knowledge, seed, named) if is_wanted and not is_repeat else None
    if asked is None:
        return PersonOutcome(state, (), state.timer_ms, counts)
    made: list[Made] = []
    for placement in asked.policy.placements:
        if asks_for(asked.event, placement.placement):
            decided, failed = _decide_one(placement, asked)
            made += [decided] if decided else []
            counts += ("conditions_failed",) * failed
    outcome = PersonOutcome(state, tuple(made), state.timer_ms, counts)
    return outcome if room is None else _fitted(outcome, news, room)


def _is_repeat(state: PersonState, news: SessionNews) -> bool:
    """Whether it tells of a purchase or refund that the person was told of before, in this session or another."""
    fact = fact_of(news.event) if news.kind == "event" and news.event is not None else None
    return fact is not None and is_repeated(state.fact_ids, fact)


def _remember_facts(state: PersonState, news: SessionNews) -> int:
    """Keeps what `news` tells of purchases and refunds; how many had to go at the bound."""
    facts: list[Fact | None] = []
    if news.kind == "event" and news.event is not None:
        facts = [fact_of(news.event)]
    elif news.kind == "handover":
        facts = [*SESSION_CONTEXT.decode(news.context).facts]
    dropped = 0
    for fact in facts:
        if fact is not None and not is_repeated(state.fact_ids, fact):
            state.fact_ids, is_full = remember_fact(state.fact_ids, fact, state.last_ms)
            dropped += is_full
    return dropped


def _is_exposed_twice(unit: Unit, news: SessionNews, knowledge: Knowledge) -> bool:
    """Whether what the visitor saw before they signed in was another arm than what they see from now on."""
    policy = knowledge.policy_at(news.order_ms)
    return policy is not None and changes_arm(policy.policy, unit, told_unit(news))


def _fitted(outcome: PersonOutcome, news: SessionNews, room: Room) -> PersonOutcome:
    """With what can be written; the rest is counted."""
    found = [fit(one, news, room) for one in outcome.decisions]
    letters = tuple(one for one in found if isinstance(one, DeadLetter))
    made = tuple(one for one in found if not isinstance(one, DeadLetter))
    left_out = ("traces_cut",) * sum(trace.left_out is not None for _, trace in made)
    counts = (*outcome.counts, *left_out, *(TOO_LARGE for _ in letters))
    return outcome._replace(decisions=made, dead_letters=letters, counts=counts)


def expire_person(state: PersonState, now_ms: int) -> PersonOutcome:
    """Forgets a person without any event for PERSON_EXPIRY_MS; nothing if it is not yet due."""
    if now_ms >= state.timer_ms:
        return PersonOutcome(None, (), None, ("persons_forgotten",))
    return PersonOutcome(state, (), state.timer_ms, ())


def _asked(
    state: PersonState,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    named: Versions | None,
) -> Asked | None:
    """The event that asks; None where nothing is to be decided."""
    event = news.event
    if event is None or not may_ask(news):
        return None
    known = knowledge.at(event.event_time_ms, news.order_ms)
    if named is not None:
        knowledge, known = knowledge.named(known, named)
    if known.policy is None:
        return None
    policy = known.policy.policy
    unit = unit_of(state, news).id
    arms = assign_arms(policy.experiments, unit)
    variant = known.policy.variant(arms)
    if not any(asks_for(event, one.placement) for one in variant.placements):
        return None
    is_out = is_held_out(policy.holdout, unit)
    context = SESSION_CONTEXT.decode(news.context)
    language = language_of(event, policy.language)
    return Asked(
        news.person, event, state, context, knowledge, known, variant, arms, is_out, language, seed
    )


def _decide_one(placement: CompiledPlacement, asked: Asked) -> tuple[Made | None, int]:
    """Judge, rank, weigh, choose, explain: reads top to bottom. With how many conditions failed to run."""
    event, now_ms = asked.event, asked.event.event_time_ms
    situation = Situation(asked.state, asked.context, event, asked.knowledge, asked.known)
    if asked.is_held_out:  # whoever it is, and whatever they did
        situation = situation._replace(state=PersonState(now_ms, now_ms), context=NOBODY)
    moment = Seen(asked.policy, placement, situation)
    if not moment.holds(placement.when):
        return None, len(moment.errors)
    judged = _judge(placement, asked, moment)
    ranked = _rank(placement, judged, asked, moment)
    slates = {
        one.compiled.action.id: fill_slate(
            ranked, one.compiled, placement.placement, situation, moment.values, asked.language
        )
        for one in judged
        if one.verdict is MAY and one.compiled.action.kind == "slate"
    }
    judged = [_with_items(one, slates.get(one.compiled.action.id)) for one in judged]
    competing = [one for one in judged if one.verdict is MAY]
    modelled = _modelled(competing, asked, moment)
    key = _context_key(competing, ranked, asked)
    contenders = {
        one.compiled.action.id: _contend(
            one, placement, asked, moment, ranked, slates, modelled, key
        )
        for one in competing
    }
    drawn = draw(asked.seed, asked.person, event.event_id, placement.placement.name)
    exploration = asked.policy.policy.exploration
    choice = arbitrate(list(contenders.values()), exploration, drawn)
    chosen = next(one for one in judged if one.compiled.action.id == choice.action_id)
    slate = slates.get(choice.action_id)
    asked.state.sequence = max(asked.state.sequence + 1, now_ms * 1000)
    decision = _decision(
        placement.placement,
        asked,
        moment,
        chosen,
        contenders[choice.action_id],
        choice,
        ranked,
        slate,
    )
    shown = slate or next(iter(slates.values()), None)
    trace = _trace(
        decision,
        _traced_items(ranked, shown, set(slate.places) if slate else set()),
        _traced_actions(judged, contenders, choice),
        ranked.features.tobytes(),
        drawn,
    )
    return (decision, trace), len(moment.errors)


def _judge(placement: CompiledPlacement, asked: Asked, moment: Seen) -> list[Judged]:
    if not asked.is_held_out:
        return judge_actions(placement, asked.policy, moment, asked.person, asked.seed)
    default = placement.placement.fallback or RECOMMEND_ITEMS
    return hold_out(placement, default)


def _with_items(one: Judged, slate: Slate | None) -> Judged:
    """A slate without items is not offered."""
    if slate is None or slate.places:
        return one
    return one._replace(verdict=Verdict("items", "no_items", {}))


# --- ranking items --------------------------------------------------------------------------------------


def _rank(placement: CompiledPlacement, judged: list[Judged], asked: Asked, moment: Seen) -> Ranked:
    """The candidates with their scores, once for all slates that compete."""
    slates = [
        one.compiled for one in judged if one.verdict is MAY and one.compiled.action.kind == "slate"
    ]
    if not slates:
        return UNRANKED
    setting, policy = placement.placement, asked.policy.policy
    state, context, event, knowledge, known = moment.situation
    leads = follow_session(context, state, knowledge.statistics, known.epoch, event.event_time_ms)
    candidates = retrieve_candidates(
        state, context, event, leads, knowledge, known, setting.candidates,
        _wanted(slates, moment),
    )  # fmt: skip
    view = View(candidates, state, context, event, leads, knowledge, known)
    features = compute_features(view)
    scorer = _scorer(asked)
    scores = scorer.score(features)
    verdicts = (
        suppress_candidates(candidates, state, event, policy.suppression)
        if setting.suppress
        else [PASSED] * len(candidates)
    )
    propensities = scorer.propensity(scores)
    return Ranked(candidates, features, verdicts, scores, propensities, scorer.version)


def _scorer(asked: Asked) -> Scorer:
    if asked.is_held_out:
        return GIVEN_ORDER if asked.event.candidates else COLD_SCORER
    return asked.known.scorer or COLD_SCORER


def _wanted(slates: list[CompiledAction], moment: Seen) -> dict[str, str]:
    """Items that the rules of the slates ask for, with their source."""
    found: dict[str, str] = {}
    for one in slates:
        for item_id, source in wanted_items(one, moment.situation, moment.values).items():
            found.setdefault(item_id, source)
    return found


# --- weighing actions -----------------------------------------------------------------------------------


def _contend(
    one: Judged,
    placement: CompiledPlacement,
    asked: Asked,
    moment: Seen,
    ranked: Ranked,
    slates: Mapping[str, Slate],
    modelled: Mapping[str, float],
    context_key: str,
) -> Contender:
    action, policy = one.compiled.action, asked.policy
    if action.kind == "nothing":
        return Contender(NOTHING, 0.0, "", 1.0, 0.0, 1.0, policy.policy.nothing_priority)
    context_weight = 1.0
    for at in one.compiled.weights:
        weight = policy.weights[at]
        if moment.holds(weight.at):
            context_weight = min(context_weight * weight.weight, CONTEXT_WEIGHT_MAX)
    slate = slates.get(action.id)
    if slate is not None and ranked.propensities is not None:
        propensity, source = float(ranked.propensities[slate.places[0]]), "model"
    else:
        found = respond(
            action.id, placement.placement.name, context_key,
            action.prior, asked.knowledge.actions, asked.known.epoch, modelled.get(action.id),
        )  # fmt: skip
        propensity, source = found.propensity, found.source
    return contend(action.id, propensity, source, context_weight, action.value, action.lever)


def _context_key(competing: list[Judged], ranked: Ranked, asked: Asked) -> str:
    """The context in which responses are counted; not looked for where the ranker gives all propensities."""
    known = {"nothing", "slate"} if ranked.propensities is not None else {"nothing"}
    if all(one.compiled.action.kind in known for one in competing):
        return ""
    return response_context(asked.context, asked.event)


def _modelled(competing: list[Judged], asked: Asked, moment: Seen) -> Mapping[str, float]:
    """The propensities of those that the model of responses knows."""
    model = asked.known.responses
    if model is None:
        return {}
    names = [one.compiled.action.id for one in competing]
    return model.propensities(names, response_row(*moment.situation))


# --- what goes out --------------------------------------------------------------------------------------


def _decision(
    placement: Placement,
    asked: Asked,
    moment: Seen,
    chosen: Judged,
    contender: Contender,
    choice: Choice,
    ranked: Ranked,
    slate: Slate | None,
) -> Decision:
    event, known, policy = asked.event, asked.known, asked.policy.policy
    action = chosen.compiled.action
    decision_id = identify_decision(asked.person, event.session_id, event.event_id, placement.name)
    valid_until_ms = event.event_time_ms + (action.valid_ms or placement.valid_ms)
    if action.kind != "nothing" and has_limits(action.limits):
        valid_until_ms = remember_grant(
            asked.state, action.id, decision_id, event.event_time_ms, valid_until_ms
        )
    items = _items(ranked, slate)
    model = ranked.model or (known.scorer or COLD_SCORER).version
    is_silent = action.kind == "nothing"
    return Decision(
        decision_id=decision_id,
        kind="decided",
        person=asked.person,
        session_id=event.session_id,
        event_id=event.event_id,
        event_time_ms=event.event_time_ms,
        placement=placement.name,
        channel=placement.channel or event.channel,
        action_id=action.id,
        treatment_id=chosen.treatment.treatment.id if chosen.treatment else "none",
        items=items,
        priority=contender.priority,
        response_propensity=None if is_silent else contender.propensity,
        action_probability=choice.probabilities[action.id],
        arm=asked.arms,
        is_holdout=asked.is_held_out,
        is_merging=False,
        explanation=_explanation(chosen, items, asked, moment),
        versions=Versions(
            known.policy_version, model, known.catalogue_ms, known.epoch, CODE_VERSION
        ),
        sequence=asked.state.sequence,
        sent_at_ms=event.sent_at_ms,
        valid_until_ms=valid_until_ms,
        content=_content(chosen, asked, moment, policy.language),
        propensity_source=contender.source,
    )


def _items(ranked: Ranked, slate: Slate | None) -> tuple[DecisionItem, ...]:
    if slate is None:
        return ()
    return tuple(
        DecisionItem(ranked.candidates[at].item_id, float(ranked.scores[at]), reason)
        for at, reason in zip(slate.places, slate.reasons, strict=True)
    )


def _explanation(
    chosen: Judged, items: tuple[DecisionItem, ...], asked: Asked, moment: Seen
) -> str:
    """Why, in one sentence for the person."""
    template = in_language(chosen.compiled.reason, asked.language, asked.policy.policy.language)
    if template is not None:
        said = render(template, _text_values(chosen.compiled, template.names, moment))
        if said is not None:
            return said
    if items:
        return items[0].reason
    return say("silence", "", asked.language) if chosen.compiled.action.kind == "nothing" else ""


def _content(chosen: Judged, asked: Asked, moment: Seen, language: str) -> dict[str, str]:
    """The treatment's texts; one that names what is missing is left out, and a link that nobody may follow."""
    found = {}
    for name, texts in chosen.treatment.content if chosen.treatment else ():
        template = in_language(texts, asked.language, language)
        if template is not None:
            made = render_link if is_link_name(name) else render
            said = made(template, _text_values(chosen.compiled, template.names, moment))
            if said is not None:
                found[name] = said
    return found


def _text_values(one: CompiledAction, names: tuple[str, ...], moment: Seen) -> Mapping[str, object]:
    """What the placeholders of a text stand for; `item.*` is the item that the action is about."""
    own = [name for name in names if name not in moment.values]
    if not own:
        return moment.values
    of_item = [name for name in own if name.startswith("item.")]
    values = moment.values | read_attributes(
        [name for name in own if not name.startswith(("item.", "segment."))], moment.situation
    )
    if of_item and one.action.item is not None:
        situation = moment.situation
        item_id = read_attributes((one.action.item,), situation)[one.action.item]
        now_ms = situation.event.event_time_ms
        item = situation.knowledge.item_at(str(item_id), now_ms)
        candidate = Retrieved(str(item_id), "", item, None)
        values |= read_item_attributes(of_item, situation, candidate)
    return values


def _traced_items(
    ranked: Ranked, slate: Slate | None, chosen: set[int]
) -> tuple[TracedCandidate, ...]:
    verdicts = slate.verdicts if slate else ranked.verdicts
    return tuple(
        TracedCandidate(
            candidate.item_id,
            candidate.source,
            "chosen" if at in chosen else "suppressed" if verdicts[at].rule else "not_chosen",
            verdicts[at].rule or ("ranked" if at in chosen else "outranked"),
            verdicts[at].values,
            score,
        )
        for at, (candidate, score) in enumerate(
            zip(ranked.candidates, ranked.scores.tolist(), strict=True)
        )
    )


def _traced_actions(
    judged: list[Judged], contenders: Mapping[str, Contender], choice: Choice
) -> tuple[TracedAction, ...]:
    return tuple(
        _traced_action(one, contenders.get(one.compiled.action.id), choice) for one in judged
    )


def _traced_action(one: Judged, contender: Contender | None, choice: Choice) -> TracedAction:
    action, verdict = one.compiled.action, one.verdict
    treatment_id = one.treatment.treatment.id if one.treatment else ""
    if contender is None:
        values = dict(verdict.values)
        return TracedAction(
            action.id, treatment_id, "excluded", verdict.stage, verdict.rule, values,
            0.0, "", 0.0, action.value, action.lever, 0.0, 0.0,
        )  # fmt: skip
    is_chosen = action.id == choice.action_id
    return TracedAction(
        action.id, treatment_id, "chosen" if is_chosen else "not_chosen", "arbitration",
        "chosen" if is_chosen else "outweighed", {}, contender.propensity, contender.source,
        contender.context_weight, contender.value, contender.lever, contender.priority,
        choice.probabilities.get(action.id, 0.0),
    )  # fmt: skip


def _trace(
    decision: Decision,
    candidates: tuple[TracedCandidate, ...],
    actions: tuple[TracedAction, ...],
    features: bytes,
    drawn: float,
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
        actions=actions,
    )
