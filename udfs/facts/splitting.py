"""How a field of a person becomes what it would be without what a visitor gave: merging the other way round.

What is as it was joined becomes what it was before. What has changed since stays, by as much as it has changed, and never below nothing. What
was dropped since stays dropped, and what had to go at a bound for what was given is there again.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from udfs.facts.fact import Apart, Split
from udfs.facts.merging import newest_last

V = TypeVar("V")
Leaf = Callable[[V, V | None, V | None], V | None]
"""What is left of an entry that has changed since, by what it is now, was when joined, and was before; None: nothing."""


def since(apart: Apart, name: str) -> Any:
    """Of a number, a time, a flag, a text: what it was before, unless it has changed since."""
    now, own = getattr(apart.now, name), getattr(apart.own, name)
    return own if now == getattr(apart.joined, name) else now


def stays(apart: Apart, name: str) -> Any:
    """What it is now."""
    return getattr(apart.now, name)


def less(apart: Apart, name: str) -> Any:
    """Of a sum: what was there before and what came since; a count is none below nothing, an amount is what refunds make it."""
    now, joined, own = _of(apart, name)
    left = own if now == joined else own + (now - joined)
    return max(0, left) if isinstance(left, int) else left


def names_apart(
    now: dict[str, V], joined: dict[str, V], own: dict[str, V], leaf: Leaf[V]
) -> dict[str, V]:
    """Entries by name, each by itself: first what had to go for what was given, then in the order of now."""
    found = {key: one for key, one in own.items() if key not in joined and key not in now}
    for key, one in now.items():
        was, mine = joined.get(key), own.get(key)
        left = mine if one == was else leaf(one, was, mine)
        if left is not None:
            found[key] = left
    return found


def newest_apart(kept: int) -> Split:
    """Times by name, the newest last."""

    def split(apart: Apart, name: str) -> Any:
        if getattr(apart.now, name) == getattr(apart.joined, name):
            return getattr(apart.own, name)
        found = names_apart(*_of(apart, name), lambda one, _, __: one)
        return newest_last(found, found, kept)

    return split


def counts_apart(kept: int) -> Split:
    """Counts by name, those counted most last."""

    def split(apart: Apart, name: str) -> Any:
        if getattr(apart.now, name) == getattr(apart.joined, name):
            return getattr(apart.own, name)
        found = names_apart(*_of(apart, name), _counted)
        return newest_last(found, found, kept)

    return split


def _of(apart: Apart, name: str) -> tuple[Any, Any, Any]:
    return getattr(apart.now, name), getattr(apart.joined, name), getattr(apart.own, name)


def _counted(now: int, was: int | None, mine: int | None) -> int | None:
    return max(0, now - (was or 0) + (mine or 0)) or None


def without(values: Iterable[V], others: Iterable[V], key: Callable[[V], object]) -> list[V]:
    """The values without the others, each of which takes one away."""
    gone = Counter(map(key, others))
    left = []
    for value in values:
        if gone[key(value)] > 0:
            gone[key(value)] -= 1
        else:
            left.append(value)
    return left
