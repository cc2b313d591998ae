"""The slate of one action: which of the ranked items are in it, in what order, and why each is there."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.policy import Placement
from schemas.rests_on import RestsOn, rests_on
from udfs.explain.explain_items import explain_items
from udfs.facts.attributes import read_item_attributes
from udfs.items.balance_slate import balance_of, tell_balance
from udfs.items.choose_slate import choose_slate
from udfs.items.heed_wishes import Heeded
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.suppress_candidates import PASSED, Verdict
from udfs.knowledge.catalogue import ALL
from udfs.language.render_texts import Template, in_language, render
from udfs.language.sentences import say
from udfs.moment import Moment
from udfs.policy.compiled_policy import CompiledAction, CompiledBoost
from udfs.policy.conditions import Condition, ConditionFailed

LOOKED_AT_MAX: Final = 500
"""The newest items of the catalogue among which those that are pinned or required are looked for."""
PINS_MAX: Final = 8
REQUIRED_MAX: Final = 32


class Ranked(NamedTuple):
    """The candidates of a decision with what the ranker and the suppression say of each.

    `features` are all of them where they are kept, else no rows; `digest` is of those that the ranker read.
    `stated` is what the person's own wishes make of candidates, by their place.
    """

    candidates: list[Retrieved]
    features: NDArray[np.float32]
    digest: bytes
    verdicts: list[Verdict]
    scores: NDArray[np.float32]
    propensities: NDArray[np.float64] | None
    model: str
    stated: Mapping[int, Heeded]


class Slate(NamedTuple):
    """`places` among the candidates, best first, with a reason each; `verdicts` of all candidates.

    `rests_on` is what reasons of the policy tell of their items.
    """

    places: list[int]
    reasons: list[str]
    verdicts: list[Verdict]
    rests_on: tuple[RestsOn, ...] = ()


class _Weighed(NamedTuple):
    weight: float
    boosts: tuple[CompiledBoost, ...]
    values: dict[str, object]


def fill_slate(
    ranked: Ranked,
    one: CompiledAction,
    placement: Placement,
    moment: Moment,
    values: dict[str, object],
    language: str,
) -> Slate:
    """The slate by the action's rules for items; `values` are the attributes that the rules read."""
    verdicts, scores = ranked.verdicts, ranked.scores
    free = [at for at, verdict in enumerate(verdicts) if verdict is PASSED]
    weighed: dict[int, _Weighed] = {}
    pinned: list[int] = []
    if one.require or one.boosts or one.pin:
        verdicts = list(verdicts)
        seen = {at: _seen(one, ranked.candidates[at], moment, values) for at in free}
        for at in free:
            if one.require is not None and not _holds(one.require, seen[at]):
                verdicts[at] = Verdict("require", {"require": one.require.text[:100]})
        free = [at for at in free if verdicts[at] is PASSED]
        weighed = {at: _weigh(one.boosts, seen[at]) for at in free}
        pinned = [at for at in free if one.pin is not None and _holds(one.pin, seen[at])]
    weights: dict[int, float] = {}
    if weighed or ranked.stated:
        weights = {at: _weight(at, weighed, ranked.stated) for at in free}
        scores = _boosted(scores, free, weights)
    balance = balance_of(ranked.candidates, scores, free, weights, placement, moment)
    places = choose_slate(ranked.candidates, scores, free, placement.size, balance)
    places = _with_pinned(places, pinned[:PINS_MAX], placement.size)
    shown = [ranked.candidates[at] for at in places]
    reasons = explain_items(shown, moment, language)
    told: list[RestsOn | None] = []
    for number, at in enumerate(places):
        if at in ranked.stated and ranked.stated[at].reason:
            stated = ranked.stated[at]
            reasons[number] = say(stated.reason, stated.what, language)
        template = _template(weighed[at], language) if at in weighed else None
        text = render(template, weighed[at].values) if template else None
        if template and text:
            reasons[number] = text
            written = moment.written(ranked.candidates[at].item_id)
            told.append(rests_on(written, template.names, is_reason=True))
    verdicts = _with_weights(verdicts, free, weighed, ranked.stated)
    verdicts = tell_balance(verdicts, free, balance)
    return Slate(places, reasons, verdicts, tuple(filter(None, told)))


