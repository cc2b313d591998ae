"""The features: the columns that models read, by name, with entity, purpose, meaning and how they are computed.

A decision's matrix has one row per candidate and one column for each feature that its scorer reads; NaN =
missing. Ages and values are as of the event that asks, after it was counted; what the stream learnt is as of
the epoch the decision names: nothing later is in them. A model names its columns, and is refused where one of them is
not here or means something else.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.scorer import FeatureSpace, Matrix
from udfs.facts.fact import Compute, Fact
from udfs.facts.rooms import FACTS
from udfs.facts.view import View

FEATURES: Final = tuple(one for one in FACTS if one.feature)


def space_of(features: Sequence[Fact]) -> FeatureSpace:
    """The columns, each defined by what changes when it means something else."""
    said = (f"{one.feature} {one.entity} {one.version} {one.meaning}" for one in features)
    return FeatureSpace(tuple(one.feature for one in features), tuple(said))


FEATURE_SPACE: Final = space_of(FEATURES)
COLUMNS: Final[dict[str, Compute]] = {one.feature: one.column for one in FEATURES if one.column}
"""How each column is computed, by name."""


def compute_features(view: View, names: Sequence[str] = FEATURE_SPACE.names) -> Matrix:
    """(candidates, names) float32, C order: the vectors of one decision; nothing else is computed."""
    columns = np.empty((len(names), view.count), dtype=np.float32)
    if view.count:
        for index, name in enumerate(names):
            columns[index] = COLUMNS[name](view)
    return np.ascontiguousarray(columns.T)


def columns_of(features: Matrix, names: Sequence[str]) -> Matrix:
    """Of a matrix with all features those columns alone, in the order in which they are named."""
    return np.ascontiguousarray(features[:, [FEATURE_SPACE.places[name] for name in names]])
