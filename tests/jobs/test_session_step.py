"""The session operators, live and in a replay: a visit of imported history waits for its next event in both, and ends by its own time."""

from types import SimpleNamespace
from typing import Any

import pytest

from jobs import operators
from jobs.config import config_from
from jobs.job_settings import job_settings
from jobs.operators import SessionStep
from schemas.limits import HISTORY_PAUSE_MS
from schemas.state.session import SessionState
from tests.builders import NOON, make_event, track


class States:
    """In the place of Flink's: what the step asks for, and one state that is due."""

    def __init__(self, *given: Any) -> None:
        self.look_again_ms = given[3]
        state = track(None, make_event()).state
        assert state is not None
        self.due: SessionState = state
        self.due.timer_ms = NOON
        self.stored = 0

    def load_due(self, *_: object) -> SessionState:
        return self.due

    def store(self, *_: object) -> None:
        self.stored += 1


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a step of a live job, or of a replay whose log ends at `end_ms`."""
    monkeypatch.setattr(operators, "TimedState", {SessionState: States})
    for name in ("open_feed", "enter_task", "settle_memory"):
        monkeypatch.setattr(operators, name, lambda *_: None)
    monkeypatch.setattr(operators, "Counts", lambda _: SimpleNamespace(add=lambda *_: None))

    def make(end_ms: int | None = None) -> SessionStep:
        settings: Any = job_settings("decide", config_from({}), "nowhere:1", {})
        replay = None if end_ms is None else SimpleNamespace(end_ms=end_ms, rate=None, own=())
        return SessionStep(
            settings._replace(replay=replay), SimpleNamespace(get_metrics_group=lambda: None)
        )

    return make


class Context:
    """A timer fires for a key, when the log has come so far."""

    def get_current_key(self) -> str:
        return "s1"

    def timer_service(self) -> "Context":
        return self

    def current_watermark(self) -> int:
        return NOON + HISTORY_PAUSE_MS


@pytest.mark.parametrize("end_ms", [None, NOON + 1])
def test_what_comes_from_long_ago_is_looked_at_again(step: Any, end_ms: int | None) -> None:
    made = step(end_ms)
    assert made._state.look_again_ms(made._state.due, 2 * NOON) == 2 * NOON + HISTORY_PAUSE_MS


@pytest.mark.parametrize(("end_ms", "ends"), [(None, True), (NOON, True), (NOON - 1, False)])
def test_a_visit_ends_by_its_own_time_however_late_its_timer_fires(
    step: Any, end_ms: int | None, ends: bool
) -> None:
    made = step(end_ms)
    result = made.expire(NOON + HISTORY_PAUSE_MS, Context())
    assert (result is not None) is ends
    assert made._state.stored == int(ends)
