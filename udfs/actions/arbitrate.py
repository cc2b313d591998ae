"""One choice among the actions that may compete: priority, exploration, and the chance of each.

Priority = response propensity x context weight x value x lever. Pure: the same contenders, in any order, and the
same draw give the same choice; what may not compete is not here and so changes nothing.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import NamedTuple

from schemas.policy import NOTHING, Exploration


class Contender(NamedTuple):
    """An action with the parts of its priority; `source` says where the propensity is from, `told` what else a trace says."""

    action_id: str
    propensity: float
    source: str
    context_weight: float
    value: float
    lever: float
    priority: float
    told: Mapping[str, str] = {}


class Choice(NamedTuple):
    """The chosen action and, by action, the chance that it had to be chosen; the chances sum to 1."""

    action_id: str
    probabilities: dict[str, float]


def contend(
    action_id: str,
    propensity: float,
    source: str,
    context_weight: float,
    value: float,
    lever: float,
    told: Mapping[str, str] = {},
) -> Contender:
    """The action with its priority."""
    priority = propensity * context_weight * value * lever
    return Contender(action_id, propensity, source, context_weight, value, lever, priority, told)


def arbitrate(contenders: Sequence[Contender], exploration: Exploration, drawn: float) -> Choice:
    """The choice among at least one contender; `drawn` is uniform in [0, 1).

    Of equal priorities doing nothing comes first, then the smaller id.
    """
    ordered = sorted(contenders, key=_order)
    chances = _chances(ordered, exploration)
    probabilities = {
        one.action_id: chance for one, chance in zip(ordered, chances, strict=True) if chance > 0.0
    }
    reached = 0.0
    for action_id, chance in probabilities.items():
        reached += chance
        if drawn < reached:
            return Choice(action_id, probabilities)
    return Choice(ordered[0].action_id, probabilities)  # what rounding leaves belongs to the best


def _order(one: Contender) -> tuple[float, bool, str]:
    return -one.priority, one.action_id != NOTHING, one.action_id


def _chances(ordered: Sequence[Contender], exploration: Exploration) -> list[float]:
    count, share = len(ordered), exploration.share
    best = ordered[0].priority
    if exploration.kind == "epsilon_greedy":
        each = share / count
        return [1.0 - share + each] + [each] * (count - 1)
    if exploration.kind == "softmax" and share > 0.0 and best > 0.0:
        # by the ratio: the product of share and best may be too small for a number
        weights = [exp((one.priority / best - 1.0) / share) for one in ordered]
        total = sum(weights)
        return [weight / total for weight in weights]
    return [1.0] + [0.0] * (count - 1)