def wanted_items(one: CompiledAction, moment: Moment, values: dict[str, object]) -> dict[str, str]:
    """Items of the catalogue that the action's rules ask for, newest first: id -> `pinned` or `required`."""
    found: dict[str, str] = {}
    if one.pin is None and one.require is None:
        return found
    left = {"pinned": PINS_MAX if one.pin else 0, "required": REQUIRED_MAX if one.require else 0}
    newest = moment.knowledge.catalogue.newest(ALL, moment.now_ms)
    for item in islice(newest, LOOKED_AT_MAX):
        seen = _seen(one, Retrieved(item.item_id, "", item, None), moment, values)
        for source, condition in (("pinned", one.pin), ("required", one.require)):
            if left[source] and condition is not None and _holds(condition, seen):
                found[item.item_id] = source
                left[source] -= 1
                break
        if not any(left.values()):
            break
    return found


def _seen(
    one: CompiledAction, candidate: Retrieved, moment: Moment, values: dict[str, object]
) -> dict[str, object]:
    return values | read_item_attributes(one.item_reads, moment, candidate)


def _holds(condition: Condition, values: dict[str, object]) -> bool:
    """Whether it holds; what is missing or fails holds not."""
    try:
        return condition.holds(values)
    except ConditionFailed:
        return False


def _weigh(boosts: Sequence[CompiledBoost], values: dict[str, object]) -> _Weighed:
    applied = tuple(one for one in boosts if _holds(one.condition, values))
    weight = 1.0
    for one in applied:
        weight *= one.weight
    return _Weighed(weight, applied, values)


def _boosted(
    scores: NDArray[np.float32],
    free: Sequence[int],
    weights: Mapping[int, float],
) -> NDArray[np.float32]:
    """Relevance (rank among the free ones, from 1 to 0) times the weights of rules and wishes: whatever the scale of a scorer is."""
    ordered = sorted(free, key=lambda at: (-scores[at], at))
    boosted = np.zeros(len(scores), dtype=np.float32)
    for place, at in enumerate(ordered):
        boosted[at] = (1.0 - place / len(ordered)) * weights[at]
    return boosted


def _weight(at: int, weighed: Mapping[int, _Weighed], stated: Mapping[int, Heeded]) -> float:
    weight = weighed[at].weight if at in weighed else 1.0
    return weight * stated[at].weight if at in stated else weight


def _with_weights(
    verdicts: list[Verdict],
    free: Sequence[int],
    weighed: Mapping[int, _Weighed],
    stated: Mapping[int, Heeded],
) -> list[Verdict]:
    """The verdicts with what raised or lowered each candidate, for the trace."""
    if not weighed and not stated:
        return verdicts
    found = list(verdicts)
    for at in free:
        said = {one.name: f"x{one.weight:g}" for one in weighed[at].boosts} if at in weighed else {}
        if at in stated:
            said |= stated[at].by
        if said:
            found[at] = Verdict(found[at].rule, said)
    return found


def _with_pinned(places: list[int], pinned: Sequence[int], size: int) -> list[int]:
    """Pinned items that did not make it take the last places."""
    missing = [at for at in pinned if at not in places][:size]
    if not missing:
        return places
    kept = [at for at in places if at in pinned]
    room = max(0, size - len(missing) - len(kept))
    others = [at for at in places if at not in pinned][:room]
    chosen = {*kept, *others}
    return [at for at in places if at in chosen] + missing


def _template(weighed: _Weighed, language: str) -> Template | None:
    """What the strongest boost that raises it says."""
    raised = [one for one in weighed.boosts if one.weight > 1.0 and one.reason]
    if not raised:
        return None
    strongest = max(raised, key=lambda one: one.weight)
    return in_language(strongest.reason, language, language)
