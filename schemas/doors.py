"""What every door refuses of an event that can be read: what the engine would refuse later, while it can be mended.

The command line, the API and the engine itself ask here, so an event that one of them takes is taken by all.
"""

import re
from typing import Final

from schemas.codec import check_event_size
from schemas.errors import InvalidEvent
from schemas.events import CONFIDENCE, FEEDBACK, IDENTIFIED, Event
from schemas.limits import AHEAD_OF_LOG_MAX_MS

NOBODY: Final = frozenset(
    {"undefined", "null", "nil", "nan", "none", "[object object]", "(null)", "0", ""}
)
"""What a program writes where it has no id, in lower case without blanks around: as an id it would be everybody's."""


NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]+(e-?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)


def confidence_of(event: Event) -> float:
    """How sure an `identified` is that this is the person, from 0 to 1; 1 where it does not say. Raises InvalidEvent."""
    said = event.properties.get(CONFIDENCE)
    if said is None:
        return 1.0
    if not NUMBER.fullmatch(said) or not 0.0 <= float(said) <= 1.0:
        raise InvalidEvent(
            "invalid_value",
            f"`{CONFIDENCE}` is a number from 0 to 1, not {said[:100]!r}",
            event.event_time_ms,
        )
    return float(said)


def is_certain(event: Event) -> bool:
    """Whether it is an `identified` that leaves no doubt. Raises InvalidEvent."""
    return event.event_type == IDENTIFIED and confidence_of(event) >= 1.0


def check_identity(event: Event) -> None:
    """Raises InvalidEvent for `identified` that names nobody, since all such visitors would share one profile, or says amiss how sure it is."""
    if event.event_type != IDENTIFIED:
        return
    confidence_of(event)
    if event.person_id is None:
        raise InvalidEvent("invalid_value", "`identified` needs a person_id", event.event_time_ms)
    if event.person_id.strip().lower() in NOBODY:
        raise InvalidEvent(
            "invalid_value",
            f"`identified` as {event.person_id!r} names nobody: leave it out where it is not known",
            event.event_time_ms,
        )


def check_feedback(event: Event) -> None:
    """Raises InvalidEvent for a `feedback_given` whose `value_amount` is not from -1 to 1: no mean of them would mean anything."""
    said = event.value_amount
    if event.event_type == FEEDBACK and (said is None or not -1.0 <= said <= 1.0):
        raise InvalidEvent(
            "invalid_value", f"`{FEEDBACK}` needs a value_amount from -1 to 1", event.event_time_ms
        )


def check_meant(event: Event) -> None:
    """Both: whatever an event counts as is asked here. Raises InvalidEvent."""
    check_identity(event)
    check_feedback(event)


def check_at_door(event: Event, now_ms: int) -> None:
    """Raises InvalidEvent for an event that must not come in at `now_ms`, the door's wall clock."""
    if event.event_time_ms > now_ms + AHEAD_OF_LOG_MAX_MS:
        ahead_s = (event.event_time_ms - now_ms) // 1_000
        raise InvalidEvent("ahead_of_log", f"{ahead_s} s ahead of now", event.event_time_ms)
    if event.event_type == "clock_ticked":
        raise InvalidEvent("invalid_value", "clock_ticked is the engine's own")
    check_meant(event)
    check_event_size(event)
