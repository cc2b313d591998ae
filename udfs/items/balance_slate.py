"""What a placement wants beside the best scores, at work: novelty, coverage, and the order that a list had before."""

from collections.abc import Iterator, Mapping, Sequence
from math import fsum, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from schemas.knowledge import ItemKnowledge
from schemas.policy import Placement
from udfs.facts.last_slates import last_slate
from udfs.fading import LONG_HALF_LIFE_MS, decay
from udfs.items.choose_slate import PLAIN, Balance
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.suppress_candidates import Verdict
from udfs.moment import Moment


def balance_of(
    candidates: Sequence[Retrieved],
    scores: NDArray[np.float32],
    free: Sequence[int],
    weights: Mapping[int, float],
    placement: Placement,
    moment: Moment,
) -> Balance:
    """By the settings of the placement; PLAIN, and nothing is computed, where none is set.

    `weights` are what rules and wishes make of the `free` ones, if any do: what is wanted less of is neither brought forward nor kept in its place. The margin is in
    standard deviations of the scores of the free ones, which means the same of a model that tells chances as of an order that counts visits; where
    they are ordered by rank (by weights, or any of the other settings), in those of ranks.
    """
    extra_share = min(1.0, placement.novelty + placement.coverage)
    if not (placement.diversity or extra_share or placement.steadiness):
        return PLAIN
    lowered = {at for at, weight in weights.items() if weight < 1.0}
    extra: dict[int, float] = {}
    if extra_share:
        found = _extra(candidates, placement, moment)
        extra = {at: one for at, one in enumerate(found) if at not in lowered}
    before = places_before(candidates, placement, moment) if placement.steadiness else {}
    margin = 0.0
    if before:
        is_by_rank = bool(weights or placement.diversity or extra_share)
        spread = rank_spread(len(free)) if is_by_rank else spread_of(scores[list(free)].tolist())
        margin = placement.steadiness * spread
        before = {at: place for at, place in before.items() if at not in lowered}
    return Balance(placement.diversity, extra_share, extra, margin, before)


def places_before(
    candidates: Sequence[Retrieved], placement: Placement, moment: Moment
) -> dict[int, int]:
    """Of the candidates that were in the list before their places there, from 0."""
    told = {item_id: place for place, item_id in enumerate(last_slate(moment, placement.name))}
    return {
        at: told[one.item_id] for at, one in enumerate(candidates) if one.item_id in told
    }  # fmt: skip


def spread_of(values: Sequence[float]) -> float:
    """The standard deviation, the same on every machine; 0 of none."""
    if not values:
        return 0.0
    mean = fsum(values) / len(values)
    return sqrt(fsum((one - mean) ** 2 for one in values) / len(values))


def rank_spread(count: int) -> float:
    """That of ranks from 1 to 0 in `count` even steps."""
    return sqrt((count * count - 1) / 12) / count if count else 0.0


def self_information(counts: Sequence[float]) -> list[float]:
    """How little is to be expected of each among them: -log2 of its part, as a share of the largest, in (0, 1].

    Each counts once more than it was counted, so that what nobody has met is the most and not without end (Laplace). Vargas and Castells, "Rank and relevance in novelty and
    diversity metrics", RecSys 2011.
    """
    whole = fsum(counts) + len(counts)
    found = [-log2((one + 1.0) / whole) for one in counts]
    most = max(found, default=0.0)
    return [one / most for one in found] if most > 0.0 else [1.0] * len(found)


def _extra(
    candidates: Sequence[Retrieved], placement: Placement, moment: Moment
) -> Iterator[float]:
    """What novelty and coverage make of each together, in [0, 1]: their mean, by how much either is wanted."""
    whole = placement.novelty + placement.coverage
    new = novelty(candidates, moment) if placement.novelty else [0.0] * len(candidates)
    rare = coverage(candidates, moment) if placement.coverage else [0.0] * len(candidates)
    for one, other in zip(new, rare, strict=True):
        yield (placement.novelty * one + placement.coverage * other) / whole


def novelty(candidates: Sequence[Retrieved], moment: Moment) -> list[float]:
    """How little people do with each, over one more than the times that this person was shown it or touched it in this visit; in (0, 1]."""
    now_ms = moment.now_ms
    interest = [_faded(one.learnt, "interest", now_ms) for one in candidates]
    met = (_times_met(one.item_id, moment) for one in candidates)
    return [one / (1 + times) for one, times in zip(self_information(interest), met, strict=True)]


def coverage(candidates: Sequence[Retrieved], moment: Moment) -> list[float]:
    """How seldom each was shown to anybody, by what is known at the decision's epoch; in (0, 1]."""
    return self_information([_faded(one.learnt, "exposures", moment.now_ms) for one in candidates])


def _faded(learnt: ItemKnowledge | None, name: str, now_ms: int) -> float:
    if learnt is None:
        return 0.0
    return decay(getattr(learnt, name), now_ms - learnt.at_ms, LONG_HALF_LIFE_MS)


def _times_met(item_id: str, moment: Moment) -> int:
    exposure, touch = moment.state.exposures.get(item_id), moment.context.items.get(item_id)
    shown = exposure.shown if exposure is not None else 0
    touches = touch.touches if touch is not None else 0
    return shown + touches


def tell_balance(verdicts: list[Verdict], free: Sequence[int], balance: Balance) -> list[Verdict]:
    """The verdicts with what brought a candidate forward, and its place in the list before, from 1, for the trace."""
    if not (balance.extra or balance.before):
        return verdicts
    found = list(verdicts)
    for at in free:
        said: dict[str, str] = {}
        if at in balance.extra:
            said["brought_forward"] = f"{balance.extra[at]:.3f} x {balance.share:g}"
        if at in balance.before:
            said["place_before"] = str(balance.before[at] + 1)
        if said:
            found[at] = Verdict(found[at].rule, found[at].values | said)
    return found
