"""Touches: which items the visit, and the person over all visits, had to do with, and for how long."""

from typing import Final

from schemas.events import Event
from schemas.items import Item
from schemas.limits import ATTENTION_MAX_MS, RECENT_ITEMS_MAX, SESSION_ITEMS_MAX, TAKEN_ITEMS_MAX
from schemas.state.person import PersonState
from schemas.state.session import ItemTouch, SessionContext
from udfs.facts.fact import Kept, Room, feature, person, session
from udfs.facts.keeping import count_first, first_known, note_newest
from udfs.facts.merging import newest_of
from udfs.facts.pages import leaves_page
from udfs.facts.reading import most_counted, name_of, newest, newest_one
from udfs.facts.splitting import newest_apart
from udfs.facts.types import COUNTS, DOUBLE, INT, STRING, STRINGS
from udfs.facts.view import or_nan
from udfs.items.retrieve_candidates import category_of_interest
from udfs.knowledge.category_facts import level_of
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment

TOUCHES: Final = {
    "product_viewed": "views",
    "content_read": "views",
    "ranking_clicked": "clicks",
    "decision_clicked": "clicks",
    "element_clicked": "clicks",
    "product_added_to_cart": "carts",
    "purchase_completed": "purchases",
    "search_performed": "clicks",
    "product_removed_from_cart": None,
    "item_skipped": None,
    "review_read": None,
    "item_rated": None,
    "video_played": None,
}
"""Event types that touch their items, and the count of the item that they raise."""
TAKES: Final = frozenset({"ranking_clicked", "decision_clicked"})
"""A person took what a ranking or a decision showed."""
TAKEN: Final = frozenset({"clicks", "carts", "purchases"})
"""Touches by which a person took an item, not only looked at it."""
SIGN_LENGTH_MAX: Final = 32


# --- the visit ----------------------------------------------------------------------------------


