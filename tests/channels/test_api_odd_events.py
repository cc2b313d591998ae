"""Events as pages really send them: what is odd about one costs the others nothing, at every endpoint."""

from typing import Any

import msgspec
import pytest

from channels.api.bodies import RecommendationsRequest
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents, Sender, read_events, read_session
from channels.api.requests import decoded
from schemas.limits import HOUR_MS, MINUTE_MS

NOW = 1_800_000_000_000
SENDER = Sender("s1", "a1")
GOOD = b'{"event": "product_viewed", "product_id": "i1"}'
BROKEN = {
    rb'{"event": "search_performed", "query": "shoe \ud83d"}': "cut inside a character",
    b'{"event": "page_viewed", "price": 1e999}': "out of range",
    b'{"event": "page_viewed", "page": "\xff\xfe"}': "no UTF-8",
    b'{"event": nonsense}': "malformed",
}


def session_of(*events: bytes) -> ReadEvents:
    body = b'{"session_id": "s1", "events_in_session": [' + b",".join(events) + b"]}"
    asked = decoded(msgspec.json.Decoder(RecommendationsRequest), body)
    return read_session(asked.events_in_session, SENDER, NOW)


def events_of(*events: bytes, wrap: bool = True) -> ReadEvents:
    body = b"[" + b",".join(one.replace(b'"event"', b'"event_type"') for one in events) + b"]"
    given = decoded(msgspec.json.Decoder(), b'{"events": ' + body + b"}" if wrap else body)
    return read_events(given["events"] if wrap else given, SENDER, NOW)


@pytest.mark.parametrize("broken", BROKEN)
def test_an_event_that_is_no_json_is_refused_by_its_place_and_in_words(broken: bytes) -> None:
    good = GOOD.replace(b', "product_id": "i1"', b"")
    for read in (
        session_of(good, broken, good),
        events_of(good, broken, good),
        events_of(good, broken, good, wrap=False),
    ):
        assert len(read.events) == 2
        (bad,) = read.bad
        assert (bad.at, bad.error.reason) == (1, "malformed")
        assert BROKEN[broken] in bad.rejected.reason


def test_a_body_that_is_broken_elsewhere_is_refused_in_words() -> None:
    with pytest.raises(ApiError, match="cut inside a character"):
        decoded(msgspec.json.Decoder(), rb'{"session_id": "\ud83d", "events": []}')
    with pytest.raises(ApiError, match="cannot be used"):
        decoded(msgspec.json.Decoder(), b"{")


def session_times(*offsets_ms: int) -> list[int]:
    given = [{"event": "page_viewed", "timestamp": NOW + one} for one in offsets_ms]
    return [event.event_time_ms - NOW for event in read_session(given, SENDER, NOW).events]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ((-60_000, -30_000, 0), [-60_000, -30_000, 0]),
        # one is ahead: it alone is now
        ((-60_000, 2 * HOUR_MS, -30_000), [-60_000, 0, -30_000]),
        ((-60_000, 2_000_000_000_000, 0), [-60_000, 0, 0]),
        # all of them are: the clock is wrong, and what lies between them stays
        ((2 * HOUR_MS, 2 * HOUR_MS + 5_000), [-5_000, 0]),
        ((-5 * HOUR_MS, -5 * HOUR_MS + MINUTE_MS), [-MINUTE_MS, 0]),
        # the clock is wrong and one is odd besides
        ((-5 * HOUR_MS, -5 * HOUR_MS + MINUTE_MS, 2_000_000_000_000), [-MINUTE_MS, 0, 0]),
        # one that is no time of this century is refused, alone
        ((-60_000, 8_000_000_000_000, 0), [-60_000, 0]),
    ],
)
def test_an_odd_time_moves_no_others(sent: tuple[int, ...], taken: list[int]) -> None:
    assert session_times(*sent) == taken


NOBODY = ("undefined", "null", "NaN", "None", "[object Object]", "0", " ")


@pytest.mark.parametrize("person_id", NOBODY)
def test_nobody_is_identified_as_a_programs_word_for_nothing(person_id: str) -> None:
    read = read_events([{"event_type": "identified", "person_id": person_id}], SENDER, NOW)
    assert read.events == []
    assert "names nobody" in read.bad[0].rejected.reason


def test_properties_that_are_null_or_numbers_are_no_reason_to_lose_a_purchase() -> None:
    said: dict[str, Any] = {"coupon": None, "boxes": 2, "gift": True}
    for read in (
        read_events([{"event_type": "purchase_completed", "properties": said}], SENDER, NOW),
        read_session([{"event": "purchase_completed", "properties": said}], SENDER, NOW),
    ):
        assert read.events[0].properties == {"boxes": "2", "gift": "true"}
