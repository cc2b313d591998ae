"""The candidates of one decision as columns: what the features are computed from.

Every property that holds one value per candidate is a float64 array in the order of the candidates; NaN =
missing. Each is made when it is first asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from math import log, log1p, nan
from typing import Any, Final, Generic, TypeVar, get_args
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from schemas.events import Event, EventType
from schemas.items import Item
from schemas.knowledge import ItemKnowledge
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.state.person import PersonState
from schemas.state.session import ItemTouch, SessionContext
from udfs.facts.affinity import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS, decay, price_level, shares
from udfs.facts.fold_profile import period_counts
from udfs.items.match_items import covered, filters_met, likeness_of, overlap, signs_of, words
from udfs.items.retrieve_candidates import Retrieved, category_of_interest, price_of
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.knowledge.past_sessions import Near
from udfs.language.sense_intent import help_s, sense_struggle
from udfs.session.fill_cart import cart_value
from udfs.session.fold_context import TOUCHES, window
from udfs.session.follow_session import Leads, Shares

Array = NDArray[np.float64]
V = TypeVar("V")

BUCKETS: Final = 64
PRIOR_WEIGHT: Final = 10.0
"""A rate counts as if its category's had been seen so often before."""
CLICK_PRIOR: Final = 0.05
CONVERSION_PRIOR: Final = 0.02
KINDS: Final = {kind: float(number) for number, kind in enumerate(TOUCHES)}
EVENT_CODES: Final = {kind: float(number) for number, kind in enumerate(get_args(EventType))}
TOUCH_COLUMNS: Final = (
    "views", "clicks", "carts", "taken", "touches", "dwell_s", "attention_s",
    "age_s", "first_age_s", "rank", "first_rank", "kind", "steps", "sign",
)  # fmt: skip
UNTOUCHED: Final = np.array([[0.0]] * 7 + [[nan]] * 7)
"""What stands in the TOUCH_COLUMNS of an item that was not touched."""
CATEGORY_COLUMNS: Final = (
    "share", "is_last", "long", "short", "click_rate", "conversion_rate", "interest",
)  # fmt: skip
LEARNT_COLUMNS: Final = (
    "views", "carts", "purchases", "exposures", "examined", "taken", "interest", "interest_short",
)  # fmt: skip
UNLEARNT: Final = (0.0,) * len(LEARNT_COLUMNS) + (nan, nan, nan)
_LARGEST: Final = float(np.finfo(np.float32).max)
"""A vector is of float32: what a caller says beyond it would be infinite."""


class lazy(Generic[V]):  # noqa: N801 - a decorator, as property is
    """A property that is computed once; functools.cached_property takes a lock for it, each time."""

    def __init__(self, compute: Callable[[Any], V]) -> None:
        self._compute, self._name = compute, compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, view: Any, owner: Any = None) -> V:
        value = view.__dict__[self._name] = self._compute(view)
        return value


