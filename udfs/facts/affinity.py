"""Affinities: what a person leans to, as exponentially decaying sums with two half-lives.

Each entry holds its sums as of its own time. An addition decays the older of the two to the newer,
so the order of additions does not matter (but for rounding) and an untouched entry costs nothing.
"""

from math import log
from typing import Final

from schemas.limits import AFFINITIES_MAX, DAY_MS
from schemas.state.person import Affinity

LONG_HALF_LIFE_MS: Final = 30 * DAY_MS
SHORT_HALF_LIFE_MS: Final = 1 * DAY_MS
PRICE_STEP: Final = 1.5
"""Price levels are a factor of 1.5 wide: 10 and 14 share one, 10 and 16 do not."""


def lean(affinities: dict[str, Affinity], name: str, weight: float, time_ms: int) -> None:
    """Adds `weight` for `name` at `time_ms`; at the bound the weakest long leaning goes."""
    entry = affinities.get(name)
    if entry is None:
        if len(affinities) >= AFFINITIES_MAX:
            _drop_weakest(affinities, time_ms)
        affinities[name] = Affinity(weight, weight, time_ms)
        return
    now_ms = max(entry.at_ms, time_ms)
    was, add = now_ms - entry.at_ms, now_ms - time_ms
    entry.long = decay(entry.long, was, LONG_HALF_LIFE_MS) + decay(weight, add, LONG_HALF_LIFE_MS)
    entry.short = decay(entry.short, was, SHORT_HALF_LIFE_MS) + decay(
        weight, add, SHORT_HALF_LIFE_MS
    )
    entry.at_ms = now_ms


def shares(affinities: dict[str, Affinity], time_ms: int) -> dict[str, tuple[float, float]]:
    """Each name's share of all long and of all short leanings at `time_ms`; each sums to 1."""
    now = {
        name: (_long(entry, time_ms), _short(entry, time_ms)) for name, entry in affinities.items()
    }
    long_sum = sum(long for long, _ in now.values()) or 1.0
    short_sum = sum(short for _, short in now.values()) or 1.0
    return {name: (long / long_sum, short / short_sum) for name, (long, short) in now.items()}


def price_level(price: float) -> str:
    """The level of a price in its currency: equal steps of its logarithm."""
    return str(round(log(max(price, 0.01)) / log(PRICE_STEP)))


def _drop_weakest(affinities: dict[str, Affinity], time_ms: int) -> None:
    weakest = min(affinities, key=lambda name: (_long(affinities[name], time_ms), name))
    del affinities[weakest]


def _long(entry: Affinity, time_ms: int) -> float:
    return decay(entry.long, time_ms - entry.at_ms, LONG_HALF_LIFE_MS)


def _short(entry: Affinity, time_ms: int) -> float:
    return decay(entry.short, time_ms - entry.at_ms, SHORT_HALF_LIFE_MS)


def decay(value: float, age_ms: int, half_life_ms: int) -> float:
    """What is left of `value` after `age_ms`."""
    return float(value * 2.0 ** (-max(0, age_ms) / half_life_ms))
