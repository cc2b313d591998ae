"""The caller: what the sender of a list says of its candidates."""

from math import nan
from typing import Final

import numpy as np

from udfs.facts.fact import Column, Room, feature
from udfs.facts.slate import position
from udfs.facts.view import View, once

LARGEST: Final = float(np.finfo(np.float32).max)
"""A vector is of float32: what a caller says beyond it would be infinite."""


def _said(v: View, slot: int) -> Column:
    """The caller's feature whose name is in place `slot` of all the names given, in their order."""
    if slot >= len(_names(v)):
        return nan
    name = _names(v)[slot]
    given = [one.given.features.get(name) if one.given else None for one in v.candidates]
    values = np.array([nan if one is None else one for one in given])
    return np.minimum(np.maximum(values, -LARGEST), LARGEST)


@once
def _names(v: View) -> list[str]:
    return sorted({name for one in v.event.candidates for name in one.features})


FACTS: Final = (
    feature("caller_position", "caller", "its place in the caller's list, from 0", position),
    feature("caller_feature_0", "caller", "the caller's own features, in the order of their names", lambda v: _said(v, 0)),
    feature("caller_feature_1", "caller", "the second of them", lambda v: _said(v, 1)),
    feature("caller_feature_2", "caller", "the third", lambda v: _said(v, 2)),
    feature("caller_feature_3", "caller", "the fourth; further ones are not used", lambda v: _said(v, 3)),
)  # fmt: skip

ROOM: Final = Room("caller", FACTS)
