"""What each action that may compete is worth now: propensity, context weight, value and lever."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.limits import CONTEXT_WEIGHT_MAX
from schemas.policy import NOTHING, Placement
from udfs.actions.arbitrate import Contender, contend
from udfs.actions.asked import Asked
from udfs.actions.judge_actions import Checked, Judged
from udfs.actions.limit_contacts import fatigue_of
from udfs.actions.respond import respond, response_context, response_row
from udfs.items.fill_slate import Ranked, Slate


class Responses(NamedTuple):
    """What propensities of actions without items rest on: the model's, and the key of the context in which responses are counted."""

    modelled: Mapping[str, float]
    context_key: str


def weigh_actions(
    competing: Sequence[Judged],
    placement: Placement,
    asked: Asked,
    checked: Checked,
    ranked: Ranked,
    slates: Mapping[str, Slate],
) -> dict[str, Contender]:
    """Each by its id."""
    responses = _responses(competing, asked, ranked)
    channel = placement.channel or asked.moment.event.channel
    return {
        one.compiled.action.id: _contender(
            one,
            asked,
            checked,
            _propensity(one, placement, asked, ranked, slates, responses),
            channel,
        )
        for one in competing
    }


def _contender(
    one: Judged, asked: Asked, checked: Checked, propensity: tuple[float, str], channel: str | None
) -> Contender:
    action, policy = one.compiled.action, asked.policy
    if action.kind == "nothing":
        return Contender(NOTHING, 0.0, "", 1.0, 0.0, 1.0, policy.policy.nothing_priority)
    context_weight = 1.0
    for at in one.compiled.weights:
        weight = policy.weights[at]
        if checked.holds(weight.at):
            context_weight = min(context_weight * weight.weight, CONTEXT_WEIGHT_MAX)
    if asked.agreed.is_personal:
        moment = asked.moment
        tired, told = fatigue_of(action, channel, policy.policy, moment.state, moment.now_ms)
        context_weight *= tired
        return contend(action.id, *propensity, context_weight, action.value, action.lever, told)
    return contend(action.id, *propensity, context_weight, action.value, action.lever)


def _propensity(
    one: Judged,
    placement: Placement,
    asked: Asked,
    ranked: Ranked,
    slates: Mapping[str, Slate],
    responses: Responses,
) -> tuple[float, str]:
    """That of a slate's first item by the ranker's model, else of the action by responses; and what it is from."""
    action, moment = one.compiled.action, asked.moment
    if action.kind == "nothing":
        return 0.0, ""
    if not asked.agreed.may_profile:
        return 1.0, ""  # the same for all: what people like them answer is not asked
    slate = slates.get(action.id)
    if slate is not None and ranked.propensities is not None:
        return float(ranked.propensities[slate.places[0]]), "model"
    found = respond(
        action.id, placement.name, responses.context_key,
        action.prior, moment.knowledge.actions, moment.known.epoch, responses.modelled.get(action.id),
    )  # fmt: skip
    return found.propensity, found.source


def _responses(competing: Sequence[Judged], asked: Asked, ranked: Ranked) -> Responses:
    """The context is not looked for where the ranker gives all propensities."""
    known = {"nothing", "slate"} if ranked.propensities is not None else {"nothing"}
    needs_key = any(one.compiled.action.kind not in known for one in competing)
    context_key = response_context(asked.moment.context, asked.moment.now_ms) if needs_key else ""
    model = asked.moment.known.responses
    if model is None:
        return Responses({}, context_key)
    names = [one.compiled.action.id for one in competing]
    return Responses(model.propensities(names, response_row(asked.moment)), context_key)
