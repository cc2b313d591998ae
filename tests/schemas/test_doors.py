"""What every door refuses: the same of the command line, the API and the engine."""

import pytest

from schemas.doors import check_at_door, check_identity, check_meant
from schemas.errors import InvalidEvent
from schemas.limits import AHEAD_OF_LOG_MAX_MS
from tests.builders import NOON, make_event


@pytest.mark.parametrize(
    "nobody",
    ["undefined", "null", "NaN", "None", "[object Object]", "0", " ", "UNDEFINED", " null "],
)
def test_nobody_is_identified_by_a_programs_word_for_nothing(nobody: str) -> None:
    with pytest.raises(InvalidEvent, match="names nobody"):
        check_identity(make_event(event_type="identified", person_id=nobody))


@pytest.mark.parametrize("somebody", ["p1", "00", "007", "nullmann", "0x0", "object"])
def test_ids_that_look_odd_are_ids(somebody: str) -> None:
    check_identity(make_event(event_type="identified", person_id=somebody))


def test_identified_needs_a_person() -> None:
    with pytest.raises(InvalidEvent, match="needs a person_id"):
        check_identity(make_event(event_type="identified", person_id=None))


def test_the_future_stays_outside() -> None:
    check_at_door(make_event(event_time_ms=NOON + AHEAD_OF_LOG_MAX_MS), NOON)
    with pytest.raises(InvalidEvent) as refused:
        check_at_door(make_event(event_time_ms=NOON + AHEAD_OF_LOG_MAX_MS + 1), NOON)
    assert refused.value.reason == "ahead_of_log"


def test_time_is_told_by_the_engine_alone() -> None:
    with pytest.raises(InvalidEvent, match="engine's own"):
        check_at_door(make_event(event_type="clock_ticked"), NOON)


@pytest.mark.parametrize("said", [None, -1.01, 1.5, 99.0])
def test_an_opinion_is_a_number_from_minus_one_to_one(said: float | None) -> None:
    with pytest.raises(InvalidEvent, match="from -1 to 1"):
        check_meant(make_event(event_type="feedback_given", value_amount=said))
    for fine in (-1.0, 0.0, 1.0):
        check_meant(make_event(event_type="feedback_given", value_amount=fine))
    check_meant(make_event(event_type="page_viewed", value_amount=said))
