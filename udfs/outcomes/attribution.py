"""How several decisions share what they led to: of each touch a share, which add up to 1. Pure."""

from collections.abc import Callable, Sequence
from math import fsum
from typing import Final

from schemas.policy import Attribution

ENDS: Final = 0.4
"""What the first touch has, and the last, by `position`; the rest is for those between (position-based attribution, also called U-shaped)."""
HALVINGS_MAX: Final = 1_000.0
"""An older touch weighs as one so many half-lives before: next to nothing, and still a number."""


def shares(rule: Attribution, touched_ms: Sequence[int], half_life_ms: int) -> list[float]:
    """Of each touch, in the order of their times, its share of what came after them; nothing of nothing."""
    return RULES[rule](touched_ms, half_life_ms) if touched_ms else []


def _first_touch(touched_ms: Sequence[int], _half_life_ms: int) -> list[float]:
    return [1.0, *(0.0 for _ in touched_ms[1:])]


def _last_touch(touched_ms: Sequence[int], _half_life_ms: int) -> list[float]:
    return [*(0.0 for _ in touched_ms[1:]), 1.0]


def _linear(touched_ms: Sequence[int], _half_life_ms: int) -> list[float]:
    return [1.0 / len(touched_ms)] * len(touched_ms)


def _time_decay(touched_ms: Sequence[int], half_life_ms: int) -> list[float]:
    # as of the newest touch, so that it weighs 1 however old all of them are
    newest_ms = max(touched_ms)
    ages = [(newest_ms - one) / half_life_ms for one in touched_ms]
    weights = [2.0 ** -min(age, HALVINGS_MAX) for age in ages]
    total = fsum(weights)
    return [weight / total for weight in weights]


def _position(touched_ms: Sequence[int], _half_life_ms: int) -> list[float]:
    between = len(touched_ms) - 2
    if between <= 0:
        return [1.0 / len(touched_ms)] * len(touched_ms)
    return [ENDS, *([(1.0 - 2 * ENDS) / between] * between), ENDS]


RULES: Final[dict[Attribution, Callable[[Sequence[int], int], list[float]]]] = {
    "first_touch": _first_touch,
    "last_touch": _last_touch,
    "linear": _linear,
    "time_decay": _time_decay,
    "position": _position,
}
