"""The features: the columns that models read, by name, with entity, purpose, meaning and how they are computed.

A decision's matrix has one row per candidate and one column for each feature that its scorer reads; NaN =
missing. Ages and values are as of the event that asks, after it was counted; what the stream learnt is as of
the epoch the decision names: nothing later is in them. A model names its columns and their versions, and is served by them
(models/serving.py), by former ones too (udfs/facts/former.py).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from models.scorer import FORMER_MARK, FeatureSpace, Matrix
from udfs.facts.fact import Compute, Fact
from udfs.facts.former import FORMER, GONE, RENAMED, Former
from udfs.facts.rooms import FACTS
from udfs.facts.view import View


def features_of(facts: Iterable[Fact], former: Sequence[Former]) -> tuple[Fact, ...]:
    """Those of the facts that models read, and behind them the former versions that are still computed."""
    found = {one.feature: one for one in facts if one.feature}
    before = (
        found[one.name]._replace(
            feature=f"{one.name}{FORMER_MARK}{one.version}", column=one.column, version=one.version,
            meaning=f"as `{one.name}` was computed before; until {one.until}, for models that read it", attribute="",
        )
        for one in former
    )  # fmt: skip
    return (*found.values(), *before)


def space_of(features: Sequence[Fact]) -> FeatureSpace:
    """The columns, each defined by what changes when it means something else."""
    said = (f"{one.feature} {one.entity} {one.version} {one.meaning}" for one in features)
    versions = tuple(one.version for one in features)
    return FeatureSpace(
        tuple(one.feature for one in features), tuple(said), versions, dict(RENAMED), GONE
    )


FEATURES: Final = features_of(FACTS, FORMER)
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
