"""A visit of imported history ends where its import paused, as the log tells it: whatever the watermark was, and wherever a job began anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event
from schemas.limits import DAY_MS, HISTORY_PAUSE_MS, MINUTE_MS, SESSION_GAP_MS, TIME_MAX_MS
from schemas.state.session import SessionState
from tests.builders import NOON, make_event, track, track_all
from udfs.session.visit_of_history import has_paused, look_again_ms
from udfs.track_session import expire_session

IMPORTED_MS = NOON + DAY_MS


def history(number: int, after_ms: int | None, event_id: str | None = None) -> Event:
    """An event of yesterday, a minute after the one before; imported so long after the first, None = it was not imported."""
    at_ms = None if after_ms is None else IMPORTED_MS + after_ms
    return make_event(event_id=event_id or f"e{number}", event_time_ms=NOON + number * MINUTE_MS, imported_at_ms=at_ms)  # fmt: skip


def state_of(*events: Event) -> SessionState:
    state = track_all(list(events))[0]
    assert state is not None
    return state


def visits(*after_ms: int | None) -> int:
    state, _, _ = track_all([history(at, one) for at, one in enumerate(after_ms)])
    assert state is not None
    return state.session_count


@pytest.mark.parametrize(
    ("after_ms", "count"),
    [
        ((0, HISTORY_PAUSE_MS - 1), 1),
        ((0, HISTORY_PAUSE_MS), 2),
        ((0, 15_000, 30_000, 45_000), 1),
        ((0, HISTORY_PAUSE_MS, HISTORY_PAUSE_MS + 1), 2),
        ((None, HISTORY_PAUSE_MS), 1),
        ((0, None), 1),
    ],
)
def test_it_goes_on_until_its_import_pauses(after_ms: tuple[int | None, ...], count: int) -> None:
    assert visits(*after_ms) == count


def test_what_it_says_does_not_depend_on_whether_its_timer_has_run() -> None:
    """The timer may be behind: another partition holds the watermark back."""
    first, second = history(0, 0), history(1, HISTORY_PAUSE_MS)
    ran, late = state_of(first), state_of(first)
    due_ms = look_again_ms(ran, 0)
    assert expire_session(ran, "s1", due_ms, due_ms).counts == ("sessions_ended",)
    told = [track(one, second) for one in (ran, late)]
    assert told[1].counts[0] == "sessions_ended"
    news = [[one for one in result.news if one.kind == "event"] for result in told]
    assert news[0] == news[1] != []


@given(st.integers(0, IMPORTED_MS + DAY_MS), st.integers(0, HISTORY_PAUSE_MS - 1))
def test_no_timer_runs_before_what_it_still_waits_for(log_ms: int, after_ms: int) -> None:
    """Whatever the watermark was when the event came: one of before says nothing, nor does a job that has begun anew."""
    assert look_again_ms(state_of(history(0, 0)), log_ms) > IMPORTED_MS + after_ms


def test_repeats_say_that_it_is_still_being_imported() -> None:
    first, repeat = history(0, 0), history(0, 15_000)
    assert not has_paused(state_of(first, repeat), history(1, 30_000))


def test_who_is_there_now_waits_for_nobodys_import() -> None:
    """A topic that is followed: its events are written when they happen."""
    now = make_event(event_time_ms=NOON, imported_at_ms=NOON + 40)
    state = state_of(now)
    assert look_again_ms(state, NOON) == NOON + SESSION_GAP_MS
    later = make_event(event_id="e2", event_time_ms=NOON + 25_000, imported_at_ms=NOON + 25_040)
    assert not has_paused(state, later)


def test_at_the_end_of_a_log_nothing_is_waited_for() -> None:
    state = state_of(history(0, 0))
    assert look_again_ms(state, TIME_MAX_MS) == state.timer_ms
