"""Lists with a planted bias: what is wanted is known, and so is how likely each place is looked at."""

from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.learning.examination import Shows
from models.learning.example_file import ExampleWriter
from models.scorer import FeatureSpace, Matrix

ITEMS: Final = 8
PLANTED: Final = 1.0 / np.arange(1, ITEMS + 1)
"""The chance that a place is looked at falls as 1 / place (the first one's is 1)."""
EVEN: Final = np.ones(ITEMS)
NAMES: Final = ("wanted", "put_first", "noise")
SPACE: Final = FeatureSpace(NAMES, NAMES)
WANTED, PUT_FIRST, NOISE = range(SPACE.count)

Floats = NDArray[np.float64]


class ShownList(NamedTuple):
    """`features` of its items, and how much each is wanted (`relevance`), in the order of the candidates; `order`: which of them stands at each place;
    `taken`: the place from 0 that was clicked.
    """

    features: Matrix
    relevance: Floats
    order: NDArray[np.int64]
    is_random: bool
    taken: int | None


def shown_lists(
    count: int, seed: int, examined: Floats = PLANTED, random_share: float = 0.3
) -> list[ShownList]:
    """Lists of a ranker that puts first what nobody wants for that, but for a share in random order. Who looks at a place takes what is wanted there."""
    chance = np.random.default_rng(seed)
    lists = []
    for _ in range(count):
        features = chance.random((ITEMS, SPACE.count)).astype(np.float32)
        relevance = 0.02 + 0.38 * features[:, WANTED].astype(np.float64) ** 2
        is_random = chance.random() < random_share
        by = chance.random(ITEMS) if is_random else -features[:, PUT_FIRST]
        order = np.argsort(by, kind="stable")
        clicked = np.flatnonzero(chance.random(ITEMS) < examined * relevance[order])
        taken = int(chance.choice(clicked)) if len(clicked) else None
        lists.append(ShownList(features, relevance, order, is_random, taken))
    return lists


def in_random_order(lists: list[ShownList]) -> Shows:
    """What the lists in random order tell: how often each place was clicked."""
    shuffled = [one for one in lists if one.is_random]
    clicks = Counter(one.taken for one in shuffled if one.taken is not None)
    places = np.arange(ITEMS)
    shown = np.full(ITEMS, float(len(shuffled)))
    return Shows(
        np.zeros(ITEMS, np.int64),
        places,
        shown,
        np.array([float(clicks[at]) for at in range(ITEMS)]),
    )


def swapped(
    count: int, seed: int, examined: Floats = PLANTED, queries: int = 30, rankers: int = 3
) -> Shows:
    """The same items of some queries at the places of several rankers, each of which knows a little of what is wanted."""
    chance = np.random.default_rng(seed)
    relevance = chance.beta(1.0, 4.0, (queries, ITEMS))
    guesses = relevance + chance.normal(0.0, 0.2, (rankers, queries, ITEMS))
    orders = np.argsort(-guesses, axis=2)
    drawn = orders[
        chance.integers(rankers, size=count), (query := chance.integers(queries, size=count))
    ]
    is_clicked = chance.random((count, ITEMS)) < examined * relevance[query[:, None], drawn]
    at = (query[:, None] * ITEMS + drawn) * ITEMS + np.arange(ITEMS)
    shown = np.bincount(at.ravel(), minlength=queries * ITEMS * ITEMS).astype(np.float64)
    clicks = np.bincount(at.ravel()[is_clicked.ravel()], minlength=len(shown)).astype(np.float64)
    seen = np.flatnonzero(shown)
    return Shows(seen // ITEMS, seen % ITEMS, shown[seen], clicks[seen])


def write_taken(path: Path, lists: list[ShownList]) -> NDArray[np.int64]:
    """A file of the lists that something was taken of; the places where it was, in their order."""
    taken = [one for one in lists if one.taken is not None]
    with ExampleWriter(path, SPACE) as writer:
        for at, one in enumerate(taken):
            writer.add(1_000 * at, f"s{at}", f"d{at}", one.features, int(one.order[one.taken]))
    return np.array([one.taken for one in taken], dtype=np.int64)
