"""Learnt: what the stream has learnt of a candidate and its category, as of the decision's epoch."""

from math import log1p, nan
from typing import Final

import numpy as np

from schemas.knowledge import ItemKnowledge
from schemas.limits import HOUR_MS
from udfs.facts.fact import Column, Room, feature
from udfs.facts.item import by_category
from udfs.facts.view import Array, View, once, row, table
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS, decay

PRIOR_WEIGHT: Final = 10.0
"""A rate counts as if its category's had been seen so often before."""
CLICK_PRIOR: Final = 0.05
CONVERSION_PRIOR: Final = 0.02
LEARNT_COLUMNS: Final = (
    "views", "carts", "purchases", "exposures", "examined", "taken", "interest", "interest_short",
)  # fmt: skip
_LEARNT_AT: Final = {name: at for at, name in enumerate(LEARNT_COLUMNS)}
UNLEARNT: Final = (0.0,) * len(LEARNT_COLUMNS) + (nan, nan)


def learnt(v: View, name: str) -> Array:
    """One of LEARNT_COLUMNS, decayed to now; 0 where the stream has not seen the item."""
    return row(_learnt_columns(v), _LEARNT_AT[name])


@once
def _rows(v: View) -> Array:
    return table([UNLEARNT if one.learnt is None else _row(one.learnt) for one in v.candidates])


@once
def _learnt_columns(v: View) -> Array:
    rows = _rows(v)
    age_ms = np.fmax(0.0, v.now_ms - rows[-2])  # unknown: 0
    counts: Array = rows[:-2] * np.exp2(age_ms / -LONG_HALF_LIFE_MS)
    counts[-1] = rows[len(LEARNT_COLUMNS) - 1] * np.exp2(age_ms / -SHORT_HALF_LIFE_MS)
    return counts


def _row(known: ItemKnowledge) -> tuple[float, ...]:
    return (
        known.views, known.carts, known.purchases, known.exposures, known.examined, known.taken,
        known.interest, known.interest_short, known.at_ms, known.last_ms,
    )  # fmt: skip


@once
def interest(v: View) -> Array:
    """The log of 1 + interest."""
    return np.log1p(learnt(v, "interest"))


def _trend(v: View) -> Column:
    return learnt(v, "interest_short") / (1.0 + learnt(v, "interest"))


@once
def _category_click_rates(v: View) -> Array:
    return by_category(v, lambda name: _rate(v, name, "taken", "examined", CLICK_PRIOR))


def _click_rate(v: View) -> Column:
    clicks = learnt(v, "taken") + PRIOR_WEIGHT * _category_click_rates(v)
    rate: Array = clicks / (learnt(v, "examined") + PRIOR_WEIGHT)
    return rate


def _conversion_rate(v: View) -> Column:
    of_category = by_category(
        v, lambda name: _rate(v, name, "purchases", "views", CONVERSION_PRIOR)
    )
    bought = learnt(v, "purchases") + PRIOR_WEIGHT * of_category
    rate: Array = bought / (learnt(v, "views") + PRIOR_WEIGHT)
    return rate


def _rate(v: View, name: str | None, part: str, whole: str, prior: float) -> float:
    """What part of a category's counts came to something, smoothed to what is usual anywhere."""
    known = _of_category(v, name)
    if known is None:
        return prior
    return (getattr(known, part) + PRIOR_WEIGHT * prior) / (getattr(known, whole) + PRIOR_WEIGHT)  # type: ignore[no-any-return]


def _category_interest(v: View) -> Column:
    def value(name: str | None) -> float:
        if name is None:
            return nan
        known = _of_category(v, name)
        if known is None:
            return 0.0
        return log1p(decay(known.interest, v.now_ms - known.at_ms, LONG_HALF_LIFE_MS))

    return by_category(v, value)


def _of_category(v: View, name: str | None) -> ItemKnowledge | None:
    if name is None:
        return None
    return v.moment.knowledge.statistics.category(name, v.moment.known.epoch)


def _silence_h(v: View) -> Column:
    return np.maximum(0.0, v.now_ms - row(_rows(v), -1)) / HOUR_MS


FACTS: Final = (
    feature("item_interest", "item", "log of 1 + interest (half-life 30 days)", interest),
    feature("item_trend", "item", "short over long interest", _trend),
    feature("item_views", "item", "log of 1 + views", lambda v: np.log1p(learnt(v, "views"))),
    feature("item_carts", "item", "log of 1 + adds to carts", lambda v: np.log1p(learnt(v, "carts"))),
    feature("item_purchases", "item", "log of 1 + purchases", lambda v: np.log1p(learnt(v, "purchases"))),
    feature("item_exposures", "item", "log of 1 + exposures", lambda v: np.log1p(learnt(v, "exposures"))),
    feature("item_click_rate", "item", "clicks over examined exposures, smoothed to its category's", _click_rate),
    feature("item_conversion_rate", "item", "purchases over views, smoothed to its category's", _conversion_rate),
    feature("category_click_rate", "item", "of its category", _category_click_rates),
    feature("category_interest", "item", "log of 1 + interest in its category", _category_interest),
    feature("item_silence", "item", "hours since anybody touched it", _silence_h),
)  # fmt: skip

ROOM: Final = Room("learnt", FACTS)
