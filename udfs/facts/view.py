"""The candidates of one decision beside the moment that they are asked for: what columns are made from.

A column is a float64 array in the order of the candidates; NaN = missing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import nan
from typing import Final, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.vectors import ItemVectors
from schemas.state.session import ItemTouch
from udfs.items.retrieve_candidates import Retrieved
from udfs.moment import Moment
from udfs.session.follow_session import Leads

Array = NDArray[np.float64]
V = TypeVar("V")
BUCKETS: Final = 64


class View:
    """One decision's candidates, and the `vectors` of items where any were learnt; what several columns share is made once and kept in `made`."""

    __slots__ = (
        "candidates", "context", "count", "event", "ids", "items", "leads", "made", "moment", "now_ms",
        "state", "touches", "vectors",
    )  # fmt: skip

    def __init__(
        self,
        moment: Moment,
        candidates: Sequence[Retrieved],
        leads: Leads,
        vectors: ItemVectors | None = None,
    ) -> None:
        self.moment, self.candidates, self.leads = moment, candidates, leads
        self.vectors = vectors
        self.state, self.context, self.event = moment.state, moment.context, moment.event
        self.now_ms = moment.event.event_time_ms
        self.count = len(candidates)
        self.ids = [one.item_id for one in candidates]
        self.items = [one.item for one in candidates]
        touched = moment.context.items
        self.touches: list[ItemTouch | None] = [touched.get(item_id) for item_id in self.ids]
        self.made: dict[object, object] = {}

    def looked_up(self, values: Mapping[str, float]) -> Array | float:
        """Each candidate's value in `values`."""
        if not values:
            return nan
        return np.array([values.get(item_id, nan) for item_id in self.ids])


def aged(view: View, times: Mapping[str, int]) -> Array | float:
    """Seconds since each candidate's time in `times`."""
    if times.keys().isdisjoint(view.ids):
        return nan
    found = [times.get(item_id) for item_id in view.ids]
    return np.array([nan if ms is None else max(0, view.now_ms - ms) / 1000.0 for ms in found])


def once(compute: Callable[[View], V]) -> Callable[[View], V]:
    """What is made of a view when it is first asked for, and kept with it."""

    def made(view: View) -> V:
        try:
            return view.made[compute]  # type: ignore[return-value]  # it holds what `compute` gave
        except KeyError:
            value = view.made[compute] = compute(view)
            return value

    made.__doc__ = compute.__doc__
    return made


def row(rows: Array, index: int) -> Array:
    """One row; numpy types what an index gives as Any."""
    found: Array = rows[index]
    return found


def rank_of(values: Array) -> Array:
    """Each value's place in ascending order, from 0; equal values share the first place of theirs."""
    return np.searchsorted(np.sort(values), values).astype(np.float64)


def mean_of(values: Array) -> float:
    """The mean of those that are known."""
    known = values[~np.isnan(values)]
    return float(known.sum()) / len(known) if len(known) else nan


@lru_cache(maxsize=65_536)
def bucket(name: str | None) -> float:
    """A name as one of BUCKETS numbers, NaN for none: trees can split on it, whatever the names are."""
    return nan if name is None else float(crc32(name.encode()) % BUCKETS)


def or_nan(value: float | None) -> float:
    """A number that may be missing, as it stands in a column."""
    return nan if value is None else value
