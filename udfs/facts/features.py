"""The features: each declared once, with entity, purpose, meaning and how it is computed.

A decision's matrix has one row per candidate and one column per feature, in the order of FEATURES; NaN =
missing. Ages and values are as of the event that asks, after it was counted; what the stream learnt is as of
the epoch the decision names: nothing later is in them. A model is trained on one FEATURE_SPACE.digest and
refused under another: raise a feature's `version` when its meaning changes.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.scorer import FeatureSpace, Matrix
from udfs.facts.view_candidates import View

Entity = Literal[
    "session", "person", "context", "item", "session_item", "person_item", "slate", "caller"
]
Purpose = Literal["service", "personalisation"]
"""`service`: from this visit and the catalogue alone; `personalisation`: needs that consent."""
Column = NDArray[np.float64] | float


class Feature(NamedTuple):
    """One column. `compute` gives one value per candidate, or one for all of them."""

    name: str
    entity: Entity
    meaning: str
    compute: Callable[[View], Column]
    version: int = 1

    @property
    def purpose(self) -> Purpose:
        """What the person must have agreed to."""
        is_personal = self.entity in ("person", "person_item")
        return "personalisation" if is_personal else "service"


F = Feature
FEATURES: Final = (
    # --- the session: the same for all candidates -------------------------------------------------
    F("session_events", "session", "events so far", lambda v: v.context.event_count),
    F("session_views_1min", "session", "views in the last minute", lambda v: v.views(1)),
    F("session_views_5min", "session", "views in the last 5 minutes", lambda v: v.views(5)),
    F("session_views_30min", "session", "views in the last 30 minutes", lambda v: v.views(30)),
    F("session_carts_30min", "session", "adds to the cart in 30 minutes", lambda v: v.carts_30min),
    F("session_duration", "session", "seconds since it began", lambda v: v.duration_s),
    F("session_pace", "session", "events per minute", lambda v: v.pace),
    F("session_items", "session", "distinct items touched", lambda v: v.context.item_count),
    F("session_touches", "session", "touches of items", lambda v: v.context.touch_count),
    F("session_categories", "session", "distinct categories", lambda v: len(v.context.categories)),
    F("session_queries", "session", "distinct queries", lambda v: len(v.context.queries)),
    F("session_filters", "session", "distinct filters", lambda v: len(v.context.filters)),
    F("session_last_filter", "session", "the filter added last, as one of 64 buckets", lambda v: v.last_filter),
    F("session_slates", "session", "lists asked to be ranked before", lambda v: v.context.slate_count),
    F("session_funnel", "session", "0 none, 1 viewed, 2 cart, 3 checkout, 4 bought", lambda v: v.context.funnel),
    F("session_cart_value", "session", "value of the cart", lambda v: v.cart_value),
    F("session_price_mean", "session", "log of the mean price touched", lambda v: v.price_mean),
    F("session_price_spread", "session", "log of highest over lowest price touched", lambda v: v.price_spread),
    F("session_struggle", "session", "from 0 to 1: quick going back, repeated searches, rage clicks, time on help pages", lambda v: v.struggle, 2),
    F("session_help", "session", "seconds on help pages, with the one that is open", lambda v: v.help_s, 2),
    F("session_since_touch", "session", "seconds since any item was touched", lambda v: v.since_touch_s),
    F("session_before", "session", "type of the event before (its place in the list of types)", lambda v: v.before),
    F("session_repeats", "session", "touches per distinct item", lambda v: v.repeats),
    # --- the person -------------------------------------------------------------------------------
    F("person_views_1h", "person", "views in the last hour", lambda v: v.period("fine", 12)[1]),
    F("person_views_24h", "person", "views in the last 24 hours", lambda v: v.period("hourly", 24)[1]),
    F("person_purchases_30d", "person", "purchases in 30 days", lambda v: v.period("daily", 30)[3]),
    F("person_sessions", "person", "sessions that ended", lambda v: v.state.session_count),
    F("person_purchase_age", "person", "days since the last purchase", lambda v: v.purchase_age_d),
    F("person_purchase_value", "person", "mean value of a purchase", lambda v: v.purchase_value),
    # --- the context ------------------------------------------------------------------------------
    F("context_hour", "context", "hour of the day, local where the offset is known", lambda v: v.hour),
    F("context_weekday", "context", "0 = Monday", lambda v: v.weekday),
    F("context_device", "context", "device, as one of 64 buckets", lambda v: v.device),
    F("context_country", "context", "country, as one of 64 buckets", lambda v: v.country),
    F("context_referrer", "context", "referrer, as one of 64 buckets", lambda v: v.referrer),
    # --- the item in this session -----------------------------------------------------------------
    F("touch_views", "session_item", "views of it", lambda v: v.touch("views")),
    F("touch_clicks", "session_item", "clicks on it", lambda v: v.touch("clicks")),
    F("touch_carts", "session_item", "adds to the cart", lambda v: v.touch("carts")),
    F("touch_taken", "session_item", "clicks on it in rankings and decisions", lambda v: v.touch("taken")),
    F("touch_count", "session_item", "touches of any kind", lambda v: v.touch("touches")),
    F("touch_share", "session_item", "of all touches", lambda v: v.touch("touches") / max(1, v.context.touch_count)),
    F("touch_dwell", "session_item", "seconds on its page", lambda v: v.touch("dwell_s")),
    F("touch_attention", "session_item", "seconds after its touches until the next event", lambda v: v.touch("attention_s")),
    F("touch_age", "session_item", "seconds since it was last touched", lambda v: v.touch("age_s")),
    F("touch_first_age", "session_item", "seconds since it was first touched", lambda v: v.touch("first_age_s")),
    F("touch_rank", "session_item", "0 = touched last", lambda v: v.touch("rank")),
    F("touch_first_rank", "session_item", "touches since its first", lambda v: v.touch("first_rank")),
    F("touch_steps", "session_item", "events since it was last touched", lambda v: v.touch("steps")),
    F("touch_sign", "session_item", "what the last touch said (its value), as one of 64 buckets", lambda v: v.touch("sign")),
    F("touch_kind", "session_item", "kind of the last touch (its place in TOUCHES)", lambda v: v.touch("kind")),
    F("in_cart", "session_item", "whether it is in the cart", lambda v: v.in_cart),
    F("category_share", "session_item", "of the touches, in its category", lambda v: v.category("share")),
    F("is_last_category", "session_item", "whether it is in the category touched last", lambda v: v.category("is_last")),
    F("is_last_brand", "session_item", "whether it is of the brand touched last", lambda v: v.is_last_brand),
    F("price_to_session", "session_item", "log of its price over the mean touched", lambda v: v.price_log - v.price_mean),
    F("price_to_last", "session_item", "log of its price over that of the item touched last", lambda v: v.price_log - v.last_price),
    F("price_to_taken", "session_item", "log of its price over the mean of the items taken", lambda v: v.price_to_taken),
    F("likeness_last", "session_item", "likeness to the item touched last", lambda v: v.likeness_last),
    F("signs_session", "session_item", "words, tags and attributes shared with what was touched", lambda v: v.signs_session),
    F("query_match", "session_item", "share of the words searched for that it has", lambda v: v.query_match),
    F("filter_match", "session_item", "share of the chosen filters that it meets", lambda v: v.filter_match, 2),
    F("touched_since_slate", "session_item", "whether it was touched after the list ranked before", lambda v: v.touched_since_slate),
    F("session_slate_age", "session", "seconds since the list ranked before", lambda v: v.since_slate_s),
    F("session_slate_taken", "session", "the place that was taken in the list ranked before", lambda v: v.slate_taken),
    F("slate_overlap", "slate", "share of the candidates that were in the list ranked before", lambda v: v.slate_overlap),
    F("was_in_slate", "session_item", "its place in the list ranked before", lambda v: v.previous_place),
    # --- where the session leads ------------------------------------------------------------------
    F("next_strength", "session_item", "share of the next-item links of the item touched last", lambda v: v.of(v.leads.next_last)),
    F("next_few", "session_item", "the same of the last few items, earlier ones less", lambda v: v.of(v.leads.next_few)),
    F("next_rank", "session_item", "its place by that share among the candidates", lambda v: v.ranked(v.leads.next_few)),
    F("seen_with_last", "session_item", "share of the seen-with links of the item touched last", lambda v: v.of(v.leads.seen_last)),
    F("seen_with_few", "session_item", "the same of the last few items", lambda v: v.of(v.leads.seen_few)),
    F("bought_with", "session_item", "share of the bought-with links of cart and last item", lambda v: v.of(v.leads.bought)),
    F("nearest_sessions", "session_item", "weight in the nearest past sessions", lambda v: v.near.touched),
    F("nearest_focused", "session_item", "the same with the very nearest counting more", lambda v: v.near.focused),
    F("nearest_next", "session_item", "weight right after the shared item in them", lambda v: v.near.followed),
    F("nearest_rank", "session_item", "its place by that weight among the candidates", lambda v: v.near_rank),
    # --- the item for this person -----------------------------------------------------------------
    F("person_category_long", "person_item", "share of category in the long affinity", lambda v: v.category("long")),
    F("person_category_short", "person_item", "share of category in the short affinity", lambda v: v.category("short")),
    F("person_brand_long", "person_item", "share of brand in the long affinity", lambda v: v.brand_affinity(0)),
    F("person_brand_short", "person_item", "share of brand in the short affinity", lambda v: v.brand_affinity(1)),
    F("person_price_level", "person_item", "share of price level in the long affinity", lambda v: v.price_affinity),
    F("person_touched_age", "person_item", "seconds since the person last touched it", lambda v: v.aged(v.state.recent_items)),
    F("person_touched_rank", "person_item", "0 = the item the person touched last", lambda v: v.placed(v.state.recent_items)),
    F("person_taken_age", "person_item", "seconds since the person clicked, carted or bought it", lambda v: v.aged(v.state.taken_items)),
    F("person_shown", "person_item", "times it was shown", lambda v: v.exposed("shown")),
    F("person_clicked", "person_item", "times it was shown and clicked", lambda v: v.exposed("clicked")),
    F("person_bought_age", "person_item", "days since the person bought it", lambda v: v.bought_age_d),
    # --- the item ---------------------------------------------------------------------------------
    F("item_interest", "item", "log of 1 + interest (half-life 30 days)", lambda v: v.interest),
    F("item_trend", "item", "short over long interest", lambda v: v.trend),
    F("item_views", "item", "log of 1 + views", lambda v: np.log1p(v.learnt("views"))),
    F("item_carts", "item", "log of 1 + adds to carts", lambda v: np.log1p(v.learnt("carts"))),
    F("item_purchases", "item", "log of 1 + purchases", lambda v: np.log1p(v.learnt("purchases"))),
    F("item_exposures", "item", "log of 1 + exposures", lambda v: np.log1p(v.learnt("exposures"))),
    F("item_click_rate", "item", "clicks over examined exposures, smoothed to its category's", lambda v: v.click_rate),
    F("item_conversion_rate", "item", "purchases over views, smoothed to its category's", lambda v: v.conversion_rate),
    F("category_click_rate", "item", "of its category", lambda v: v.category("click_rate")),
    F("category_interest", "item", "log of 1 + interest in its category", lambda v: v.category("interest")),
    F("item_silence", "item", "hours since anybody touched it", lambda v: v.silence_h),
    F("item_age", "item", "days since it was created or first seen", lambda v: v.age_d),
    F("item_price", "item", "log of 1 + price", lambda v: v.price_log),
    F("item_has_stock", "item", "1 in stock, 0 out of it", lambda v: v.has_stock),
    F("item_stock", "item", "log of 1 + stock", lambda v: v.stock_log),
    # --- among the other candidates ---------------------------------------------------------------
    F("slate_size", "slate", "how many candidates there are", lambda v: v.count),
    F("slate_price_rank", "slate", "0 = cheapest, 1 = dearest", lambda v: v.price_rank),
    F("slate_price_to_mean", "slate", "log of its price over the candidates' mean", lambda v: v.price_to_mean),
    F("slate_price_to_least", "slate", "log of its price over the cheapest candidate's", lambda v: v.price_to_least),
    F("slate_price_to_touched", "slate", "log of its price over the mean of the candidates that were touched", lambda v: v.price_to_touched),
    F("slate_price_above", "slate", "log of its price over that of the place above", lambda v: v.price_step(-1)),
    F("slate_price_below", "slate", "log of its price over that of the place below", lambda v: v.price_step(1)),
    F("slate_is_cheapest_so_far", "slate", "whether no place above is cheaper", lambda v: v.is_cheapest_so_far),
    F("slate_interest_rank", "slate", "0 = most wanted, 1 = least", lambda v: v.interest_rank),
    F("slate_touch_order", "slate", "among the touched candidates, 0 = touched last", lambda v: v.touch_order),
    F("slate_touched", "slate", "candidates that were touched", lambda v: v.touched_count),
    F("slate_from_last", "slate", "places below the candidate touched last (above: negative)", lambda v: v.from_last),
    F("slate_from_taken", "slate", "places below the candidate taken last (above: negative)", lambda v: v.from_taken),
    F("slate_to_touched", "slate", "places to the nearest touched candidate", lambda v: v.to_touched),
    F("slate_from_end", "slate", "places above the end of the list", lambda v: v.from_end),
    F("slate_from_deepest", "slate", "places below the deepest candidate touched", lambda v: v.from_deepest),
    F("slate_order_above", "slate", "touch order of the place above", lambda v: v.order_step(-1)),
    F("slate_order_below", "slate", "touch order of the place below", lambda v: v.order_step(1)),
    F("slate_touched_above", "slate", "whether the place above was touched", lambda v: v.touched_step(-1)),
    F("slate_touched_below", "slate", "whether the place below was touched", lambda v: v.touched_step(1)),
    F("source_rank", "slate", "its place among the candidates as they were found", lambda v: v.source_rank),
    # --- what the caller said ---------------------------------------------------------------------
    F("caller_position", "caller", "its place in the caller's list, from 0", lambda v: v.position),
    F("caller_feature_0", "caller", "the caller's own features, in the order of their names", lambda v: v.caller(0)),
    F("caller_feature_1", "caller", "the second of them", lambda v: v.caller(1)),
    F("caller_feature_2", "caller", "the third", lambda v: v.caller(2)),
    F("caller_feature_3", "caller", "the fourth; further ones are not used", lambda v: v.caller(3)),
)  # fmt: skip


def space_of(features: Sequence[Feature]) -> FeatureSpace:
    """The columns, and the hash of their definitions in this order."""
    said = "\n".join(f"{one.name} {one.entity} {one.version} {one.meaning}" for one in features)
    digest = sha256(said.encode()).hexdigest()[:16]
    return FeatureSpace(tuple(one.name for one in features), digest)


FEATURE_SPACE: Final = space_of(FEATURES)
FEATURE_INDEX: Final = {name: index for index, name in enumerate(FEATURE_SPACE.names)}


def compute_features(view: View) -> Matrix:
    """(candidates, features) float32, C order: the vectors of one decision."""
    columns = np.empty((len(FEATURES), view.count), dtype=np.float32)
    if not view.count:
        return columns.T
    for index, feature in enumerate(FEATURES):
        columns[index] = feature.compute(view)
    return np.ascontiguousarray(columns.T)
