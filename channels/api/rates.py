"""How much somebody may ask or send: token buckets, bounded in number, and counts of what is held open."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

BUCKETS_MAX: Final = 50_000
"""Names that are counted one by one. Beyond them new ones share a bucket until one of these is full again."""
SHARED: Final = "\0shared"


class Rates:
    """A bucket for each name: `per_s` flow in, at most `burst` are in it, what is done takes some out.

    Who has anything left may take more than that, and waits until it has flowed in. Only full buckets are
    forgotten, which changes nothing: whoever makes up names by the thousand does not get a fresh bucket by it.
    """

    def __init__(
        self,
        per_s: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        names_max: int = BUCKETS_MAX,
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._names_max = names_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str, amount: float = 1.0) -> float:
        """0 = it may (and has); else in how many seconds it may again."""
        wait_s = self.look_s(name)
        if not wait_s:
            self.take(name, amount)
        return wait_s

    def look_s(self, name: str) -> float:
        """As `wait_s`, and takes nothing."""
        missing = min(1.0, self._burst) - self._held(self._counted(name))
        return missing / self._per_s if missing > 0 else 0.0

    def take(self, name: str, amount: float) -> None:
        """Takes it, whatever is left."""
        name = self._counted(name)
        self._buckets[name] = (self._held(name) - amount, self._clock())
        self._buckets.move_to_end(name)

    def __len__(self) -> int:
        return len(self._buckets)

    def _held(self, name: str) -> float:
        held, since_s = self._buckets.get(name, (self._burst, self._clock()))
        return min(self._burst, held + (self._clock() - since_s) * self._per_s)

    def _counted(self, name: str) -> str:
        """The name, or the one that those share for whom there is no room."""
        if name in self._buckets or len(self._buckets) < self._names_max:
            return name
        oldest = next(iter(self._buckets))
        if oldest == SHARED or self._held(oldest) < self._burst:
            return SHARED
        del self._buckets[oldest]
        return name


class Open:
    """What is held open, by several names at once, each with a bound of its own (connections, streams)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def enter(self, bounds: Sequence[tuple[str, int]]) -> str | None:
        """Counts one more under each name; or the name whose bound is reached, and nothing is counted."""
        for name, count_max in bounds:
            if self._counts[name] >= count_max:
                self._drop_empty(name)
                return name
        for name, _ in bounds:
            self._counts[name] += 1
        return None

    def leave(self, bounds: Sequence[tuple[str, int]]) -> None:
        """Counts one less under each name."""
        for name, _ in bounds:
            self._counts[name] -= 1
            self._drop_empty(name)

    def count(self, name: str) -> int:
        """How many are open under the name."""
        return self._counts.get(name, 0)

    def _drop_empty(self, name: str) -> None:
        if self._counts[name] <= 0:
            del self._counts[name]
