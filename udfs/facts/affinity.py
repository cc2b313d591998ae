"""Affinity: what a person leans to, as exponentially decaying sums with two half-lives.

Each entry holds its sums as of its own time. An addition decays the older of the two to the newer,
so the order of additions does not matter (but for rounding) and an untouched entry costs nothing.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import log, nan
from typing import Final

import numpy as np

from schemas.events import Event
from schemas.limits import AFFINITIES_MAX
from schemas.state.person import Affinity, PersonState
from udfs.facts.fact import Apart, Column, Kept, Room, feature, person
from udfs.facts.item import brands, categories, of_categories, prices
from udfs.facts.merging import counts_of
from udfs.facts.splitting import counts_apart, names_apart
from udfs.facts.types import STRING, STRINGS
from udfs.facts.view import View
from udfs.facts.wishes import stated_first
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS, decay
from udfs.knowledge.category_facts import LEVELS, level_of
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment

Term = Callable[[Affinity, int], float]
"""`long` or `short`: what is left of a leaning at a time."""
PRICE_STEP: Final = 1.5
"""Price levels are a factor of 1.5 wide: 10 and 14 share one, 10 and 16 do not."""
TOP_MAX: Final = 5
FADED: Final = 1e-9
"""A leaning that is no more than the rounding of what it was taken from is none."""
WEIGHTS: Final = {
    "product_viewed": 1.0,
    "content_read": 1.0,
    "ranking_clicked": 1.0,
    "decision_clicked": 1.0,
    "product_added_to_cart": 3.0,
    "purchase_completed": 5.0,
}
"""How strongly an event leans its person to category, brand and price level of its items."""


# --- one leaning --------------------------------------------------------------------------------


def lean(affinities: dict[str, Affinity], name: str, weight: float, time_ms: int) -> None:
    """Adds `weight` for `name` at `time_ms`; at the bound the weakest long leaning goes."""
    entry = affinities.get(name)
    if entry is None and len(affinities) >= AFFINITIES_MAX:
        _drop_weakest(affinities, time_ms)
    new = Affinity(weight, weight, time_ms)
    affinities[name] = new if entry is None else _sum(entry, new)


def shares(affinities: dict[str, Affinity], time_ms: int, term: Term) -> dict[str, float]:
    """Each name's share of all leanings of a term (`long` or `short`) at `time_ms`; they sum to 1."""
    now = {name: term(entry, time_ms) for name, entry in affinities.items()}
    total = sum(now.values()) or 1.0
    return {name: value / total for name, value in now.items()}


def price_level(price: float) -> str:
    """The level of a price in its currency: equal steps of its logarithm."""
    return str(round(log(max(price, 0.01)) / log(PRICE_STEP)))


def merge_leanings(one: PersonState, other: PersonState, name: str) -> object:
    """The sums of both; the AFFINITIES_MAX strongest."""
    leanings, others = getattr(one, name), getattr(other, name)
    found = dict(leanings)
    for key, entry in others.items():
        found[key] = _sum(found[key], entry) if key in found else entry
    return _strongest(found)


def _strongest(found: dict[str, Affinity]) -> dict[str, Affinity]:
    now_ms = max((entry.at_ms for entry in found.values()), default=0)
    strongest = sorted(found, key=lambda key: (-long(found[key], now_ms), key))[:AFFINITIES_MAX]
    return {key: found[key] for key in sorted(strongest)}


def split_leanings(apart: Apart, name: str) -> object:
    """Of each what was leant before and what came since, faded to its time; the AFFINITIES_MAX strongest."""
    now, joined, own = (getattr(one, name) for one in (apart.now, apart.joined, apart.own))
    if now == joined:
        return own
    return _strongest(names_apart(now, joined, own, _less))


def _less(now: Affinity, was: Affinity | None, mine: Affinity | None) -> Affinity | None:
    left = [
        term(now, now.at_ms) - (term(was, now.at_ms) if was else 0.0) + (term(mine, now.at_ms) if mine else 0.0)
        for term in (long, short)
    ]  # fmt: skip
    of_long, of_short = (max(0.0, one) for one in left)
    return Affinity(of_long, of_short, now.at_ms) if of_long > FADED else None


def _sum(one: Affinity, other: Affinity) -> Affinity:
    now_ms = max(one.at_ms, other.at_ms)
    return Affinity(
        long(one, now_ms) + long(other, now_ms), short(one, now_ms) + short(other, now_ms), now_ms
    )  # fmt: skip


def _drop_weakest(affinities: dict[str, Affinity], time_ms: int) -> None:
    weakest = min(affinities, key=lambda name: (long(affinities[name], time_ms), name))
    del affinities[weakest]


