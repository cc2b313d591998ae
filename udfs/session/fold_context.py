"""What one event adds to the context of its session."""

from typing import Final

from schemas.events import Event
from schemas.limits import (
    ATTENTION_MAX_MS,
    EXPOSURES_PER_EVENT_MAX,
    SESSION_GAP_MS,
    SESSION_ITEMS_MAX,
    SESSION_NAMES_MAX,
    WINDOW_BUCKET_MS,
)
from schemas.state.session import Bucket, ItemTouch, Named, SessionContext, Tally, Window
from udfs.facts.remember_facts import note_fact
from udfs.knowledge.category_facts import level_of
from udfs.knowledge.knowledge import Knowledge
from udfs.session.count_windows import bucket_at
from udfs.session.fill_cart import fill_cart, first_known
from udfs.session.notice_signs import normal_query, notice_signs, notice_time, notice_topics

WINDOW_BUCKETS: Final = SESSION_GAP_MS // WINDOW_BUCKET_MS
RAGE_CLICKS: Final = 3
RAGE_MS: Final = 2_000
PAGES_KEPT: Final = 3
SIGN_LENGTH_MAX: Final = 32
VALUES_PER_TALLY_MAX: Final = 16

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

OPENS_A_PAGE: Final = frozenset(
    {
        "page_viewed", "product_viewed", "content_read", "search_performed", "cart_viewed",
        "checkout_started", "purchase_completed", "help_viewed", "session_ended",
    }
)  # fmt: skip
"""These end the dwell time of what was looked at before."""

FUNNEL_STAGE: Final = {
    "product_viewed": 1,
    "product_added_to_cart": 2,
    "checkout_started": 3,
    "purchase_completed": 4,
}

BUCKET_COUNTS: Final = {
    "product_viewed": "views",
    "content_read": "views",
    "search_performed": "searches",
    "product_added_to_cart": "carts",
    "element_clicked": "clicks",
    "ranking_clicked": "clicks",
    "decision_clicked": "clicks",
}


