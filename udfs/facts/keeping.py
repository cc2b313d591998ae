"""Bounded dicts and lists of state, the newest last."""

from typing import TypeVar

from schemas.limits import SESSION_NAMES_MAX, SESSION_TIMES_MAX

V = TypeVar("V")


def keep(entries: dict[str, V], name: str, value: V, kept: int) -> None:
    """Sets an entry that is not there, as the newest; at the bound the oldest goes."""
    entries[name] = value
    if len(entries) > kept:
        del entries[next(iter(entries))]


def count(counts: dict[str, int], name: str, kept: int, by: int = 1) -> None:
    """Counts `name` and makes it the newest; it counts once at least."""
    keep(counts, name, max(1, counts.pop(name, 0) + by), kept)


def count_first(counts: dict[str, int], name: str) -> None:
    """Counts `name` where it is among the first SESSION_NAMES_MAX."""
    if name in counts or len(counts) < SESSION_NAMES_MAX:
        counts[name] = counts.get(name, 0) + 1


def note_time(times: list[int], now_ms: int) -> None:
    """Adds a time; the newest SESSION_TIMES_MAX stay."""
    times.append(now_ms)
    del times[:-SESSION_TIMES_MAX]


def note_newest(times: dict[str, int], name: str, time_ms: int, kept: int) -> None:
    """The latest time of `name`, which is the newest then; at the bound the oldest goes."""
    keep(times, name, max(times.pop(name, 0), time_ms), kept)


def first_known(*values: float | None) -> float | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)
