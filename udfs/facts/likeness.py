"""Likeness: how near items lie to what was touched, by the vectors that sessions, and what is said of new items, teach (models/vectors.py)."""

from math import nan
from typing import Final

import numpy as np

from models.vectors import Vector, Vectors, cosines
from udfs.facts.fact import Column, Room, feature
from udfs.facts.view import View, once, rank_of
from udfs.items.find_alike import FEW, embedding_of, middle_of


@once
def _rows(v: View) -> Vectors | None:
    """Where each candidate lies; None where no vectors were learnt."""
    return v.vectors.rows_of(v.ids, v.items) if v.vectors is not None else None


def _near(v: View, vector: Vector | None) -> Column:
    """The cosine of each candidate with a vector; missing where the candidate, or the vector, is not known."""
    rows = _rows(v)
    if rows is None or vector is None:
        return nan
    return np.where(rows.any(axis=1), cosines(rows, vector), nan)


def _middle(v: View, item_ids: list[str]) -> Vector | None:
    if v.vectors is None or not item_ids:
        return None
    return middle_of(v.vectors, item_ids, [v.moment.item(one) for one in item_ids])


@once
def _few(v: View) -> Column:
    return _near(v, _middle(v, [*reversed(v.context.items)][:FEW]))


def _last(v: View) -> Column:
    return _near(v, _middle(v, [*reversed(v.context.items)][:1]))


def _rank(v: View) -> Column:
    few = _few(v)
    return nan if isinstance(few, float) else np.where(np.isnan(few), nan, rank_of(-few))


def _person(v: View) -> Column:
    return _near(v, _middle(v, [*reversed(v.state.recent_items)][:FEW]))


def _is_taught(v: View) -> Column:
    if v.vectors is None:
        return nan
    return np.array([float(v.vectors.is_learnt(one)) for one in v.ids])


def _embedding(v: View) -> Column:
    last = v.moment.item(next(reversed(v.context.items), None))
    if last is None or not last.embedding:
        return nan
    width = len(last.embedding)
    rows = np.zeros((v.count, width), np.float32)
    for at, one in enumerate(v.items):
        if one is not None and len(one.embedding) == width:
            rows[at] = embedding_of(one)
    return np.where(rows.any(axis=1), cosines(rows, embedding_of(last)), nan)


FACTS: Final = (
    feature("vector_last", "session_item", "cosine of its vector with that of the item touched last", _last),
    feature("vector_few", "session_item", "the same with the few touched last, the last counting most", _few),
    feature("vector_rank", "session_item", "its place by that among the candidates", _rank),
    feature("person_vector", "person_item", "cosine with what the person touched last, in whatever visit", _person),
    feature("embedding_last", "session_item", "cosine of the embedding that its owner gave it with that of the item touched last", _embedding),
    feature("vector_taught", "item", "whether sessions taught its vector, not only what is said of it", _is_taught),
)  # fmt: skip

ROOM: Final = Room("likeness", FACTS)
