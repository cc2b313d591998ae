"""How attributes are read: small facts of a moment's state and context; None where one is missing."""

from collections.abc import Collection
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from schemas.events import Context, Event
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.state.person import Affinity, PersonState
from schemas.state.session import CartLine, ItemTouch, SessionContext, Window
from udfs.facts.affinity import LONG_HALF_LIFE_MS, decay
from udfs.facts.fold_profile import period_counts
from udfs.facts.keep_cart import cart_of
from udfs.items import match_items
from udfs.items.retrieve_candidates import Retrieved, price_of
from udfs.knowledge.category_facts import LEVELS, level_of, topics_of
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.session.fold_context import window

LISTED_MAX: Final = 64
"""A condition's cost is reckoned with lists of so many."""
TOP_MAX: Final = 5
LEVEL_ITEMS: Final = 10
"""Of so many items touched last the price level of a session is taken."""
FAVOURITE_MIN: Final = 2
"""Once may be an accident."""
COMPANY_SIZES: Final = ((50, "small"), (250, "medium"))
"""Below so many employees a company is that; from the last number on it is large."""
EMPLOYEES_DIGITS_MAX: Final = 9
FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""
NOWHERE: Final = Context()

V = TypeVar("V")


class Situation(NamedTuple):
    """A moment of a person: state and context after `event` was counted; `known` is in force then."""

    state: PersonState
    context: SessionContext
    event: Event
    knowledge: Knowledge
    known: Known

    @property
    def now_ms(self) -> int:
        """The moment: the event's time."""
        return self.event.event_time_ms


# --- times and lists --------------------------------------------------------------------------


def seconds_since(s: Situation, time_ms: int | None) -> float | None:
    """Seconds from `time_ms` (0 and None: never) to now."""
    return max(0, s.now_ms - time_ms) / 1000.0 if time_ms else None


def days_since(s: Situation, time_ms: int | None) -> float | None:
    """Days from `time_ms` to now."""
    return None if time_ms is None else max(0, s.now_ms - time_ms) / DAY_MS


def newest(entries: dict[str, V]) -> list[str]:
    """The names, the newest first; at most LISTED_MAX."""
    return list(islice(reversed(entries), LISTED_MAX))


def newest_one(entries: dict[str, V]) -> str | None:
    """The newest name."""
    return next(reversed(entries), None)


def most_counted(counts: dict[str, int]) -> str | None:
    """The name counted most, of several the newest."""
    return max(reversed(counts), key=counts.__getitem__, default=None)


# --- the session ------------------------------------------------------------------------------


def recent(s: Situation, minutes: int) -> Window:
    """Counts of the last `minutes`."""
    return window(s.context, s.now_ms, minutes * MINUTE_MS)


def count_of(s: Situation, event_type: str) -> int:
    """Events of a type in the session."""
    tally = s.context.tallies.get(event_type)
    return tally.count if tally is not None else 0


def duration_s(s: Situation) -> float:
    """Seconds since the session began."""
    return max(0, s.now_ms - s.context.started_ms) / 1000.0


def pace(s: Situation) -> float:
    """Events per minute; a session shorter than a minute counts as one."""
    return s.context.event_count / max(1.0, duration_s(s) / 60.0)


def last_brand(s: Situation) -> str | None:
    """The brand of the item touched last."""
    touch = next(reversed(s.context.items.values()), None)
    return touch.brand if touch is not None else None


def name_of(s: Situation, item_id: str | None) -> str | None:
    """The name of an item in the catalogue."""
    item = s.knowledge.item_at(item_id, s.now_ms) if item_id else None
    return item.name if item is not None else None


def category_share(s: Situation) -> float | None:
    """The share of the category touched most."""
    counts = s.context.categories.values()
    return max(counts) / sum(counts) if counts else None


def favourite_topics(s: Situation) -> list[str]:
    """Topics of FAVOURITE_MIN items, or named as often, the newest first."""
    named = s.context.named_topics
    return [
        topic
        for topic, items in reversed(s.context.topics.items())
        if max(items, named.get(topic, 0)) >= FAVOURITE_MIN
    ]


def skipped_topics(s: Situation) -> list[str]:
    """Topics of skipped items that came up in no other way, the newest first."""
    return [one for one in reversed(s.context.skipped_topics) if one not in s.context.topics]


def searches_of_last_query(s: Situation) -> int:
    """How often the last query was searched for."""
    query = s.context.last_query
    return s.context.queries.get(query, 1) if query else 0


def uses_of_last_filter(s: Situation) -> int:
    """How often the last filter was chosen."""
    last = s.context.last_filter
    return s.context.filters.get(last, 1) if last else 0


def price_mean(s: Situation) -> float | None:
    """The mean price of the items touched."""
    prices = [one.price for one in s.context.items.values() if one.price is not None]
    return sum(prices) / len(prices) if prices else None


def price_level(s: Situation) -> str | None:
    """The level of most of the LEVEL_ITEMS items touched last; of several that of the newest."""
    last = islice(reversed(s.context.items.values()), LEVEL_ITEMS)
    levels = [one.level for one in last if one.level]
    return LEVELS[max(levels, key=levels.count)] if levels else None


def cart_price_level(s: Situation) -> str | None:
    """The level of the cart's dearest item."""
    lines = [(line.price or 0.0, item_id) for item_id, line in s.context.cart.items()]
    touch = s.context.items.get(max(lines)[1]) if lines else None
    return LEVELS[touch.level] if touch is not None and touch.level else None


def cart_categories(s: Situation) -> list[str]:
    """The categories in the cart, that of the newest line first."""
    touched = (s.context.items.get(item_id) for item_id in reversed(s.context.cart))
    found = (one.category for one in touched if one is not None and one.category)
    return list(dict.fromkeys(found))


