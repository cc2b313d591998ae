"""Touched: what happened to a candidate in this visit, and how it is like what was touched."""

from collections.abc import Callable, Mapping
from functools import partial
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.state.session import ItemTouch
from udfs.facts.fact import Column, Room, feature, item
from udfs.facts.item import brands, categories, matched, of_categories, signs
from udfs.facts.touches import TOUCHES, last_brand
from udfs.facts.types import BOOL, INT
from udfs.facts.view import Array, View, aged, bucket, once
from udfs.items.match_items import likeness_of, overlap, signs_of
from udfs.items.retrieve_candidates import Retrieved, category_of_event, category_of_interest
from udfs.moment import Moment

KINDS: Final = {kind: float(number) for number, kind in enumerate(TOUCHES)}


@once
def _later_touched(v: View) -> dict[int, int]:
    """How many distinct items were touched after the one with this order."""
    orders = sorted((one.order for one in v.context.items.values()), reverse=True)
    return {order: later for later, order in enumerate(orders)}


TOUCH_COUNTS: Final[Mapping[str, Callable[[View, ItemTouch], float]]] = {
    "views": lambda _, one: one.views,
    "clicks": lambda _, one: one.clicks,
    "carts": lambda _, one: one.carts,
    "taken": lambda _, one: one.taken,
    "touches": lambda _, one: one.touches,
    "dwell_s": lambda _, one: one.dwell_ms / 1000.0,
    "attention_s": lambda _, one: one.attention_ms / 1000.0,
}
"""What of a touch is 0 where there was none."""
TOUCH_VALUES: Final[Mapping[str, Callable[[View, ItemTouch], float]]] = {
    "age_s": lambda v, one: max(0, v.now_ms - one.last_ms) / 1000.0,
    "first_age_s": lambda v, one: max(0, v.now_ms - one.first_ms) / 1000.0,
    "rank": lambda v, one: _later_touched(v)[one.order],
    "first_rank": lambda v, one: v.context.touch_count - one.first_order,
    "kind": lambda _, one: KINDS.get(one.last_kind, nan),
    "steps": lambda v, one: v.context.event_count - one.last_event,
    "sign": lambda _, one: bucket(one.last_sign or None),
}
"""What is missing there."""


def touch(v: View, name: str) -> Array:
    """One of TOUCH_COUNTS or TOUCH_VALUES of each candidate: few are touched, so those alone are looked at."""
    read, column = TOUCH_COUNTS.get(name), np.zeros(v.count)
    if read is None:
        read = TOUCH_VALUES[name]
        column.fill(nan)
    for place, one in _touched(v):
        column[place] = read(v, one)
    return column


@once
def _touched(v: View) -> list[tuple[int, ItemTouch]]:
    return [(place, one) for place, one in enumerate(v.touches) if one is not None]


@once
def is_touched(v: View) -> NDArray[np.bool_]:
    """Whether each was touched."""
    return np.array([one is not None for one in v.touches], dtype=bool)


@once
def touch_ranks(v: View) -> Array:
    """0 = touched last; infinite where it was not touched."""
    return np.where(is_touched(v), touch(v, "rank"), np.inf)


def is_viewed(m: Moment, one: Retrieved) -> bool:
    """Whether the item was touched other than by being skipped."""
    touch = m.context.items.get(one.item_id)
    return touch is not None and touch.last_kind != "item_skipped"


def views(m: Moment, one: Retrieved) -> int:
    """Views of the item in the visit."""
    touch = m.context.items.get(one.item_id)
    return touch.views if touch is not None else 0


# --- likeness to what was touched ---------------------------------------------------------------


def _category_share(v: View) -> Column:
    counts = v.context.categories
    total = sum(counts.values()) or 1
    return of_categories(v, [counts.get(name or "", 0) / total for name in categories(v)[0]])


def _is_in(v: View, category: str | None) -> Column:
    return of_categories(
        v, [nan if name is None else name == category for name in categories(v)[0]]
    )


