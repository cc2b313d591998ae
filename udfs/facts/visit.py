"""The visit: how long it is, how fast it goes, how far it has come, what kinds of events it has."""

from math import nan
from typing import Final, get_args

from schemas.events import Event, EventType
from schemas.limits import MINUTE_MS, SESSION_GAP_MS, SESSION_TALLIES_MAX, WINDOW_BUCKET_MS
from schemas.state.session import Bucket, Named, SessionContext, Tally, Window
from udfs.facts.fact import Room, feature, session
from udfs.facts.types import DOUBLE, INT, STRING
from udfs.moment import Moment
from udfs.session.count_windows import bucket_at

WINDOW_BUCKETS: Final = SESSION_GAP_MS // WINDOW_BUCKET_MS
VALUES_PER_TALLY_MAX: Final = 16
FUNNEL: Final = ("none", "viewed", "cart", "checkout", "bought")
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
EVENT_CODES: Final = {kind: float(number) for number, kind in enumerate(get_args(EventType))}


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Counts the event, and what its type and time say."""
    context.event_count += 1
    context.channel = event.channel or context.channel
    _tally(context, event)
    _count(context, event)
    context.pause_ms = max(0, event.event_time_ms - context.newest_ms) if context.newest_ms else 0
    context.newest_ms = event.event_time_ms
    context.before_kind, context.kind = context.kind, event.event_type
    context.funnel = max(context.funnel, FUNNEL_STAGE.get(event.event_type, 0))
    context.started_ms = min(context.started_ms, event.event_time_ms)
    context.last_ms = max(context.last_ms, event.event_time_ms)


def _tally(context: SessionContext, event: Event) -> None:
    time_ms = event.event_time_ms
    tally = context.tallies.get(event.event_type)
    if tally is None:
        if event.event_type not in EVENT_CODES and len(context.tallies) >= SESSION_TALLIES_MAX:
            return
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


def recent(m: Moment, minutes: int) -> Window:
    """Counts of the last `minutes`."""
    return window(m.context, m.now_ms, minutes * MINUTE_MS)


def count_of(m: Moment, event_type: str) -> int:
    """Events of a type in the visit."""
    tally = m.context.tallies.get(event_type)
    return tally.count if tally is not None else 0


def duration_s(m: Moment) -> float:
    """Seconds since the visit began."""
    return max(0, m.now_ms - m.context.started_ms) / 1000.0


def pace(m: Moment) -> float:
    """Events per minute; a visit shorter than a minute counts as one."""
    return m.context.event_count / max(1.0, duration_s(m) / 60.0)


FACTS: Final = (
    session("number", INT, "which visit of this browser or device it is, from 1", lambda m: m.context.number),
    session("events", INT, "events so far", lambda m: m.context.event_count, "session_events"),
    session("duration_s", DOUBLE, "seconds since it began", duration_s, "session_duration"),
    session("pause_s", DOUBLE, "seconds between this event and the one before", lambda m: m.context.pause_ms / 1000.0),
    session("pace", DOUBLE, "events per minute", pace, "session_pace"),
    session("views_1min", INT, "views of items in the last minute", lambda m: recent(m, 1).views, "session_views_1min"),
    session("views_5min", INT, "views of items in the last 5 minutes", lambda m: recent(m, 5).views, "session_views_5min"),
    session("views_30min", INT, "views of items in the last 30 minutes", lambda m: recent(m, 30).views, "session_views_30min"),
    session("searches_30min", INT, "searches in the last 30 minutes", lambda m: recent(m, 30).searches),
    session("carts_30min", INT, "adds to the cart in the last 30 minutes", lambda m: recent(m, 30).carts, "session_carts_30min"),
    session(
        "funnel", STRING, "how far it has come: none, viewed, cart, checkout or bought", lambda m: FUNNEL[m.context.funnel],
        "session_funnel", scale=FUNNEL.index,
    ),
    feature("session_before", "session", "type of the event before (its place in the list of types)", lambda v: EVENT_CODES.get(v.context.before_kind, nan)),
    session("purchases", INT, "purchases in this visit", lambda m: count_of(m, "purchase_completed")),
    session("reviews_read", INT, "reviews read", lambda m: count_of(m, "review_read")),
    session("articles_read", INT, "articles read", lambda m: count_of(m, "content_read")),
    session("calculator_uses", INT, "times that a calculator was used", lambda m: count_of(m, "calculator_used")),
    session("support_messages", INT, "messages to support", lambda m: count_of(m, "support_message")),
)  # fmt: skip

ROOM: Final = Room(
    "visit", FACTS, on_event=on_event,
    visit=(
        "number", "started_ms", "last_ms", "event_count", "channel", "tallies", "buckets", "kind",
        "before_kind", "newest_ms", "pause_ms", "funnel",
    ),
)  # fmt: skip
