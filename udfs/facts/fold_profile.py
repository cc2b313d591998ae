"""What one piece of news adds to the profile of its person."""

from typing import Final

from schemas.events import Event
from schemas.limits import (
    DAY_MS,
    DISMISSALS_MAX,
    EXPOSURES_MAX,
    HOUR_MS,
    MINUTE_MS,
    PURCHASES_MAX,
    RECENT_ITEMS_MAX,
    TAKEN_ITEMS_MAX,
)
from schemas.state.person import Exposure, PeriodBucket, PersonState, Purchase
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from udfs.facts.affinity import lean, price_level
from udfs.facts.keep_cart import CART_EVENTS, keep_cart, take_over_cart
from udfs.facts.remember_facts import is_repeated
from udfs.knowledge.category_facts import LEVELS, level_of
from udfs.knowledge.knowledge import Knowledge
from udfs.session.count_windows import bucket_at, buckets_in
from udfs.session.fold_context import TOUCHES
from udfs.session.notice_signs import count_feature, facts_told, merge_counts, state_facts

PERIODS: Final = (
    ("fine", 5 * MINUTE_MS, 12),  # 1 h
    ("hourly", HOUR_MS, 24),  # 24 h
    ("daily", DAY_MS, 30),  # 7 d and 30 d
)

WEIGHTS: Final = {
    "product_viewed": 1.0,
    "content_read": 1.0,
    "ranking_clicked": 1.0,
    "decision_clicked": 1.0,
    "product_added_to_cart": 3.0,
    "purchase_completed": 5.0,
}
"""How strongly an event leans its person to category, brand and price level of its items."""

TAKEN: Final = frozenset({"clicks", "carts", "purchases"})
"""Touches by which a person took an item, not only looked at it."""

PERIOD_COUNTS: Final = {
    "product_viewed": "views",
    "content_read": "views",
    "product_added_to_cart": "carts",
    "purchase_completed": "purchases",
}


def fold_profile(state: PersonState, news: SessionNews, knowledge: Knowledge) -> None:
    """Adds `news` to `state`, in place."""
    if news.kind == "ended":
        state.session_count += 1
    elif news.kind == "handover":
        _take_over(state, SESSION_CONTEXT.decode(news.context))
    elif news.event is not None:
        _fold_event(state, news.event, knowledge)


