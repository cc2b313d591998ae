"""Models that are made in a moment."""

import numpy as np
import xgboost

from models.artefact import Artefact
from models.learning.report import Report
from udfs.facts.features import FEATURE_SPACE


def booster_of(features: int) -> bytes:
    """A small booster over so many features."""
    chance = np.random.default_rng(1)
    rows = chance.normal(0, 1, (200, features))
    matrix = xgboost.DMatrix(rows, rows[:, 0] > 0)
    settings = {"objective": "binary:logistic", "nthread": 1}
    return bytes(xgboost.train(settings, matrix, 3).save_raw("ubj"))


def artefact_of(booster: bytes, versions: tuple[int, ...] = ()) -> Artefact:
    """An artefact of the engine's features; one of before says no `versions` of theirs."""
    return Artefact(
        feature_set=FEATURE_SPACE.digest, feature_names=FEATURE_SPACE.names, code_version="c",
        from_ms=0, to_ms=1, examples=1, metrics={}, calibration=None,
        report=Report(1, 1, 1, 0, {}, {}), booster=booster, feature_versions=versions,
    )  # fmt: skip
