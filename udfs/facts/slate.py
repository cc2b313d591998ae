"""The slate: a candidate among the others, and beside the list that was ranked before."""

from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.events import Event
from schemas.limits import EXPOSURES_PER_EVENT_MAX
from schemas.state.session import SessionContext
from udfs.facts.fact import Column, Room, feature
from udfs.facts.item import price_logs, prices
from udfs.facts.learnt import interest
from udfs.facts.touched import is_touched, touch, touch_ranks
from udfs.facts.touches import TAKES
from udfs.facts.view import Array, View, mean_of, once, rank_of


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Notes the place that was taken."""
    if event.event_type in TAKES and event.item_ids and event.item_ids[0] in context.slate:
        context.slate_taken = context.slate.index(event.item_ids[0])


def remember_slate(context: SessionContext, event: Event) -> None:
    """Keeps the list that was asked to be ranked, after its decision: the next one looks back at it."""
    if event.candidates:
        context.slate = [one.item_id for one in event.candidates[:EXPOSURES_PER_EVENT_MAX]]
        context.slate_count += 1
        context.slate_touch_count = context.touch_count
        context.slate_ms = event.event_time_ms
        context.slate_taken = -1


# --- the list ranked before ---------------------------------------------------------------------


def _since_slate_s(v: View) -> Column:
    asked_ms = v.context.slate_ms
    return max(0, v.now_ms - asked_ms) / 1000.0 if asked_ms else nan


def _slate_taken(v: View) -> Column:
    return nan if v.context.slate_taken < 0 else v.context.slate_taken


def _slate_overlap(v: View) -> Column:
    if not v.context.slate:
        return nan
    return len(set(v.context.slate).intersection(v.ids)) / v.count


def _touched_since_slate(v: View) -> Column:
    before = v.context.slate_touch_count
    return np.array([one is not None and one.order > before for one in v.touches], np.float64)


def _previous_place(v: View) -> Column:
    places: dict[str, float] = {}
    for place, item_id in enumerate(v.context.slate):
        places.setdefault(item_id, float(place))  # given twice: the first counts
    return v.looked_up(places)


# --- among the others ---------------------------------------------------------------------------


def _price_rank(v: View) -> Column:
    price = prices(v)
    known = ~np.isnan(price)
    ranks = rank_of(np.where(known, price, np.inf))
    return np.where(known, ranks / max(1, np.count_nonzero(known) - 1), nan)


def _price_to_mean(v: View) -> Column:
    logs = price_logs(v)
    return logs - mean_of(logs)


def _price_to_least(v: View) -> Column:
    logs = price_logs(v)
    known = logs[~np.isnan(logs)]
    return logs - (float(known.min()) if len(known) else nan)


def _price_to_touched(v: View) -> Column:
    logs = price_logs(v)
    return logs - mean_of(logs[is_touched(v)])


def _interest_rank(v: View) -> Column:
    return rank_of(-interest(v)) / max(1, v.count - 1)


@once
def _touch_order(v: View) -> Array:
    return np.where(is_touched(v), rank_of(touch_ranks(v)), nan)


@once
def _touched_count(v: View) -> float:
    return float(np.count_nonzero(is_touched(v)))


# --- by the places of the caller's list ---------------------------------------------------------


@once
def position(v: View) -> Array:
    """The place that the caller gave each."""
    given = [one.given.position if one.given else None for one in v.candidates]
    return np.array([nan if one is None else one for one in given], dtype=np.float64)


@once
def _listed(v: View) -> NDArray[np.intp] | None:
    """The candidates from the top of the caller's list to its end; None where nobody listed them."""
    if not v.event.candidates:
        return None
    places = np.where(np.isnan(position(v)), np.arange(v.count), position(v))
    return np.argsort(places, kind="stable")


@once
def _place(v: View) -> Array:
    places = np.arange(v.count, dtype=np.float64)
    listed = _listed(v)
    if listed is not None:
        places[listed] = np.arange(v.count)
    return places


def _neighbour(v: View, values: Array, step: int) -> Array:
    """The value of the candidate `step` places further down."""
    found = np.full(v.count, nan)
    listed = _listed(v)
    if listed is not None and v.count > 1:
        upper, lower = listed[:-1], listed[1:]
        if step > 0:
            found[upper] = values[lower]
        else:
            found[lower] = values[upper]
    return found


def _price_step(v: View, step: int) -> Column:
    return price_logs(v) - _neighbour(v, price_logs(v), step)


