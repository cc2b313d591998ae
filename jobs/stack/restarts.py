"""How often a child that ended is started again: at once, then after pauses that double, then slowly and for ever."""

import signal
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

PAUSES_S: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Before the first, second … start again of a child that ends each time before STEADY_S are over."""
SLOW_S: Final = 30.0
"""After those: it is failing, and started twice a minute at most."""
STEADY_S: Final = 60.0
"""A child that ran for so long begins anew with PAUSES_S."""


class Ending(msgspec.Struct, frozen=True):
    """When a child ended by itself, and why in one line."""

    at_ms: int
    reason: str


class Restarts(NamedTuple):
    """How often a child ended by itself, and how often in a row while it was young."""

    times: int = 0
    in_a_row: int = 0

    def after(self, ran_s: float) -> "Restarts":
        """Once it has ended again, having run for so long."""
        return Restarts(self.times + 1, 1 if ran_s >= STEADY_S else self.in_a_row + 1)

    def steady(self) -> "Restarts":
        """Once it has run for STEADY_S."""
        return self._replace(in_a_row=0)

    @property
    def pause_s(self) -> float:
        """How long the next start waits after the end."""
        return SLOW_S if self.is_failing else PAUSES_S[max(0, self.in_a_row - 1)]

    @property
    def is_failing(self) -> bool:
        """Whether it has used up its quick starts."""
        return self.in_a_row > len(PAUSES_S)


def ending_now(reason: str) -> Ending:
    """An ending at this moment."""
    return Ending(time.time_ns() // 1_000_000, reason)


def reason_of(exit_code: int, cause: str, log: Path) -> str:
    """Why a child ended, in one line: what a signal ended had no time to log a cause."""
    if exit_code < 0:
        return f"ended by signal {-exit_code} ({signal.Signals(-exit_code).name})"
    return f"ended with code {exit_code}: {cause} ({log})"
