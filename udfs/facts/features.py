"""The features: the columns that models read, by name, with entity, purpose, meaning and how they are computed.

A decision's matrix has one row per candidate and one column per feature, in the order of FEATURES; NaN =
missing. Ages and values are as of the event that asks, after it was counted; what the stream learnt is as of
the epoch the decision names: nothing later is in them. A model is trained on one FEATURE_SPACE.digest and
refused under another.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import numpy as np

from models.scorer import FeatureSpace, Matrix
from udfs.facts.fact import Compute, Fact
from udfs.facts.rooms import FACTS
from udfs.facts.view import View

FEATURES: Final = tuple(one for one in FACTS if one.feature)


def space_of(features: Sequence[Fact]) -> FeatureSpace:
    """The columns, and the hash of their definitions in this order."""
    said = "\n".join(f"{one.feature} {one.entity} {one.version} {one.meaning}" for one in features)
    digest = sha256(said.encode()).hexdigest()[:16]
    return FeatureSpace(tuple(one.feature for one in features), digest)


FEATURE_SPACE: Final = space_of(FEATURES)
FEATURE_INDEX: Final = {name: index for index, name in enumerate(FEATURE_SPACE.names)}
COLUMNS: Final[dict[str, Compute]] = {one.feature: one.column for one in FEATURES if one.column}
"""How each column is computed, by name."""


def compute_features(view: View, names: Sequence[str] = FEATURE_SPACE.names) -> Matrix:
    """(candidates, names) float32, C order: the vectors of one decision; nothing else is computed."""
    columns = np.empty((len(names), view.count), dtype=np.float32)
    if view.count:
        for index, name in enumerate(names):
            columns[index] = COLUMNS[name](view)
    return np.ascontiguousarray(columns.T)
