"""Days and times of the clock: what the clocks skip or show twice is told, not guessed."""

from zoneinfo import ZoneInfo

import pytest

from schemas.errors import ConfigError
from scripts.policy.moments import in_zone, moment_of, moment_shown, time_given
from scripts.times import utc

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-30T09:00", "2026-11-30T09:00"),
        ("2026-11-30", "2026-11-30T00:00"),
        ("2026-11-30T09:00Z", "2026-11-30T09:00"),
        ("2026-11-30 09:00 Europe/Berlin", "2026-11-30T08:00"),
        ("2026-07-30T09:00 Europe/Berlin", "2026-07-30T07:00"),
        ("2026-10-25T02:30+01:00 Europe/Berlin", "2026-10-25T01:30"),
        ("1795942800000", "2026-11-29T09:00"),
    ],
)
def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_its_clocks(
    typed: str, meant: str
) -> None:
    found = time_given(typed)
    assert found is not None
    assert utc(found)[:16] == meant


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("tomorrow", "'tomorrow' is no time: epoch milliseconds or ISO 8601 are wanted"),
        ("tomorrow Europe/Berlin", "a day and time such as 2026-11-30T09:00 is wanted"),
        ("2026-11-30T09:00 Berlin", "there is no time zone 'Berlin': Europe/Berlin is one"),
        ("2026-11-30T09:00 europe/../../etc", "there is no time zone"),
        ("2026-03-29T02:30 Europe/Berlin", "there is no 02:30 on 2026-03-29 in Europe/Berlin: the clocks go forward; 03:30 is the same"),
        ("2026-10-25T02:30 Europe/Berlin", "the clocks show 02:30 on 2026-10-25 in Europe/Berlin twice, for they go back: choose another time, or write which one, 2026-10-25T02:30.02:00 or 2026-10-25T02:30.01:00"),
    ],
)  # fmt: skip
def test_a_time_that_is_none_or_two_is_told(typed: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        time_given(typed)


def test_what_is_shown_is_what_was_typed() -> None:
    for text in ("2026-11-30T09:00", "2026-07-01T00:00", "2026-10-25T03:00"):
        assert moment_shown(moment_of(text, BERLIN), BERLIN) == text
    assert (
        in_zone(moment_of("2026-11-30T09:00", BERLIN), BERLIN.key)
        == "2026-11-30 09:00 in Europe/Berlin"
    )
    assert in_zone(0, "UTC") == ""