def unactivated(opened: dict[str, int], activated: dict[str, int]) -> str | None:
    """The feature opened most that was not activated, of several the newest."""
    return most_counted({name: n for name, n in opened.items() if name not in activated})


# --- the person -------------------------------------------------------------------------------


def period(s: Situation, name: str, buckets: int) -> tuple[int, int, int, int]:
    """(events, views, carts, purchases) of the person's last `buckets` of a period."""
    return period_counts(s.state, name, s.now_ms, buckets)


def leanings(s: Situation, affinities: dict[str, Affinity]) -> list[str]:
    """The TOP_MAX names leant to most in the long run, the strongest first."""

    def order(name: str) -> tuple[float, str]:
        entry = affinities[name]
        return -decay(entry.long, s.now_ms - entry.at_ms, LONG_HALF_LIFE_MS), name

    return sorted(affinities, key=order)[:TOP_MAX]


def leaning(s: Situation, affinities: dict[str, Affinity]) -> str | None:
    """The name leant to most in the long run."""
    return next(iter(leanings(s, affinities)), None)


def person_cart(s: Situation) -> dict[str, CartLine]:
    """What lies in the person's cart, over all visits."""
    return cart_of(s.state, s.now_ms)


def purchase_value_mean(s: Situation) -> float | None:
    """The mean value of a purchase."""
    return s.state.purchase_value / s.state.purchase_count if s.state.purchase_count else None


def bought_price_level(s: Situation) -> str | None:
    """The level bought most, of several the dearest."""
    bought = s.state.bought_bands
    return max(bought, key=lambda name: (bought[name], LEVELS.index(name)), default=None)


def bought_items(s: Situation) -> list[str]:
    """The items bought last, the newest first."""
    return list(dict.fromkeys(one.item_id for one in reversed(s.state.purchases)))


def employees(s: Situation) -> int | None:
    """The first number in what is stated: "1,000+" and "1 000" are 1000, of "10-50" it is 10."""
    said = s.state.statements.get("employees") or s.state.statements.get("company_size") or ""
    digits = ""
    for letter in said.strip():
        if letter in "0123456789":
            digits += letter
        elif letter not in "., '":
            break
    return int(digits[:EMPLOYEES_DIGITS_MAX]) if digits else None


def company_size(s: Situation) -> str | None:
    """By the number of employees; where none is stated, what is."""
    count = employees(s)
    if count is None:
        return s.state.statements.get("company_size")
    return next((size for below, size in COMPANY_SIZES if count < below), "large")


# --- the context ------------------------------------------------------------------------------


def told(s: Situation) -> Context:
    """Where the event says that it comes from."""
    return s.event.context or NOWHERE


def hour(s: Situation) -> int:
    """The hour of the day, local where the offset to UTC is known."""
    return _local_ms(s) // HOUR_MS % 24


def weekday(s: Situation) -> int:
    """0 = Monday, local where the offset to UTC is known."""
    return (_local_ms(s) // DAY_MS + FIRST_WEEKDAY) % 7


def _local_ms(s: Situation) -> int:
    return s.now_ms + (told(s).utc_offset_min or 0) * MINUTE_MS


# --- an item ----------------------------------------------------------------------------------


def touch_of(s: Situation, one: Retrieved) -> ItemTouch | None:
    """What happened to the item in the session."""
    return s.context.items.get(one.item_id)


def item_price(s: Situation, one: Retrieved) -> float | None:
    """As the caller says it; else of the catalogue, else of the session, else of the stream."""
    return price_of(one, touch_of(s, one))


def item_price_level(s: Situation, one: Retrieved) -> str | None:
    """The level of the item's price in its category."""
    category = one.item.category if one.item else None
    level = level_of(s.knowledge.catalogue, category, item_price(s, one), s.now_ms)
    return LEVELS[level] if level else None


def price_to_session(s: Situation, one: Retrieved) -> float | None:
    """The item's price over the mean of those touched."""
    price, mean = item_price(s, one), price_mean(s)
    return price / mean if price is not None and mean else None


def is_viewed(s: Situation, one: Retrieved) -> bool:
    """Whether the item was touched other than by being skipped."""
    touch = touch_of(s, one)
    return touch is not None and touch.last_kind != "item_skipped"


def item_views(s: Situation, one: Retrieved) -> int:
    """Views of the item in the session."""
    touch = touch_of(s, one)
    return touch.views if touch is not None else 0


def item_tags(one: Retrieved) -> list[str]:
    """The item's tags in lower case."""
    return [tag.lower() for tag in one.item.tags] if one.item else []


def shared_topics(one: Retrieved, topics: Collection[str]) -> int:
    """How many of the item's tags are among `topics`."""
    if one.item is None or not topics:
        return 0
    return len({*topics_of(one.item.tags)}.intersection(topics))


def filters_met(s: Situation, one: Retrieved) -> float | None:
    """The share of the chosen filters that the item meets."""
    filters = s.context.filter_values
    return match_items.filters_met(one.item, filters) if one.item is not None and filters else None


def item_age_d(s: Situation, one: Retrieved) -> float | None:
    """Days since the item was created, else since the stream first saw it."""
    created_ms = one.item.created_ms if one.item else None
    if created_ms is None and one.learnt is not None:
        created_ms = one.learnt.first_ms
    return days_since(s, created_ms)


def item_bought_d(s: Situation, one: Retrieved) -> float | None:
    """Days since the person bought the item."""
    bought = [p.time_ms for p in s.state.purchases if p.item_id == one.item_id]
    return days_since(s, max(bought, default=None))
