"""How much came against the same hour of past weeks: unusual only where there is enough to say so."""

import pytest

from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from scripts.quality.volume import WEEK_MS, Span, spans_at, volume_of, weeks_before

HOUR = Span(100 * DAY_MS, 100 * DAY_MS + HOUR_MS)


@pytest.mark.parametrize(
    ("records", "past", "usual", "is_unusual"),
    [
        (1_000, (1_000, 900, 1_100, 1_000), 1_000, False),
        (499, (1_000, 1_000, 1_000, 1_000), 1_000, True),
        (500, (1_000, 1_000, 1_000, 1_000), 1_000, False),
        (2_001, (1_000, 1_000, 1_000, 1_000), 1_000, True),
        (0, (99, 99, 99, 99), 99, False),  # small numbers are never unusual
        (99, (1, 1, 1, 1), 1, False),
        (100, (1, 1, 1, 1), 1, True),
        (0, (100, None, None, None), 100, True),
        (1_000, (0, 1_000, 0, 1_000), 500, False),  # the median, so one odd week says nothing
        (1_000, (100, 1_000, 1_000, 1_000), 1_000, False),
        (1_000, (None, None, None, None), None, False),  # the log is younger than a week
        (1_000, (0, 0, 0, 0), 0, True),
    ],
)
def test_what_is_unusual(
    records: int, past: tuple[int | None, ...], usual: float | None, is_unusual: bool
) -> None:
    held = {HOUR.from_ms: records} | {HOUR.from_ms - (at + 1) * WEEK_MS: one for at, one in enumerate(past)}  # fmt: skip
    found = volume_of(HOUR, lambda from_ms, _: held[from_ms])
    assert (found.records, found.past, found.usual, found.is_unusual) == (records, past, usual, is_unusual)  # fmt: skip
    assert found.ratio == (records / usual if usual else None)


def test_the_running_hour_is_held_against_as_many_minutes_of_past_weeks() -> None:
    at_ms = 50 * DAY_MS + 7 * HOUR_MS + 12 * MINUTE_MS
    whole, running = spans_at(at_ms)
    assert (whole.to_ms - whole.from_ms, whole.to_ms) == (HOUR_MS, running.from_ms)
    assert (running.to_ms, running.is_running) == (at_ms, True)
    assert {(one.to_ms - one.from_ms, (at_ms - one.to_ms) % WEEK_MS) for one in weeks_before(running)} == {(12 * MINUTE_MS, 0)}  # fmt: skip
