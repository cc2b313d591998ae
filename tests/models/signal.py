"""Examples with a signal that can be learnt: the positive is what was looked at last."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from models.learning.example_file import ExampleWriter
from models.scorer import FeatureSpace, Matrix, Scorer

PER_DECISION: Final = 12
BY_CHANCE: Final = sum(1 / rank for rank in range(1, PER_DECISION + 1)) / PER_DECISION
"""The mean reciprocal rank of a random order."""
NAMES: Final = ("touch_rank", "popularity", "noise", "constant", "never_there", "dwell")
SPACE: Final = FeatureSpace(NAMES, NAMES)
TOUCH_RANK, POPULARITY, NOISE, CONSTANT, NEVER_THERE, DWELL = range(SPACE.count)


class Group(NamedTuple):
    """One decision; `positive` is the row that was taken."""

    features: Matrix
    positive: int | None


def make_groups(decisions: int, seed: int = 1, noise: float = 0.0) -> list[Group]:
    """Decisions of twelve candidates each; with `noise` some positives are any candidate."""
    chance = np.random.default_rng(seed)
    groups = []
    for _ in range(decisions):
        features = make_rows(chance)
        ranks = chance.permutation(PER_DECISION).astype(np.float32)
        features[:, TOUCH_RANK] = np.where(ranks > 6, np.nan, ranks)
        is_random = chance.random() < noise
        at = chance.integers(PER_DECISION) if is_random else np.argmin(ranks)
        groups.append(Group(features, int(at)))
    return groups


def make_choices(decisions: int, seed: int = 1) -> list[Group]:
    """Decisions by the multinomial logit: dwell and popularity attract, the rest is chance."""
    chance = np.random.default_rng(seed)
    groups = []
    for _ in range(decisions):
        features = make_rows(chance)
        pull = 4 * features[:, DWELL] + 2 * features[:, POPULARITY]
        groups.append(Group(features, int(np.argmax(pull + chance.gumbel(size=PER_DECISION)))))
    return groups


def make_rows(chance: np.random.Generator) -> Matrix:
    """One decision's candidates without a signal."""
    features = chance.random((PER_DECISION, SPACE.count)).astype(np.float32)
    features[:, CONSTANT] = 7.0
    features[:, NEVER_THERE] = np.nan
    return features


def read_by(scorer: Scorer, features: Matrix) -> Matrix:
    """Of a matrix of SPACE the columns that a scorer reads."""
    return features[:, [SPACE.places[name] for name in scorer.names]]


def write_groups(path: Path, groups: Iterable[Group], space: FeatureSpace = SPACE) -> Path:
    """A file of examples, a second between the decisions, three of them in each session."""
    with ExampleWriter(path, space, keeps_unanswered=True) as writer:
        for at, group in enumerate(groups):
            writer.add(1_000 * at, f"s{at // 3}", f"d{at}", group.features, group.positive)
    return path
