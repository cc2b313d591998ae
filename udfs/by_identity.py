"""What is made of a thing that is looked at in every decision and never changes, kept by its identity: hashing it costs more."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
M = TypeVar("M")


def by_identity(kept_max: int) -> Callable[[Callable[[T], M]], Callable[[T], M]]:
    """Keeps what was made of so many things, and the things; then it begins anew."""

    def keeping(made_of: Callable[[T], M]) -> Callable[[T], M]:
        kept: dict[int, tuple[T, M]] = {}

        @wraps(made_of)
        def found(thing: T) -> M:
            one = kept.get(id(thing))
            if one is None or one[0] is not thing:
                if len(kept) >= kept_max:
                    kept.clear()
                one = kept[id(thing)] = thing, made_of(thing)
            return one[1]

        return found

    return keeping