def fold_context(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    """Adds `event` to `context`, in place. The log's order is the order; times are the event's."""
    _attend(context, event.event_time_ms)
    context.event_count += 1
    context.channel = event.channel or context.channel
    _tally(context, event)
    _count(context, event)
    _dwell(context, event)
    _navigate(context, event)
    if event.item_ids and event.event_type in TOUCHES:
        _touch(context, event, knowledge)
    notice_signs(context, event, knowledge)
    if event.is_unproven and event.event_type == "purchase_completed":
        context.unproven_purchases += 1
    note_fact(context, event)
    fill_cart(context, event)
    context.pause_ms = max(0, event.event_time_ms - context.newest_ms) if context.newest_ms else 0
    context.newest_ms = event.event_time_ms
    context.before_kind, context.kind = context.kind, event.event_type
    context.funnel = max(context.funnel, FUNNEL_STAGE.get(event.event_type, 0))
    context.started_ms = min(context.started_ms, event.event_time_ms)
    context.last_ms = max(context.last_ms, event.event_time_ms)


def window(context: SessionContext, now_ms: int, length_ms: int) -> Window:
    """Counts of the `length_ms` (at most 30 minutes) that end with `now_ms`."""
    events = views = searches = carts = clicks = 0
    head = now_ms // WINDOW_BUCKET_MS
    tail = head - length_ms // WINDOW_BUCKET_MS
    for bucket in reversed(context.buckets):
        if bucket.index <= tail:
            break
        if bucket.index <= head:
            events += bucket.events
            views += bucket.views
            searches += bucket.searches
            carts += bucket.carts
            clicks += bucket.clicks
    return Window(events, views, searches, carts, clicks)


def _tally(context: SessionContext, event: Event) -> None:
    time_ms = event.event_time_ms
    tally = context.tallies.get(event.event_type)
    if tally is None:
        tally = context.tallies[event.event_type] = Tally(0, time_ms, time_ms)
    tally.count += 1
    tally.first_ms = min(tally.first_ms, time_ms)
    tally.last_ms = max(tally.last_ms, time_ms)
    tally.items += len(event.item_ids)
    tally.quantity += event.quantity or 0
    tally.amount += event.value_amount or 0.0
    if event.attribute is not None and event.value is not None:
        _name(tally.named, f"{event.attribute}={event.value}", time_ms)


def _name(named: dict[str, Named], name: str, time_ms: int) -> None:
    known = named.get(name)
    if known is not None:
        known.count += 1
        known.first_ms = min(known.first_ms, time_ms)
        known.last_ms = max(known.last_ms, time_ms)
    elif len(named) < VALUES_PER_TALLY_MAX:
        named[name] = Named(1, time_ms, time_ms)


def _count(context: SessionContext, event: Event) -> None:
    index = event.event_time_ms // WINDOW_BUCKET_MS
    bucket = bucket_at(context.buckets, index, Bucket, WINDOW_BUCKETS)
    if bucket is not None:
        bucket.events += 1
        name = BUCKET_COUNTS.get(event.event_type)
        if name is not None:
            setattr(bucket, name, getattr(bucket, name) + 1)


def _dwell(context: SessionContext, event: Event) -> None:
    if event.event_type not in OPENS_A_PAGE or _is_same_page(context, event):
        return
    now_ms = event.event_time_ms
    spent_ms = max(0, now_ms - context.dwell_since_ms)
    item = context.items.get(context.dwell_item) if context.dwell_item else None
    if item is not None:
        item.dwell_ms += spent_ms
    if context.help_since_ms is not None:
        context.help_ms += max(0, now_ms - context.help_since_ms)
    context.help_since_ms = now_ms if event.event_type == "help_viewed" else None
    is_item_page = event.event_type in ("product_viewed", "content_read") and event.item_ids
    context.dwell_item = event.item_ids[0] if is_item_page else None
    context.dwell_since_ms = now_ms


def _is_same_page(context: SessionContext, event: Event) -> bool:
    """A further view of the open page: trackers send one for each list on a product's page."""
    is_view = event.event_type == "page_viewed" and event.page is not None
    return is_view and context.pages[-1:] == [event.page]


def _attend(context: SessionContext, now_ms: int) -> None:
    """The time since the last event went to the item touched last."""
    if context.items and context.newest_ms:
        spent_ms = min(max(0, now_ms - context.newest_ms), ATTENTION_MAX_MS)
        context.items[next(reversed(context.items))].attention_ms += spent_ms


def remember_slate(context: SessionContext, event: Event) -> None:
    """Keeps the list that was asked to be ranked, after its decision: the next one looks back at it."""
    if event.candidates:
        context.slate = [one.item_id for one in event.candidates[:EXPOSURES_PER_EVENT_MAX]]
        context.slate_count += 1
        context.slate_touch_count = context.touch_count
        context.slate_ms = event.event_time_ms
        context.slate_taken = -1


def _navigate(context: SessionContext, event: Event) -> None:
    if event.page is not None and event.event_type in OPENS_A_PAGE:
        _visit(context, event.page, event.event_time_ms)
    if event.event_type == "search_performed" and event.query:
        _raise(context.queries, normal_query(event.query))
    elif event.event_type == "filter_applied" and event.attribute:
        _raise(context.filters, f"{event.attribute}={event.value or ''}")
    elif event.event_type == "element_clicked":
        _click(context, event)


def _visit(context: SessionContext, page: str, now_ms: int) -> None:
    pages = context.pages
    if pages and pages[-1] == page:
        context.page_opens += 1
        return
    if len(pages) > 1 and pages[-2] == page:
        context.back_navigations += 1
        notice_time(context.back_ms, now_ms)
    context.page_since_ms = now_ms
    context.page_opens = 1
    pages.append(page)
    del pages[:-PAGES_KEPT]


def _click(context: SessionContext, event: Event) -> None:
    element = event.value or event.attribute or event.page or ""
    if element != context.clicked:
        context.clicked = element
        context.clicked_ms = []
    now_ms = event.event_time_ms
    context.clicked_ms = [ms for ms in context.clicked_ms if now_ms - ms <= RAGE_MS] + [now_ms]
    if len(context.clicked_ms) >= RAGE_CLICKS:
        context.rage_clicks += 1
        notice_time(context.rage_ms, now_ms)
        context.clicked_ms = []


def _touch(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    is_single = len(event.item_ids) == 1
    for item_id in event.item_ids:
        touch = context.items.pop(item_id, None)
        known = knowledge.item_at(item_id, event.event_time_ms)
        if known is not None and known.tags:
            notice_topics(context, event, known, is_first=touch is None)
        if touch is None:
            context.item_count += 1
            touch = ItemTouch(None, None, None, event.event_time_ms, event.event_time_ms, 0)
        # a page does not say what an item of the catalogue is: what is learnt of the item goes by this
        is_said = is_single and not (event.is_unproven and known is not None)
        touch.category = (event.category if is_said else None) or (
            known.category if known else touch.category
        )
        touch.brand = known.brand if known else touch.brand
        touch.price = first_known(
            event.price if is_said else None, known.price if known else None, touch.price
        )
        touch.level = level_of(
            knowledge.catalogue, touch.category, touch.price, event.event_time_ms
        )
        _add_touch(context, touch, event)
        context.items[item_id] = touch
    while len(context.items) > SESSION_ITEMS_MAX:
        del context.items[next(iter(context.items))]


def _add_touch(context: SessionContext, touch: ItemTouch, event: Event) -> None:
    context.touch_count += 1
    touch.order = context.touch_count
    touch.touches += 1
    touch.last_event = context.event_count
    touch.last_sign = (event.value or event.attribute or "")[:SIGN_LENGTH_MAX]
    if event.event_type in TAKES:
        touch.taken += 1
        _take_place(context, event.item_ids[0])
    touch.first_order = touch.first_order or context.touch_count
    touch.last_kind = event.event_type
    touch.first_ms = min(touch.first_ms, event.event_time_ms)
    touch.last_ms = max(touch.last_ms, event.event_time_ms)
    raised = TOUCHES[event.event_type]
    if raised is not None:
        setattr(touch, raised, getattr(touch, raised) + 1)
    if touch.category:
        _raise(context.categories, touch.category)
    if touch.price is not None:
        low, high = context.price_min, context.price_max
        context.price_min = touch.price if low is None else min(touch.price, low)
        context.price_max = touch.price if high is None else max(touch.price, high)


def _take_place(context: SessionContext, item_id: str) -> None:
    if item_id in context.slate:
        context.slate_taken = context.slate.index(item_id)


def _raise(counts: dict[str, int], name: str) -> None:
    if name in counts or len(counts) < SESSION_NAMES_MAX:
        counts[name] = counts.get(name, 0) + 1
