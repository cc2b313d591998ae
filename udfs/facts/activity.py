"""Activity: how much a person did in the last hour, day and month, and in how many visits."""

from collections.abc import Iterable
from typing import Final

from schemas.events import Event, is_outside_visit
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.state.person import PeriodBucket, PersonState
from udfs.facts.fact import Apart, Kept, Room, person
from udfs.facts.merging import added
from udfs.facts.splitting import less
from udfs.facts.types import BOOL, INT
from udfs.moment import Moment
from udfs.session.count_windows import bucket_at, buckets_in

PERIODS: Final = (
    ("fine", 5 * MINUTE_MS, 12),  # 1 h
    ("hourly", HOUR_MS, 24),  # 24 h
    ("daily", DAY_MS, 30),  # 7 d and 30 d
)
"""Name, length of a bucket, how many are kept."""
PERIOD_COUNTS: Final = {
    "product_viewed": "views",
    "content_read": "views",
    "product_added_to_cart": "carts",
    "purchase_completed": "purchases",
}


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Counts the event in all periods; of purchases that are claimed the first. What is told outside a visit nobody did."""
    if is_outside_visit(event):
        return
    state.event_count += 1
    is_claim = event.event_type == "purchase_completed" and state.unproven_purchases
    _count(state, event.event_time_ms, None if is_claim else PERIOD_COUNTS.get(event.event_type))


def on_end(state: PersonState, news: object) -> None:
    """Counts a visit that is over."""
    state.session_count += 1


def uncount_purchases(state: PersonState, times_ms: Iterable[int]) -> None:
    """Takes purchases of these times back that were told twice."""
    for time_ms in times_ms:
        state.event_count -= 1
        _count(state, time_ms, "purchases", -1)


def _count(state: PersonState, now_ms: int, name: str | None, by: int = 1) -> None:
    for period, length_ms, kept in PERIODS:
        bucket = bucket_at(getattr(state, period), now_ms // length_ms, PeriodBucket, kept)
        if bucket is not None:
            bucket.events += by
            if name is not None:
                setattr(bucket, name, getattr(bucket, name) + by)


def period_counts(
    state: PersonState, name: str, now_ms: int, count: int
) -> tuple[int, int, int, int]:
    """(events, views, carts, purchases) of the `count` buckets of period `name` that end now."""
    length_ms = next(length for period, length, _ in PERIODS if period == name)
    return _total(buckets_in(getattr(state, name), now_ms // length_ms, count))


def _total(buckets: Iterable[PeriodBucket]) -> tuple[int, int, int, int]:
    events = views = carts = purchases = 0
    for bucket in buckets:
        events += bucket.events
        views += bucket.views
        carts += bucket.carts
        purchases += bucket.purchases
    return events, views, carts, purchases


def merge_buckets(one: PersonState, other: PersonState, name: str) -> object:
    """The counts of both, of the periods that are kept."""
    by_index: dict[int, list[PeriodBucket]] = {}
    for bucket in getattr(one, name) + getattr(other, name):
        by_index.setdefault(bucket.index, []).append(bucket)
    kept = next(count for period, _, count in PERIODS if period == name)
    first = max(by_index, default=0) - kept + 1
    return [PeriodBucket(index, *_total(by_index[index])) for index in sorted(by_index) if index >= first]  # fmt: skip


def split_buckets(apart: Apart, name: str) -> object:
    """Of each period what was counted before and what came since."""
    now, joined, own = (
        {bucket.index: _total([bucket]) for bucket in getattr(one, name)}
        for one in (apart.now, apart.joined, apart.own)
    )
    lost = {index: counts for index, counts in own.items() if index not in joined}
    found = lost | {index: _less(counts, joined.get(index), own.get(index)) for index, counts in now.items()}  # fmt: skip
    kept = next(count for period, _, count in PERIODS if period == name)
    there = sorted(index for index, counts in found.items() if any(counts))
    return [PeriodBucket(index, *found[index]) for index in there if index > there[-1] - kept]


Counts = tuple[int, int, int, int]


def _less(now: Counts, joined: Counts | None, own: Counts | None) -> Counts:
    none = (0, 0, 0, 0)
    events, views, carts, purchases = (
        max(0, of_now - was + before)
        for of_now, was, before in zip(now, joined or none, own or none, strict=True)
    )
    return events, views, carts, purchases


def _period(m: Moment, name: str, buckets: int) -> tuple[int, int, int, int]:
    return period_counts(m.state, name, m.now_ms, buckets)


FACTS: Final = (
    person("is_new", BOOL, "whether this is the first visit and nothing was ever bought", lambda m: not m.state.session_count and not m.state.purchase_count),
    person("sessions", INT, "visits that ended", lambda m: m.state.session_count, "person_sessions"),
    person("views_1h", INT, "views in the last hour", lambda m: _period(m, "fine", 12)[1], "person_views_1h"),
    person("views_24h", INT, "views in the last 24 hours", lambda m: _period(m, "hourly", 24)[1], "person_views_24h"),
    person("views_30d", INT, "views in 30 days", lambda m: _period(m, "daily", 30)[1]),
    person("carts_30d", INT, "adds to the cart in 30 days", lambda m: _period(m, "daily", 30)[2]),
    person("purchases_30d", INT, "purchases in 30 days", lambda m: _period(m, "daily", 30)[3], "person_purchases_30d"),
)  # fmt: skip

ROOM: Final = Room(
    "activity", FACTS, on_person_event=on_person_event, on_end=on_end,
    person={
        "event_count": Kept(added, split=less), "session_count": Kept(added, split=less),
        "fine": Kept(merge_buckets, split=split_buckets), "hourly": Kept(merge_buckets, split=split_buckets),
        "daily": Kept(merge_buckets, split=split_buckets),
    },
)  # fmt: skip