def _order_step(v: View, step: int) -> Column:
    return _neighbour(v, _touch_order(v), step)


def _touched_step(v: View, step: int) -> Column:
    return _neighbour(v, is_touched(v).astype(np.float64), step)


def _is_cheapest_so_far(v: View) -> Column:
    found = np.full(v.count, nan)
    listed = _listed(v)
    if listed is not None:
        is_unknown = np.isnan(prices(v))
        price = np.where(is_unknown, np.inf, prices(v))[listed]
        found[listed] = price <= np.minimum.accumulate(price)
        found[is_unknown] = nan
    return found


def _from_last(v: View) -> Column:
    if _listed(v) is None or not _touched_count(v):
        return nan
    return _place(v) - float(_place(v)[touch_ranks(v).argmin()])


def _from_taken(v: View) -> Column:
    taken = np.flatnonzero(touch(v, "taken"))
    if _listed(v) is None or not len(taken):
        return nan
    last = taken[touch(v, "rank")[taken].argmin()]
    return _place(v) - float(_place(v)[last])


def _to_touched(v: View) -> Column:
    if _listed(v) is None or not _touched_count(v):
        return nan
    touched = _place(v)[is_touched(v)]
    nearest: Array = np.abs(_place(v)[:, None] - touched).min(axis=1)
    return nearest


def _from_deepest(v: View) -> Column:
    if _listed(v) is None or not _touched_count(v):
        return nan
    return _place(v) - float(_place(v)[is_touched(v)].max())


FACTS: Final = (
    feature("session_slates", "session", "lists asked to be ranked before", lambda v: v.context.slate_count),
    feature("session_slate_age", "session", "seconds since the list ranked before", _since_slate_s),
    feature("session_slate_taken", "session", "the place that was taken in the list ranked before", _slate_taken),
    feature("slate_overlap", "slate", "share of the candidates that were in the list ranked before", _slate_overlap),
    feature("touched_since_slate", "session_item", "whether it was touched after the list ranked before", _touched_since_slate),
    feature("was_in_slate", "session_item", "its place in the list ranked before", _previous_place),
    feature("slate_size", "slate", "how many candidates there are", lambda v: v.count),
    feature("slate_price_rank", "slate", "0 = cheapest, 1 = dearest", _price_rank),
    feature("slate_price_to_mean", "slate", "log of its price over the candidates' mean", _price_to_mean),
    feature("slate_price_to_least", "slate", "log of its price over the cheapest candidate's", _price_to_least),
    feature("slate_price_to_touched", "slate", "log of its price over the mean of the candidates that were touched", _price_to_touched),
    feature("slate_price_above", "slate", "log of its price over that of the place above", lambda v: _price_step(v, -1)),
    feature("slate_price_below", "slate", "log of its price over that of the place below", lambda v: _price_step(v, 1)),
    feature("slate_is_cheapest_so_far", "slate", "whether no place above is cheaper", _is_cheapest_so_far),
    feature("slate_interest_rank", "slate", "0 = most wanted, 1 = least", _interest_rank),
    feature("slate_touch_order", "slate", "among the touched candidates, 0 = touched last", _touch_order),
    feature("slate_touched", "slate", "candidates that were touched", _touched_count),
    feature("slate_from_last", "slate", "places below the candidate touched last (above: negative)", _from_last),
    feature("slate_from_taken", "slate", "places below the candidate taken last (above: negative)", _from_taken),
    feature("slate_to_touched", "slate", "places to the nearest touched candidate", _to_touched),
    feature("slate_from_end", "slate", "places above the end of the list", lambda v: v.count - 1 - _place(v)),
    feature("slate_from_deepest", "slate", "places below the deepest candidate touched", _from_deepest),
    feature("slate_order_above", "slate", "touch order of the place above", lambda v: _order_step(v, -1)),
    feature("slate_order_below", "slate", "touch order of the place below", lambda v: _order_step(v, 1)),
    feature("slate_touched_above", "slate", "whether the place above was touched", lambda v: _touched_step(v, -1)),
    feature("slate_touched_below", "slate", "whether the place below was touched", lambda v: _touched_step(v, 1)),
    feature("source_rank", "slate", "its place among the candidates as they were found", lambda v: np.arange(v.count, dtype=np.float64)),
)  # fmt: skip

ROOM: Final = Room(
    "slate", FACTS, on_event=on_event, events=TAKES,
    visit=("slate", "slate_count", "slate_touch_count", "slate_ms", "slate_taken"),
)  # fmt: skip