def _is_last_brand(v: View) -> Column:
    last = last_brand(v.moment)
    return np.array([nan if one is None else one == last for one in brands(v)])


def _likeness_last(v: View) -> Column:
    last = v.moment.item(next(reversed(v.context.items), None))
    if last is None:
        return nan
    asked, price = signs_of(last), last.price
    return np.array(
        [
            nan if item is None or own is None else likeness_of(asked, price, own, item.price)
            for item, own in zip(v.items, signs(v), strict=True)
        ]
    )


def _signs_session(v: View) -> Column:
    touched = [v.moment.item(one) for one in v.context.items]
    asked: frozenset[str] = frozenset().union(*(signs_of(one) for one in touched if one))
    return matched(v, partial(overlap, asked), bool(asked))


def _placed(v: View, times: Mapping[str, int]) -> Column:
    """Each candidate's place in `times`, 0 = the newest."""
    last = len(times) - 1
    return v.looked_up({item_id: float(last - at) for at, item_id in enumerate(times)})


FACTS: Final = (
    item("views", INT, "views of it in this visit", views, feature="touch_views", column=lambda v: touch(v, "views")),
    feature("touch_clicks", "session_item", "clicks on it", lambda v: touch(v, "clicks")),
    feature("touch_carts", "session_item", "adds to the cart", lambda v: touch(v, "carts")),
    feature("touch_taken", "session_item", "clicks on it in rankings and decisions", lambda v: touch(v, "taken")),
    feature("touch_count", "session_item", "touches of any kind", lambda v: touch(v, "touches")),
    feature("touch_share", "session_item", "of all touches", lambda v: touch(v, "touches") / max(1, v.context.touch_count)),
    feature("touch_dwell", "session_item", "seconds on its page", lambda v: touch(v, "dwell_s")),
    feature("touch_attention", "session_item", "seconds after its touches until the next event", lambda v: touch(v, "attention_s")),
    feature("touch_age", "session_item", "seconds since it was last touched", lambda v: touch(v, "age_s")),
    feature("touch_first_age", "session_item", "seconds since it was first touched", lambda v: touch(v, "first_age_s")),
    feature("touch_rank", "session_item", "0 = touched last", lambda v: touch(v, "rank")),
    feature("touch_first_rank", "session_item", "touches since its first", lambda v: touch(v, "first_rank")),
    feature("touch_steps", "session_item", "events since it was last touched", lambda v: touch(v, "steps")),
    feature("touch_sign", "session_item", "what the last touch said (its value), as one of 64 buckets", lambda v: touch(v, "sign")),
    feature("touch_kind", "session_item", "kind of the last touch (its place in TOUCHES)", lambda v: touch(v, "kind")),
    item("is_viewed", BOOL, "whether it was touched in this visit, other than by skipping it", is_viewed),
    feature("category_share", "session_item", "of the touches, in its category", _category_share),
    feature("is_last_category", "session_item", "whether it is in the category touched last", lambda v: _is_in(v, category_of_interest(v.context))),
    feature("is_last_brand", "session_item", "whether it is of the brand touched last", _is_last_brand),
    feature("likeness_last", "session_item", "likeness to the item touched last", _likeness_last),
    feature("signs_session", "session_item", "words, tags and attributes shared with what was touched", _signs_session),
    feature("person_touched_age", "person_item", "seconds since the person last touched it", lambda v: aged(v, v.state.recent_items)),
    feature("person_touched_rank", "person_item", "0 = the item the person touched last", lambda v: _placed(v, v.state.recent_items)),
    feature("is_event_category", "session_item", "whether it is in the category of the event's item, or that the event names", lambda v: _is_in(v, category_of_event(v.moment))),
    feature("person_taken_age", "person_item", "seconds since the person clicked, carted or bought it", lambda v: aged(v, v.state.taken_items)),
)  # fmt: skip

ROOM: Final = Room("touched", FACTS)
