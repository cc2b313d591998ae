"""Prices: of what the visit touched, and of a candidate beside them."""

from itertools import islice
from math import log, log1p, nan
from typing import Final

from udfs.facts.fact import Column, Room, feature, item, session
from udfs.facts.item import price, price_logs
from udfs.facts.touches import last_touch
from udfs.facts.types import DOUBLE, STRING
from udfs.facts.view import View, once
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.category_facts import LEVELS
from udfs.moment import Moment

LEVEL_ITEMS: Final = 10
"""Of so many items touched last the price level of a visit is taken."""


def price_mean(m: Moment) -> float | None:
    """The mean price of the items touched."""
    prices = [one.price for one in m.context.items.values() if one.price is not None]
    return sum(prices) / len(prices) if prices else None


def price_level(m: Moment) -> str | None:
    """The level of most of the LEVEL_ITEMS items touched last; of several that of the newest."""
    last = islice(reversed(m.context.items.values()), LEVEL_ITEMS)
    levels = [one.level for one in last if one.level]
    return LEVELS[max(levels, key=levels.count)] if levels else None


def price_to_session(m: Moment, one: Retrieved) -> float | None:
    """The item's price over the mean of those touched."""
    own, mean = price(m, one), price_mean(m)
    return own / mean if own is not None and mean else None


def _spread(v: View) -> float:
    low, high = v.context.price_min, v.context.price_max
    return log(high / low) if low and high else nan


@once
def _mean_log(v: View) -> float:
    mean = price_mean(v.moment)
    return nan if mean is None else log1p(mean)


def _to_last(v: View) -> Column:
    last = last_touch(v.moment)
    return price_logs(v) - (nan if last is None or last.price is None else log1p(last.price))


def _to_taken(v: View) -> Column:
    taken = [one.price for one in v.context.items.values() if one.taken and one.price is not None]
    return price_logs(v) - (log1p(sum(taken) / len(taken)) if taken else nan)


FACTS: Final = (
    session("price_min", DOUBLE, "lowest price touched", lambda m: m.context.price_min),
    session("price_max", DOUBLE, "highest price touched", lambda m: m.context.price_max),
    session("price_mean", DOUBLE, "mean price of the items touched", price_mean, "session_price_mean", column=_mean_log, scale=log1p),
    session("price_level", STRING, "budget, middle or premium: of most of the ten items touched last, by thirds of the prices of their categories", price_level),
    feature("session_price_spread", "session", "log of highest over lowest price touched", _spread),
    item("price_to_session", DOUBLE, "its price over the mean price of the items touched", price_to_session),
    feature("price_to_session", "session_item", "log of 1 + its price over 1 + the mean touched", lambda v: price_logs(v) - _mean_log(v)),
    feature("price_to_last", "session_item", "log of its price over that of the item touched last", _to_last),
    feature("price_to_taken", "session_item", "log of its price over the mean of the items taken", _to_taken),
)  # fmt: skip

ROOM: Final = Room("prices", FACTS)
