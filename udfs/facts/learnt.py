"""Learnt: what the stream has learnt of a candidate and its category, as of the decision's epoch."""

from math import log1p, nan
from struct import Struct
from typing import Final

import numpy as np

from schemas.knowledge import ItemKnowledge
from schemas.limits import HOUR_MS
from udfs.by_identity import by_identity
from udfs.facts.fact import Column, Room, feature
from udfs.facts.item import categories, of_categories
from udfs.facts.view import Array, View, once, row
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS, decay

PRIOR_WEIGHT: Final = 10.0
"""A rate counts as if its category's had been seen so often before."""
CLICK_PRIOR: Final = 0.05
CONVERSION_PRIOR: Final = 0.02
LEARNT_COLUMNS: Final = (
    "views", "carts", "purchases", "exposures", "examined", "taken", "interest", "interest_short",
)  # fmt: skip
_LEARNT_AT: Final = {name: at for at, name in enumerate(LEARNT_COLUMNS)}
ROW: Final = Struct(f"={len(LEARNT_COLUMNS) + 2}d")
"""What is learnt of one item, as it lies in a table of floats: LEARNT_COLUMNS, `at_ms` and `last_ms`."""
UNLEARNT: Final = ROW.pack(*(0.0,) * len(LEARNT_COLUMNS), nan, nan)
ROWS_KEPT: Final = 4_096
"""Of the records that are looked at most: one is 4 kB at most, and is held for as long as its row."""


def learnt(v: View, name: str) -> Array:
    """One of LEARNT_COLUMNS, decayed to now; 0 where the stream has not seen the item."""
    return row(_learnt_columns(v), _LEARNT_AT[name])


@once
def _rows(v: View) -> Array:
    rows = [UNLEARNT if one.learnt is None else _row(one.learnt) for one in v.candidates]
    return np.frombuffer(b"".join(rows), np.float64).reshape(len(rows), -1).T


@once
def _learnt_columns(v: View) -> Array:
    rows = _rows(v)
    age_ms = np.fmax(0.0, v.now_ms - rows[-2])  # unknown: 0
    counts: Array = rows[:-2] * np.exp2(age_ms / -LONG_HALF_LIFE_MS)
    counts[-1] = rows[len(LEARNT_COLUMNS) - 1] * np.exp2(age_ms / -SHORT_HALF_LIFE_MS)
    return counts


@by_identity(ROWS_KEPT)
def _row(known: ItemKnowledge) -> bytes:
    return ROW.pack(
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
def _of_categories(v: View) -> list[ItemKnowledge | None]:
    """What the stream has learnt of each of the distinct categories."""
    category, epoch = v.moment.knowledge.statistics.category, v.moment.known.epoch
    return [None if name is None else category(name, epoch) for name in categories(v)[0]]


@once
def _category_click_rates(v: View) -> Array:
    values = [
        CLICK_PRIOR if one is None else _smoothed(one.taken, one.examined, CLICK_PRIOR)
        for one in _of_categories(v)
    ]
    return of_categories(v, values)


def _category_conversion_rates(v: View) -> Array:
    values = [
        CONVERSION_PRIOR if one is None else _smoothed(one.purchases, one.views, CONVERSION_PRIOR)
        for one in _of_categories(v)
    ]
    return of_categories(v, values)


def _smoothed(part: float, whole: float, prior: float) -> float:
    """What part of a category's counts came to something, smoothed to what is usual anywhere."""
    return (part + PRIOR_WEIGHT * prior) / (whole + PRIOR_WEIGHT)


def _click_rate(v: View) -> Column:
    clicks = learnt(v, "taken") + PRIOR_WEIGHT * _category_click_rates(v)
    rate: Array = clicks / (learnt(v, "examined") + PRIOR_WEIGHT)
    return rate


def _conversion_rate(v: View) -> Column:
    bought = learnt(v, "purchases") + PRIOR_WEIGHT * _category_conversion_rates(v)
    rate: Array = bought / (learnt(v, "views") + PRIOR_WEIGHT)
    return rate


def _category_interest(v: View) -> Column:
    """The log of 1 + interest; 0 in a category of which nothing is learnt, missing where there is none."""
    values = [
        nan if name is None
        else 0.0 if one is None
        else log1p(decay(one.interest, v.now_ms - one.at_ms, LONG_HALF_LIFE_MS))
        for name, one in zip(categories(v)[0], _of_categories(v), strict=True)
    ]  # fmt: skip
    return of_categories(v, values)


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