class View:
    """One decision's candidates beside what they are compared with."""

    def __init__(
        self,
        candidates: Sequence[Retrieved],
        state: PersonState,
        context: SessionContext,
        event: Event,
        leads: Leads,
        knowledge: Knowledge,
        known: Known,
    ) -> None:
        self.candidates, self.state, self.context, self.event = candidates, state, context, event
        self.leads = leads
        self.count = len(candidates)
        self.now_ms = event.event_time_ms
        self._knowledge, self._known = knowledge, known
        self.ids = [one.item_id for one in candidates]
        self._touches = [context.items.get(item_id) for item_id in self.ids]

    # --- the session ----------------------------------------------------------------------------

    def views(self, minutes: int) -> float:
        """Views in the last `minutes`, by the session's live window."""
        return window(self.context, self.now_ms, minutes * MINUTE_MS).views

    @lazy
    def carts_30min(self) -> float:
        return window(self.context, self.now_ms, 30 * MINUTE_MS).carts

    @lazy
    def duration_s(self) -> float:
        return max(0, self.now_ms - self.context.started_ms) / 1000.0

    @lazy
    def pace(self) -> float:
        return self.context.event_count / max(1.0, self.duration_s / 60.0)

    @lazy
    def last_filter(self) -> float:
        return bucket(next(reversed(self.context.filters), None))

    @lazy
    def cart_value(self) -> float:
        return cart_value(self.context)

    @lazy
    def _touched_prices(self) -> list[float]:
        return [one.price for one in self.context.items.values() if one.price]

    @lazy
    def price_mean(self) -> float:
        prices = self._touched_prices
        return log1p(sum(prices) / len(prices)) if prices else nan

    @lazy
    def before(self) -> float:
        return EVENT_CODES.get(self.context.before_kind, nan)

    @lazy
    def price_to_taken(self) -> Array:
        taken = [one.price for one in self.context.items.values() if one.taken and one.price]
        return self.price_log - (log1p(sum(taken) / len(taken)) if taken else nan)

    @lazy
    def price_spread(self) -> float:
        low, high = self.context.price_min, self.context.price_max
        return log(high / low) if low and high else nan

    @lazy
    def struggle(self) -> float:
        return sense_struggle(self.context, self.now_ms).level

    @lazy
    def help_s(self) -> float:
        return help_s(self.context, self.now_ms)

    @lazy
    def _last(self) -> tuple[str | None, ItemTouch | None]:
        """The item touched last."""
        item_id = next(reversed(self.context.items), None)
        return item_id, self.context.items[item_id] if item_id is not None else None

    @lazy
    def since_touch_s(self) -> float:
        last = self._last[1]
        return nan if last is None else max(0, self.now_ms - last.last_ms) / 1000.0

    @lazy
    def repeats(self) -> float:
        return self.context.touch_count / max(1, self.context.item_count)

    @lazy
    def last_price(self) -> float:
        last = self._last[1]
        return log1p(last.price) if last is not None and last.price is not None else nan

    # --- the person -----------------------------------------------------------------------------

    def period(self, name: str, buckets: int) -> tuple[int, int, int, int]:
        """(events, views, carts, purchases) of the person's last `buckets` of a period."""
        return period_counts(self.state, name, self.now_ms, buckets)

    @lazy
    def purchase_age_d(self) -> float:
        bought_ms = self.state.last_purchase_ms
        return nan if bought_ms is None else max(0, self.now_ms - bought_ms) / DAY_MS

    @lazy
    def purchase_value(self) -> float:
        return (
            self.state.purchase_value / self.state.purchase_count
            if self.state.purchase_count
            else nan
        )

    # --- the context ----------------------------------------------------------------------------

    @lazy
    def _local_ms(self) -> int:
        offset = self.event.context.utc_offset_min if self.event.context else None
        return self.now_ms + (offset or 0) * MINUTE_MS

    @lazy
    def hour(self) -> float:
        return self._local_ms // HOUR_MS % 24

    @lazy
    def weekday(self) -> float:
        return (self._local_ms // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday

    @lazy
    def device(self) -> float:
        return bucket(self.event.context.device if self.event.context else None)

    @lazy
    def country(self) -> float:
        return bucket(self.event.context.country if self.event.context else None)

    @lazy
    def referrer(self) -> float:
        return bucket(self.event.context.referrer if self.event.context else None)

    # --- the item in this session ---------------------------------------------------------------

    def touch(self, name: str) -> Array:
        """One of TOUCH_COLUMNS."""
        return _row(self._touch_columns, TOUCH_COLUMNS.index(name))

    @lazy
    def _touch_columns(self) -> Array:
        columns = UNTOUCHED.repeat(self.count, axis=1)
        rows = [self._touch_row(one) for one in self._touches if one is not None]
        if rows:
            columns[:, self._is_touched] = _columns(rows)
        return columns

    def _touch_row(self, touch: ItemTouch) -> tuple[float, ...]:
        return (
            touch.views,
            touch.clicks,
            touch.carts,
            touch.taken,
            touch.touches,
            touch.dwell_ms / 1000.0,
            touch.attention_ms / 1000.0,
            max(0, self.now_ms - touch.last_ms) / 1000.0,
            max(0, self.now_ms - touch.first_ms) / 1000.0,
            self._later_touched[touch.order],
            self.context.touch_count - touch.first_order,
            KINDS.get(touch.last_kind, nan),
            self.context.event_count - touch.last_event,
            bucket(touch.last_sign or None),
        )

    @lazy
    def _later_touched(self) -> dict[int, int]:
        """How many distinct items were touched after the one with this order."""
        orders = sorted((one.order for one in self.context.items.values()), reverse=True)
        return {order: later for later, order in enumerate(orders)}

    @lazy
    def in_cart(self) -> Array:
        return np.array([item_id in self.context.cart for item_id in self.ids], dtype=np.float64)

    def category(self, name: str) -> Array:
        """One of CATEGORY_COLUMNS, of each candidate's category."""
        return _row(self._category_columns, CATEGORY_COLUMNS.index(name))

    @lazy
    def _category_columns(self) -> Array:
        pairs = zip(self.candidates, self._touches, strict=True)
        names = [_category(one, touch) for one, touch in pairs]
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        rows = self._category_rows(list(places))
        columns: Array = _columns(rows).take([places[name] for name in names], axis=1)
        return columns

    def _category_rows(self, names: Sequence[str | None]) -> list[tuple[float, ...]]:
        counts, last = self.context.categories, category_of_interest(self.context)
        total = sum(counts.values()) or 1
        leanings = shares(self.state.categories, self.now_ms)
        return [
            (
                counts.get(name or "", 0) / total,
                nan if name is None else name == last,
                *((nan, nan) if name is None else leanings.get(name, (0.0, 0.0))),
                *self._category_rates(name),
            )
            for name in names
        ]

    @lazy
    def _brands(self) -> list[str | None]:
        pairs = zip(self._items, self._touches, strict=True)
        return [(item.brand if item else None) or (t.brand if t else None) for item, t in pairs]

    @lazy
    def is_last_brand(self) -> Array:
        last = self._last[1].brand if self._last[1] else None
        return np.array([nan if one is None else one == last for one in self._brands])

    @lazy
    def likeness_last(self) -> Array | float:
        last_id = self._last[0]
        last = self._knowledge.item_at(last_id, self.now_ms) if last_id else None
        if last is None:
            return nan
        signs, price = signs_of(last), last.price
        return np.array(
            [
                nan if item is None or own is None
                else likeness_of(signs, price, own, item.price)
                for item, own in zip(self._items, self._signs, strict=True)
            ]
        )  # fmt: skip

    @lazy
    def _items(self) -> list[Item | None]:
        return [one.item for one in self.candidates]

    @lazy
    def _signs(self) -> list[frozenset[str] | None]:
        return [None if item is None else signs_of(item) for item in self._items]

    @lazy
    def signs_session(self) -> Array | float:
        touched = [self._knowledge.item_at(one, self.now_ms) for one in self.context.items]
        signs: frozenset[str] = frozenset().union(*(signs_of(one) for one in touched if one))
        return self._matched(partial(overlap, signs), bool(signs))

    @lazy
    def query_match(self) -> Array | float:
        asked: frozenset[str] = frozenset().union(*map(words, self.context.queries))
        return self._matched(partial(covered, asked), bool(asked))

    @lazy
    def filter_match(self) -> Array | float:
        filters = self.context.filter_values
        if not filters:
            return nan
        return np.array([nan if one is None else filters_met(one, filters) for one in self._items])

    def _matched(self, degree: Callable[[frozenset[str]], float], is_asked: bool) -> Array | float:
        if not is_asked:
            return nan
        return np.array([nan if one is None else degree(one) for one in self._signs])

    @lazy
    def since_slate_s(self) -> float:
        asked_ms = self.context.slate_ms
        return max(0, self.now_ms - asked_ms) / 1000.0 if asked_ms else nan

    @lazy
    def slate_taken(self) -> float:
        return nan if self.context.slate_taken < 0 else self.context.slate_taken

    @lazy
    def slate_overlap(self) -> float:
        if not self.context.slate:
            return nan
        return len(set(self.context.slate).intersection(self.ids)) / self.count

    @lazy
    def touched_since_slate(self) -> Array:
        before = self.context.slate_touch_count
        return np.array(
            [one is not None and one.order > before for one in self._touches], np.float64
        )

    @lazy
    def previous_place(self) -> Array | float:
        places: dict[str, float] = {}
        for place, item_id in enumerate(self.context.slate):
            places.setdefault(item_id, float(place))  # given twice: the first counts
        return self._looked_up(places)

    # --- where the session leads ----------------------------------------------------------------

    def of(self, found: Shares) -> Array:
        """Each candidate's share; 0 where it has none."""
        return np.array([found.get(item_id, 0.0) for item_id in self.ids])

    @lazy
    def near(self) -> Near:
        return self.leads.near_scores(self.ids)

    @lazy
    def near_rank(self) -> Array:
        return np.where(self.near.touched > 0.0, rank_of(-self.near.touched), nan)

    def ranked(self, found: Shares) -> Array:
        """Each candidate's place by its share among the candidates; NaN where it has none."""
        values = self.of(found)
        return np.where(values > 0.0, rank_of(-values), nan)

    # --- the item for this person ---------------------------------------------------------------

    def brand_affinity(self, term: int) -> Array:
        """The person's leaning to the candidate's brand, as a share: long (0) or short (1)."""
        return _leanings(self._brand_shares, self._brands, term)

    @lazy
    def _brand_shares(self) -> dict[str, tuple[float, float]]:
        return shares(self.state.brands, self.now_ms)

    @lazy
    def price_affinity(self) -> Array:
        """The long leaning to its price level."""
        levels = [None if price != price else _level(price) for price in self.price.tolist()]  # noqa: PLR0124
        return _leanings(shares(self.state.price_levels, self.now_ms), levels, 0)

    def aged(self, times: Mapping[str, int]) -> Array | float:
        """Seconds since each candidate's time in `times`."""
        if times.keys().isdisjoint(self.ids):
            return nan
        found = [times.get(item_id) for item_id in self.ids]
        return np.array([nan if ms is None else max(0, self.now_ms - ms) / 1000.0 for ms in found])

    def placed(self, times: Mapping[str, int]) -> Array | float:
        """Each candidate's place in `times`, 0 = the newest."""
        last = len(times) - 1
        return self._looked_up({item_id: float(last - at) for at, item_id in enumerate(times)})

    def exposed(self, name: str) -> Array | float:
        """Times shown or clicked, to this person."""
        if not self.state.exposures:
            return 0.0
        found = [self.state.exposures.get(item_id) for item_id in self.ids]
        return np.array([0.0 if one is None else getattr(one, name) for one in found])

    @lazy
    def bought_age_d(self) -> Array | float:
        times = {one.item_id: one.time_ms for one in self.state.purchases}
        return self.aged(times) * 1000.0 / DAY_MS

    # --- the item -------------------------------------------------------------------------------

    def learnt(self, name: str) -> Array:
        """One of LEARNT_COLUMNS, decayed to now; 0 where the stream has not seen the item."""
        return _row(self._learnt_columns, LEARNT_COLUMNS.index(name))

    @lazy
    def _learnt_rows(self) -> Array:
        return _columns(
            [UNLEARNT if one.learnt is None else _learnt_row(one.learnt) for one in self.candidates]
        )

    @lazy
    def _learnt_columns(self) -> Array:
        rows = self._learnt_rows
        age_ms = np.fmax(0.0, self.now_ms - rows[-3])  # unknown: 0
        counts: Array = rows[:-3] * np.exp2(age_ms / -LONG_HALF_LIFE_MS)
        counts[-1] = rows[len(LEARNT_COLUMNS) - 1] * np.exp2(age_ms / -SHORT_HALF_LIFE_MS)
        return counts

    @lazy
    def interest(self) -> Array:
        return np.log1p(self.learnt("interest"))

    @lazy
    def trend(self) -> Array:
        return self.learnt("interest_short") / (1.0 + self.learnt("interest"))

    def _category_rates(self, name: str | None) -> tuple[float, float, float]:
        if name is None:
            return CLICK_PRIOR, CONVERSION_PRIOR, nan
        known = self._knowledge.statistics.category(name, self._known.epoch)
        if known is None:
            return CLICK_PRIOR, CONVERSION_PRIOR, 0.0
        clicked = (known.taken + PRIOR_WEIGHT * CLICK_PRIOR) / (known.examined + PRIOR_WEIGHT)
        bought = (known.purchases + PRIOR_WEIGHT * CONVERSION_PRIOR) / (known.views + PRIOR_WEIGHT)
        interest = decay(known.interest, self.now_ms - known.at_ms, LONG_HALF_LIFE_MS)
        return clicked, bought, log1p(interest)

    @lazy
    def click_rate(self) -> Array:
        clicks = self.learnt("taken") + PRIOR_WEIGHT * self.category("click_rate")
        rate: Array = clicks / (self.learnt("examined") + PRIOR_WEIGHT)
        return rate

    @lazy
    def conversion_rate(self) -> Array:
        bought = self.learnt("purchases") + PRIOR_WEIGHT * self.category("conversion_rate")
        rate: Array = bought / (self.learnt("views") + PRIOR_WEIGHT)
        return rate

    @lazy
    def silence_h(self) -> Array:
        return np.maximum(0.0, self.now_ms - _row(self._learnt_rows, -1)) / HOUR_MS

    @lazy
    def age_d(self) -> Array:
        created = [item.created_ms if item else None for item in self._items]
        known = np.array([nan if ms is None else ms for ms in created], dtype=np.float64)
        first_ms = np.where(np.isnan(known), self._learnt_rows[-2], known)
        return np.maximum(0.0, self.now_ms - first_ms) / DAY_MS

    @lazy
    def price(self) -> Array:
        """As the caller says it; else of the catalogue, the session, the stream."""
        pairs = zip(self.candidates, self._touches, strict=True)
        return np.array([price_of(one, touch) for one, touch in pairs], dtype=np.float64)

    @lazy
    def price_log(self) -> Array:
        return np.log1p(self.price)

    @lazy
    def _stock(self) -> Array:
        found = [item.stock if item else None for item in self._items]
        return np.array([nan if one is None else one for one in found], dtype=np.float64)

    @lazy
    def has_stock(self) -> Array:
        return np.where(np.isnan(self._stock), nan, self._stock > 0)

    @lazy
    def stock_log(self) -> Array:
        return np.log1p(self._stock)

    # --- among the other candidates -------------------------------------------------------------

    @lazy
    def price_rank(self) -> Array:
        known = ~np.isnan(self.price)
        ranks = rank_of(np.where(known, self.price, np.inf))
        return np.where(known, ranks / max(1, np.count_nonzero(known) - 1), nan)

    @lazy
    def price_to_mean(self) -> Array:
        return self.price_log - _mean(self.price_log)

    @lazy
    def _is_touched(self) -> NDArray[np.bool_]:
        return np.array([one is not None for one in self._touches], dtype=bool)

    @lazy
    def price_to_least(self) -> Array:
        known = self.price_log[~np.isnan(self.price_log)]
        return self.price_log - (float(known.min()) if len(known) else nan)

    @lazy
    def price_to_touched(self) -> Array:
        return self.price_log - _mean(self.price_log[self._is_touched])

    @lazy
    def position(self) -> Array:
        given = [one.given.position if one.given else None for one in self.candidates]
        return np.array([nan if one is None else one for one in given], dtype=np.float64)

    @lazy
    def _listed(self) -> NDArray[np.intp] | None:
        """The candidates from the top of the caller's list to its end; None where nobody listed them."""
        if not self.event.candidates:
            return None
        places = np.where(np.isnan(self.position), np.arange(self.count), self.position)
        return np.argsort(places, kind="stable")

    def price_step(self, step: int) -> Array:
        """The log of the price over that of the candidate `step` places further down."""
        return self.price_log - self._neighbour(self.price_log, step)

    def order_step(self, step: int) -> Array:
        """The touch order of the candidate `step` places further down."""
        return self._neighbour(self.touch_order, step)

    def touched_step(self, step: int) -> Array:
        """Whether the candidate `step` places further down was touched."""
        return self._neighbour(self._is_touched.astype(np.float64), step)

    def _neighbour(self, values: Array, step: int) -> Array:
        found = np.full(self.count, nan)
        if self._listed is not None and self.count > 1:
            listed = self._listed
            upper, lower = listed[:-1], listed[1:]
            if step > 0:
                found[upper] = values[lower]
            else:
                found[lower] = values[upper]
        return found

    @lazy
    def is_cheapest_so_far(self) -> Array:
        found = np.full(self.count, nan)
        if self._listed is not None:
            prices = np.where(np.isnan(self.price), np.inf, self.price)[self._listed]
            found[self._listed] = prices <= np.minimum.accumulate(prices)
            found[np.isnan(self.price)] = nan
        return found

    @lazy
    def interest_rank(self) -> Array:
        return rank_of(-self.interest) / max(1, self.count - 1)

    @lazy
    def touch_order(self) -> Array:
        return np.where(self._is_touched, rank_of(self._touch_ranks), nan)

    @lazy
    def _touch_ranks(self) -> Array:
        """0 = touched last; infinite where it was not touched."""
        return np.where(self._is_touched, self.touch("rank"), np.inf)

    @lazy
    def touched_count(self) -> float:
        return float(np.count_nonzero(self._is_touched))

    @lazy
    def _place(self) -> Array:
        places = np.arange(self.count, dtype=np.float64)
        if self._listed is not None:
            places[self._listed] = np.arange(self.count)
        return places

    @lazy
    def from_last(self) -> Array | float:
        if self._listed is None or not self.touched_count:
            return nan
        last = self._touch_ranks.argmin()
        return self._place - float(self._place[last])

    @lazy
    def from_taken(self) -> Array | float:
        taken = np.flatnonzero(self.touch("taken"))
        if self._listed is None or not len(taken):
            return nan
        last = taken[self.touch("rank")[taken].argmin()]
        return self._place - float(self._place[last])

    @lazy
    def to_touched(self) -> Array | float:
        if self._listed is None or not self.touched_count:
            return nan
        touched = self._place[self._is_touched]
        nearest: Array = np.abs(self._place[:, None] - touched).min(axis=1)
        return nearest

    @lazy
    def from_end(self) -> Array:
        return self.count - 1 - self._place

    @lazy
    def from_deepest(self) -> Array | float:
        if self._listed is None or not self.touched_count:
            return nan
        return self._place - float(self._place[self._is_touched].max())

    @lazy
    def source_rank(self) -> Array:
        return np.arange(self.count, dtype=np.float64)

    # --- what the caller said -------------------------------------------------------------------

    def caller(self, slot: int) -> Array | float:
        """The caller's feature whose name is in place `slot` of all the names given, in their order."""
        if slot >= len(self._caller_names):
            return nan
        name = self._caller_names[slot]
        given = [one.given.features.get(name) if one.given else None for one in self.candidates]
        values = np.array([nan if one is None else one for one in given])
        return np.minimum(np.maximum(values, -_LARGEST), _LARGEST)

    @lazy
    def _caller_names(self) -> list[str]:
        return sorted({name for one in self.event.candidates for name in one.features})

    def _looked_up(self, values: Mapping[str, float]) -> Array | float:
        if not values:
            return nan
        return np.array([values.get(item_id, nan) for item_id in self.ids])


@lru_cache(maxsize=65_536)
def bucket(name: str | None) -> float:
    """A name as one of BUCKETS numbers, NaN for none: trees can split on it, whatever the names are."""
    return nan if name is None else float(crc32(name.encode()) % BUCKETS)


def rank_of(values: Array) -> Array:
    """Each value's place in ascending order, from 0; equal values share the first place of theirs."""
    return np.searchsorted(np.sort(values), values).astype(np.float64)


@lru_cache(maxsize=65_536)
def _level(price: float) -> str:
    return price_level(price)


def _leanings(
    found: Mapping[str, tuple[float, float]], names: Sequence[str | None], term: int
) -> Array:
    """Each name's share in `found`, 0 where it has none; NaN for no name."""
    values: dict[str | None, float] = {name: both[term] for name, both in found.items()}
    values[None] = nan
    return np.array([values.get(name, 0.0) for name in names])


def _columns(rows: Sequence[tuple[float, ...]]) -> Array:
    """One row or more, all as long as the first, as columns."""
    # a flat list is read in two thirds of the time of one of tuples
    flat = np.array([value for row in rows for value in row], dtype=np.float64)
    return flat.reshape(len(rows), -1).T


def _row(rows: Array, index: int) -> Array:
    row: Array = rows[index]  # numpy types what an index gives as Any
    return row


def _learnt_row(known: ItemKnowledge) -> tuple[float, ...]:
    return (
        known.views, known.carts, known.purchases, known.exposures, known.examined, known.taken,
        known.interest, known.interest_short, known.at_ms, known.first_ms, known.last_ms,
    )  # fmt: skip


def _category(candidate: Retrieved, touch: ItemTouch | None) -> str | None:
    item, learnt = candidate.item, candidate.learnt
    return (
        (item.category if item else None)
        or (touch.category if touch else None)
        or (learnt.category if learnt else None)
    )


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.sum()) / len(known) if len(known) else nan
