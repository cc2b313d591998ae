"""The person step: fold the news, and where a placement asks, choose the next best action."""

from typing import NamedTuple

from msgspec.structs import replace

from schemas import CODE_VERSION
from schemas.decisions import EVERYWHERE, Decision, DecisionItem, Versions
from schemas.events import is_outside_visit
from schemas.limits import PERSON_EXPIRY_MS
from schemas.policy import RECOMMEND_ITEMS, Placement
from schemas.state.person import PersonState, Unit
from schemas.state.session import SessionNews
from udfs.actions.arbitrate import Choice, Contender, arbitrate
from udfs.actions.asked import Asked
from udfs.actions.asked_decisions import asks_for, may_ask
from udfs.actions.assign_arms import assign_arms, is_held_out
from udfs.actions.draw_unit import changes_arm, told_unit, unit_of
from udfs.actions.judge_actions import MAY, Checked, Judged, Verdict, hold_out, judge_actions
from udfs.actions.note_decision import note_decision
from udfs.actions.take_back import take_back
from udfs.actions.weigh_actions import weigh_actions
from udfs.draw import draw, identify_decision
from udfs.erase import past_erasure
from udfs.explain.fit_records import Made, fit_all
from udfs.explain.trace_decision import trace_actions, trace_decision
from udfs.explain.tracing import WHOLE, Tracing
from udfs.explain.weighed import weighed
from udfs.explain.write_texts import content_of, explanation_of, told_of_items
from udfs.facts.consent import agreed, told
from udfs.facts.identity import part_of
from udfs.facts.joins import forget_joins
from udfs.facts.purchases import is_told_again, note_fact, remember_told
from udfs.facts.rooms import fold_profile, purge_person
from udfs.items.fill_slate import Ranked, Slate, fill_slate
from udfs.items.rank_items import rank_items, scorer_of
from udfs.items.shuffle_slates import shuffle_slates
from udfs.knowledge.knowledge import Knowledge
from udfs.language.render_texts import language_of
from udfs.moment import Moment
from udfs.policy.compiled_policy import CompiledPlacement
from udfs.results import PersonResult, Result
from udfs.session.follow_identity import is_alone


class Competition(NamedTuple):
    """What one placement's actions came to in a decision."""

    decision_id: str
    checked: Checked
    judged: list[Judged]
    contenders: dict[str, Contender]
    ranked: Ranked
    slates: dict[str, Slate]


def decide(
    state: PersonState | None,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    is_wanted: bool = True,
    named: Versions | None = None,
    tracing: Tracing = WHOLE,
) -> PersonResult:
    """One piece of news for the person that is its key; due timers run first.

    `tracing`: what its traces hold, and which features are computed for them.

    Without `is_wanted` everything is folded and nothing decided. An audit says which versions a logged
    decision has `named` as what it saw; else they are those in force.
    """
    knowledge.advance(news.order_ms)
    if is_alone(news):
        return Result(state, (), state.timer_ms if state is not None else None, ())
    state, erased, may_decide = past_erasure(state, news, knowledge.erasures)
    if erased is not None:
        return erased
    before = state.consent if state is not None else None
    state, is_repeat, counts = _folded(state, news, knowledge)
    is_asked = is_wanted and may_decide and not is_repeat
    asked = _asked(state, news, knowledge, seed, named, tracing) if is_asked else None
    made, failed = _decide_all(asked) if asked is not None else ([], 0)
    if news.is_merging:
        made = [(replace(decision, is_merging=True), trace) for decision, trace in made]
    outputs, unfit = fit_all(made, news, tracing.room)
    taken_back = tuple(take_back(state, before, knowledge.assumed, news))
    purged = [one for one in taken_back if one.placement != EVERYWHERE]
    counts += ("conditions_failed",) * failed + unfit + ("decisions_purged",) * len(purged)
    return Result(state, outputs + taken_back, state.timer_ms, counts)


