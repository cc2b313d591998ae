"""One Flink timer per key, whatever happens to its state; stale ones are ignored."""

from typing import Any

from jobs.flink.plain_state import PLAIN
from jobs.flink.timed_state import TIME, TimedState
from schemas.limits import BUSY_KEYS_MAX
from schemas.state.person import PERSON_STATE, PersonState


class Cell:
    """A value state of one key, the timers of that key, and the context that hands them out."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.timers: list[int] = []
        self.log_ms = 0

    def get_state(self, descriptor: Any) -> "Cell":
        return self

    def value(self) -> bytes | None:
        return self.data

    def update(self, data: bytes) -> None:
        self.data = data

    def clear(self) -> None:
        self.data = None

    def current_watermark(self) -> int:
        return self.log_ms

    def register_event_time_timer(self, time_ms: int) -> None:
        self.timers.append(time_ms)

    def delete_event_time_timer(self, time_ms: int) -> None:
        self.timers.remove(time_ms)


KEY = "p1"


def person(timer_ms: int) -> PersonState:
    return PersonState(0, 0, timer_ms=timer_ms)


def stored(cell: Cell, *timers_ms: int) -> TimedState[PersonState]:
    state = TimedState[PersonState](cell, "person", PERSON_STATE)
    for timer_ms in timers_ms:
        state.load(KEY)
        state.store(KEY, person(timer_ms), cell)
    return state


def test_state_comes_back_as_it_was_stored() -> None:
    assert stored(Cell(), 10).load(KEY) == person(10)


def test_of_a_key_without_state_no_timer_is_left_that_would_name_it() -> None:
    cell = Cell()
    state = stored(cell, 10)
    state.load(KEY)
    state.store(KEY, None, cell)
    assert (cell.data, cell.timers) == (None, [])
    state.load(KEY)
    state.store(KEY, None, cell)
    assert cell.timers == []


def test_another_instance_reads_what_was_stored_with_its_pending_timer() -> None:
    cell = Cell()
    stored(cell, 10, 30)
    restored = TimedState[PersonState](cell, "person", PERSON_STATE)
    assert restored.load(KEY) == person(30)
    restored.store(KEY, person(40), cell)
    assert cell.timers == [10]


def test_state_that_is_no_longer_kept_beside_is_read_again() -> None:
    cell = Cell()
    state = stored(cell, 10)
    for n in range(BUSY_KEYS_MAX):
        state.store(f"other-{n}", person(20), Cell())
    cell.data = PLAIN + TIME.pack(10) + PERSON_STATE.encode(person(11))
    assert state.load(KEY) == person(11)


def test_timer_that_moves_later_is_not_set_again() -> None:
    cell = Cell()
    stored(cell, 10, 20, 30)
    assert cell.timers == [10]


def test_timer_that_moves_earlier_is_set() -> None:
    cell = Cell()
    stored(cell, 10, 5)
    assert cell.timers == [10, 5]


def test_timer_that_fires_early_is_set_again_for_the_time_of_the_state() -> None:
    cell = Cell()
    state = stored(cell, 10, 30)
    assert state.load_due(KEY, 10, cell) is None
    assert cell.timers == [10, 30]
    assert state.load_due(KEY, 30, cell) == person(30)


def test_timer_that_has_passed_when_it_is_set_is_put_off_with_every_change() -> None:
    cell = Cell()
    cell.log_ms = 100
    state = TimedState[PersonState](
        cell, "person", PERSON_STATE, lambda kept, log: max(kept.timer_ms, log + 5)
    )
    for log_ms in (100, 100, 103):
        cell.log_ms = log_ms
        state.load(KEY)
        state.store(KEY, person(10 + log_ms - 100), cell)
    assert cell.timers == [105, 108]
    assert state.load_due(KEY, 105, cell) is None
    assert state.load_due(KEY, 108, cell) == person(13)


def test_timer_of_before_does_not_run_for_what_comes_after_it_has_passed() -> None:
    cell = Cell()
    state = TimedState[PersonState](
        cell, "person", PERSON_STATE, lambda kept, log: max(kept.timer_ms, log + 5)
    )
    state.load(KEY)
    state.store(KEY, person(10), cell)
    cell.log_ms = 9
    state.load(KEY)
    state.store(KEY, person(12), cell)
    assert state.load_due(KEY, 10, cell) is None
    assert cell.timers == [10, 14]
    assert state.load_due(KEY, 14, cell) == person(12)


def test_timer_that_the_log_jumped_over_runs_at_once() -> None:
    """An hour without events, then one: the state's own time has passed too, and nothing came late."""
    cell = Cell()
    state = TimedState[PersonState](
        cell, "person", PERSON_STATE, lambda kept, log: max(kept.timer_ms, log + 5)
    )
    for timer_ms in (10, 30):
        state.load(KEY)
        state.store(KEY, person(timer_ms), cell)
    cell.log_ms = 60
    assert state.load_due(KEY, 10, cell) is None
    assert cell.timers == [10, 30]
    assert state.load_due(KEY, 30, cell) == person(30)


def test_timer_that_is_not_the_pending_one_is_ignored() -> None:
    cell = Cell()
    state = stored(cell, 10, 5)
    assert state.load_due(KEY, 10, cell) is None
    assert cell.timers == [10, 5]


def test_timer_of_a_state_that_is_gone_is_ignored() -> None:
    cell = Cell()
    state = stored(cell, 10)
    state.load(KEY)
    state.store(KEY, None, cell)
    assert state.load_due(KEY, 10, cell) is None
    assert state.load(KEY) is None


def test_new_state_of_a_key_whose_old_timer_is_still_pending_has_its_own() -> None:
    cell = Cell()
    state = stored(cell, 10)
    state.load(KEY)
    state.store(KEY, None, cell)
    state.load(KEY)
    state.store(KEY, person(40), cell)
    assert cell.timers == [40]
    assert state.load_due(KEY, 10, cell) is None
    assert state.load_due(KEY, 40, cell) == person(40)


def test_the_key_that_was_busy_longest_ago_is_let_go_first() -> None:
    """Also where the newest that happened to a key was a timer that fired early."""
    cell = Cell()
    state = stored(cell, 10, 30)
    for n in range(BUSY_KEYS_MAX - 1):
        state.store(f"other-{n}", person(20), Cell())
    assert state.load_due(KEY, 10, cell) is None
    state.store("one more", person(20), Cell())
    assert state.is_busy(KEY)
    assert not state.is_busy("other-0")