def period_counts(
    state: PersonState, name: str, now_ms: int, count: int
) -> tuple[int, int, int, int]:
    """(events, views, carts, purchases) of the `count` buckets of period `name` that end now."""
    length_ms = next(length for period, length, _ in PERIODS if period == name)
    events = views = carts = purchases = 0
    for bucket in buckets_in(getattr(state, name), now_ms // length_ms, count):
        events += bucket.events
        views += bucket.views
        carts += bucket.carts
        purchases += bucket.purchases
    return events, views, carts, purchases


def _fold_event(state: PersonState, event: Event, knowledge: Knowledge) -> None:
    now_ms = event.event_time_ms
    state.event_count += 1
    is_claim = event.event_type == "purchase_completed" and state.unproven_purchases
    _count(state, now_ms, None if is_claim else PERIOD_COUNTS.get(event.event_type))
    if event.event_type in TOUCHES:
        _touch(state, event)
    weight = WEIGHTS.get(event.event_type)
    if weight is not None:
        _lean_to_items(state, event, weight, knowledge)
    if event.event_type in CART_EVENTS:
        keep_cart(state, event, knowledge)
    fold = _FOLDS.get(event.event_type)
    if fold is not None:
        fold(state, event)


def _lean_to_items(state: PersonState, event: Event, weight: float, knowledge: Knowledge) -> None:
    now_ms = event.event_time_ms
    is_single = len(event.item_ids) == 1
    for item_id in event.item_ids:
        item = knowledge.item_at(item_id, now_ms)
        category = (event.category if is_single else None) or (item.category if item else None)
        price = event.price if is_single else None
        if price is None and item is not None:
            price = item.price
        level = level_of(knowledge.catalogue, category, price, now_ms)
        _lean(state, category, item.brand if item else None, price, level, weight, now_ms)
        if event.event_type == "purchase_completed":
            _buy_level(state, level)


def _lean(
    state: PersonState,
    category: str | None,
    brand: str | None,
    price: float | None,
    level: int,
    weight: float,
    now_ms: int,
) -> None:
    if category:
        lean(state.categories, category, weight, now_ms)
    if brand:
        lean(state.brands, brand, weight, now_ms)
    if price is not None:
        lean(state.price_levels, price_level(price), weight, now_ms)
    if level:
        lean(state.price_bands, LEVELS[level], weight, now_ms)


def _buy_level(state: PersonState, level: int) -> None:
    if level:
        name = LEVELS[level]
        state.bought_bands[name] = state.bought_bands.get(name, 0) + 1


def _count(state: PersonState, now_ms: int, name: str | None, by: int = 1) -> None:
    for period, length_ms, kept in PERIODS:
        bucket = bucket_at(getattr(state, period), now_ms // length_ms, PeriodBucket, kept)
        if bucket is not None:
            bucket.events += by
            if name is not None:
                setattr(bucket, name, getattr(bucket, name) + by)


def _touch(state: PersonState, event: Event) -> None:
    is_taken = TOUCHES[event.event_type] in TAKEN
    for item_id in event.item_ids:
        _recent(state, item_id, event.event_time_ms)
        if is_taken:
            _take(state, item_id, event.event_time_ms)


def _recent(state: PersonState, item_id: str, time_ms: int) -> None:
    before_ms = state.recent_items.pop(item_id, 0)
    state.recent_items[item_id] = max(before_ms, time_ms)
    _keep_newest(state.recent_items, RECENT_ITEMS_MAX)


def _take(state: PersonState, item_id: str, time_ms: int) -> None:
    before_ms = state.taken_items.pop(item_id, 0)
    state.taken_items[item_id] = max(before_ms, time_ms)
    _keep_newest(state.taken_items, TAKEN_ITEMS_MAX)


def _buy(state: PersonState, event: Event) -> None:
    # a proven purchase is taken for the one that was claimed, a further claim for the same
    state.purchase_count += 1 - state.unproven_purchases
    state.unproven_purchases = int(event.is_unproven)
    state.purchase_value += event.value_amount or 0.0
    state.last_purchase_ms = max(state.last_purchase_ms or 0, event.event_time_ms)
    price = event.price if len(event.item_ids) == 1 else None
    bought = [Purchase(item_id, event.event_time_ms, price) for item_id in event.item_ids]
    _keep_purchases(state, bought)


def _keep_purchases(state: PersonState, bought: list[Purchase]) -> None:
    """Purchases count however late they come, so the oldest is not always the first."""
    purchases = sorted(state.purchases + bought, key=lambda one: one.time_ms)
    state.purchases = purchases[-PURCHASES_MAX:]


def _refund(state: PersonState, event: Event) -> None:
    state.purchase_value -= event.value_amount or 0.0
    state.purchases = [one for one in state.purchases if one.item_id not in event.item_ids]


def _expose(state: PersonState, event: Event) -> None:
    for item_id in event.item_ids:
        seen = state.exposures.pop(item_id, None) or Exposure(0, 0, 0)
        seen.shown += event.event_type == "decision_exposed"
        seen.clicked += event.event_type == "decision_clicked"
        seen.last_ms = max(seen.last_ms, event.event_time_ms)
        state.exposures[item_id] = seen
    while len(state.exposures) > EXPOSURES_MAX:
        del state.exposures[next(iter(state.exposures))]


def _dismiss(state: PersonState, event: Event) -> None:
    for item_id in event.item_ids:
        before_ms = state.dismissed.pop(item_id, 0)
        state.dismissed[item_id] = max(before_ms, event.event_time_ms)
    _keep_newest(state.dismissed, DISMISSALS_MAX)


def _identify(state: PersonState, event: Event) -> None:
    state.is_identified = True


def _state(state: PersonState, event: Event) -> None:
    state_facts(state.statements, facts_told(event))


def _prefer(state: PersonState, event: Event) -> None:
    state_facts(state.preferences, facts_told(event))


def _open_feature(state: PersonState, event: Event) -> None:
    count_feature(state.features_opened, event)


def _activate_feature(state: PersonState, event: Event) -> None:
    count_feature(state.features_activated, event)


_FOLDS: Final = {
    "purchase_completed": _buy,
    "purchase_refunded": _refund,
    "decision_exposed": _expose,
    "decision_clicked": _expose,
    "decision_dismissed": _dismiss,
    "not_interested": _dismiss,
    "identified": _identify,
    "profile_updated": _state,
    "preference_stated": _prefer,
    "feature_opened": _open_feature,
    "feature_activated": _activate_feature,
}


def _keep_newest(times: dict[str, int], kept: int) -> None:
    while len(times) > kept:
        del times[next(iter(times))]


def _take_over(state: PersonState, context: SessionContext) -> None:
    """Adds a session that belonged to an anonymous id until now, as far as its context tells.

    What older anonymous sessions left comes with merging, which a later issue builds: its place is
    a transfer folded in here. Purchases that the person was told of before are left out.
    """
    bought = context.tallies.get("purchase_completed")
    again = [one for one in context.facts if one.is_bought and is_repeated(state.fact_ids, one)]
    is_bought = bought is not None and bought.count > len(again)
    state.event_count += context.event_count
    state_facts(state.statements, context.statements.items())
    state_facts(state.preferences, context.preferences.items())
    merge_counts(state.features_opened, context.features_opened)
    merge_counts(state.features_activated, context.features_activated)
    for item_id, touch in context.items.items():
        _recent(state, item_id, touch.last_ms)
        if touch.clicks or touch.carts or touch.purchases:
            _take(state, item_id, touch.last_ms)
        purchases = touch.purchases if is_bought else 0
        weight = touch.views + touch.clicks + 3.0 * touch.carts + 5.0 * purchases
        if weight:
            _lean(
                state, touch.category, touch.brand, touch.price, touch.level, weight, touch.last_ms
            )
        if purchases:
            _buy_level(state, touch.level)
            _keep_purchases(state, [Purchase(item_id, touch.last_ms, touch.price)])
    take_over_cart(state, context)
    if bought is not None and is_bought:
        claims = context.unproven_purchases - sum(one.is_unproven for one in again)
        _take_over_purchases(state, bought.count - len(again) - claims)
        state.purchase_value += bought.amount - sum(one.amount for one in again)
        state.last_purchase_ms = max(state.last_purchase_ms or 0, bought.last_ms)
    for event_type, tally in context.tallies.items():
        repeats = len(again) if tally is bought else 0
        _count(state, tally.last_ms, PERIOD_COUNTS.get(event_type), tally.count - repeats)


def _take_over_purchases(state: PersonState, proven: int) -> None:
    """Adds purchases of a session; where none of them is `proven`, one that is claimed."""
    if proven:
        state.purchase_count += proven - state.unproven_purchases
        state.unproven_purchases = 0
    else:
        state.purchase_count += 1 - state.unproven_purchases
        state.unproven_purchases = 1