def _folded(
    state: PersonState | None, news: SessionNews, knowledge: Knowledge
) -> tuple[PersonState, bool, tuple[str, ...]]:
    """The state with the news in it, as far as the person agreed to that; whether it was told before; what to count."""
    counts: tuple[str, ...] = ()
    if state is not None and news.order_ms >= state.timer_ms:
        state, counts = None, ("persons_forgotten",)
    unit = unit_of(state, news)
    if state is not None and (state.gave or state.before):
        forget_joins(state, news.order_ms)
    if state is None:
        state = PersonState(news.order_ms, news.order_ms, parts=part_of(news.person))
    elif state.claimed and not state.event_count:
        state.first_ms = news.order_ms  # who signed in on the device last took all of before
    if news.event is None or not is_outside_visit(news.event):
        state.unit = unit  # of whom is only told, nobody knows yet as which visitor they come
    is_repeat = is_told_again(state, news)
    if is_repeat:
        counts += ("facts_repeated",)
        if news.event is not None:  # money counts once, and consent whenever it is said
            state.consent = told(state.consent, news.event)
    else:
        fold_profile(state, news, knowledge)
        note_fact(state, news)
    # before the purge: of who is not known, nobody may tell how long they were away
    state.last_ms = max(state.last_ms, news.order_ms)
    holds = agreed(state.consent, knowledge.assumed)
    if not holds.is_personal:
        state = purge_person(state, holds.granted)
    elif news.kind == "handover" and _is_exposed_twice(unit, news, knowledge):
        counts += ("multiple_exposures",)
    state.timer_ms = state.last_ms + PERSON_EXPIRY_MS
    return state, is_repeat, counts + ("fact_ids_dropped",) * remember_told(state, news)


def _decide_all(asked: Asked) -> tuple[list[Made], int]:
    """What each placement that is asked for gets, and how many conditions failed to run."""
    made: list[Made] = []
    failed = 0
    for placement in asked.policy.placements:
        if asks_for(asked.moment.event, placement.placement, asked.moment.own_name):
            decided, errors = _decide_one(placement, asked)
            made += [decided] if decided else []
            failed += errors
    return made, failed


def _is_exposed_twice(unit: Unit, news: SessionNews, knowledge: Knowledge) -> bool:
    """Whether what the visitor saw before they signed in was another arm than what they see from now on."""
    policy = knowledge.policy_at(news.order_ms)
    return policy is not None and changes_arm(policy.policy, unit, told_unit(news), news.order_ms)


def expire_person(state: PersonState, now_ms: int) -> PersonResult:
    """Forgets a person without any event for PERSON_EXPIRY_MS; nothing if it is not yet due."""
    if now_ms >= state.timer_ms:
        return Result(None, (), None, ("persons_forgotten",))
    return Result(state, (), state.timer_ms, ())


def _asked(
    state: PersonState,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    named: Versions | None,
    tracing: Tracing,
) -> Asked | None:
    """The event that asks; None where nothing is to be decided. Here alone it is known who is held out."""
    event = news.event
    if event is None or not may_ask(news):
        return None
    in_force = knowledge.policy_at(event.event_time_ms)
    if named is None and (in_force is None or not in_force.may_be_asked_by(event, news.own_name)):
        return None  # as most events
    known = knowledge.at(event.event_time_ms, news.order_ms)
    if named is not None:
        knowledge, known = knowledge.named(known, named)
    if known.policy is None:
        return None
    policy = known.policy.policy
    unit = unit_of(state, news).id
    holds = agreed(state.consent, knowledge.assumed)
    # an arm and the holdout are for those whose decisions are personal: the others are not experimented on
    at_ms, may_test = event.event_time_ms, holds.is_personal
    arms = assign_arms(policy.experiments, unit, event.session_id, at_ms) if may_test else {}
    variant = known.policy.variant(arms)
    if not any(asks_for(event, one.placement, news.own_name) for one in variant.placements):
        return None
    is_out = may_test and is_held_out(policy.holdout, unit, at_ms)
    moment = Moment(state, news.visit, event, knowledge, known, news.own_name)
    language = language_of(event, policy.language)
    asked = Asked(news.person, state, moment, variant, arms, is_out, holds, language, seed, tracing)
    return asked._replace(moment=moment.masked()) if asked.is_masked else asked


def _decide_one(placement: CompiledPlacement, asked: Asked) -> tuple[Made | None, int]:
    """Judge, rank, weigh, choose, explain: reads top to bottom. With how many conditions failed to run."""
    checked = Checked(asked.policy, placement, asked.moment)
    if not checked.holds(placement.when):
        return None, len(checked.errors)
    competition = _compete(placement, asked, checked)
    drawn = draw(asked.seed, asked.person, asked.moment.event.event_id, placement.placement.name)
    contenders = competition.contenders
    choice = arbitrate(list(contenders.values()), asked.policy.policy.exploration, drawn)
    if asked.tracing.tell is not None:
        asked.tracing.tell(weighed(competition.decision_id, competition.judged, competition.ranked, competition.slates, choice))  # fmt: skip
    asked.state.sequence = max(asked.state.sequence + 1, asked.moment.now_ms * 1000)
    decision = _decision(placement, asked, competition, choice)
    actions = trace_actions(competition.judged, contenders, choice)
    trace = trace_decision(decision, competition.ranked, competition.slates, actions, drawn)
    return (decision, trace), len(checked.errors)


