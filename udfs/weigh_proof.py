"""What an event that is unproven is taken for, and how often it counts for an item: before anything is folded."""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import (
    DAY_MS,
    EXPOSURES_PER_EVENT_MAX,
    TOUCHED_ITEMS_MAX,
    TOUCHES_PER_DAY_MAX,
)
from schemas.proof import weight_of
from schemas.session import SessionState
from udfs.deduplicate import hash_of


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


def _bounded(state: SessionState, event: Event) -> tuple[str, ...]:
    """Counts a touch of each item, today by the session's clock; those that had theirs already."""
    shown = (one.item_id for one in event.candidates[:EXPOSURES_PER_EVENT_MAX])
    item_ids = dict.fromkeys((*event.item_ids, *shown))
    if not item_ids:
        return ()
    day = state.newest_ms // DAY_MS
    if day != state.touch_day:
        state.touch_day, state.touches = day, {}
    over = []
    for item_id in item_ids:
        name = hash_of(item_id)[:4].hex()
        touched = state.touches.get(name, 0)
        is_new = not touched
        if touched >= TOUCHES_PER_DAY_MAX or (is_new and len(state.touches) >= TOUCHED_ITEMS_MAX):
            over.append(item_id)
        else:
            state.touches[name] = touched + 1
    return tuple(over)
