"""The feature vector, value by value, on cases that can be worked out by hand."""

from math import isnan, log, log1p, nan
from typing import Any, get_args
from zlib import crc32

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Candidate, Event
from schemas.items import Item
from schemas.knowledge import ItemKnowledge, effective_from_ms
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.state.person import (
    PERSON_STATE,
    Affinity,
    Exposure,
    PeriodBucket,
    PersonState,
    Purchase,
)
from schemas.state.session import (
    SESSION_CONTEXT,
    Bucket,
    CartLine,
    ItemTouch,
    SessionContext,
    Tally,
)
from tests.builders import (
    EPOCH,
    NOON,
    make_event,
    make_knowledge,
    make_learnt,
    make_past_session,
    teach,
)
from udfs.facts.affinity import price_level
from udfs.facts.attributes import read_attributes, read_item_attributes
from udfs.facts.fact import Entity, Fact
from udfs.facts.features import (
    FEATURE_SPACE,
    FEATURES,
    compute_features,
    space_of,
)
from udfs.facts.learnt import CLICK_PRIOR, CONVERSION_PRIOR, PRIOR_WEIGHT
from udfs.facts.touches import TOUCHES
from udfs.facts.view import BUCKETS, View
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.session.follow_session import follow_session

SHOE = Item(
    "shoe", 0, "Red Shoe", "Shop/Shoes", "Acme", 19.0, "EUR", stock=3,
    created_ms=NOON - 36 * HOUR_MS, attributes={"size": "42"},
)  # fmt: skip
PAN = Item("pan", 0, "Red Pan", "Shop/Pans", "Bolt", 9.0)
CONTEXT = SessionContext(
    number=1, started_ms=NOON - HOUR_MS, last_ms=NOON, event_count=9, funnel=2, back_navigations=1,
    item_count=2, touch_count=5, help_ms=4_000, slate=["x", "shoe", "shoe"], slate_count=3,
    price_min=9.0, price_max=29.0,
    items={
        "pan": ItemTouch("Shop/Pans", "Bolt", 9.0, NOON, NOON, 4, views=1, touches=1, first_order=1),
        "shoe": ItemTouch(
            "Shop/Shoes", "Acme", 29.0, NOON - HOUR_MS, NOON - 30 * SECOND_MS, 5,
            views=3, clicks=2, carts=1, dwell_ms=4_500, last_kind="product_added_to_cart",
            touches=4, first_order=2, taken=1, attention_ms=2_500,
        ),
    },
    categories={"Shop/Shoes": 3, "Shop/Pans": 1},
    queries={"red shoe": 2}, filters={"brand=acme": 1, "colour=red": 1},
    filter_values={"brand": "acme", "colour": "red"}, repeat_ms=[NOON - 60_000],
    cart={"shoe": CartLine(2, 19.0)},
    buckets=[
        Bucket((NOON - 40 * MINUTE_MS) // 10_000, views=9, carts=9),
        Bucket((NOON - 20 * MINUTE_MS) // 10_000, views=4, carts=2),
        Bucket((NOON - 2 * MINUTE_MS) // 10_000, views=2, carts=1),
        Bucket(NOON // 10_000, views=1),
    ],
)  # fmt: skip
STATE = PersonState(
    NOON - 90 * DAY_MS, NOON, session_count=4, purchase_count=2, purchase_value=30.0,
    last_purchase_ms=NOON - 2 * DAY_MS,
    categories={"Shop/Shoes": Affinity(3.0, 1.0, NOON), "Shop/Pans": Affinity(1.0, 3.0, NOON)},
    brands={"Acme": Affinity(2.0, 1.0, NOON), "Bolt": Affinity(2.0, 0.0, NOON)},
    price_levels={price_level(19.0): Affinity(1.0, 1.0, NOON), "99": Affinity(4.0, 1.0, NOON)},
    recent_items={"shoe": NOON - 2 * MINUTE_MS, "pan": NOON},
    taken_items={"shoe": NOON - 3 * MINUTE_MS},
    exposures={"shoe": Exposure(4, 1, NOON)},
    purchases=[Purchase("shoe", NOON - 9 * DAY_MS, 1.0), Purchase("shoe", NOON - DAY_MS, 1.0)],
    fine=[PeriodBucket(NOON // (5 * MINUTE_MS) - 12, views=3), PeriodBucket(NOON // (5 * MINUTE_MS), views=5)],
    hourly=[PeriodBucket(NOON // HOUR_MS - 24, views=8), PeriodBucket(NOON // HOUR_MS, views=6)],
    daily=[
        PeriodBucket(NOON // DAY_MS - 30, purchases=7),
        PeriodBucket(NOON // DAY_MS - 29, purchases=2),
    ],
)  # fmt: skip
EMPTY, NEW = PersonState(NOON, NOON), SessionContext(1, NOON, NOON)


def table(
    candidates: list[Retrieved],
    state: PersonState = STATE,
    context: SessionContext = CONTEXT,
    event: Event | None = None,
    knowledge: Knowledge | None = None,
) -> dict[str, list[float]]:
    """The columns of all candidates by name."""
    event, knowledge = event or make_event(), knowledge or make_knowledge(SHOE, PAN)
    known = knowledge.at(event.event_time_ms, NOON)
    leads = follow_session(context, state, knowledge.statistics, known.epoch, event.event_time_ms)
    matrix = compute_features(
        View(Moment(state, context, event, knowledge, known), candidates, leads)
    )
    assert matrix.shape == (len(candidates), len(FEATURES))
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert not np.isinf(matrix).any()
    return dict(zip(FEATURE_SPACE.names, matrix.T.tolist(), strict=True))


def row(candidate: Retrieved, *args: Any, **kwargs: Any) -> dict[str, float]:
    """The row of the only candidate by name."""
    return {name: one for name, (one,) in table([candidate], *args, **kwargs).items()}


def found(item: Item, learnt: ItemKnowledge | None = None) -> Retrieved:
    return Retrieved(item.item_id, "trending", item, learnt)


def given_list(*said: dict[str, Any]) -> tuple[list[Retrieved], Event]:
    """The caller's candidates, and the event that hands them in."""
    event = make_event(event_type="ranking_requested", candidates=said)
    return [Retrieved(one.item_id, "caller", None, None, one) for one in event.candidates], event


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True)


# --- one item of which everything is known ------------------------------------------------------

EXPECTED = {
    "session_events": 9, "session_views_1min": 1, "session_views_5min": 3,
    "session_views_30min": 7, "session_carts_30min": 3, "session_duration": 3600,
    "session_pace": 9 / 60, "session_items": 2, "session_touches": 5, "session_categories": 2,
    "session_queries": 1, "session_filters": 2, "session_slates": 3, "session_funnel": 2,
    "session_last_filter": crc32(b"colour=red") % BUCKETS, "session_cart_value": 38,
    "session_price_mean": log1p(19), "session_price_spread": log(29 / 9), "session_struggle": 0.2,  # one repeated search of three, of 0.6
    "session_help": 4, "session_since_touch": 30, "session_repeats": 2.5,
    "person_views_1h": 5, "person_views_24h": 6, "person_purchases_30d": 2, "person_sessions": 4,
    "person_purchase_age": 2, "person_purchase_value": 15, "context_hour": 22,
    "context_weekday": 1, "context_device": nan, "context_country": nan, "context_referrer": nan,
    "touch_views": 3, "touch_clicks": 2, "touch_carts": 1, "touch_taken": 1, "touch_count": 4,
    "touch_share": 4 / 5, "touch_dwell": 4.5, "touch_attention": 2.5, "touch_age": 30,
    "touch_first_age": 3600, "touch_rank": 0, "touch_first_rank": 3,
    "touch_kind": list(TOUCHES).index("product_added_to_cart"), "in_cart": 1,
    "category_share": 0.75, "is_last_category": 1, "is_last_brand": 1,
    "price_to_session": log(20 / 20), "price_to_last": log(20 / 30), "likeness_last": 1,
    "was_in_slate": 1, "query_match": 1, "person_category_long": 0.75,
    "person_category_short": 0.25, "person_brand_long": 0.5, "person_brand_short": 1,
    "person_price_level": 0.2, "person_touched_age": 120, "person_touched_rank": 1,
    "person_taken_age": 180, "person_shown": 4, "person_clicked": 1, "person_bought_age": 1,
    "item_age": 1.5, "item_price": log1p(19), "item_has_stock": 1, "item_stock": log1p(3),
    "slate_size": 1, "slate_price_rank": 0, "slate_price_to_mean": 0, "slate_price_to_touched": 0,
    "slate_interest_rank": 0, "slate_touch_order": 0, "slate_touched": 1, "source_rank": 0,
    "caller_position": nan, "caller_feature_0": nan, "slate_from_last": nan,
    "slate_price_above": nan, "slate_is_cheapest_so_far": nan, "slate_touched_below": nan,
}  # fmt: skip
"""NOON is a Tuesday, 22:13 UTC. Touched were prices of 9 and 29, so 19 is the mean; the catalogue's
19 counts for the item itself.
"""


@pytest.fixture(scope="module")
def shoe() -> dict[str, float]:
    return row(found(SHOE))


@pytest.mark.parametrize("name", EXPECTED)
def test_each_feature_has_its_value(shoe: dict[str, float], name: str) -> None:
    assert shoe[name] == near(EXPECTED[name])


# --- what is not known --------------------------------------------------------------------------

NOTHING_KNOWN = {
    "touch_views": 0, "touch_dwell": 0, "touch_count": 0, "touch_age": nan, "touch_rank": nan,
    "touch_first_rank": nan, "touch_kind": nan, "in_cart": 0, "category_share": 0,
    "is_last_category": nan, "is_last_brand": nan, "price_to_session": nan, "price_to_last": nan,
    "likeness_last": nan, "signs_session": nan, "query_match": nan, "filter_match": nan,
    "was_in_slate": nan, "next_strength": 0, "nearest_sessions": 0, "nearest_rank": nan,
    "person_category_long": nan, "person_brand_short": nan, "person_price_level": nan,
    "person_touched_age": nan, "person_taken_age": nan, "person_shown": 0, "person_clicked": 0,
    "person_bought_age": nan, "item_interest": 0, "item_views": 0, "item_trend": 0,
    "item_click_rate": CLICK_PRIOR, "item_conversion_rate": CONVERSION_PRIOR,
    "category_interest": nan, "item_silence": nan, "item_age": nan, "item_price": nan,
    "item_has_stock": nan, "item_stock": nan, "slate_price_rank": nan, "slate_touch_order": nan,
    "slate_touched": 0, "caller_position": nan, "caller_feature_0": nan,
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING_KNOWN)
def test_what_is_not_known_of_an_item_is_missing_not_zero(name: str) -> None:
    assert row(Retrieved("unknown", "caller", None, None))[name] == near(NOTHING_KNOWN[name])


def test_a_new_person_in_a_new_session_gives_counts_of_zero_and_ages_that_are_missing() -> None:
    vector = row(found(SHOE), EMPTY, NEW)
    for name in (
        "session_events", "session_views_30min", "session_duration", "session_repeats",
        "session_struggle", "session_cart_value", "person_views_24h", "person_sessions",
        "person_category_long", "category_share", "touch_share", "person_shown",
    ):  # fmt: skip
        assert vector[name] == 0, name
    for name in (
        "session_price_mean", "session_price_spread", "session_since_touch", "price_to_last",
        "person_purchase_age", "person_purchase_value", "likeness_last", "query_match",
        "signs_session", "filter_match", "person_touched_rank", "session_last_filter",
    ):  # fmt: skip
        assert isnan(vector[name]), name
    assert vector["is_last_category"] == 0


def test_what_the_session_saw_of_an_item_helps_where_the_catalogue_has_none() -> None:
    vector = row(Retrieved("pan", "recently_viewed", None, None))
    assert vector["category_share"] == 0.25
    assert vector["person_brand_long"] == 0.5
    assert vector["item_price"] == near(log1p(9.0))
    assert (vector["touch_rank"], vector["touch_first_rank"]) == (1, 4)
    assert (vector["is_last_category"], vector["is_last_brand"]) == (0, 0)


def test_what_the_stream_learnt_of_an_item_helps_where_nobody_else_knows_it() -> None:
    learnt = make_learnt("far", category="Shop/Shoes", price=4.0)
    vector = row(Retrieved("far", "trending", None, learnt))
    assert vector["category_share"] == 0.75
    assert vector["item_price"] == near(log1p(4.0))
    assert vector["item_age"] == near((NOON - learnt.first_ms) / DAY_MS)


def test_ages_are_never_negative() -> None:
    """An event that comes late is older than what was folded before it."""
    early = make_event(event_time_ms=NOON - DAY_MS)
    item = msgspec.structs.replace(SHOE, created_ms=NOON)
    vector = row(found(item, make_learnt("shoe", last_ms=NOON)), event=early)
    for name in (
        "item_age", "item_silence", "touch_age", "touch_first_age", "person_touched_age",
        "person_taken_age", "session_duration", "session_since_touch", "person_bought_age",
    ):  # fmt: skip
        assert vector[name] == 0, name


def test_buckets_and_periods_later_than_the_event_are_not_counted() -> None:
    context = msgspec.structs.replace(
        CONTEXT, buckets=[*CONTEXT.buckets, Bucket(NOON // 10_000 + 1, views=50, carts=50)]
    )
    state = msgspec.structs.replace(
        STATE,
        hourly=[*STATE.hourly, PeriodBucket(NOON // HOUR_MS + 1, views=50)],
        daily=[*STATE.daily, PeriodBucket(NOON // DAY_MS + 1, purchases=50)],
    )
    assert row(found(SHOE), state, context) == near(row(found(SHOE)))


# --- person and context -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_min", "hour", "weekday"),
    [(None, 22, 1), (0, 22, 1), (60, 23, 1), (120, 0, 2), (-1380, 23, 0)],
)
def test_hour_and_weekday_are_local_where_the_offset_is_known(
    offset_min: int | None, hour: int, weekday: int
) -> None:
    event = make_event(context={"utc_offset_min": offset_min, "device": "phone", "country": "DE"})
    vector = row(found(SHOE), event=event)
    assert (vector["context_hour"], vector["context_weekday"]) == (hour, weekday)
    assert vector["context_device"] == crc32(b"phone") % BUCKETS
    assert vector["context_country"] == crc32(b"DE") % BUCKETS
    assert isnan(vector["context_referrer"])


def test_shares_are_of_what_is_left_of_the_leanings() -> None:
    old = Affinity(4.0, 4.0, NOON - SHORT_HALF_LIFE_MS)
    state = PersonState(NOON, NOON, categories={"Shop/Shoes": old, "Z": Affinity(2.0, 2.0, NOON)})
    vector = row(found(SHOE), state)
    left = 4.0 * 0.5 ** (1 / 30)
    assert vector["person_category_long"] == near(left / (left + 2.0))
    assert vector["person_category_short"] == 0.5


def test_signs_words_and_filters() -> None:
    pan = row(found(PAN))
    assert pan["query_match"] == 0.5  # "red" of "red shoe"
    # touched: red pan brand=bolt, red shoe brand=acme size=42; the pan has three of the six
    assert pan["signs_session"] == 0.5
    shoe = row(found(SHOE))
    assert shoe["signs_session"] == near(4 / 6)
    assert (shoe["filter_match"], pan["filter_match"]) == (1.0, 0.5)
    assert isnan(row(found(SHOE), context=NEW)["filter_match"])


def test_a_size_filter_reaches_the_ranker_where_an_item_lists_its_sizes() -> None:
    context = SessionContext(1, NOON, NOON, filter_values={"size": "10"})
    for sizes, share in (("9, 10, 11", 1.0), ("9, 11", 0.0)):
        item = Item("listed", 0, attributes={"sizes": sizes})
        assert row(Retrieved("listed", "x", item, None), context=context)["filter_match"] == share


def test_ranker_and_rules_read_the_same_of_a_moment() -> None:
    """Help time, struggle, filters and price were computed twice, and differed."""
    context = SessionContext(
        1, NOON - HOUR_MS, NOON, help_ms=30_000, help_since_ms=NOON - 60_000, rage_ms=[NOON - 1_000],
        back_ms=[NOON - 9, NOON - 8, NOON - 7], filter_values={"size": "10"}, queries={"a": 5},
        tallies={"help_viewed": Tally(1, NOON - 60_000, NOON - 60_000)},
    )  # fmt: skip
    learnt = make_learnt("listed", price=12.0)
    one = Retrieved("listed", "x", Item("listed", 0, attributes={"sizes": "10 11"}), learnt)
    knowledge, event = make_knowledge(), make_event(event_time_ms=NOON)
    situation = Moment(PersonState(NOON, NOON), context, event, knowledge, knowledge.at(NOON))
    said = read_attributes(["session.help_s", "session.struggle"], situation)
    said |= read_item_attributes(["item.filters_met", "item.price"], situation, one)
    ranked = row(one, context=context)
    assert ranked["session_help"] == near(said["session.help_s"]) == 90.0
    assert ranked["session_struggle"] == near(said["session.struggle"])
    assert ranked["session_struggle"] > 0.6
    assert ranked["filter_match"] == said["item.filters_met"] == 1.0
    assert ranked["item_price"] == near(log1p(float(str(said["item.price"])))) == near(log1p(12.0))


# --- where the session leads --------------------------------------------------------------------


def test_links_and_nearest_sessions() -> None:
    knowledge = teach(
        make_knowledge(SHOE, PAN),
        make_learnt("shoe", next_items={"a": 3.0, "b": 1.0}, seen_with={"b": 1.0}),
        make_learnt("pan", next_items={"c": 1.0}, seen_with={"a": 1.0, "z": 1.0}),
        make_past_session("shoe", "b", "a", ended_ms=NOON),
    )
    columns = table([Retrieved(one, "x", None, None) for one in "abcd"], knowledge=knowledge)
    assert columns["next_strength"] == [0.75, 0.25, 0, 0]
    assert columns["next_few"] == [0.75, 0.25, 0.5, 0]
    assert columns["next_rank"] == near([0, 2, 1, nan])
    assert columns["seen_with_last"] == [0, 1, 0, 0]
    assert columns["seen_with_few"] == [0.25, 1, 0, 0]
    assert columns["nearest_sessions"] == near([0.5, 2 / 3, 0, 0])
    assert columns["nearest_focused"] == near([0.5, 2 / 3, 0, 0])
    assert columns["nearest_next"] == [0, 1, 0, 0]
    assert columns["nearest_rank"] == near([1, 0, nan, nan])


def test_what_is_bought_with_the_cart() -> None:
    knowledge = teach(make_knowledge(), make_learnt("shoe", bought_with={"a": 1.0, "b": 3.0}))
    context = msgspec.structs.replace(CONTEXT, items={})
    columns = table(
        [Retrieved(one, "x", None, None) for one in "ab"], EMPTY, context, knowledge=knowledge
    )
    assert columns["bought_with"] == [0.25, 0.75]


# --- what the stream learnt ---------------------------------------------------------------------


def test_counts_are_as_of_now_and_rates_are_smoothed() -> None:
    at_ms = NOON - LONG_HALF_LIFE_MS
    learnt = make_learnt(
        "shoe", at_ms=at_ms, last_ms=NOON - 3 * HOUR_MS, views=40.0, carts=6.0, purchases=8.0,
        exposures=100.0, examined=60.0, taken=12.0, interest=30.0, interest_short=2.0**30,
    )  # fmt: skip
    vector = row(found(SHOE, learnt))
    assert vector["item_views"] == near(log1p(20))
    assert vector["item_carts"] == near(log1p(3))
    assert vector["item_purchases"] == near(log1p(4))
    assert vector["item_exposures"] == near(log1p(50))
    assert vector["item_interest"] == near(log1p(15))
    assert vector["item_trend"] == near(1 / 16)  # thirty half-lives of a day
    clicks, bought = PRIOR_WEIGHT * CLICK_PRIOR, PRIOR_WEIGHT * CONVERSION_PRIOR
    assert vector["item_click_rate"] == near((6 + clicks) / (30 + PRIOR_WEIGHT))
    assert vector["item_conversion_rate"] == near((4 + bought) / (20 + PRIOR_WEIGHT))
    assert vector["item_silence"] == near(3)
    assert vector["item_age"] == 1.5  # the catalogue knows better than the first event


def test_rates_of_a_rare_item_are_those_of_its_category() -> None:
    of_category = make_learnt(
        "Shop/Shoes", kind="category", views=90.0, purchases=30.0, examined=90.0, taken=45.0,
        interest=7.0, at_ms=NOON,
    )  # fmt: skip
    knowledge = teach(make_knowledge(SHOE), of_category)
    clicked = (45 + PRIOR_WEIGHT * CLICK_PRIOR) / (90 + PRIOR_WEIGHT)
    bought = (30 + PRIOR_WEIGHT * CONVERSION_PRIOR) / (90 + PRIOR_WEIGHT)
    vector = row(found(SHOE), knowledge=knowledge)
    assert vector["category_click_rate"] == vector["item_click_rate"] == near(clicked)
    assert vector["item_conversion_rate"] == near(bought)
    assert vector["category_interest"] == near(log1p(7))
    seen = make_learnt("shoe", at_ms=NOON, examined=10.0, taken=10.0)
    vector = row(found(SHOE, seen), knowledge=knowledge)
    assert vector["item_click_rate"] == near((10 + 10 * clicked) / 20)


def test_what_an_epoch_that_is_not_in_force_says_of_a_category_is_not_seen() -> None:
    knowledge = make_knowledge(SHOE)
    later = make_learnt("Shop/Shoes", EPOCH + 2, kind="category", interest=7.0)
    teach(knowledge, later, epoch=EPOCH + 2)
    assert row(found(SHOE), knowledge=knowledge)["category_interest"] == 0
    assert effective_from_ms(EPOCH + 2) > NOON


def test_no_stock_is_zero_and_a_price_of_nothing_is_known() -> None:
    vector = row(found(msgspec.structs.replace(SHOE, stock=0, price=0.0)))
    assert (vector["item_has_stock"], vector["item_stock"], vector["item_price"]) == (0, 0, 0)


# --- the caller's list --------------------------------------------------------------------------


def test_prices_of_the_list_are_compared_by_place_not_by_the_order_given() -> None:
    candidates, event = given_list(
        {"item_id": "c", "price": 7.0, "position": 2}, {"item_id": "a", "price": 1.0, "position": 0},
        {"item_id": "b", "price": 3.0, "position": 1}, {"item_id": "d", "position": 3},
    )  # fmt: skip
    columns = table(candidates, EMPTY, NEW, event)
    assert columns["caller_position"] == [2, 0, 1, 3]
    assert columns["source_rank"] == [0, 1, 2, 3]
    assert columns["slate_price_above"] == near([log(2), nan, log(2), nan])
    assert columns["slate_price_below"] == near([nan, log(1 / 2), log(1 / 2), nan])
    assert columns["slate_is_cheapest_so_far"] == near([0, 1, 0, nan])
    assert columns["slate_price_rank"] == near([1, 0, 0.5, nan])
    mean = (log(8) + log(2) + log(4)) / 3
    expected = [log(8) - mean, log(2) - mean, log(4) - mean, nan]
    assert columns["slate_price_to_mean"] == near(expected)
    assert columns["slate_size"] == [4, 4, 4, 4]


def test_touched_candidates_and_their_places_in_the_list() -> None:
    """The shoe stands first and was touched last; the pan stands third."""
    candidates, event = given_list(
        *({"item_id": name, "position": n, "price": 2.0 ** (n + 1) - 1.0}
          for n, name in enumerate(("shoe", "a", "pan", "b", "c")))
    )  # fmt: skip
    columns = table(candidates, event=event)
    assert columns["slate_touched"] == [2] * 5
    assert columns["slate_touch_order"] == near([0, nan, 1, nan, nan])
    assert columns["slate_from_last"] == columns["slate_from_taken"] == [0, 1, 2, 3, 4]
    assert columns["slate_from_deepest"] == [-2, -1, 0, 1, 2]
    assert columns["slate_to_touched"] == [0, 1, 0, 1, 2]
    assert columns["slate_from_end"] == [4, 3, 2, 1, 0]
    assert columns["slate_touched_above"] == near([nan, 1, 0, 1, 0])
    assert columns["slate_touched_below"] == near([0, 1, 0, 0, nan])
    expected = [(n - 1) * log(2) for n in range(5)]  # the mean of the first and the third
    assert columns["slate_price_to_touched"] == near(expected)
    assert columns["slate_price_to_least"] == near([n * log(2) for n in range(5)])
    assert columns["touch_rank"] == near([0, nan, 1, nan, nan])


def test_without_positions_the_list_is_in_the_order_given() -> None:
    candidates, event = given_list(
        {"item_id": "a", "price": 3.0}, {"item_id": "shoe", "price": 1.0}
    )
    columns = table(candidates, event=event)
    assert columns["caller_position"] == near([nan, nan])
    assert columns["slate_price_below"] == near([log(2), nan])
    assert columns["slate_from_last"] == [-1, 0]


def test_what_was_in_the_list_before_and_where() -> None:
    candidates, event = given_list({"item_id": "shoe"}, {"item_id": "y"}, {"item_id": "x"})
    assert table(candidates, event=event)["was_in_slate"] == near([1, nan, 0])


def test_a_list_of_our_own_has_no_places() -> None:
    columns = table([found(SHOE), found(PAN)])
    for name in (
        "slate_from_last", "slate_from_deepest", "slate_price_above", "slate_price_below",
        "slate_is_cheapest_so_far", "slate_touched_above", "slate_touched_below",
    ):  # fmt: skip
        assert columns[name] == near([nan, nan]), name
    assert columns["slate_touch_order"] == [0, 1]
    assert columns["slate_price_rank"] == [1, 0]


def test_the_callers_price_comes_first() -> None:
    vector = row(Retrieved("shoe", "caller", SHOE, None, Candidate("shoe", price=1.0, position=3)))
    assert vector["item_price"] == near(log(2.0))
    assert vector["caller_position"] == 3
    vector = row(Retrieved("shoe", "caller", SHOE, None, Candidate("shoe")))
    assert vector["item_price"] == near(log1p(19.0))


def test_the_callers_features_are_in_the_order_of_their_names() -> None:
    candidates, event = given_list(
        {"item_id": "a", "features": {"zoo": 1.0, "bar": -2.0}},
        {"item_id": "b", "features": {"bar": 5.0, "car": 0.5}},
        {"item_id": "c"},
    )
    columns = table(candidates, EMPTY, NEW, event)
    assert columns["caller_feature_0"] == near([-2, 5, nan])
    assert columns["caller_feature_1"] == near([nan, 0.5, nan])
    assert columns["caller_feature_2"] == near([1, nan, nan])
    assert columns["caller_feature_3"] == near([nan, nan, nan])


def test_more_features_than_there_are_slots_are_not_used() -> None:
    candidates, event = given_list({"item_id": "a", "features": {f"f{n}": n for n in range(9)}})
    columns = table(candidates, EMPTY, NEW, event)
    assert [columns[f"caller_feature_{n}"] for n in range(4)] == [[0], [1], [2], [3]]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3))
def test_no_number_of_the_caller_becomes_infinite(values: list[float]) -> None:
    candidates, event = given_list(
        *({"item_id": f"i{n}", "features": {"x": value}} for n, value in enumerate(values))
    )
    found = table(candidates, EMPTY, NEW, event)["caller_feature_0"]
    largest = float(np.finfo(np.float32).max)
    assert found == near([min(max(one, -largest), largest) for one in values])


def test_constant_columns_are_what_they_are() -> None:
    candidates, event = given_list(
        *({"item_id": f"i{n}", "price": 5.0, "features": {"x": 1.0}} for n in range(3))
    )
    columns = table(candidates, EMPTY, NEW, event)
    assert columns["caller_feature_0"] == [1, 1, 1]
    for name in ("slate_price_rank", "slate_price_to_mean", "slate_interest_rank"):
        assert columns[name] == near([0, 0, 0]), name


# --- the matrix and the registry ----------------------------------------------------------------


def test_rows_are_in_the_order_of_the_candidates() -> None:
    columns = table([Retrieved(name, "trending", None, None) for name in ("a", "shoe", "b")])
    assert columns["source_rank"] == [0, 1, 2]
    assert columns["touch_views"] == [0, 3, 0]


def test_no_candidates_give_no_rows() -> None:
    assert table([]) == {name: [] for name in FEATURE_SPACE.names}


def test_nothing_is_changed_by_computing() -> None:
    state, context = PERSON_STATE.encode(STATE), SESSION_CONTEXT.encode(CONTEXT)
    row(found(SHOE))
    assert PERSON_STATE.encode(STATE) == state
    assert SESSION_CONTEXT.encode(CONTEXT) == context


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.feature)
def test_every_feature_says_what_it_is_of_what_it_means_and_what_for(feature: Fact) -> None:
    assert feature.entity in get_args(Entity)
    assert feature.meaning
    assert feature.version >= 1
    is_of_a_person = feature.feature.startswith("person_")
    assert feature.purpose == ("personalisation" if is_of_a_person else "service")


def test_names_are_unique_and_found_by_their_place() -> None:
    assert len(set(FEATURE_SPACE.names)) == len(FEATURES) == FEATURE_SPACE.count
    assert [FEATURE_SPACE.places[one.feature] for one in FEATURES] == list(range(len(FEATURES)))
    assert space_of(FEATURES) == FEATURE_SPACE


@pytest.mark.parametrize(
    "change", [{"feature": "other"}, {"meaning": "other"}, {"version": 2}, {"entity": "caller"}]
)
def test_the_digest_changes_with_every_definition(change: dict[str, Any]) -> None:
    first, *rest = FEATURES
    changed = space_of((first._replace(**change), *rest))
    assert changed.digest != FEATURE_SPACE.digest


def test_the_digest_changes_with_the_order_and_the_number() -> None:
    first, second, *rest = FEATURES
    digests = {space_of(one).digest for one in ((second, first, *rest), FEATURES[1:], FEATURES)}
    assert len(digests) == 3
