"""Small readings that several rooms share."""

from itertools import islice
from typing import Final, TypeVar

from schemas.limits import DAY_MS
from udfs.moment import Moment

V = TypeVar("V")
LISTED_MAX: Final = 64
"""A condition's cost is reckoned with lists of so many."""


def seconds_since(m: Moment, time_ms: int | None) -> float | None:
    """Seconds from `time_ms` (0 and None: never) to now."""
    return max(0, m.now_ms - time_ms) / 1000.0 if time_ms else None


def days_since(m: Moment, time_ms: int | None) -> float | None:
    """Days from `time_ms` to now."""
    return None if time_ms is None else max(0, m.now_ms - time_ms) / DAY_MS


def newest(entries: dict[str, V]) -> list[str]:
    """The names, the newest first; at most LISTED_MAX."""
    return list(islice(reversed(entries), LISTED_MAX))


def newest_one(entries: dict[str, V]) -> str | None:
    """The newest name."""
    return next(reversed(entries), None)


def most_counted(counts: dict[str, int]) -> str | None:
    """The name counted most, of several the newest."""
    return max(reversed(counts), key=counts.__getitem__, default=None)


def name_of(m: Moment, item_id: str | None) -> str | None:
    """The name of an item in the catalogue."""
    item = m.item(item_id)
    return item.name if item is not None else None
