"""What an event that is unproven is taken for, and how often it counts for an item: before anything is folded."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import (
    DAY_MS,
    EXPOSURES_PER_EVENT_MAX,
    TOUCHED_ITEMS_MAX,
    TOUCHES_PER_DAY_MAX,
)
from schemas.proof import weight_of
from schemas.state.session import SessionState
from udfs.session.deduplicate import hash_of


class Touched(Protocol):
    """What counts touches: of a session, and of a person over all sessions."""

    touch_day: int
    touches: dict[str, int]


class Weighed(NamedTuple):
    """The event as it is folded, the items for which it counts no more in statistics, what to count."""

    event: Event
    uncounted: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


def weigh_proof(state: SessionState, event: Event) -> Weighed:
    """The event by its proof (schemas/proof.py); its touches are counted in `state`, whose `newest_ms` is the event's."""
    if not event.is_unproven:
        return Weighed(event)
    weight = weight_of(event)
    if weight == "full":
        uncounted = _bounded(state, event)
        return Weighed(event, uncounted, ("touches_uncounted",) * bool(uncounted))
    if weight == "nothing":
        told = replace(event, attribute=None, value=None, properties={}, value_amount=None)
        return Weighed(told, counts=("unproven_untold",))
    return Weighed(replace(event, value_amount=None), counts=("unproven",))


def touched_items(event: Event) -> dict[str, None]:
    """The items that the event counts for, each once."""
    shown = (one.item_id for one in event.candidates[:EXPOSURES_PER_EVENT_MAX])
    return dict.fromkeys((*event.item_ids, *shown))


def _bounded(state: SessionState, event: Event) -> tuple[str, ...]:
    """Counts a touch of each item, today by the session's clock; those that had theirs already."""
    item_ids = touched_items(event)
    if not item_ids:
        return ()
    return count_touches(state, item_ids, state.newest_ms)


def count_touches(memory: Touched, item_ids: Iterable[str], now_ms: int) -> tuple[str, ...]:
    """Counts one touch more of each item on the day (UTC) of `now_ms`; those that had theirs already."""
    day = now_ms // DAY_MS
    if day != memory.touch_day:
        memory.touch_day, memory.touches = day, {}
    over = []
    for item_id in item_ids:
        name = hash_of(item_id)[:4].hex()
        touched = memory.touches.get(name, 0)
        is_new = not touched
        if touched >= TOUCHES_PER_DAY_MAX or (is_new and len(memory.touches) >= TOUCHED_ITEMS_MAX):
            over.append(item_id)
        else:
            memory.touches[name] = touched + 1
    return tuple(over)
