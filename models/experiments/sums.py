"""Sums over an arm's units of one metric: all that its statistics need, so no unit has to be kept.

They are whole numbers, so that they are the same in whatever order units come, and what is taken out leaves nothing behind: live, replay and fold agree
to the last digit.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

QUANTUM: Final = 1_000_000
"""A unit's values count in millionths: finer than any money, and than what is measured of visits."""


class Values(NamedTuple):
    """What one unit (a person, a session) came to. A metric is the sum of `above` by the sum of `below` over units.

    `below` is 1 where the unit itself is counted, as in revenue per person; else, say, a person's sessions. `before`: the covariate of CUPED, which
    may depend on nothing that happened in the experiment.
    """

    above: float
    below: float = 1.0
    before: float = 0.0


class Moments(NamedTuple):
    """Means, variances and covariances (by n - 1; 0 of one unit) of the units of an arm; `y` above, `d` below, `x` before."""

    units: int
    y: float
    d: float
    x: float
    yy: float
    dd: float
    xx: float
    yd: float
    yx: float
    dx: float


class Sums(NamedTuple):
    """Of units' values in millionths: how many, their sums, sums of squares and of products."""

    units: int = 0
    y: int = 0
    d: int = 0
    x: int = 0
    yy: int = 0
    dd: int = 0
    xx: int = 0
    yd: int = 0
    yx: int = 0
    dx: int = 0

    def __add__(self, other: tuple[int, ...]) -> "Sums":  # type: ignore[override]
        """Those of both together."""
        return Sums(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __sub__(self, other: "Sums") -> "Sums":
        """Those without the other's units, which are in here."""
        return Sums(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


def sums_of(values: Values) -> Sums:
    """Those of one unit."""
    y, d, x = (round(one * QUANTUM) for one in values)
    return Sums(1, y, d, x, y * y, d * d, x * x, y * d, y * x, d * x)


def add(sums: Sums, values: Values) -> Sums:
    """With one more unit."""
    return sums + sums_of(values)


def replace(sums: Sums, before: Values, after: Values) -> Sums:
    """Where a unit that is in it came to more, or to less, than was known before."""
    return sums - sums_of(before) + sums_of(after)


def total(units: Iterable[Values]) -> Sums:
    """Those of several units."""
    found = Sums()
    for one in units:
        found = add(found, one)
    return found


def moments(sums: Sums) -> Moments:
    """Raises ValueError where there is no unit. Differences are taken of whole numbers, so no digits are lost between large ones."""
    n = sums.units
    if n < 1:
        raise ValueError("there is no unit in it")

    def spread(product: int, one: int, other: int) -> float:
        return (n * product - one * other) / (n * (n - 1) * QUANTUM**2) if n > 1 else 0.0

    y, d, x = sums.y, sums.d, sums.x
    return Moments(
        n, y / (n * QUANTUM), d / (n * QUANTUM), x / (n * QUANTUM),
        spread(sums.yy, y, y), spread(sums.dd, d, d), spread(sums.xx, x, x),
        spread(sums.yd, y, d), spread(sums.yx, y, x), spread(sums.dx, d, x),
    )  # fmt: skip
