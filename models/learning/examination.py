"""Examination: how likely people look at a place of a list, beside its first one, whatever stands there.

Taken is what was looked at and wanted: of a thing g (what it is does not change with its place) at place k the chance of a click is
e(k) x r(g), the examination hypothesis (Richardson et al., WWW 2007; Joachims et al., WSDM 2017). Two things of a log tell e without r:
lists in random order, where any place is as likely to hold what is wanted (g: all lists of one length), and swaps, where the same thing was
shown at several places (g: query and item), which is intervention harvesting as AllPairs has it (Agarwal et al., WSDM 2019).

Of n(g, k) shows and c(g, k) clicks, r falls out once the clicks of g are given: they are spread over its places as n(g, k) e(k) / sum over j of
n(g, j) e(j). The e of the greatest likelihood is the fixed point of e(k) = sum over g of c(g, k) / sum over g of c(g) n(g, k) / sum over j of n(g, j) e(j)
(the MM algorithm of Hunter, Annals of Statistics 2004): all places of a thing at once, where AllPairs takes two of them at a time.

What was taken then counts 1 / e(k) (inverse propensity, Joachims et al., WSDM 2017), its whole decision with it, so that in the mean an item is taken as often as
it is wanted. Neutral at serving means: no column of a model says where the decision shows an item, so nothing has to be set to a constant there (as with a tower or
column of places: PAL, Guo et al., RecSys 2019; Zhao et al., RecSys 2019), and a vector in training is the one that was served, bit for bit. The place in a list that a
caller hands in stays a column: it is known before the decision, and what it tells of an item (the caller's own order) is left of it, once clicks are weighed.

Swaps are as good as their assumption: at which of its places an item stood must have had nothing to do with who looked for it (rankers, arms, boards that change), but for
the query. Of lists that are ordered for each person it does not hold: who wants an item finds it higher, and places seem to be worth more than they are.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from schemas.counted import counted

Floats = NDArray[np.float64]
Places = NDArray[np.signedinteger[Any]]

PLACES_MAX: Final = 50
"""Places that are told apart; further down all are as the last of them."""
PRIOR_CLICKS: Final = 1.0
"""So many clicks of a place that is looked at as the others are stand behind each: without any it is no 0."""
ROUNDS_MAX: Final = 2_000
CLOSE: Final = 1e-6
CLICKS_MIN: Final = 100
"""Clicks on things that were shown at two places or more; fewer tell nothing."""
LOG_ERROR_MAX: Final = 0.3
"""The standard error of the logarithm that a place may have: a third up or down. From the first place on that is less sure, all are as the one above."""
RISE_SURE: Final = 3.0
"""Standard errors by which a place must be looked at more than the one above to be so; else both are as their mean."""
WEIGHT_MAX: Final = 10.0
"""What was taken at a place that is hardly looked at counts so many times, and no more (clipped; Ionides 2008): one lucky click is no fact."""
Z_95: Final = 1.959963984540054

Curved = Annotated[tuple[float, ...], Meta(max_length=PLACES_MAX)]
Source = Literal["random", "swaps", "given"]


class Shows(NamedTuple):
    """(n,) each: at `places` from 0 `things` (numbered from 0) were shown `shown` times and clicked `clicks` times."""

    things: Places
    places: Places
    shown: Floats
    clicks: Floats


class Curve(Struct, frozen=True, kw_only=True):
    """`chances`: of each place from the first on that it is looked at, the first one's being 1; deeper ones are as the last. `low` to `high`: 95 %, empty where
    they were `given`. `effective`: so many clicks each place's chance rests on (1 / variance of its logarithm). Where there are `doubts` nothing is weighted by it.
    """

    placement: Annotated[str, Meta(max_length=256)]
    source: Source
    chances: Curved = ()
    low: Curved = ()
    high: Curved = ()
    effective: Curved = ()
    lists: int = 0
    clicks: int = 0
    doubts: Annotated[tuple[str, ...], Meta(max_length=10)] = ()

    @property
    def is_used(self) -> bool:
        """Whether what was taken is weighted by it."""
        return bool(self.chances) and not self.doubts

    def inverse(self, places: Places) -> Floats:
        """(n,) places from 0 -> how much more what was taken there counts than at the first: 1 / chance, at most WEIGHT_MAX."""
        if not self.is_used:
            return np.ones(len(places))
        chances = np.asarray(self.chances)
        inverse: Floats = np.minimum(
            1.0 / chances[np.minimum(places, len(chances) - 1)], WEIGHT_MAX
        )
        return inverse


class Examination(Struct, frozen=True, kw_only=True):
    """What a training knew of places: its curves, and what they did. `weighted` examples were taken in a list of a curve that is used; `clipped` of
    them count WEIGHT_MAX times (`clip`); all examples count as `effective` of weight 1 (Kish 1965).
    """

    curves: Annotated[tuple[Curve, ...], Meta(max_length=256)] = ()
    clip: float = WEIGHT_MAX
    weighted: int = 0
    clipped: int = 0
    effective: float = 0.0


class Weighed(NamedTuple):
    """`weights` of the examples in their order, None where all count alike; and what that rests on."""

    weights: Floats | None
    examination: Examination


def learn_curve(placement: str, source: Source, shows: Shows, lists: int) -> Curve:
    """The curve of what was shown, or the words why it is none."""
    shows = _telling(shows)
    clicks = int(shows.clicks.sum())
    told = Curve(placement=placement, source=source, lists=lists, clicks=clicks)
    if clicks < CLICKS_MIN:
        where = (
            "in lists in random order"
            if source == "random"
            else "on items that were shown at several places"
        )
        few = f"{counted(clicks, 'click')} {where}, and at least {CLICKS_MIN} are wanted"
        return replace(told, doubts=(few,))
    chances, expected, errors = _fitted(shows)
    sure = _sure_places(errors)
    if sure < 2:
        return replace(
            told, doubts=("too little was shown at the second place to compare it with the first",)
        )
    taken = np.bincount(shows.places, shows.clicks, len(chances))
    chances = _smoothed((taken + PRIOR_CLICKS)[:sure], (expected + PRIOR_CLICKS)[:sure])
    spread = np.exp(Z_95 * errors[:sure])
    effective = [float(taken[0]), *(1.0 / errors[1:sure] ** 2).tolist()]
    low, high = chances / spread, chances * spread
    return replace(
        told,
        chances=_plain(chances),
        low=_plain(low),
        high=_plain(high),
        effective=tuple(effective),
    )


def weights_of(
    curves: Sequence[Curve], placements: Sequence[str | None], places: Places
) -> Weighed:
    """Weights of examples that were taken at `places` of lists of `placements` (None: not in a list), and what they come to.

    Those of a placement are scaled to a mean of 1, so that together they count as much as before, beside the others and the bounds of training.
    """
    weights = np.ones(len(places))
    names = np.array([one or "" for one in placements], dtype=object)
    is_listed = np.array([one is not None for one in placements], dtype=bool)
    weighted = clipped = 0
    for curve in curves:
        mine = is_listed & (names == curve.placement)
        if not curve.is_used or not mine.any():
            continue
        inverse = curve.inverse(places[mine])
        weights[mine] = inverse / inverse.mean()
        weighted += int(mine.sum())
        clipped += int((inverse >= WEIGHT_MAX).sum())
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0
    return Weighed(
        weights if weighted else None,
        Examination(curves=tuple(curves), weighted=weighted, clipped=clipped, effective=effective),
    )


def _telling(shows: Shows) -> Shows:
    """Of things that were clicked and shown at two places or more, with everything below PLACES_MAX at its last place: the others tell nothing."""
    things, places = shows.things, np.minimum(shows.places, PLACES_MAX - 1)
    if not len(things):
        return shows
    clicks = np.bincount(things, shows.clicks)[things]
    several = np.bincount(
        np.unique(np.stack([things, places]), axis=1)[0], minlength=int(things.max()) + 1
    )[things]
    kept = (clicks > 0) & (several > 1)
    numbers = np.unique(things[kept], return_inverse=True)[1]
    return Shows(numbers, places[kept], shows.shown[kept], shows.clicks[kept])


def _fitted(shows: Shows) -> tuple[Floats, Floats, Floats]:
    """(places,) each: the chances, the clicks that would have come had each place a chance of 1, and the standard error of log(chance / the first's)."""
    things, places, shown, clicks = shows
    count = int(places.max()) + 1
    of_thing = np.bincount(things, clicks).astype(np.float64)
    taken = np.bincount(places, clicks, count)
    chances, expected = np.ones(count), np.zeros(count)
    for _ in range(ROUNDS_MAX):
        seen = np.bincount(things, shown * chances[places])
        expected[:] = np.bincount(places, of_thing[things] * shown / seen[things], count)
        before, chances = chances, (taken + PRIOR_CLICKS) / (expected + PRIOR_CLICKS)
        if np.abs(np.log(chances / chances[0]) - np.log(before / before[0])).max() < CLOSE:
            break
    seen = np.bincount(things, shown * chances[places])
    shares = shown * chances[places] / seen[things]
    return chances, expected, _errors(things, places, shares, of_thing, count)


def _errors(things: Places, places: Places, shares: Floats, of_thing: Floats, count: int) -> Floats:
    """By the information of the likelihood and of the prior; the first place's is 0."""
    from scipy.sparse import csr_array  # a moment that only training needs

    spread = csr_array((shares, (things, places)), shape=(len(of_thing), count))
    crossed = (spread.T @ (spread * of_thing[:, None])).toarray()
    information = np.diag(np.bincount(places, of_thing[things] * shares, count)) - crossed
    beside_first = information[1:, 1:] + PRIOR_CLICKS * np.eye(count - 1)
    return np.append(0.0, np.sqrt(np.diag(np.linalg.inv(beside_first))))


def _sure_places(errors: Floats) -> int:
    """How many places from the first on are known well enough."""
    unsure = np.flatnonzero(errors > LOG_ERROR_MAX)
    return int(unsure[0]) if len(unsure) else len(errors)


def _smoothed(taken: Floats, expected: Floats) -> Floats:
    """The ratio taken / expected of each place, the first being 1: places that rise by less than chance tells are pooled with those above (isotonic regression by
    pooling adjacent violators, Barlow et al. 1972), because lists are read from their first place on unless the log is sure of something else.
    """
    blocks: list[tuple[float, float, int]] = []
    for one in zip(taken.tolist(), expected.tolist(), [1] * len(taken), strict=True):
        blocks.append(one)
        while len(blocks) > 1 and _is_rise_by_chance(blocks[-2], blocks[-1]):
            last, above = blocks.pop(), blocks.pop()
            blocks.append((above[0] + last[0], above[1] + last[1], above[2] + last[2]))
    values = np.concatenate([np.full(size, clicks / base) for clicks, base, size in blocks])
    return np.asarray(values / values[0])


def _is_rise_by_chance(above: tuple[float, float, int], below: tuple[float, float, int]) -> bool:
    rise = log(below[0] / below[1]) - log(above[0] / above[1])
    return 0.0 < rise <= RISE_SURE * sqrt(1.0 / above[0] + 1.0 / below[0])


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(one) for one in values)
