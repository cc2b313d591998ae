"""The versions of one piece of knowledge, by the time from which each is in force."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from schemas.limits import EVENT_TIME_MAX_MS, KNOWLEDGE_VERSIONS_MAX

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A value in force from a time on; at equal times the higher position wins."""

    effective_from_ms: int
    position: int
    version: str
    value: T


def _order(entry: Entry[T]) -> tuple[int, int]:
    return entry.effective_from_ms, entry.position


class Timeline(Generic[T]):
    """Versions ordered by (effective_from_ms, position): adding one twice changes nothing."""

    __slots__ = ("_entries", "first_ms")

    def __init__(self) -> None:
        self._entries: list[Entry[T]] = []
        self.first_ms = EVENT_TIME_MAX_MS
        """When the first version came into force, even if it has been forgotten since."""

    def add(self, entry: Entry[T]) -> None:
        """Adds a version; one of the same time and position is already here and stays."""
        entries = self._entries
        self.first_ms = min(self.first_ms, entry.effective_from_ms)
        at = bisect_left(entries, _order(entry), key=_order)
        if at == len(entries) or _order(entries[at]) != _order(entry):
            entries.insert(at, entry)
            del entries[:-KNOWLEDGE_VERSIONS_MAX]

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(self._entries)

    def at(self, time_ms: int) -> Entry[T] | None:
        """The version in force at `time_ms`; None before the first."""
        for entry in reversed(self._entries):
            if entry.effective_from_ms <= time_ms:
                return entry
        return None

    def named(self, version: str) -> Entry[T] | None:
        """The newest entry of this version, whenever it is in force; None if there is none."""
        return next((one for one in reversed(self._entries) if one.version == version), None)

    def prune(self, before_ms: int) -> None:
        """Forgets what nobody at or after `before_ms` can see."""
        entries = self._entries
        while len(entries) > 1 and entries[1].effective_from_ms <= before_ms:
            del entries[0]
