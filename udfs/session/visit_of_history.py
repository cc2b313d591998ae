"""Where a visit of imported history ends: its events come much faster than they happened, and behind the log's time.

A live visit ends when the log's time has passed its gap. Of history that is imported into a live log that is so at once, so its
visits wait until they have paused. How long they paused the times of import say, which lie in the log: the watermark would not
do, as partitions are read one ahead of another, and a job that starts again knows none.
"""

from schemas.events import Event
from schemas.limits import HISTORY_PAUSE_MS, TIME_MAX_MS
from schemas.state.session import SessionState


def look_again_ms(state: SessionState, log_ms: int) -> int:
    """When the log's time has to be for a session's timer to run: at its `timer_ms`; where it was imported, or the log was past that when
    its event came (history that others wrote), once it has paused as well.

    At once, a visit would be cut wherever the watermark happened to move while it was imported.
    """
    if log_ms >= TIME_MAX_MS:
        return state.timer_ms  # nothing more comes
    return max(_waits_until_ms(state), log_ms + HISTORY_PAUSE_MS)


def has_paused(state: SessionState, event: Event) -> bool:
    """Whether an imported event comes too late for the open visit: its timer has run, or is about to."""
    imported_ms = event.imported_at_ms
    return (
        imported_ms is not None and state.imported_ms > 0 and imported_ms >= _waits_until_ms(state)
    )


def _waits_until_ms(state: SessionState) -> int:
    return max(state.timer_ms, state.imported_ms + HISTORY_PAUSE_MS)
