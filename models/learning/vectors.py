"""Item vectors learnt from sessions, and the map from what is said of an item to where it lies.

Items that are touched near each other in many sessions lie near each other: the positive pointwise mutual information of touches at most WINDOW apart,
the context smoothed, cut down to its first singular vectors, each weighted by the root of its singular value. That is what skip-gram with negative sampling
factorises (Levy and Goldberg, NIPS 2014); the settings are those that were best over all tasks in Levy, Goldberg and Dagan (TACL 2015).

New items: TF-IDF of hashed words, cut down likewise, and the embeddings that operators give are mapped to these vectors by ridge regression on items
that have both (Gantner et al., ICDM 2010). Where no session taught any, what is said makes the vectors alone.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from models.vectors import (
    BUCKETS,
    NEIGHBOURS,
    ItemVectors,
    VectorTable,
    given_vector,
    place_of,
    said_of,
    unit,
)
from schemas.items import Item
from schemas.limits import VECTORS_MAX

DIMENSIONS: Final = 64
WINDOW: Final = 5
SMOOTHED: Final = 0.75
"""The power of a context's count, so that rare ones do not look like the surest company."""
SESSIONS_MIN: Final = 3
"""In fewer sessions with another item an item has no vector of its own."""
ITEMS_MIN: Final = 16
"""With fewer items there is nothing to learn."""
TOUCHES_MAX: Final = 5_000_000
"""Touches that are learnt from, the newest."""
SAID_DIMENSIONS: Final = 128
SAID_ITEMS_MAX: Final = 20_000
"""Items whose words are learnt from: those that were touched most, then the others by their ids."""
RIDGE: Final = 0.05
"""What holds the map down, as a share of the mean square of what it maps."""
BLOCK: Final = 1_024

Floats = NDArray[np.float64]


class Sessions:
    """The items of sessions, in the order in which the sessions ended; beyond TOUCHES_MAX touches the oldest go."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.count = 0
        self._touches = array("i")
        self._lengths = array("i")

    def add(self, item_ids: Sequence[str]) -> None:
        """One session; of one item it says nothing."""
        if len(item_ids) < 2:
            return
        self.count += 1
        self._touches.extend(self.ids.setdefault(one, len(self.ids)) for one in item_ids)
        self._lengths.append(len(item_ids))
        if len(self._touches) > 2 * TOUCHES_MAX:
            self._forget()

    def touches(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(touches,) the number of the item and of the session of each."""
        self._forget()
        lengths = np.frombuffer(self._lengths, np.int32)
        return (
            np.frombuffer(self._touches, np.int32).astype(np.int64),
            np.repeat(np.arange(len(lengths)), lengths),
        )

    def _forget(self) -> None:
        gone = sessions = 0
        while len(self._touches) - gone > TOUCHES_MAX:
            gone += self._lengths[sessions]
            sessions += 1
        if sessions:
            self._touches, self._lengths = self._touches[gone:], self._lengths[sessions:]


class _Learnt(NamedTuple):
    """The items with vectors of their own, those in most sessions first."""

    ids: tuple[str, ...]
    rows: Floats


NOTHING: Final = _Learnt((), np.empty((0, DIMENSIONS)))


def fit_vectors(
    sessions: Sessions, items: Mapping[str, Item], *, has_neighbours: bool = True
) -> VectorTable | None:
    """Fits what the sessions tell, and what is said of `items`; None where that is too little.

    `has_neighbours`: the nearest of each item are found at once, so that serving need not.
    """
    learnt = _from_sessions(sessions) or NOTHING
    maps = _from_what_is_said(learnt, items)
    if not learnt.ids and not maps:
        return None
    rows = learnt.rows.astype(np.float16).tobytes()
    said = {"dimensions": learnt.rows.shape[1]} | maps
    table = VectorTable(item_ids=learnt.ids, rows=rows, sessions=sessions.count, **said)
    return _with_neighbours(table) if has_neighbours and learnt.ids else table


def _from_sessions(sessions: Sessions) -> _Learnt | None:
    from scipy.sparse.linalg import svds

    numbers, of_session = sessions.touches()
    kept = _frequent(numbers, of_session, len(sessions.ids))
    if len(kept) < ITEMS_MIN:
        return None
    places = np.full(len(sessions.ids), -1)
    places[kept] = np.arange(len(kept))
    is_kept = places[numbers] >= 0
    company = _company(_met(places[numbers[is_kept]], of_session[is_kept], len(kept)))
    if not company.nnz:
        return None
    # the start is fixed: the same sessions give the same vectors
    left, values, _ = svds(company, k=min(DIMENSIONS, len(kept) - 1), v0=np.ones(len(kept)))
    names = list(sessions.ids)
    rows = unit(left * np.sqrt(np.maximum(values, 0.0)))
    return _Learnt(tuple(names[number] for number in kept), rows)


def _met(numbers: NDArray[np.int64], of_session: NDArray[np.int64], count: int) -> Any:
    """(count, count) sparse: how often two items were touched at most WINDOW apart, by 1 / steps."""
    from scipy.sparse import coo_array

    pairs, weights = [np.empty((2, 0), np.int64)], [np.empty(0)]
    for steps in range(1, WINDOW + 1):
        one, other = numbers[:-steps], numbers[steps:]
        is_pair = (of_session[:-steps] == of_session[steps:]) & (one != other)
        found = np.stack([one[is_pair], other[is_pair]])
        pairs += [found, found[::-1]]
        weights.append(np.full(2 * found.shape[1], 1.0 / steps))
    rows, columns = np.concatenate(pairs, axis=1)
    return coo_array((np.concatenate(weights), (rows, columns)), shape=(count, count)).tocsr()