def long(entry: Affinity, time_ms: int) -> float:
    """The leaning in the long run, at `time_ms`."""
    return decay(entry.long, time_ms - entry.at_ms, LONG_HALF_LIFE_MS)


def short(entry: Affinity, time_ms: int) -> float:
    """The leaning of late."""
    return decay(entry.short, time_ms - entry.at_ms, SHORT_HALF_LIFE_MS)


# --- what leans ---------------------------------------------------------------------------------


def on_person_event(state: PersonState, event: Event, knowledge: Knowledge) -> None:
    """Leans to category, brand and price of the event's items."""
    weight = WEIGHTS.get(event.event_type)
    if weight is None:
        return
    now_ms, is_single = event.event_time_ms, len(event.item_ids) == 1
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


# --- facts --------------------------------------------------------------------------------------


def leanings(m: Moment, said_of: str, affinities: dict[str, Affinity]) -> list[str]:
    """TOP_MAX names: what the person states under a name of WISHED, then those leant to most in the long run, the strongest first."""
    found = sorted(affinities, key=lambda name: (-long(affinities[name], m.now_ms), name))
    return stated_first(m, said_of, found)[:TOP_MAX]


def leaning(m: Moment, said_of: str, affinities: dict[str, Affinity]) -> str | None:
    """The first of these."""
    return next(iter(leanings(m, said_of, affinities)), None)


def bought_price_level(m: Moment) -> str | None:
    """The level bought most, of several the dearest."""
    bought = m.state.bought_bands
    return max(bought, key=lambda name: (bought[name], LEVELS.index(name)), default=None)


def _to_category(v: View, term: Term) -> Column:
    """The person's leaning to the candidate's category, as a share."""
    found = shares(v.state.categories, v.now_ms, term)
    values = [nan if name is None else found.get(name, 0.0) for name in categories(v)[0]]
    return of_categories(v, values)


def _to_brand(v: View, term: Term) -> Column:
    return _of_names(shares(v.state.brands, v.now_ms, term), brands(v))


def _to_price_level(v: View) -> Column:
    levels = [None if price != price else _level(price) for price in prices(v).tolist()]  # noqa: PLR0124
    return _of_names(shares(v.state.price_levels, v.now_ms, long), levels)


def _of_names(found: dict[str, float], names: Sequence[str | None]) -> Column:
    """Each name's share in `found`, 0 where it has none; NaN for no name."""
    return np.array([nan if name is None else found.get(name, 0.0) for name in names])


_level: Final = lru_cache(maxsize=65_536)(price_level)

FACTS: Final = (
    person("categories", STRINGS, "up to five categories: those that the person states, then those that they lean to, the strongest first", lambda m: leanings(m, "category", m.state.categories)),
    person("top_category", STRING, "the category that the person states, else the one that they lean to most", lambda m: leaning(m, "category", m.state.categories)),
    person("brands", STRINGS, "up to five brands: those that the person states, then those that they lean to, the strongest first", lambda m: leanings(m, "brand", m.state.brands)),
    person("top_brand", STRING, "the brand that the person states, else the one that they lean to most", lambda m: leaning(m, "brand", m.state.brands)),
    person("price_level", STRING, "budget, middle or premium: what the person states, else leans to in the long run (half-life 30 days)", lambda m: leaning(m, "price_level", m.state.price_bands)),
    person("bought_price_level", STRING, "budget, middle or premium: what the person has bought most", bought_price_level),
    feature("person_category_long", "person_item", "share of category in the long affinity", lambda v: _to_category(v, long)),
    feature("person_category_short", "person_item", "share of category in the short affinity", lambda v: _to_category(v, short)),
    feature("person_brand_long", "person_item", "share of brand in the long affinity", lambda v: _to_brand(v, long)),
    feature("person_brand_short", "person_item", "share of brand in the short affinity", lambda v: _to_brand(v, short)),
    feature("person_price_level", "person_item", "share of price level in the long affinity", _to_price_level),
)  # fmt: skip

ROOM: Final = Room(
    "affinity", FACTS, on_person_event=on_person_event, person_events=frozenset(WEIGHTS),
    person={
        "categories": Kept(merge_leanings, split=split_leanings), "brands": Kept(merge_leanings, split=split_leanings),
        "price_levels": Kept(merge_leanings, split=split_leanings), "price_bands": Kept(merge_leanings, split=split_leanings),
        "bought_bands": Kept(counts_of(len(LEVELS)), split=counts_apart(len(LEVELS))),
    },
)  # fmt: skip
