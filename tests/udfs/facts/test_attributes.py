"""The attributes: declared right, worth by hand what they say, and never of the future."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.items import AvailableDates, Item, Point
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionState
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_learnt, track
from tests.logs import shopping_log
from udfs.facts.attributes import (
    ATTRIBUTE_TYPES,
    ATTRIBUTES,
    ITEM_ATTRIBUTE_TYPES,
    ITEM_ATTRIBUTES,
    read_attributes,
    read_item_attributes,
)
from udfs.facts.rooms import fold_profile
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.knowledge import Knowledge
from udfs.merge_visitors import give_state, take_state
from udfs.moment import Moment
from udfs.policy.compile_condition import compile_condition
from udfs.policy.conditions import Type

NAMES = [one.attribute for one in ATTRIBUTES]
ITEM_NAMES = [one.attribute for one in ITEM_ATTRIBUTES]
SHOES = (
    Item(
        "cloud", 0, "Cloud", "Sport/Shoes", "Alba", 90.0, "EUR", 7, ("Running", "cushioned"),
        {"sizes": "8 9 10", "colour": "red"}, created_ms=NOON - 3 * DAY_MS,
    ),
    Item("rail", 0, "Rail", "Sport/Shoes", "Brio", 150.0, "EUR", 0, ("running", "arch support")),
    Item("mud", 0, "Mud", "Sport/Shoes", "Alba", 60.0, tags=("trail",)),
    Item(
        "pan", 0, "Pan", "Home/Pans", price=20.0, place=Point(54.32, 11.14), regions=("FR",),
        available_dates=(AvailableDates("2023-11-01", "2023-11-16"),),
    ),
)  # fmt: skip
KNOWLEDGE = make_knowledge(*SHOES)
KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "double": (float,), "string": (str,),
    "list": (list, tuple), "map": (dict,),
}  # fmt: skip
Step = tuple[float, str, dict[str, Any]]
"""Seconds since NOON, type, fields."""


def fits(value: object, kind: Type) -> bool:
    """Whether a value is of the declared type, to the last element."""
    if value is None:
        return True
    if not isinstance(value, KINDS[kind.kind]) or (isinstance(value, bool) and kind.kind == "int"):
        return False
    if kind.of is None:
        return True
    assert isinstance(value, list | tuple | dict)
    keys: list[Any] = list(value) if isinstance(value, dict) else []
    inner: list[Any] = list(value.values() if isinstance(value, dict) else value)
    return all(isinstance(key, str) for key in keys) and all(fits(one, kind.of) for one in inner)


def situations(events: list[Event], knowledge: Knowledge = KNOWLEDGE) -> Iterator[Moment]:
    """The moment after each event of one session, with a state of its own."""
    session: SessionState | None = None
    visitors: dict[str, PersonState] = {}
    members: dict[str, PersonState] = {}
    for offset, event in enumerate(events):
        result = track(session, event, knowledge, offset)
        session = result.state
        for news in result.told:
            assert not isinstance(news, Transfer)
            if isinstance(news, Claim):
                answer(news, visitors, members, knowledge)
                continue
            persons = members if news.is_member else visitors
            made = PersonState(news.order_ms, news.order_ms, timer_ms=EVENT_TIME_MAX_MS)
            state = persons.setdefault(news.person, made)
            fold_profile(state, news, knowledge)
            if news.kind == "event" and news.event is not None and news.context:
                yield Moment(
                    PERSON_STATE.decode(PERSON_STATE.encode(state)),
                    SESSION_CONTEXT.decode(news.context),
                    news.event,
                    knowledge,
                    knowledge.at(news.event.event_time_ms),
                )


def answer(
    claim: Claim,
    visitors: dict[str, PersonState],
    members: dict[str, PersonState],
    knowledge: Knowledge,
) -> None:
    """What the visitor gives to the person who signs in."""
    given = give_state(visitors.pop(claim.person, None), claim, knowledge, "seed")
    if given.state is not None:
        visitors[claim.person] = given.state
    (transfer,) = [one for one in given.outputs if isinstance(one, Transfer)]
    taken = take_state(members.pop(transfer.person, None), transfer, knowledge, "seed")
    if taken.state is not None:
        members[transfer.person] = taken.state


def events_of(*steps: Step) -> list[Event]:
    return [
        make_event(
            event_id=f"e{n}", event_type=event_type,
            event_time_ms=NOON + round(after_s * SECOND_MS), **fields,
        )
        for n, (after_s, event_type, fields) in enumerate(steps)
    ]  # fmt: skip


def after(*steps: Step, knowledge: Knowledge = KNOWLEDGE) -> Moment:
    return list(situations(events_of(*steps), knowledge))[-1]


def value_after(name: str, *steps: Step) -> object:
    return read_attributes([name], after(*steps))[name]


def candidate(item_id: str, **fields: Any) -> Retrieved:
    item = next((one for one in SHOES if one.item_id == item_id), None)
    return Retrieved(item_id, fields.pop("source", "trending"), item, None)._replace(**fields)


# --- how they are declared ----------------------------------------------------------------------


def test_names_are_unique_and_say_whose_they_are() -> None:
    names = NAMES + ITEM_NAMES
    assert len(set(names)) == len(names)
    for one in (*ATTRIBUTES, *ITEM_ATTRIBUTES):
        entity, _, rest = one.attribute.partition(".")
        assert entity in ("session", "person", "context", "item")
        assert rest.isidentifier() and rest.islower()  # noqa: PT018
        assert one.meaning


def test_what_needs_consent_is_what_reads_the_person() -> None:
    for one in ATTRIBUTES:
        is_personal = one.attribute.startswith("person.")
        assert one.purpose == ("personalisation" if is_personal else "service"), one.attribute


@pytest.mark.parametrize("one", [*ATTRIBUTES, *ITEM_ATTRIBUTES], ids=lambda one: one.attribute)
def test_the_purpose_is_that_of_what_is_read(one: Any) -> None:
    """What an attribute of the service says does not depend on the person at all."""
    stranger = MOMENT._replace(state=PersonState(0, 0))
    if one.purpose == "service" and one.read:
        assert one.read(MOMENT) == one.read(stranger)
    elif one.purpose == "service":
        cloud = candidate("cloud")
        assert one.read_item(MOMENT, cloud) == one.read_item(stranger, cloud)


def test_types_are_those_of_all_names() -> None:
    assert list(ATTRIBUTE_TYPES) == NAMES
    assert list(ITEM_ATTRIBUTE_TYPES) == NAMES + ITEM_NAMES


@pytest.mark.parametrize("name", NAMES + ITEM_NAMES)
def test_a_condition_may_name_it(name: str) -> None:
    assert compile_condition(f"has({name})", ITEM_ATTRIBUTE_TYPES).reads == {name}


def test_only_what_is_asked_for_is_read() -> None:
    moment = after((0, "page_viewed", {"page": "/"}))
    assert read_attributes(["session.page", "session.events"], moment) == {
        "session.page": "/", "session.events": 1
    }  # fmt: skip
    blind = moment._replace(state=None, knowledge=None)  # type: ignore[arg-type]  # is not looked at
    assert read_attributes(["session.page"], blind) == {"session.page": "/"}
    with pytest.raises(KeyError):
        read_attributes(["session.no_such_thing"], moment)


# --- what they are worth ------------------------------------------------------------------------

WEB = {"device": "mobile", "os": "Android", "browser": "Firefox", "country": "DE", "city": "Kiel", "region": "SH", "latitude": 54.32, "longitude": 10.14, "currency": "EUR",
       "referrer": "https://example.org/", "campaign": "spring", "utc_offset_min": 60}  # fmt: skip
STORY: tuple[Step, ...] = (
    (0, "page_viewed", {"page": "/", "channel": "web"}),
    (10, "profile_updated", {"properties": {"loyalty_tier": "gold", "industry": "steel"}}),
    (11, "profile_updated", {"attribute": "company_size", "value": "1,200+"}),
    (12, "profile_updated", {"attribute": "role", "value": "founder"}),
    (13, "preference_stated", {"attribute": "style", "value": "plain"}),
    (20, "product_viewed", {"item_ids": ["cloud"], "page": "/cloud"}),
    (30, "product_viewed", {"item_ids": ["rail"], "page": "/rail"}),
    (35, "product_viewed", {"item_ids": ["cloud"], "page": "/cloud"}),
    (40, "filter_applied", {"attribute": "size", "value": "10"}),
    (45, "review_read", {"item_ids": ["cloud"], "properties": {"text": "no arch support"}}),
    (50, "item_skipped", {"item_ids": ["mud"]}),
    (55, "search_performed", {"query": "Cheap  shoes", "page": "/s"}),
    (60, "search_performed", {"query": "cheap shoes", "page": "/s"}),
    (70, "product_added_to_cart", {"item_ids": ["pan"], "quantity": 2}),
    (80, "product_added_to_cart", {"item_ids": ["rail"]}),
    (90, "feature_opened", {"attribute": "forecast"}),
    (91, "feature_opened", {"attribute": "forecast"}),
    (92, "feature_opened", {"attribute": "export"}),
    (93, "feature_activated", {"attribute": "export"}),
    (95, "calculator_used", {}),
    (96, "support_message", {"value": "where is my parcel"}),
    (97, "content_read", {}),
    (98, "not_interested", {"item_ids": ["mud"]}),
    (99, "identified", {"person_id": "p1"}),
    (100, "purchase_completed", {"item_ids": ["cloud"], "price": 90.0, "value_amount": 90.0}),
    (105, "element_clicked", {"value": "menu"}),
    (106, "element_clicked", {"value": "menu"}),
    (106.5, "element_clicked", {"value": "menu"}),
    (108, "product_added_to_cart", {"item_ids": ["rail"]}),
    (110, "help_viewed", {"page": "/help/returns", "value": "Returns"}),
    (
        130,
        "page_scrolled",
        {"context": WEB, "page": "/help/returns", "item_ids": ["cloud"], "properties": {"language": "de", "check_in": "2023-11-16", "check_out": "2023-11-18"}},
    ),
)  # fmt: skip
MOMENT = after(*STORY)
"""At its end; nobody changes it."""
EXPECTED: dict[str, object] = {
    "session.number": 1,
    "session.events": 31,
    "session.duration_s": 130.0,
    "session.pause_s": 20.0,
    "session.pace": 31 / (130 / 60),
    "session.views_1min": 1,
    "session.views_5min": 4,
    "session.views_30min": 4,
    "session.searches_30min": 2,
    "session.carts_30min": 3,
    "session.funnel": "bought",
    "session.items": ["rail", "cloud", "pan", "mud"],
    "session.item_count": 4,
    "session.last_item": "rail",
    "session.last_item_name": "Rail",
    "session.last_category": "Sport/Shoes",
    "session.last_brand": "Brio",
    "session.categories": ["Sport/Shoes", "Home/Pans"],
    "session.category_counts": {"Sport/Shoes": 8, "Home/Pans": 1},
    "session.top_category": "Sport/Shoes",
    "session.category_share": 8 / 9,
    "session.topics": ["arch support", "running", "cushioned"],
    "session.topic_counts": {"running": 2, "arch support": 1, "cushioned": 1},
    "session.named_topics": ["arch support"],
    "session.favourite_topics": ["running"],
    "session.top_topic": "running",
    "session.top_topic_count": 2,
    "session.skipped": ["mud"],
    "session.skipped_topics": ["trail"],
    "session.price_min": 20.0,
    "session.price_max": 150.0,
    "session.price_mean": (90 + 150 + 60 + 20) / 4,
    "session.price_level": "premium",
    "session.nights": 2,
    "session.days_ahead": 2,
    "session.queries": ["cheap shoes"],
    "session.last_query": "cheap shoes",
    "session.searches_of_last_query": 2,
    "session.repeated_searches": 1,
    "session.query_intent": "needs_help",
    "session.filters": {"size": "10"},
    "session.last_filter": "size=10",
    "session.uses_of_last_filter": 1,
    "session.cart_value": 150.0,
    "session.cart_items": ["rail"],
    "session.cart_size": 1,
    "session.cart_item": "rail",
    "session.cart_item_name": "Rail",
    "session.cart_categories": ["Sport/Shoes"],
    "session.cart_price_level": "premium",
    "session.cart_s": 22.0,
    "session.purchases": 1,
    "session.page": "/help/returns",
    "session.page_s": 20.0,
    "session.page_opens": 1,
    "session.last_clicked": "menu",
    "session.help_pages": ["/help/returns"],
    "session.help_topics": ["returns"],
    "session.help_s": 20.0,
    "session.reviews_read": 1,
    "session.articles_read": 1,
    "session.calculator_uses": 1,
    "session.support_messages": 1,
    "session.features_opened": {"forecast": 2, "export": 1},
    "session.features_activated": ["export"],
    "session.unactivated_feature": "forecast",
    "session.unactivated_opens": 2,
    "session.intent": "seeking_help",
    "session.struggle": pytest.approx(1 - 0.8 * 0.7),
    "session.back_navigations": 1,
    "session.rage_clicks": 1,
    "person.is_identified": True,
    "person.is_new": False,
    "person.sessions": 0,
    "person.days_known": pytest.approx(130 / 86_400),
    "person.views_1h": 4,
    "person.views_24h": 4,
    "person.views_30d": 4,
    "person.carts_30d": 3,
    "person.cart_items": ["rail"],
    "person.cart_size": 1,
    "person.cart_value": 150.0,
    "person.cart_item": "rail",
    "person.cart_item_name": "Rail",
    "person.cart_days": pytest.approx(22 / 86_400),
    "person.purchases_30d": 1,
    "person.purchase_count": 1,
    "person.purchase_value": 90.0,
    "person.purchase_value_mean": 90.0,
    "person.days_since_purchase": pytest.approx(30 / 86_400),
    "person.bought_items": ["cloud"],
    "person.recent_items": ["rail", "cloud", "pan", "mud"],
    "person.dismissed_items": ["mud"],
    "person.categories": ["Sport/Shoes", "Home/Pans"],
    "person.top_category": "Sport/Shoes",
    "person.brands": ["Brio", "Alba"],
    "person.top_brand": "Brio",  # as often as Alba, and later
    "person.price_level": "premium",
    "person.bought_price_level": "middle",
    "person.profile": {
        "loyalty_tier": "gold", "industry": "steel", "company_size": "1,200+", "role": "founder"
    },
    "person.preferences": {"style": "plain"},
    "person.loyalty_tier": "gold",
    "person.company_size": "large",
    "person.employees": 1200,
    "person.industry": "steel",
    "person.role": "founder",
    "person.features_opened": {"forecast": 2, "export": 1},
    "person.features_activated": ["export"],
    "person.unactivated_feature": "forecast",
    "person.unactivated_opens": 2,
    "context.event_type": "page_scrolled",
    "context.event_name": "page_scrolled",
    "context.channel": "web",
    "context.page": "/help/returns",
    "context.item": "cloud",
    "context.device": "mobile",
    "context.os": "Android",
    "context.browser": "Firefox",
    "context.country": "DE",
    "context.city": "Kiel",
    "context.region": "SH",
    "context.currency": "EUR",
    "context.referrer": "https://example.org/",
    "context.campaign": "spring",
    "context.medium": "referral",
    "context.source": "example.org",
    "context.language": "de",
    "context.hour": 23,  # NOON is 22:13 UTC of a Tuesday
    "context.weekday": "tuesday",
    "context.is_weekend": False,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_attribute_is_worth_what_the_story_tells(name: str) -> None:
    assert read_attributes([name], MOMENT)[name] == EXPECTED[name]


def test_the_first_event_of_a_stranger_leaves_most_things_missing_or_empty() -> None:
    values = read_attributes(NAMES, after((0, "page_scrolled", {})))
    there = {name for name, value in values.items() if value}
    assert there == {
        "session.number", "session.events", "session.pace", "session.funnel", "session.intent",
        "person.is_new", "context.event_type", "context.event_name", "context.hour", "context.weekday",
    }  # fmt: skip
    empty = {name for name, value in values.items() if value is not None} - there
    assert "session.price_level" not in empty
    assert "session.page" not in empty
    assert "person.loyalty_tier" not in empty
    assert {"session.topics", "session.filters", "person.profile", "session.struggle"} <= empty


@pytest.mark.parametrize(
    ("name", "steps", "value"),
    [
        ("session.funnel", [(0, "product_viewed", {"item_ids": ["a"]})], "viewed"),
        ("session.funnel", [(0, "checkout_started", {})], "checkout"),
        ("session.help_s", [(0, "help_viewed", {}), (30, "page_viewed", {"page": "/"})], 30.0),
        ("session.price_level", [(0, "product_viewed", {"item_ids": ["mud"]})], "budget"),
        ("session.price_level", [(0, "product_viewed", {"item_ids": ["pan"]})], None),
        # of two levels alike that of the newest item
        ("session.price_level", [(n, "product_viewed", {"item_ids": [one]}) for n, one in enumerate(("rail", "mud"))], "budget"),
        ("session.top_topic", [(n, "product_viewed", {"item_ids": [one]}) for n, one in enumerate(("rail", "mud"))], "trail"),
        ("session.favourite_topics", [(n, "review_read", {"value": "lacing"}) for n in range(2)], ["lacing"]),
        ("session.skipped_topics", [(0, "item_skipped", {"item_ids": ["cloud"]}), (1, "product_viewed", {"item_ids": ["rail"]})], ["cushioned"]),
        ("session.unactivated_feature", [(n, "feature_opened", {"value": one}) for n, one in enumerate("abab")], "b"),
        ("session.unactivated_opens", [(0, "feature_opened", {"value": "a"}), (1, "feature_activated", {"value": "a"})], 0),
        ("session.cart_price_level", [(n, "product_added_to_cart", {"item_ids": [one]}) for n, one in enumerate(("rail", "mud"))], "premium"),
        ("session.cart_categories", [(n, "product_added_to_cart", {"item_ids": [one]}) for n, one in enumerate(("rail", "pan", "mud"))], ["Sport/Shoes", "Home/Pans"]),
        ("person.company_size", [(0, "profile_updated", {"attribute": "employees", "value": "49"})], "small"),
        ("person.company_size", [(0, "profile_updated", {"attribute": "company_size", "value": "50-249"})], "medium"),
        ("person.company_size", [(0, "profile_updated", {"attribute": "company_size", "value": "enterprise"})], "enterprise"),
        ("person.employees", [(0, "profile_updated", {"attribute": "company_size", "value": "enterprise"})], None),
        ("person.employees", [(0, "profile_updated", {"attribute": "employees", "value": "about 50"})], None),
        ("person.employees", [(0, "profile_updated", {"attribute": "employees", "value": "9" * 99})], 999_999_999),
        ("person.is_identified", [(0, "page_viewed", {})], False),
        ("person.is_new", [(0, "page_viewed", {}), (1, "session_ended", {}), (9, "page_viewed", {})], False),
        ("person.sessions", [(0, "page_viewed", {}), (1, "session_ended", {}), (9, "page_viewed", {})], 1),
        ("session.number", [(0, "page_viewed", {}), (1, "session_ended", {}), (9, "page_viewed", {})], 2),
        ("person.dismissed_items", [(0, "not_interested", {"item_ids": ["a"]}), (1, "not_interested", {"item_ids": ["b"]})], ["b", "a"]),
        ("context.hour", [(0, "page_viewed", {"context": {"utc_offset_min": 330}})], 3),
        ("context.weekday", [(4 * 86_400, "page_viewed", {})], "saturday"),
        ("context.is_weekend", [(4 * 86_400, "page_viewed", {})], True),
        ("context.weekday", [(4 * 86_400, "page_viewed", {"context": {"utc_offset_min": 120}})], "sunday"),
        ("context.channel", [(0, "page_viewed", {"channel": "app"}), (1, "page_viewed", {})], "app"),
    ],
)  # fmt: skip
def test_an_attribute_at_its_edges(name: str, steps: list[Step], value: object) -> None:
    assert value_after(name, *steps) == value


def test_a_bargain_hunt_of_today_does_not_change_what_a_person_leans_to() -> None:
    bought = [
        (n * 86_400.0, "purchase_completed", {"item_ids": ["rail"], "value_amount": 150.0})
        for n in range(3)
    ]
    today = [(9 * 86_400.0 + n, "product_viewed", {"item_ids": ["mud"]}) for n in range(4)]
    values = read_attributes(
        ["session.price_level", "person.price_level", "person.bought_price_level"],
        after(*bought, *today),
    )
    assert list(values.values()) == ["budget", "premium", "premium"]


# --- an item ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "one", "value"),
    [
        ("item.id", candidate("cloud"), "cloud"),
        ("item.name", candidate("cloud"), "Cloud"),
        ("item.category", candidate("cloud"), "Sport/Shoes"),
        ("item.brand", candidate("cloud"), "Alba"),
        ("item.price", candidate("cloud"), 90.0),
        ("item.price", candidate("gone"), None),
        ("item.currency", candidate("cloud"), "EUR"),
        ("item.currency", candidate("pan"), None),
        ("item.distance_km", candidate("pan"), pytest.approx(64.86, abs=0.1)),
        ("item.distance_km", candidate("cloud"), None),
        ("item.delivers_here", candidate("pan"), False),
        ("item.delivers_here", candidate("cloud"), True),
        ("item.delivers_here", candidate("gone"), None),
        ("item.is_available", candidate("pan"), False),
        ("item.is_available", candidate("cloud"), True),
        ("item.is_available", candidate("gone"), None),
        ("item.price_level", candidate("mud"), "budget"),
        ("item.price_level", candidate("cloud"), "middle"),
        ("item.price_level", candidate("rail"), "premium"),
        ("item.price_level", candidate("pan"), None),
        ("item.tags", candidate("cloud"), ["running", "cushioned"]),
        ("item.tags", candidate("gone"), []),
        ("item.attributes", candidate("cloud"), {"sizes": "8 9 10", "colour": "red"}),
        ("item.stock", candidate("cloud"), 7),
        ("item.stock", candidate("mud"), None),
        ("item.is_in_stock", candidate("cloud"), True),
        ("item.is_in_stock", candidate("rail"), False),
        ("item.is_in_stock", candidate("mud"), True),
        ("item.is_in_stock", candidate("gone"), False),
        ("item.age_days", candidate("cloud"), pytest.approx(3 + 130 / 86_400)),
        ("item.age_days", candidate("mud"), None),
        ("item.age_days", candidate("mud", learnt=make_learnt("mud", first_ms=NOON + 130_000 - DAY_MS)), 1.0),
        ("item.source", candidate("cloud", source="new"), "new"),
        ("item.is_current", candidate("cloud"), True),
        ("item.is_current", candidate("rail"), False),
        ("item.is_viewed", candidate("cloud"), True),
        ("item.is_viewed", candidate("mud"), False),
        ("item.is_viewed", candidate("gone"), False),
        ("item.views", candidate("cloud"), 2),
        ("item.views", candidate("gone"), 0),
        ("item.is_skipped", candidate("mud"), True),
        ("item.is_skipped", candidate("cloud"), False),
        ("item.is_in_cart", candidate("rail"), True),
        ("item.is_in_cart", candidate("pan"), False),
        ("item.price_to_session", candidate("rail"), 150 / 80),
        ("item.price_to_session", candidate("gone"), None),
        ("item.filters_met", candidate("cloud"), 1.0),
        ("item.filters_met", candidate("rail"), 0.0),
        ("item.filters_met", candidate("gone"), None),
        ("item.named_topics", candidate("rail"), 1),
        ("item.named_topics", candidate("gone"), 0),
        ("item.favourite_topics", candidate("rail"), 1),
        ("item.skipped_topics", candidate("mud"), 1),
        ("item.skipped_topics", candidate("rail"), 0),
        ("item.is_bought", candidate("cloud"), True),
        ("item.is_bought", candidate("rail"), False),
        ("item.days_since_bought", candidate("cloud"), pytest.approx(30 / 86_400)),
        ("item.days_since_bought", candidate("rail"), None),
        ("item.is_dismissed", candidate("rail"), False),
    ],
)  # fmt: skip
def test_an_attribute_of_an_item(name: str, one: Retrieved, value: object) -> None:
    assert read_item_attributes([name], MOMENT, one) == {name: value}


def test_every_attribute_of_an_item_has_a_case() -> None:
    cases = test_an_attribute_of_an_item.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for name, _, _ in cases} == set(ITEM_NAMES)


def test_the_callers_price_comes_first() -> None:
    events = events_of(
        (0, "ranking_requested", {"candidates": [{"item_id": "cloud", "price": 10}]})
    )
    given_one = candidate("cloud", given=events[0].candidates[0])
    values = read_item_attributes(["item.price", "item.price_level"], MOMENT, given_one)
    assert values == {"item.price": 10.0, "item.price_level": "budget"}


@pytest.mark.parametrize(
    ("name", "value", "share"),
    [
        ("size", "10", 1.0),
        ("size", "1", 0.0),
        ("colour", "RED", 1.0),
        ("tag", "cushioned", 1.0),
        ("brand", "alba", 1.0),
        ("brand", "Brio", 0.0),
        ("drop", "8 mm", 0.0),
    ],
)
def test_a_filter_is_met_by_attribute_tag_or_brand(name: str, value: str, share: float) -> None:
    moment = after((0, "filter_applied", {"attribute": name, "value": value}))
    values = read_item_attributes(["item.filters_met"], moment, candidate("cloud"))
    assert values == {"item.filters_met": share}


def test_without_filters_none_is_met() -> None:
    values = read_item_attributes(["item.filters_met"], after((0, "page_viewed", {})), SHOE)
    assert values == {"item.filters_met": None}


SHOE = candidate("cloud")

# --- on whatever may come -----------------------------------------------------------------------

texts = st.sampled_from(
    ["", "size", "10", "red shoes", "help me please", "exit", "\x00", "x" * 300, "日本"]
)
item_ids = st.lists(st.sampled_from(["cloud", "rail", "mud", "pan", "unknown"]), max_size=3)
fields = st.fixed_dictionaries(
    {"event_type": st.sampled_from(sorted(EVENT_TYPES - {"clock_ticked"})), "item_ids": item_ids},
    optional={
        "page": texts, "category": st.sampled_from(["Sport/Shoes", "Sale"]), "query": texts,
        "attribute": texts, "value": texts, "quantity": st.integers(0, 3),
        "price": st.floats(0, 500), "value_amount": st.floats(-500, 500),
        "candidates": st.just([{"item_id": "mud", "price": 3.0}]),
        "decision_id": st.just("d1"), "channel": texts,
        "context": st.fixed_dictionaries({}, optional={"device": texts, "utc_offset_min": st.integers(-1440, 1440)}),
        "properties": st.dictionaries(st.sampled_from(["text", "topics", "role", "employees", "language"]), texts, max_size=3),
    },
)  # fmt: skip
gaps_ms = st.one_of(st.integers(-30_000, 90_000), st.just(31 * MINUTE_MS))
LATER = (
    Item("cloud", NOON + HOUR_MS, "Cloud 2", "Sport/Shoes", "Alba", 1.0, tags=("red", "shoes")),
    Item("fresh", NOON + HOUR_MS, "Fresh", "Sport/Shoes", "Alba", 999.0, tags=("help",)),
)


def events_from(chosen: list[tuple[dict[str, Any], int]]) -> list[Event]:
    now_ms, events = NOON, []
    for n, (said, gap_ms) in enumerate(chosen):
        now_ms += gap_ms
        person = {"person_id": "p1"} if said["event_type"] == "identified" else {}
        events.append(make_event(event_id=f"e{n}", event_time_ms=now_ms, **said, **person))
    return events


def values_of(moment: Moment) -> dict[str, object]:
    values = read_attributes(NAMES, moment)
    for one in (candidate("cloud"), candidate("unknown"), candidate("mud", item=None)):
        read = read_item_attributes(ITEM_NAMES, moment, one)
        values |= {f"{one.item_id} {name}": value for name, value in read.items()}
    return values


def check(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        kind = ITEM_ATTRIBUTE_TYPES[name.rpartition(" ")[2]]
        assert fits(value, kind), (name, value)
        if isinstance(value, list | tuple | dict):
            assert len(value) <= 64, name


@given(st.lists(st.tuples(fields, gaps_ms), max_size=12))
@settings(max_examples=60)
def test_every_attribute_has_its_type_on_whatever_comes(
    chosen: list[tuple[dict[str, Any], int]],
) -> None:
    for moment in situations(events_from(chosen)):
        check(values_of(moment))


@given(st.lists(st.tuples(fields, gaps_ms), min_size=1, max_size=12), st.data())
@settings(max_examples=40)
def test_later_events_and_later_items_change_nothing(
    chosen: list[tuple[dict[str, Any], int]], data: st.DataObject
) -> None:
    chosen = [(said, min(gap_ms, MINUTE_MS)) for said, gap_ms in chosen]
    events = events_from(chosen)
    whole = [values_of(one) for one in situations(events, make_knowledge(*SHOES, *LATER))]
    cut = data.draw(st.integers(1, len(events)))
    prefix = [values_of(one) for one in situations(events[:cut])]
    assert prefix == whole[: len(prefix)]


def test_a_shopping_log_has_values_of_every_kind() -> None:
    sessions: dict[str, list[Event]] = {}
    for line in shopping_log(1_500, seed=4):
        try:
            event = EVENT.decode(line.value)
        except InvalidEvent:
            continue
        sessions.setdefault(event.session_id, []).append(event)
    knowledge, seen = make_knowledge(*make_catalogue()), set[str]()
    for events in random.Random(1).sample(sorted(sessions.values(), key=len), 30):
        for moment in situations(events, knowledge):
            values = read_attributes(NAMES, moment)
            check(values)
            seen |= {name for name, value in values.items() if value}
    assert len(seen) > 65


def test_a_session_at_its_bounds_stays_within_those_of_conditions() -> None:
    steps: list[Step] = []
    for n in range(150):
        steps += [
            (n, "product_added_to_cart", {"item_ids": [f"n{n}"], "category": f"c{n}"}),
            (n, "review_read", {"value": f"t{n}"}),
            (n, "search_performed", {"query": f"q{n}"}),
            (n, "help_viewed", {"page": f"/{n}"}),
            (n, "feature_opened", {"value": f"f{n}"}),
            (n, "profile_updated", {"attribute": f"a{n}", "value": "v"}),
            (n, "item_skipped", {"item_ids": [f"s{n}"]}),
        ]
    check(read_attributes(NAMES, after(*steps)))


def test_reading_changes_nothing() -> None:
    moment = after(*STORY)
    before = (PERSON_STATE.encode(moment.state), SESSION_CONTEXT.encode(moment.context))
    first = values_of(moment)
    assert values_of(moment) == first
    assert (PERSON_STATE.encode(moment.state), SESSION_CONTEXT.encode(moment.context)) == before
    assert isinstance(moment.context, SessionContext)
