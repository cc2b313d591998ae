"""What fades: values that lose half of themselves in a half-life of event time."""

from typing import Final

from schemas.limits import DAY_MS

LONG_HALF_LIFE_MS: Final = 30 * DAY_MS
SHORT_HALF_LIFE_MS: Final = 1 * DAY_MS


def decay(value: float, age_ms: int, half_life_ms: int) -> float:
    """What is left of `value` after `age_ms`."""
    return float(value * 2.0 ** (-max(0, age_ms) / half_life_ms))
