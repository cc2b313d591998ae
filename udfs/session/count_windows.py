"""Sliding windows over sparse buckets of event time, with a live head.

Buckets are kept in ascending order of `index` (time divided by the bucket's length), only where
something happened; a window of n buckets ends with, and includes, the bucket of the time asked for.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Indexed(Protocol):
    """Anything with the number of its bucket."""

    index: int


B = TypeVar("B", bound=Indexed)


def bucket_at(buckets: list[B], index: int, kind: type[B], kept: int) -> B | None:
    """The bucket `index`, made where it is missing; None if it is out of the last `kept`.

    Buckets that the new head pushes out of the last `kept` are removed.
    """
    if not buckets or index > buckets[-1].index:
        while buckets and buckets[0].index <= index - kept:
            del buckets[0]
        buckets.append(kind(index))  # type: ignore[call-arg]  # every bucket starts with its index
        return buckets[-1]
    if index <= buckets[-1].index - kept:
        return None
    at = len(buckets) - 1
    while at >= 0 and buckets[at].index > index:
        at -= 1
    if at < 0 or buckets[at].index < index:
        buckets.insert(at + 1, kind(index))  # type: ignore[call-arg]
        at += 1
    return buckets[at]


def buckets_in(buckets: list[B], head: int, count: int) -> Iterable[B]:
    """Those of the `count` buckets that end with `head`."""
    return (bucket for bucket in buckets if head - count < bucket.index <= head)
