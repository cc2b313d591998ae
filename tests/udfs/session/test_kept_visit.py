"""The open session is kept decoded beside its bytes: all that comes of it is as if it were read back each time."""

from schemas.codec import EVENT
from schemas.records import LogRecord
from schemas.state.session import (
    SESSION_CONTEXT,
    SESSION_NEWS,
    SESSION_STATE,
    SessionContext,
    SessionState,
)
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, track
from tests.logs import shopping_log
from udfs.track_session import track_session

KNOWLEDGE = make_knowledge(*make_catalogue())
LOG = [
    LogRecord("events", 0, offset, line.timestamp_ms, line.key, line.value)
    for offset, line in enumerate(shopping_log(1_000, seed=5, hours=2))
]


def test_state_and_news_are_the_same_bytes_whether_a_session_is_kept_or_read_back() -> None:
    kept: dict[str, SessionState | None] = {}
    stored: dict[str, bytes] = {}
    for record in LOG:
        before = stored.get(record.key)
        read_back = SESSION_STATE.decode(before) if before else None
        mine = track_session(kept.get(record.key), record, EVENT.decode, KNOWLEDGE, 60_000)
        other = track_session(read_back, record, EVENT.decode, KNOWLEDGE, 60_000)
        kept[record.key] = mine.state
        assert list(map(SESSION_NEWS.encode, mine.news)) == list(
            map(SESSION_NEWS.encode, other.news)
        )
        if mine.state is not None and other.state is not None:
            stored[record.key] = SESSION_STATE.encode(other.state)
            assert SESSION_STATE.encode(mine.state) == stored[record.key]


def test_what_is_kept_is_of_these_very_bytes() -> None:
    state = track(None, make_event()).state
    assert state is not None
    other = SessionContext(7, NOON, NOON)
    state.context = SESSION_CONTEXT.encode(other)
    assert state.take_visit() == other


def test_a_visit_that_was_taken_and_not_kept_is_read_back() -> None:
    state = track(None, make_event()).state
    assert state is not None
    state.take_visit().event_count = 99
    assert state.take_visit().event_count == 1


def test_news_tells_of_the_session_as_it_was_then() -> None:
    first = track(None, make_event(event_id="e1"))
    track(first.state, make_event(event_id="e2", event_time_ms=NOON + 1))
    (news,) = first.news
    assert news.visit.event_count == 1
    assert news.visit is news.visit
