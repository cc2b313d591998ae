"""How much came, against the same hour of past weeks. Pure: counts in, judged hours out."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from schemas.limits import DAY_MS, HOUR_MS

WEEKS: Final = 4
WEEK_MS: Final = 7 * DAY_MS
UNUSUAL_BELOW: Final = 0.5
UNUSUAL_ABOVE: Final = 2.0
"""Of the median of the same hour of past weeks."""
RECORDS_MIN: Final = 100
"""Where neither that median nor what came is as much, nothing is unusual: of small numbers half or twice is chance."""

Held = Callable[[int, int], int | None]
"""How many records are from one time to before another; None where the log does not go back so far."""


class Span(Struct, frozen=True):
    """From a time to before another, in epoch ms. `is_running`: an hour that is not over."""

    from_ms: int
    to_ms: int
    is_running: bool = False


class Volume(Struct, frozen=True):
    """Records of a span, and of the same span one to four weeks before (None: the log does not go back so far).

    `usual`: their median; `ratio`: of what came to that; both None where there is nothing to compare with.
    """

    from_ms: int
    to_ms: int
    is_running: bool
    records: int
    past: tuple[int | None, ...]
    usual: float | None
    ratio: float | None
    is_unusual: bool


def spans_at(now_ms: int) -> tuple[Span, Span]:
    """The last whole hour (UTC), and the one that is running, so far: what it has is held against as many minutes of past weeks."""
    hour_ms = now_ms - now_ms % HOUR_MS
    return Span(hour_ms - HOUR_MS, hour_ms), Span(hour_ms, now_ms, is_running=True)


def weeks_before(span: Span) -> list[Span]:
    """The same time of past weeks, the newest first."""
    return [
        Span(span.from_ms - week * WEEK_MS, span.to_ms - week * WEEK_MS)
        for week in range(1, WEEKS + 1)
    ]


def volume_of(span: Span, held: Held) -> Volume:
    """What came in a span, and whether that is unusual."""
    records = held(span.from_ms, span.to_ms) or 0
    past = tuple(held(one.from_ms, one.to_ms) for one in weeks_before(span))
    usual = _usual(past)
    ratio = records / usual if usual else None
    return Volume(
        span.from_ms, span.to_ms, span.is_running, records, past, usual, ratio,
        is_unusual=usual is not None and _is_unusual(records, usual),
    )  # fmt: skip


def _usual(past: Sequence[int | None]) -> float | None:
    known = [one for one in past if one is not None]
    return float(median(known)) if known else None


def _is_unusual(records: int, usual: float) -> bool:
    if max(records, usual) < RECORDS_MIN:
        return False
    return records < UNUSUAL_BELOW * usual or records > UNUSUAL_ABOVE * usual
