"""Clock: the hour and the day of the event that asks, and how far a person's clock was from UTC last."""

from typing import Final

from schemas.events import Event
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.state.contacts import Clocked
from schemas.state.person import PersonState
from udfs.facts.fact import Kept, Room, context
from udfs.facts.types import BOOL, INT, STRING
from udfs.moment import Moment

WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
SATURDAY: Final = 5
FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""


def hour(m: Moment) -> int:
    """The hour of the day, local where the offset to UTC is known."""
    return local_ms(m) // HOUR_MS % 24


def weekday(m: Moment) -> int:
    """0 = Monday, local where the offset to UTC is known."""
    return (local_ms(m) // DAY_MS + FIRST_WEEKDAY) % 7


def local_ms(m: Moment) -> int:
    """The time on the clock of where the event is of, where its offset to UTC is known."""
    return m.now_ms + (m.told.utc_offset_min or 0) * MINUTE_MS


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Keeps the offset to UTC that was said last: what a server sends knows none."""
    offset_min = event.context.utc_offset_min if event.context is not None else None
    if offset_min is not None:
        state.clock = _newest(state.clock, Clocked(offset_min, event.event_time_ms))


def merge_clock(one: PersonState, other: PersonState, name: str) -> object:
    """What was said last."""
    return other.clock if one.clock is None else _newest(other.clock, one.clock)


def _newest(one: Clocked | None, other: Clocked) -> Clocked:
    if one is None:
        return other
    return max(one, other, key=lambda said: (said.told_ms, said.utc_offset_min))


FACTS: Final = (
    context("hour", INT, "hour of the day, 0 to 23, local where the offset to UTC is known", hour, "context_hour"),
    context("weekday", STRING, "monday to sunday, local where the offset to UTC is known", lambda m: WEEKDAYS[weekday(m)], "context_weekday", scale=WEEKDAYS.index),
    context("is_weekend", BOOL, "whether that is a Saturday or Sunday", lambda m: weekday(m) >= SATURDAY),
)  # fmt: skip

ROOM: Final = Room(
    "clock", FACTS, on_person_event=on_person_event, person={"clock": Kept(merge_clock)}
)
