"""Alert: an hour in which a KPI was not as in the same hours of past weeks, and why; one Avro record of topic `alerts`. It holds sums over people, and nobody's data."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.limits import HOUR_MS
from schemas.numbers import Finite, Line, Moment, Name
from schemas.outcome_limits import ALERT_PAST_MAX

Direction = Literal["less", "more"]
CHANGE_MIN: Final = 0.2
"""Where there is much traffic, less than this is no incident, however sure."""


class Off(Struct, frozen=True):
    """How far a cell is off in an hour: `errors` standard errors of what past weeks let one expect. `expected` and `value` are counts or amounts, of a share the counts of what it
    counts, and `of` then how many there were.
    """

    value: Finite
    expected: Finite
    of: Finite | None
    errors: Finite

    @property
    def is_large(self) -> bool:
        """Whether it is more than what is called a change."""
        return abs(self.value - self.expected) >= CHANGE_MIN * self.expected


class Cause(Struct, frozen=True):
    """The cell (dimension and value) that explains most: `share` of the deviation is its own, and `left`: standard errors by which the rest without it is off."""

    dimension: Line
    value: Line
    off: Off
    share: Finite
    left: Finite

    @property
    def cell(self) -> tuple[str, str]:
        """Dimension and value."""
        return self.dimension, self.value


class Alert(Struct, frozen=True):
    """`alert_id` is a hash of hour, KPI, direction and what it is told of: whoever judges the same outcomes again finds the same one. `dimension` and `value`: the cell that
    is off. `currency` None: it is no money. `cause` None: it is everywhere alike. `past`: what the same hours of past weeks had, the newest first.
    """

    alert_id: Name
    hour_ms: Moment
    """When the hour begins."""
    kpi: Line
    direction: Direction
    is_bad: bool
    dimension: Line
    value: Line
    off: Off
    cause: Cause | None
    past: Annotated[tuple[Finite, ...], Meta(max_length=ALERT_PAST_MAX)]
    currency: Line | None = None

    @property
    def cell(self) -> tuple[str, str]:
        """Dimension and value."""
        return self.dimension, self.value

    @property
    def hour(self) -> int:
        """Since 1970."""
        return self.hour_ms // HOUR_MS