def _company(met: Any) -> Any:
    """The positive pointwise mutual information of what met, sparse."""
    from scipy.sparse import csr_array

    own = met.sum(axis=1)
    context = own**SMOOTHED
    found = met.tocoo()
    shares = np.log(found.data * context.sum() / (own[found.row] * context[found.col]))
    is_more = shares > 0.0
    return csr_array((shares[is_more], (found.row[is_more], found.col[is_more])), shape=met.shape)


def _frequent(numbers: NDArray[np.int64], of_session: NDArray[np.int64], size: int) -> NDArray[np.int64]:  # fmt: skip
    """The items in at least SESSIONS_MIN sessions, those in most first, VECTORS_MAX at most."""
    pairs = np.unique(of_session * size + numbers) if len(numbers) else numbers
    counts = np.bincount(pairs % size, minlength=size) if len(pairs) else np.zeros(size, np.int64)
    order = np.argsort(-counts, kind="stable")[:VECTORS_MAX]
    found: NDArray[np.int64] = order[counts[order] >= SESSIONS_MIN]
    return found


class _Said(NamedTuple):
    """(items, width) where each item lies by what is said of it, and (what, width) what that is made of."""

    places: Floats
    basis: Floats


def _from_what_is_said(learnt: _Learnt, items: Mapping[str, Item]) -> dict[str, Any]:
    """The maps of a VectorTable; none where too little is said."""
    taught = [number for number, one in enumerate(learnt.ids) if one in items][:SAID_ITEMS_MAX]
    others = sorted(items.keys() - {*learnt.ids})[: SAID_ITEMS_MAX - len(taught)]
    said = [items[one] for one in (*(learnt.ids[number] for number in taught), *others)]
    if len(taught if learnt.ids else said) < ITEMS_MIN:
        return {}
    words, rarity = _words(said)
    given = _given(said)
    places = np.hstack([words.places, given.places])
    if learnt.ids:
        onto = _ridge(places[: len(taught)], learnt.rows[taught])
    else:  # what is said alone: its own first directions
        onto = np.eye(places.shape[1])[:, :DIMENSIONS]
    width = words.places.shape[1]
    dimensions = onto.shape[1]
    found: dict[str, Any] = {"dimensions": dimensions}
    if words.basis.size:
        found["words"] = (words.basis @ onto[:width]).astype(np.float16).tobytes()
        found["rarity"] = rarity.astype(np.float32).tobytes()
    if given.basis.size:
        found["given"] = onto[width:].astype(np.float16).tobytes()
        found["given_dimensions"] = len(given.basis)
    return found if len(found) > 1 else {}


def _words(said: Sequence[Item]) -> tuple[_Said, Floats]:
    """Where items lie by their words, and (BUCKETS,) how rare each place of words is; 0 = no item has it."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    of_items = [list(dict.fromkeys(map(place_of, said_of(item)))) for item in said]
    places = np.fromiter((place for one in of_items for place in one), np.int64)
    ends = np.cumsum([0, *map(len, of_items)])
    counts = np.bincount(places, minlength=BUCKETS)
    rarity = np.where(counts > 0, np.log((1 + len(said)) / (1 + counts)) + 1.0, 0.0)
    matrix = csr_array((rarity[places], places, ends), shape=(len(said), BUCKETS))
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)))
    matrix = csr_array((matrix.data / np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(ends)), places, ends), shape=matrix.shape)  # fmt: skip
    width = min(SAID_DIMENSIONS, len(said) - 1, np.count_nonzero(counts) - 1)
    if width < 1:
        return _Said(np.empty((len(said), 0)), np.empty((0, 0))), rarity
    _, _, right = svds(matrix, k=width, v0=np.ones(min(matrix.shape)))
    basis = right[::-1].T  # the strongest first
    return _Said(matrix @ basis, basis), rarity


def _given(said: Sequence[Item]) -> _Said:
    """Where items lie by the embeddings that operators gave, of the length that most have."""
    lengths = Counter(len(item.embedding) for item in said if item.embedding)
    if not lengths:
        return _Said(np.empty((len(said), 0)), np.empty((0, 0)))
    width = max(lengths, key=lambda one: (lengths[one], one))
    rows = np.zeros((len(said), width))
    for at, item in enumerate(said):
        if len(item.embedding) == width:
            rows[at] = given_vector(item)
    return _Said(rows, np.eye(width))


def _ridge(places: Floats, rows: Floats) -> Floats:
    """(width, dimensions) that maps places onto rows with least squares, held down."""
    squares = places.T @ places
    width = len(squares)
    held = RIDGE * np.trace(squares) / width + 1e-9
    found: Floats = np.linalg.solve(squares + held * np.eye(width), places.T @ rows)
    return found


def _with_neighbours(table: VectorTable) -> VectorTable:
    rows = ItemVectors(table).rows
    count = min(NEIGHBOURS, len(rows) - 1)
    near = np.empty((len(rows), count), np.int32)
    for first in range(0, len(rows), BLOCK):
        found = rows[first : first + BLOCK] @ rows.T
        here = np.arange(len(found))
        found[here, here + first] = -np.inf
        best = np.argpartition(-found, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(found, best, axis=1), axis=1, kind="stable")
        near[first : first + BLOCK] = np.take_along_axis(best, order, axis=1)
    return replace(table, neighbours=near.tobytes())
