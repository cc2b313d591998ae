"""How long something lasts, in words."""

from schemas.counted import counted
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS


def length_in_words(span_ms: int) -> str:
    """`6.5 days`, `3 hours`, `20 minutes`."""
    for unit_ms, noun in ((DAY_MS, "day"), (HOUR_MS, "hour")):
        if span_ms >= unit_ms:
            return (
                f"{round(span_ms / unit_ms, 1):g} {noun}{'s' if span_ms >= 1.05 * unit_ms else ''}"
            )
    return counted(max(1, span_ms // MINUTE_MS), "minute")
