"""Old events, moved to now: the gaps between sessions squeezed, never those inside one."""

from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.events import Event
from schemas.limits import SECOND_MS

BETWEEN_MS: Final = 5 * SECOND_MS


def retime(events: Sequence[Event], now_ms: int) -> list[Event]:
    """The events so that the newest is at `now_ms` and sessions start 5 s after one another.

    Ids of events and sessions get the time as a suffix, so that a second run is no duplicate of the
    first; people keep theirs.
    """
    starts: dict[str, int] = {}
    for event in events:
        old = starts.get(event.session_id, event.event_time_ms)
        starts[event.session_id] = min(old, event.event_time_ms)
    order = sorted(starts, key=lambda session: (starts[session], session))
    begins = {session: place * BETWEEN_MS for place, session in enumerate(order)}
    times = [
        begins[event.session_id] + event.event_time_ms - starts[event.session_id]
        for event in events
    ]
    shift_ms = now_ms - max(times, default=0)
    moved = [
        msgspec.structs.replace(
            event,
            event_id=f"{event.event_id}@{now_ms}",
            session_id=f"{event.session_id[:200]}@{now_ms}",
            event_time_ms=time_ms + shift_ms,
        )
        for event, time_ms in zip(events, times, strict=True)
    ]
    return sorted(moved, key=lambda event: event.event_time_ms)
