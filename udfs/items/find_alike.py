"""Which items lie near what was touched: by their vectors, newcomers that no session taught too."""

from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from models.vectors import KEPT_MAX, ItemVectors, Vector, Vectors, cosines, given_vector, unit
from schemas.items import Item
from udfs.by_identity import by_identity
from udfs.knowledge.item_statistics import ALL
from udfs.moment import Moment
from udfs.session.follow_session import touched_items

FEW: Final = 5
"""Touched items that say what is sought, those touched last first; each counts by 1 / its place."""
NEWCOMERS_MAX: Final = 500
"""Items that no session taught: so many are looked at, the newest."""
LOOKED_AT_MAX: Final = 1_000
"""Of the catalogue's newest items so many are looked at for newcomers."""


class Placed(NamedTuple):
    """Items, and (n, dimensions) where they lie."""

    item_ids: tuple[str, ...]
    rows: Vectors


def find_alike(moment: Moment, vectors: ItemVectors | None) -> list[str]:
    """The items nearest to the few that were touched last, the nearest first; none where nothing was touched.

    Where no vectors were learnt those nearest to the last one by the embeddings that the operator gave, of the catalogue's newest items.
    """
    if vectors is None:
        return _by_embedding(moment)
    touched = touched_items(moment.context, moment.state)[:FEW]
    sought = middle_of(vectors, touched, [moment.item(one) for one in touched])
    if sought is None:
        return []
    of_each = (vectors.nearest(one, moment.item(one)) for one in touched)
    known = [*dict.fromkeys(one for near in of_each for one in near)]
    newcomers = newcomers_of(moment, vectors)
    near = np.concatenate(
        [cosines(vectors.rows_of(known, [None] * len(known)), sought), cosines(newcomers.rows, sought)]
    )  # fmt: skip
    ids, seen = [*known, *newcomers.item_ids], {*touched}
    ordered = sorted(range(len(ids)), key=lambda at: (-near[at], ids[at]))
    return [ids[at] for at in ordered if near[at] > 0.0 and ids[at] not in seen]


def _by_embedding(moment: Moment) -> list[str]:
    last = moment.item(next(reversed(moment.context.items), None))
    if last is None or not last.embedding:
        return []
    embedded = _embedded(moment, len(last.embedding))
    near = cosines(embedded.rows, embedding_of(last))
    ids = embedded.item_ids
    ordered = sorted(range(len(ids)), key=lambda at: (-near[at], ids[at]))
    return [ids[at] for at in ordered if near[at] > 0.0 and ids[at] != last.item_id]


def _embedded(moment: Moment, width: int) -> Placed:
    """The catalogue's newest items that have an embedding of that width."""
    catalogue, now_ms = moment.knowledge.catalogue, moment.now_ms

    def found() -> list[Placed]:
        newest = islice(catalogue.newest(ALL, now_ms), LOOKED_AT_MAX)
        items = [one for one in newest if len(one.embedding) == width]
        rows = np.array([embedding_of(one) for one in items], np.float32).reshape(-1, width)
        return [Placed(tuple(one.item_id for one in items), rows)]

    (one,) = catalogue.settled(("embedded", str(width)), now_ms, found)
    return one


@by_identity(KEPT_MAX)
def embedding_of(item: Item) -> Vector:
    """The embedding that the operator gave an item, of unit length."""
    return given_vector(item)


def middle_of(
    vectors: ItemVectors, item_ids: Sequence[str], items: Sequence[Item | None]
) -> Vector | None:
    """Between the first FEW items, the first counting most; None where none of them is known."""
    rows = vectors.rows_of(item_ids[:FEW], items[:FEW])
    middle = np.zeros(vectors.dimensions, np.float32)
    for place, row in enumerate(rows, start=1):
        middle += row / np.float32(place)
    return unit(middle[None, :])[0] if middle.any() else None


def newcomers_of(moment: Moment, vectors: ItemVectors) -> Placed:
    """The catalogue's newest items that no session taught, as far as what is said of them tells where they lie."""
    catalogue, now_ms = moment.knowledge.catalogue, moment.now_ms

    def found() -> list[Placed]:
        newest = islice(catalogue.newest(ALL, now_ms), LOOKED_AT_MAX)
        new = islice((one for one in newest if not vectors.is_learnt(one.item_id)), NEWCOMERS_MAX)
        items = [one for one in new if vectors.of(one.item_id, one) is not None]
        ids = tuple(one.item_id for one in items)
        return [Placed(ids, vectors.rows_of(ids, items))]

    (one,) = catalogue.settled(("newcomers", vectors.version), now_ms, found)
    return one
