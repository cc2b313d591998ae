"""Whether a session sends more than a person does: a token bucket in its state, by its own event time.

Event time is what a replay has, so the same events are over the rate in it. A session that claims times apart that were
not is held by the doors, which count by their own clock.
"""

from typing import Final, NamedTuple

from schemas.limits import SESSION_BURST, SESSION_EVENTS_PER_S
from schemas.state.session import SessionState

SECOND_US: Final = 1_000_000


class Rate(NamedTuple):
    """So many events a second on the long run, so many at once; `events_per_s` 0 = any number."""

    events_per_s: int = SESSION_EVENTS_PER_S
    burst: int = SESSION_BURST


USUAL_RATE: Final = Rate()


def is_over(state: SessionState, rate: Rate) -> bool:
    """Whether one event more, at the session's newest time, is beyond the rate; else it is counted.

    `busy_until_us` is when the events so far would have come at the even rate.
    """
    if not rate.events_per_s:
        return False
    now_us, step_us = state.newest_ms * 1_000, SECOND_US // rate.events_per_s
    due_us = max(state.busy_until_us, now_us)
    if due_us - now_us >= rate.burst * step_us:
        return True
    state.busy_until_us = due_us + step_us
    return False
