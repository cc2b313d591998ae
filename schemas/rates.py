"""Rates and counts as settings say them: `50/200`."""

from typing import NamedTuple


class Rate(NamedTuple):
    """So much a second on average, and so much at once."""

    per_s: float
    burst: float

    def __str__(self) -> str:
        return f"{self.per_s:g}/{self.burst:g}"


class Shares(NamedTuple):
    """At most so many in all, with one key, from one address."""

    total: int
    key: int
    address: int

    def __str__(self) -> str:
        return f"{self.total}/{self.key}/{self.address}"
