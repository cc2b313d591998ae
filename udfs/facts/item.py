"""The item: what the catalogue, the caller or the stream says of a candidate, whoever it is for."""

from collections.abc import Callable, Sequence
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.limits import DAY_MS
from udfs.facts.fact import Column, Fact, Room, feature, item
from udfs.facts.reading import days_since
from udfs.facts.types import BOOL, DOUBLE, INT, STRING, STRINGS, TEXTS
from udfs.facts.view import Array, View, once
from udfs.items.match_items import signs_of
from udfs.items.retrieve_candidates import Retrieved, price_of
from udfs.knowledge.category_facts import LEVELS, level_of
from udfs.moment import Moment


def price(m: Moment, one: Retrieved) -> float | None:
    """As the caller says it; else of the catalogue, else of the visit, else of the stream."""
    return price_of(one, m.context.items.get(one.item_id))


def currency(m: Moment, one: Retrieved) -> str | None:
    """That of its price, whoever said it."""
    rates = m.knowledge.catalogue.rates_at(m.now_ms)
    if rates is not None:
        return rates.base
    return one.item.currency if one.item else None


def price_level(m: Moment, one: Retrieved) -> str | None:
    """The level of the item's price in its category."""
    category = one.item.category if one.item else None
    level = level_of(m.knowledge.catalogue, category, price(m, one), m.now_ms)
    return LEVELS[level] if level else None


def tags(one: Retrieved) -> list[str]:
    """The item's tags in lower case."""
    return [tag.lower() for tag in one.item.tags] if one.item else []


def age_d(m: Moment, one: Retrieved) -> float | None:
    """Days since the item was created, else since the stream first saw it."""
    created_ms = one.item.created_ms if one.item else None
    if created_ms is None and one.learnt is not None:
        created_ms = one.learnt.first_ms
    return days_since(m, created_ms)


# --- the same of all candidates at once ---------------------------------------------------------


def numbers(v: View, read: Callable[[Moment, Retrieved], float | None]) -> Array:
    """What `read` says of each candidate."""
    found = [read(v.moment, one) for one in v.candidates]
    return np.array([nan if one is None else one for one in found], dtype=np.float64)


@once
def prices(v: View) -> Array:
    """The price of each."""
    pairs = zip(v.candidates, v.touches, strict=True)
    return np.array([price_of(one, touch) for one, touch in pairs], dtype=np.float64)


@once
def price_logs(v: View) -> Array:
    """The log of 1 + the price of each."""
    return np.log1p(prices(v))


@once
def brands(v: View) -> list[str | None]:
    """The brand of each, of the catalogue or as the visit knows it."""
    pairs = zip(v.items, v.touches, strict=True)
    return [(item.brand if item else None) or (t.brand if t else None) for item, t in pairs]


@once
def categories(v: View) -> tuple[list[str | None], NDArray[np.intp]]:
    """The distinct categories, and the place among them of each candidate's."""
    names = [
        (one.item.category if one.item else None)
        or (touch.category if touch else None)
        or (one.learnt.category if one.learnt else None)
        for one, touch in zip(v.candidates, v.touches, strict=True)
    ]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return list(places), np.array([places[name] for name in names], dtype=np.intp)


def of_categories(v: View, values: Sequence[float]) -> Array:
    """Each candidate's value, of one for each of the distinct `categories`."""
    return np.array(values, dtype=np.float64)[categories(v)[1]]


@once
def signs(v: View) -> Sequence[frozenset[str] | None]:
    """What each can match by."""
    return [None if item is None else signs_of(item) for item in v.items]


def matched(v: View, degree: Callable[[frozenset[str]], float], is_asked: bool) -> Column:
    """To what degree the signs of each meet what is asked for, if anything is."""
    if not is_asked:
        return nan
    return np.array([nan if one is None else degree(one) for one in signs(v)])


@once
def _stocks(v: View) -> Array:
    found = [item.stock if item else None for item in v.items]
    return np.array([nan if one is None else one for one in found], dtype=np.float64)


def _ages_d(v: View) -> Column:
    created = [
        item.created_ms if item and item.created_ms is not None
        else one.learnt.first_ms if one.learnt else nan
        for item, one in zip(v.items, v.candidates, strict=True)
    ]  # fmt: skip
    return np.maximum(0.0, v.now_ms - np.array(created, dtype=np.float64)) / DAY_MS


def _has_stock(v: View) -> Column:
    stock = _stocks(v)
    return np.where(np.isnan(stock), nan, stock > 0)


FACTS: Final[tuple[Fact, ...]] = (
    item("id", STRING, "its id", lambda m, one: one.item_id, "item"),
    item("name", STRING, "its name", lambda m, one: one.item.name if one.item else None, "item"),
    item("category", STRING, "its category, a path: Sport/Shoes", lambda m, one: one.item.category if one.item else None, "item"),
    item("brand", STRING, "its brand", lambda m, one: one.item.brand if one.item else None, "item"),
    item("currency", STRING, "the currency of its price: where there are rates, the one that all prices are compared in", currency, "item"),
    item("price", DOUBLE, "its price; where there are rates, in the currency that all are compared in", price, "item", "item_price", column=price_logs, scale=np.log1p),
    item("price_level", STRING, "budget, middle or premium: the third of the prices of its category that it is in", price_level, "item"),
    item("tags", STRINGS, "its tags, in lower case", lambda m, one: tags(one), "item"),
    item("attributes", TEXTS, "its attributes, by name", lambda m, one: one.item.attributes if one.item else None, "item"),
    item("stock", INT, "pieces in stock; missing where it is unknown", lambda m, one: one.item.stock if one.item else None, "item", "item_stock", column=lambda v: np.log1p(_stocks(v)), scale=np.log1p),
    item("is_in_stock", BOOL, "whether it can be had; unknown stock can", lambda m, one: one.item is not None and one.item.stock != 0, "item"),
    feature("item_has_stock", "item", "1 in stock, 0 out of it", _has_stock),
    item("age_days", DOUBLE, "days since it was created or first seen", age_d, "item", "item_age", column=_ages_d),
    item("source", STRING, "what found it: recently_viewed, trending ...", lambda m, one: one.source, "item"),
    item("is_current", BOOL, "whether the event is about it", lambda m, one: one.item_id in m.event.item_ids, "session_item"),
)  # fmt: skip

ROOM: Final = Room("item", FACTS)
