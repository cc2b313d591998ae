"""The attributes: what conditions of a policy may name, each declared once, with type, meaning and how it is read.

They are facts of the moment a placement asks: of the session, the person, the context and an item, after the
event was counted. None = missing. Lists have the newest first, unless the meaning says otherwise; `_s` are seconds.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from udfs.facts import read_situation as read
from udfs.facts.read_situation import Situation
from udfs.items.retrieve_candidates import Retrieved, category_of_interest
from udfs.language.sense_intent import help_s, sense_intent, sense_struggle
from udfs.policy.conditions import BOOL, DOUBLE, INT, STRING, Type, list_of, map_of
from udfs.session.fill_cart import cart_value, value_of

__all__ = [
    "ATTRIBUTES", "ATTRIBUTE_TYPES", "ITEM_ATTRIBUTES", "ITEM_ATTRIBUTE_TYPES", "Attribute",
    "ItemAttribute", "Purpose", "Situation", "read_attributes", "read_item_attributes",
]  # fmt: skip

Purpose = Literal["service", "personalisation"]
"""`service`: from this visit and the catalogue alone; `personalisation`: needs that consent."""

STRINGS: Final = list_of(STRING)
TEXTS: Final = map_of(STRING)
COUNTS: Final = map_of(INT)
FUNNEL: Final = ("none", "viewed", "cart", "checkout", "bought")
WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
SATURDAY: Final = 5

Read = Callable[[Situation], object]
ReadItem = Callable[[Situation, Retrieved], object]


class Attribute(NamedTuple):
    """One fact; `meaning` is for who writes policies. `read` gives None where it is missing."""

    name: str
    type: Type
    meaning: str
    read: Read
    purpose: Purpose


class ItemAttribute(NamedTuple):
    """One fact of a candidate, or of a candidate for this session or person."""

    name: str
    type: Type
    meaning: str
    read: ReadItem
    purpose: Purpose


def _session(name: str, kind: Type, meaning: str, read: Read) -> Attribute:
    return Attribute(f"session.{name}", kind, meaning, read, "service")


def _person(name: str, kind: Type, meaning: str, read: Read) -> Attribute:
    return Attribute(f"person.{name}", kind, meaning, read, "personalisation")


def _context(name: str, kind: Type, meaning: str, read: Read) -> Attribute:
    return Attribute(f"context.{name}", kind, meaning, read, "service")


def _item(
    name: str,
    kind: Type,
    meaning: str,
    read: ReadItem,
    purpose: Purpose = "service",
) -> ItemAttribute:
    return ItemAttribute(f"item.{name}", kind, meaning, read, purpose)


S, P, C, N = _session, _person, _context, _item
ATTRIBUTES: Final = (
    # --- the session: pace and length -------------------------------------------------------------
    S("number", INT, "which visit of this browser or device it is, from 1", lambda s: s.context.number),
    S("events", INT, "events so far", lambda s: s.context.event_count),
    S("duration_s", DOUBLE, "seconds since it began", read.duration_s),
    S("pause_s", DOUBLE, "seconds between this event and the one before", lambda s: s.context.pause_ms / 1000.0),
    S("pace", DOUBLE, "events per minute", read.pace),
    S("views_1min", INT, "views of items in the last minute", lambda s: read.recent(s, 1).views),
    S("views_5min", INT, "views of items in the last 5 minutes", lambda s: read.recent(s, 5).views),
    S("views_30min", INT, "views of items in the last 30 minutes", lambda s: read.recent(s, 30).views),
    S("searches_30min", INT, "searches in the last 30 minutes", lambda s: read.recent(s, 30).searches),
    S("carts_30min", INT, "adds to the cart in the last 30 minutes", lambda s: read.recent(s, 30).carts),
    S("funnel", STRING, "how far it has come: none, viewed, cart, checkout or bought", lambda s: FUNNEL[s.context.funnel]),
    # --- the session: what it is about ------------------------------------------------------------
    S("items", STRINGS, "ids of the items touched", lambda s: read.newest(s.context.items)),
    S("item_count", INT, "distinct items touched", lambda s: s.context.item_count),
    S("last_item", STRING, "id of the item touched last", lambda s: read.newest_one(s.context.items)),
    S("last_item_name", STRING, "its name", lambda s: read.name_of(s, read.newest_one(s.context.items))),
    S("last_category", STRING, "category of the item touched last", lambda s: category_of_interest(s.context)),
    S("last_brand", STRING, "brand of the item touched last", read.last_brand),
    S("categories", STRINGS, "categories of the items touched, in the order of their first", lambda s: list(s.context.categories)),
    S("category_counts", COUNTS, "touches by category", lambda s: s.context.categories),
    S("top_category", STRING, "the category touched most", lambda s: read.most_counted(s.context.categories)),
    S("category_share", DOUBLE, "share of the touches that are in the category touched most", read.category_share),
    S("topics", STRINGS, "tags of the items touched, and topics named in reviews and queries; in lower case", lambda s: read.newest(s.context.topics)),
    S("topic_counts", COUNTS, "items that it came with, by topic; 1 where it was only named", lambda s: s.context.topics),
    S("named_topics", STRINGS, "topics that a review or a query named; in lower case", lambda s: read.newest(s.context.named_topics)),
    S("favourite_topics", STRINGS, "topics of two items or more, or named as often", read.favourite_topics),
    S("top_topic", STRING, "the topic of most items", lambda s: read.most_counted(s.context.topics)),
    S("top_topic_count", INT, "how many they are", lambda s: max(s.context.topics.values(), default=0)),
    S("skipped", STRINGS, "ids of the items that were skipped", lambda s: read.newest(s.context.skipped)),
    S("skipped_topics", STRINGS, "tags of the items skipped, without those that came up otherwise", read.skipped_topics),
    S("price_min", DOUBLE, "lowest price touched", lambda s: s.context.price_min),
    S("price_max", DOUBLE, "highest price touched", lambda s: s.context.price_max),
    S("price_mean", DOUBLE, "mean price of the items touched", read.price_mean),
    S("price_level", STRING, "budget, middle or premium: of most of the ten items touched last, by thirds of the prices of their categories", read.price_level),
    # --- the session: queries and filters ---------------------------------------------------------
    S("queries", STRINGS, "queries, in lower case, in the order of their first", lambda s: list(s.context.queries)),
    S("last_query", STRING, "the query searched for last, in lower case", lambda s: s.context.last_query or None),
    S("searches_of_last_query", INT, "how often it was searched for", read.searches_of_last_query),
    S("repeated_searches", INT, "times that a query was searched for again", lambda s: max(s.context.queries.values(), default=1) - 1),
    S("query_intent", STRING, "what the newest query or message is after: price_sensitive, feature_comparing, needs_help, ready_to_buy, returning or other", lambda s: s.context.text_intent or None),
    S("filters", TEXTS, "the value chosen last, by filter", lambda s: s.context.filter_values),
    S("last_filter", STRING, "the filter chosen last, as name=value", lambda s: s.context.last_filter or None),
    S("uses_of_last_filter", INT, "how often it was chosen", read.uses_of_last_filter),
    # --- the session: the cart --------------------------------------------------------------------
    S("cart_value", DOUBLE, "value of the cart, as far as prices are known", lambda s: float(cart_value(s.context))),
    S("cart_items", STRINGS, "ids of the items in the cart", lambda s: read.newest(s.context.cart)),
    S("cart_size", INT, "pieces in the cart", lambda s: sum(one.quantity for one in s.context.cart.values())),
    S("cart_item", STRING, "id of the item put into the cart last", lambda s: read.newest_one(s.context.cart)),
    S("cart_item_name", STRING, "its name", lambda s: read.name_of(s, read.newest_one(s.context.cart))),
    S("cart_categories", STRINGS, "categories of the items in the cart", read.cart_categories),
    S("cart_price_level", STRING, "budget, middle or premium: the dearest item in the cart within its category", read.cart_price_level),
    S("cart_s", DOUBLE, "seconds since an empty cart was last filled", lambda s: read.seconds_since(s, s.context.cart_created_last_ms)),
    S("purchases", INT, "purchases in this visit", lambda s: read.count_of(s, "purchase_completed")),
    # --- the session: pages and help --------------------------------------------------------------
    S("page", STRING, "the page that is open", lambda s: s.context.pages[-1] if s.context.pages else None),
    S("page_s", DOUBLE, "seconds since it was opened", lambda s: read.seconds_since(s, s.context.page_since_ms)),
    S("page_opens", INT, "times it was opened in a row", lambda s: s.context.page_opens),
    S("last_clicked", STRING, "the thing on a page that was clicked last", lambda s: s.context.clicked or None),
    S("help_pages", STRINGS, "addresses (else titles) of the help pages opened, in lower case", lambda s: read.newest(s.context.help_pages)),
    S("help_topics", STRINGS, "titles of the help pages opened, in lower case", lambda s: read.newest(s.context.help_topics)),
    S("help_s", DOUBLE, "seconds on help pages", lambda s: help_s(s.context, s.now_ms)),
    S("reviews_read", INT, "reviews read", lambda s: read.count_of(s, "review_read")),
    S("articles_read", INT, "articles read", lambda s: read.count_of(s, "content_read")),
    S("calculator_uses", INT, "times that a calculator was used", lambda s: read.count_of(s, "calculator_used")),
    S("support_messages", INT, "messages to support", lambda s: read.count_of(s, "support_message")),
    # --- the session: features of a product -------------------------------------------------------
    S("features_opened", COUNTS, "times opened, by feature", lambda s: s.context.features_opened),
    S("features_activated", STRINGS, "features activated", lambda s: read.newest(s.context.features_activated)),
    S("unactivated_feature", STRING, "the feature opened most that was not activated", lambda s: read.unactivated(s.context.features_opened, s.context.features_activated)),
    S("unactivated_opens", INT, "how often that one was opened", lambda s: s.context.features_opened.get(read.unactivated(s.context.features_opened, s.context.features_activated) or "", 0)),
    # --- the session: intent and struggle ---------------------------------------------------------
    S("intent", STRING, "browsing, comparing, buying, leaving or seeking_help", lambda s: sense_intent(s.context, s.now_ms).intent),
    S("struggle", DOUBLE, "from 0 to 1: quick going back, repeated searches, rage clicks, time on help pages", lambda s: sense_struggle(s.context, s.now_ms).level),
    S("back_navigations", INT, "times of going back to the page before", lambda s: s.context.back_navigations),
    S("rage_clicks", INT, "series of three quick clicks on one thing", lambda s: s.context.rage_clicks),
    # --- the person -------------------------------------------------------------------------------
    P("is_identified", BOOL, "whether we know who it is", lambda s: s.state.is_identified),
    P("is_new", BOOL, "whether this is the first visit and nothing was ever bought", lambda s: not s.state.session_count and not s.state.purchase_count),
    P("sessions", INT, "visits that ended", lambda s: s.state.session_count),
    P("days_known", DOUBLE, "days since the first event", lambda s: read.days_since(s, s.state.first_ms)),
    P("views_1h", INT, "views in the last hour", lambda s: read.period(s, "fine", 12)[1]),
    P("views_24h", INT, "views in the last 24 hours", lambda s: read.period(s, "hourly", 24)[1]),
    P("views_30d", INT, "views in 30 days", lambda s: read.period(s, "daily", 30)[1]),
    P("carts_30d", INT, "adds to the cart in 30 days", lambda s: read.period(s, "daily", 30)[2]),
    P("cart_items", STRINGS, "ids of the items in the person's cart, over all visits, the newest first", lambda s: read.newest(read.person_cart(s))),
    P("cart_size", INT, "pieces in it", lambda s: sum(one.quantity for one in read.person_cart(s).values())),
    P("cart_value", DOUBLE, "its value, as far as prices are known", lambda s: float(value_of(read.person_cart(s)))),
    P("cart_item", STRING, "id of the item put into it last", lambda s: read.newest_one(read.person_cart(s))),
    P("cart_item_name", STRING, "its name", lambda s: read.name_of(s, read.newest_one(read.person_cart(s)))),
    P("cart_days", DOUBLE, "days since it was filled, missing where it is empty", lambda s: read.days_since(s, s.state.cart_since_ms) if read.person_cart(s) else None),
    P("purchases_30d", INT, "purchases in 30 days", lambda s: read.period(s, "daily", 30)[3]),
    P("purchase_count", INT, "purchases ever", lambda s: s.state.purchase_count),
    P("purchase_value", DOUBLE, "value of all purchases, less refunds", lambda s: s.state.purchase_value),
    P("purchase_value_mean", DOUBLE, "mean value of a purchase", read.purchase_value_mean),
    P("days_since_purchase", DOUBLE, "days since the last purchase", lambda s: read.days_since(s, s.state.last_purchase_ms)),
    P("bought_items", STRINGS, "ids of the items bought last", read.bought_items),
    P("recent_items", STRINGS, "ids of the items touched last, over all visits", lambda s: read.newest(s.state.recent_items)),
    P("dismissed_items", STRINGS, "ids of the items that the person does not want to see", lambda s: read.newest(s.state.dismissed)),
    P("categories", STRINGS, "up to five categories that the person leans to, the strongest first", lambda s: read.leanings(s, s.state.categories)),
    P("top_category", STRING, "the category that the person leans to most", lambda s: read.leaning(s, s.state.categories)),
    P("brands", STRINGS, "up to five brands that the person leans to, the strongest first", lambda s: read.leanings(s, s.state.brands)),
    P("top_brand", STRING, "the brand that the person leans to most", lambda s: read.leaning(s, s.state.brands)),
    P("price_level", STRING, "budget, middle or premium: what the person leans to in the long run (half-life 30 days)", lambda s: read.leaning(s, s.state.price_bands)),
    P("bought_price_level", STRING, "budget, middle or premium: what the person has bought most", read.bought_price_level),
    P("profile", TEXTS, "what is stated of the person, by name (`profile_updated`)", lambda s: s.state.statements),
    P("preferences", TEXTS, "what the person prefers, by name (`preference_stated`)", lambda s: s.state.preferences),
    P("loyalty_tier", STRING, "stated loyalty tier", lambda s: s.state.statements.get("loyalty_tier")),
    P("company_size", STRING, "small (below 50 employees), medium (below 250) or large; where no number is stated, what is", read.company_size),
    P("employees", INT, "number of employees of the person's company, as stated", read.employees),
    P("industry", STRING, "stated industry of the company", lambda s: s.state.statements.get("industry")),
    P("role", STRING, "stated role in the company", lambda s: s.state.statements.get("role")),
    P("features_opened", COUNTS, "times opened over all visits, by feature", lambda s: s.state.features_opened),
    P("features_activated", STRINGS, "features activated in any visit", lambda s: read.newest(s.state.features_activated)),
    P("unactivated_feature", STRING, "the feature opened most over all visits that was never activated", lambda s: read.unactivated(s.state.features_opened, s.state.features_activated)),
    P("unactivated_opens", INT, "how often that one was opened", lambda s: s.state.features_opened.get(read.unactivated(s.state.features_opened, s.state.features_activated) or "", 0)),
    # --- the context ------------------------------------------------------------------------------
    C("event_type", STRING, "type of the event that asks", lambda s: s.event.event_type),
    C("channel", STRING, "where it comes from: web, app, email ...", lambda s: s.event.channel or s.context.channel),
    C("page", STRING, "the page that the event names", lambda s: s.event.page),
    C("item", STRING, "id of the event's first item", lambda s: s.event.item_ids[0] if s.event.item_ids else None),
    C("device", STRING, "kind of device", lambda s: read.told(s).device),
    C("os", STRING, "operating system", lambda s: read.told(s).os),
    C("browser", STRING, "browser", lambda s: read.told(s).browser),
    C("country", STRING, "country", lambda s: read.told(s).country),
    C("city", STRING, "city", lambda s: read.told(s).city),
    C("referrer", STRING, "address of the page that led here", lambda s: read.told(s).referrer),
    C("campaign", STRING, "campaign that led here", lambda s: read.told(s).campaign),
    C("language", STRING, "language that the event names", lambda s: s.event.properties.get("language")),
    C("hour", INT, "hour of the day, 0 to 23, local where the offset to UTC is known", read.hour),
    C("weekday", STRING, "monday to sunday, local where the offset to UTC is known", lambda s: WEEKDAYS[read.weekday(s)]),
    C("is_weekend", BOOL, "whether that is a Saturday or Sunday", lambda s: read.weekday(s) >= SATURDAY),
)  # fmt: skip

ITEM_ATTRIBUTES: Final = (
    N("id", STRING, "its id", lambda s, one: one.item_id),
    N("name", STRING, "its name", lambda s, one: one.item.name if one.item else None),
    N("category", STRING, "its category, a path: Sport/Shoes", lambda s, one: one.item.category if one.item else None),
    N("brand", STRING, "its brand", lambda s, one: one.item.brand if one.item else None),
    N("price", DOUBLE, "its price", read.item_price),
    N("price_level", STRING, "budget, middle or premium: the third of the prices of its category that it is in", read.item_price_level),
    N("tags", STRINGS, "its tags, in lower case", lambda s, one: read.item_tags(one)),
    N("attributes", TEXTS, "its attributes, by name", lambda s, one: one.item.attributes if one.item else None),
    N("stock", INT, "pieces in stock; missing where it is unknown", lambda s, one: one.item.stock if one.item else None),
    N("is_in_stock", BOOL, "whether it can be had; unknown stock can", lambda s, one: one.item is not None and one.item.stock != 0),
    N("age_days", DOUBLE, "days since it was created or first seen", read.item_age_d),
    N("source", STRING, "what found it: recently_viewed, trending ...", lambda s, one: one.source),
    N("is_current", BOOL, "whether the event is about it", lambda s, one: one.item_id in s.event.item_ids),
    N("is_viewed", BOOL, "whether it was touched in this visit, other than by skipping it", read.is_viewed),
    N("views", INT, "views of it in this visit", read.item_views),
    N("is_skipped", BOOL, "whether it was skipped in this visit", lambda s, one: one.item_id in s.context.skipped),
    N("is_in_cart", BOOL, "whether it is in the cart", lambda s, one: one.item_id in s.context.cart),
    N("price_to_session", DOUBLE, "its price over the mean price of the items touched", read.price_to_session),
    N("filters_met", DOUBLE, "share of the chosen filters that its attributes or tags meet", read.filters_met),
    N("named_topics", INT, "how many of its tags a review or a query named", lambda s, one: read.shared_topics(one, s.context.named_topics)),
    N("favourite_topics", INT, "how many of its tags are favourite topics of the visit", lambda s, one: read.shared_topics(one, read.favourite_topics(s))),
    N("skipped_topics", INT, "how many of its tags are topics that were skipped", lambda s, one: read.shared_topics(one, read.skipped_topics(s))),
    N("is_bought", BOOL, "whether the person has bought it", lambda s, one: read.item_bought_d(s, one) is not None, "personalisation"),
    N("days_since_bought", DOUBLE, "days since the person bought it", read.item_bought_d, "personalisation"),
    N("is_dismissed", BOOL, "whether the person does not want to see it", lambda s, one: one.item_id in s.state.dismissed, "personalisation"),
)  # fmt: skip

ATTRIBUTE_TYPES: Final[Mapping[str, Type]] = {one.name: one.type for one in ATTRIBUTES}
"""Without those of an item, as for a condition on an action."""
ITEM_ATTRIBUTE_TYPES: Final[Mapping[str, Type]] = {
    **ATTRIBUTE_TYPES,
    **{one.name: one.type for one in ITEM_ATTRIBUTES},
}
"""With those of an item, as for a condition on the items of a slate."""
_READ: Final = {one.name: one.read for one in ATTRIBUTES}
_READ_ITEM: Final = {one.name: one.read for one in ITEM_ATTRIBUTES}


def read_attributes(names: Iterable[str], situation: Situation) -> dict[str, object]:
    """The values of the named attributes (of ATTRIBUTES) in this situation, None where one is missing.

    The values are the state's own: whoever wants to change one makes a copy.
    """
    return {name: _READ[name](situation) for name in names}


def read_item_attributes(
    names: Iterable[str], situation: Situation, candidate: Retrieved
) -> dict[str, object]:
    """The values of the named ITEM_ATTRIBUTES of one candidate, None where one is missing."""
    return {name: _READ_ITEM[name](situation, candidate) for name in names}
