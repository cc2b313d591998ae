"""Places in a topic, and the range of a log that a replay reads."""

from msgspec import Struct

Offsets = dict[int, int]
"""Offsets by partition."""


class ReplayRange(Struct, frozen=True):
    """What a replay reads of `events`: [starts, ends) by partition. No timer after `end_ms` acts.

    `own`: topics that it reads under its own prefix instead of the log's. `rate`: records a second
    that it takes at most; None = as many as it can. `drift_ms`: how far a partition is read ahead of
    the slowest; None = any. `is_held`: at its end it stands still, all its state kept, until it is
    stopped; else it ends by itself. `part`: which one this is of the ranges that follow each other.
    `bell`: an empty topic that the source has never seen; set where it goes on from a checkpoint.
    """

    starts: Offsets
    ends: Offsets
    end_ms: int
    own: tuple[str, ...] = ()
    rate: int | None = None
    drift_ms: int | None = None
    is_held: bool = False
    part: int = 0
    bell: str | None = None

    @property
    def count(self) -> int:
        """How many offsets the range has: records, and a few that are none (transactions)."""
        return sum(end - self.starts[at] for at, end in self.ends.items())