def on_event(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    """Gives the time since the last event to what was looked at, then touches the event's items."""
    if context.items:
        spent_ms = min(context.pause_ms, ATTENTION_MAX_MS)
        context.items[next(reversed(context.items))].attention_ms += spent_ms
    if leaves_page(context, event):
        _dwell(context, event)
    if event.event_type in TOUCHES:
        _touch(context, event, knowledge)


def _dwell(context: SessionContext, event: Event) -> None:
    item = context.items.get(context.dwell_item) if context.dwell_item else None
    if item is not None:
        item.dwell_ms += max(0, event.event_time_ms - context.dwell_since_ms)
    is_item_page = event.event_type in ("product_viewed", "content_read") and event.item_ids
    context.dwell_item = event.item_ids[0] if is_item_page else None
    context.dwell_since_ms = event.event_time_ms


def _touch(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    now_ms = event.event_time_ms
    for item_id in event.item_ids:
        touch = context.items.pop(item_id, None)
        if touch is None:
            context.item_count += 1
            touch = ItemTouch(None, None, None, now_ms, now_ms, 0)
        _describe(touch, event, knowledge.item_at(item_id, now_ms))
        touch.level = level_of(knowledge.catalogue, touch.category, touch.price, now_ms)
        _add_touch(context, touch, event)
        context.items[item_id] = touch
    while len(context.items) > SESSION_ITEMS_MAX:
        del context.items[next(iter(context.items))]


def _describe(touch: ItemTouch, event: Event, known: Item | None) -> None:
    """What the item is: a page does not say what one of the catalogue is, for what is learnt of it goes by this."""
    is_said = len(event.item_ids) == 1 and not (event.is_unproven and known is not None)
    touch.category = (event.category if is_said else None) or (
        known.category if known else touch.category
    )
    touch.brand = known.brand if known else touch.brand
    touch.price = first_known(
        event.price if is_said else None, known.price if known else None, touch.price
    )


def _add_touch(context: SessionContext, touch: ItemTouch, event: Event) -> None:
    context.touch_count += 1
    touch.order = context.touch_count
    touch.touches += 1
    touch.last_event = context.event_count
    touch.last_sign = (event.value or event.attribute or "")[:SIGN_LENGTH_MAX]
    touch.taken += event.event_type in TAKES
    touch.first_order = touch.first_order or context.touch_count
    touch.last_kind = event.event_type
    touch.first_ms = min(touch.first_ms, event.event_time_ms)
    touch.last_ms = max(touch.last_ms, event.event_time_ms)
    raised = TOUCHES[event.event_type]
    if raised is not None:
        setattr(touch, raised, getattr(touch, raised) + 1)
    if touch.category:
        count_first(context.categories, touch.category)
    if touch.price is not None:
        low, high = context.price_min, context.price_max
        context.price_min = touch.price if low is None else min(touch.price, low)
        context.price_max = touch.price if high is None else max(touch.price, high)


# --- the person ---------------------------------------------------------------------------------


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Notes the items touched last, and those taken last."""
    if event.event_type not in TOUCHES:
        return
    is_taken = TOUCHES[event.event_type] in TAKEN
    for item_id in event.item_ids:
        _note(state, item_id, event.event_time_ms, is_taken)


def _note(state: PersonState, item_id: str, time_ms: int, is_taken: bool) -> None:
    note_newest(state.recent_items, item_id, time_ms, RECENT_ITEMS_MAX)
    if is_taken:
        note_newest(state.taken_items, item_id, time_ms, TAKEN_ITEMS_MAX)


# --- facts --------------------------------------------------------------------------------------


def last_touch(m: Moment) -> ItemTouch | None:
    """The touch of the item touched last."""
    return next(reversed(m.context.items.values()), None)


def last_brand(m: Moment) -> str | None:
    """The brand of the item touched last."""
    touch = last_touch(m)
    return touch.brand if touch is not None else None


def since_touch_s(m: Moment) -> float | None:
    """Seconds since any item was touched."""
    touch = last_touch(m)
    return None if touch is None else max(0, m.now_ms - touch.last_ms) / 1000.0


def category_share(m: Moment) -> float | None:
    """The share of the category touched most."""
    counts = m.context.categories.values()
    return max(counts) / sum(counts) if counts else None


FACTS: Final = (
    session("items", STRINGS, "ids of the items touched", lambda m: newest(m.context.items)),
    session("item_count", INT, "distinct items touched", lambda m: m.context.item_count, "session_items"),
    feature("session_touches", "session", "touches of items", lambda v: v.context.touch_count),
    feature("session_repeats", "session", "touches per distinct item", lambda v: v.context.touch_count / max(1, v.context.item_count)),
    feature("session_since_touch", "session", "seconds since any item was touched", lambda v: or_nan(since_touch_s(v.moment))),
    session("last_item", STRING, "id of the item touched last", lambda m: newest_one(m.context.items)),
    session("last_item_name", STRING, "its name", lambda m: name_of(m, newest_one(m.context.items))),
    session("last_category", STRING, "category of the item touched last", lambda m: category_of_interest(m.context)),
    session("last_brand", STRING, "brand of the item touched last", last_brand),
    session("categories", STRINGS, "categories of the items touched, in the order of their first", lambda m: list(m.context.categories)),
    feature("session_categories", "session", "distinct categories", lambda v: len(v.context.categories)),
    session("category_counts", COUNTS, "touches by category", lambda m: m.context.categories),
    session("top_category", STRING, "the category touched most", lambda m: most_counted(m.context.categories)),
    session("category_share", DOUBLE, "share of the touches that are in the category touched most", category_share),
    person("recent_items", STRINGS, "ids of the items touched last, over all visits", lambda m: newest(m.state.recent_items)),
)  # fmt: skip

ROOM: Final = Room(
    "touches", FACTS, on_event=on_event, on_person_event=on_person_event, person_events=frozenset(TOUCHES),
    visit=(
        "items", "item_count", "touch_count", "categories", "price_min", "price_max", "dwell_item",
        "dwell_since_ms",
    ),
    person={
        "recent_items": Kept(newest_of(RECENT_ITEMS_MAX), split=newest_apart(RECENT_ITEMS_MAX)),
        "taken_items": Kept(newest_of(TAKEN_ITEMS_MAX), split=newest_apart(TAKEN_ITEMS_MAX)),
    },
)  # fmt: skip
