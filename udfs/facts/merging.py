"""How two of a field become one, where two people turn out to be one.

Every merge is commutative; associative as long as no bound is met, and sums of fading values but for rounding. Counts add up: that
a part is not added twice is the concern of `merge_persons` (udfs/facts/rooms.py), which knows the parts of a state by name.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from schemas.state.person import PersonState
from udfs.facts.fact import Merge

V = TypeVar("V")
N = TypeVar("N", int, float)


class Counted(Protocol):
    """A bucket of a period."""

    index: int


def larger(one: PersonState, other: PersonState, name: str) -> object:
    """The larger of two numbers, the later of two times; one that is None is none."""
    return max(getattr(one, name) or 0, getattr(other, name) or 0) or _none(one, other, name)


def smaller(one: PersonState, other: PersonState, name: str) -> object:
    """The earlier of two times."""
    return min(getattr(one, name), getattr(other, name))


def either(one: PersonState, other: PersonState, name: str) -> object:
    """Whether it holds for one of them."""
    return getattr(one, name) or getattr(other, name)


def added(one: PersonState, other: PersonState, name: str) -> object:
    """The sum."""
    return getattr(one, name) + getattr(other, name)


def newest_of(kept: int) -> Merge:
    """Times by name: the later of each; the newest `kept`, the newest last."""

    def merge(one: PersonState, other: PersonState, name: str) -> object:
        times, others = getattr(one, name), getattr(other, name)
        found = {key: max(times.get(key, 0), others.get(key, 0)) for key in {*times, *others}}
        return newest_last(found, found, kept)

    return merge


def counts_of(kept: int) -> Merge:
    """Counts by name, added up; the `kept` counted most, those last."""

    def merge(one: PersonState, other: PersonState, name: str) -> object:
        counts, others = getattr(one, name), getattr(other, name)
        found = {key: counts.get(key, 0) + others.get(key, 0) for key in {*counts, *others}}
        return newest_last(found, found, kept)

    return merge


def newest_last(entries: Mapping[str, V], order: Mapping[str, float], kept: int) -> dict[str, V]:
    """The last `kept` entries by `order`, equals by their names."""
    names = sorted(entries, key=lambda name: (order[name], name))
    return {name: entries[name] for name in names[-kept:]}


def _none(one: PersonState, other: PersonState, name: str) -> object:
    """0, or None where neither says anything."""
    values = (getattr(one, name), getattr(other, name))
    return None if all(value is None for value in values) else 0