def _compete(placement: CompiledPlacement, asked: Asked, checked: Checked) -> Competition:
    """Judges the actions, ranks items for those that show any, and weighs those that may compete."""
    setting, values = placement.placement, checked.values
    judged = _judge(placement, asked, checked)
    showing = [
        one.compiled for one in judged if one.verdict is MAY and one.compiled.action.kind == "slate"
    ]
    event = asked.moment.event
    decision_id = identify_decision(asked.person, event.session_id, event.event_id, setting.name)
    keeps_all = asked.tracing.keeps_matrix(decision_id)
    ranked = rank_items(setting, showing, asked, values, keeps_all)
    slates = {
        one.action.id: fill_slate(ranked, one, setting, asked.moment, values, asked.language)
        for one in showing
    }
    judged = [_with_items(one, slates.get(one.compiled.action.id)) for one in judged]
    competing = [one for one in judged if one.verdict is MAY]
    contenders = weigh_actions(competing, setting, asked, checked, ranked, slates)
    slates = shuffle_slates(slates, ranked, asked.seed, decision_id, setting.shuffle)
    return Competition(decision_id, checked, judged, contenders, ranked, slates)


def _judge(placement: CompiledPlacement, asked: Asked, checked: Checked) -> list[Judged]:
    if not asked.is_held_out:
        return judge_actions(
            placement, asked.policy, checked, asked.person, asked.seed, asked.agreed, asked.state
        )
    default = placement.placement.fallback or RECOMMEND_ITEMS
    return hold_out(placement, default, asked.policy, asked.moment, asked.state, asked.agreed)


def _with_items(one: Judged, slate: Slate | None) -> Judged:
    """A slate without items is not offered."""
    if slate is None or slate.places:
        return one
    return one._replace(verdict=Verdict("items", "no_items", {}))


def _decision(
    placement: CompiledPlacement, asked: Asked, competition: Competition, choice: Choice
) -> Decision:
    setting, event = placement.placement, asked.moment.event
    chosen = next(one for one in competition.judged if one.compiled.action.id == choice.action_id)
    action, contender = chosen.compiled.action, competition.contenders[choice.action_id]
    decision_id = competition.decision_id
    slate = competition.slates.get(action.id)
    items, channel = _items(competition.ranked, slate), setting.channel or event.channel
    valid_until_ms = note_decision(asked, action, setting, decision_id, items)
    is_response = action.kind != "nothing" and asked.agreed.may_profile
    return Decision(
        decision_id=decision_id,
        kind="decided",
        person=asked.person,
        session_id=event.session_id,
        event_id=event.event_id,
        event_time_ms=event.event_time_ms,
        placement=setting.name,
        channel=channel,
        action_id=action.id,
        treatment_id=chosen.treatment.treatment.id if chosen.treatment else "none",
        items=items,
        priority=contender.priority,
        response_propensity=contender.propensity if is_response else None,
        action_probability=choice.probabilities[action.id],
        arm=asked.arms,
        is_holdout=asked.is_held_out,
        is_merging=False,
        explanation=explanation_of(chosen, items, asked, competition.checked),
        versions=_versions(asked, setting, competition.ranked),
        sequence=asked.state.sequence,
        sent_at_ms=event.sent_at_ms,
        valid_until_ms=valid_until_ms,
        content=content_of(chosen, asked, competition.checked),
        propensity_source=contender.source,
        rests_on=told_of_items(chosen, slate, asked, competition.checked),
    )


def _versions(asked: Asked, setting: Placement, ranked: Ranked) -> Versions:
    """What the decision saw; where nothing was ranked, what would have."""
    known = asked.moment.known
    model = ranked.model or scorer_of(asked, setting).version
    return Versions(known.policy_version, model, known.catalogue_ms, known.epoch, CODE_VERSION)


def _items(ranked: Ranked, slate: Slate | None) -> tuple[DecisionItem, ...]:
    if slate is None:
        return ()
    return tuple(
        DecisionItem(ranked.candidates[at].item_id, float(ranked.scores[at]), reason)
        for at, reason in zip(slate.places, slate.reasons, strict=True)
    )
