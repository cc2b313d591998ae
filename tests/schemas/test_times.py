"""Times as people and programs write them: what each is taken for, and what is told instead of guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidEvent
from schemas.limits import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS
from schemas.times import time_ms, utc


def test_each_way_to_write_one_moment_is_that_moment() -> None:
    ways = (
        "2030-12-01T00:00:00Z", "20301201", "20301201T000000Z", "2030-12-01", "1922313600000",
        "2030-12-01T02:00:00+02:00", 1_922_313_600_000, "1.9223136e12",
    )  # fmt: skip
    assert {time_ms(one) for one in ways} == {1_922_313_600_000}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "1922400000",
            "in seconds it would be 2030-12-02T00:00:00.000+00:00, which is 1922400000000",
        ),
        (1_922_400_000, "in seconds it would be 2030-12-02T00:00:00.000+00:00"),
        ("1922400000000000", "in microseconds it would be 2030-12-02"),
        ("1922400000000000000", "in nanoseconds it would be 2030-12-02"),
        ("0", "epoch milliseconds or ISO 8601 are wanted"),
        ("-5", "epoch milliseconds or ISO 8601 are wanted"),
        ("²", "epoch milliseconds or ISO 8601 are wanted"),
        ("١٩٢٢٤٠٠٠٠٠٠٠٠", "epoch milliseconds or ISO 8601 are wanted"),
        ("1_922_400_000_000", "epoch milliseconds or ISO 8601 are wanted"),
        ("20301301", "epoch milliseconds or ISO 8601 are wanted"),
        ("19691231", "from 2000 to 2099 are taken"),
        ("9999-12-31T23:59:59-14:00", "no time"),
        ("2286-11-20", "from 2000 to 2099 are taken"),
        ("9" * 400, "no time"),
        (2**63, "no time"),
        ("nan", "no time"),
        ("inf", "no time"),
        (float("nan"), "no time"),
        (float("inf"), "no time"),
        ("yesterday", "epoch milliseconds or ISO 8601 are wanted"),
        ("", "epoch milliseconds or ISO 8601 are wanted"),
    ],
)
def test_what_is_none_is_told_in_one_line(written: str | float, told: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        time_ms(written)
    assert told in refused.value.message
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 200


@given(st.text(max_size=40) | st.integers() | st.floats())
def test_whatever_is_written_is_a_time_within_bounds_or_refused(written: str | float) -> None:
    try:
        found = time_ms(written)
    except InvalidEvent:
        return
    assert EVENT_TIME_MIN_MS <= found < EVENT_TIME_MAX_MS


@pytest.mark.parametrize("extreme", [2**63, -(2**63), 10**30])
def test_a_time_beyond_the_calendar_can_be_shown(extreme: int) -> None:
    assert utc(extreme) in {"long ago", "never"}
