"""How often a key or a session may ask: token buckets, bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BUCKETS_MAX: Final = 50_000
"""Keys and sessions that are counted; the one that asked longest ago begins anew."""


class Rates:
    """A bucket for each name: `per_s` flow in, at most `burst` are in it, each request takes one."""

    def __init__(
        self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """0 = it may (and has); else in how many seconds it may again."""
        now_s = self._clock()
        held, since_s = self._buckets.get(name, (self._burst, now_s))
        held = min(self._burst, held + (now_s - since_s) * self._per_s)
        wait_s = 0.0 if held >= 1.0 else (1.0 - held) / self._per_s
        self._buckets[name] = (held if wait_s else held - 1.0, now_s)
        self._buckets.move_to_end(name)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return wait_s
