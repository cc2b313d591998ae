"""Logged feature vectors beside those that were made again: bit by bit, but one missing value is as good as another."""

from itertools import zip_longest
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from schemas.decisions import DecisionTrace
from udfs.explain.vectors import has_vectors, is_withheld, matrix_of
from udfs.facts.features import FEATURE_SPACE


class Example(NamedTuple):
    """One value that differs; None = missing."""

    decision_id: str
    item_id: str
    logged: float | None
    replayed: float | None


class CandidateExample(NamedTuple):
    """The first place where a decision offered another item, each as ITEM (SOURCE); None = the list had ended."""

    decision_id: str
    place: int
    logged: str | None
    replayed: str | None


class FeatureSkew(Struct):
    """How many vectors differ in one feature, and the first of them."""

    count: int
    example: Example


class Skew(Struct):
    """What vectors tell: those of one decision, or of all that were added.

    `compared` decisions with `vectors` candidates, of which `differing` differ in `features`; of `by_digest` decisions the
    traces hold a digest, which tells whether vectors differ, and not in what. `missing`
    decisions were logged and are not made again; those of `other_candidates` offered other items. The
    others (scripts/audit/skew_view.py) can say nothing of skew.
    """

    compared: int = 0
    vectors: int = 0
    differing: int = 0
    by_digest: int = 0
    missing: int = 0
    other_candidates: int = 0
    other_knowledge: int = 0
    left_out: int = 0
    late: int = 0
    reordered: int = 0
    other_sets: dict[str, int] = {}
    features: dict[str, FeatureSkew] = {}
    candidates_example: CandidateExample | None = None

    @property
    def is_none(self) -> bool:
        """Whether all that was compared is the same, and something was."""
        return self.compared > 0 and not self.is_seen

    @property
    def is_seen(self) -> bool:
        """Whether anything differs."""
        return bool(self.differing or self.missing or self.other_candidates)

    def add(self, other: "Skew") -> None:
        """Adds what others tell; of examples the first stays."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for digest, count in other.other_sets.items():
            self.other_sets[digest] = self.other_sets.get(digest, 0) + count
        for name, found in other.features.items():
            mine = self.features.setdefault(name, FeatureSkew(0, found.example))
            mine.count += found.count
        self.candidates_example = self.candidates_example or other.candidates_example


COUNTS: Final = tuple(name for name, kind in Skew.__annotations__.items() if kind is int)


def skew_of(logged: DecisionTrace, made: DecisionTrace | None, epoch: int) -> Skew:
    """What one decision tells, where knowledge was learnt up to `epoch`."""
    if logged.feature_set != FEATURE_SPACE.digest:
        return Skew(other_sets={logged.feature_set: 1})
    if logged.left_out is not None:
        return Skew(left_out=1)
    if made is None:
        return Skew(missing=1)
    ours, theirs = made.versions, logged.versions
    if epoch < theirs.knowledge:
        return Skew(late=1)
    if (ours.policy, ours.catalogue) != (theirs.policy, theirs.catalogue):
        return Skew(other_knowledge=1)
    if logged.sequence != made.sequence:
        return Skew(reordered=1)
    return _compared(logged, made)


def skew_of_same(trace: DecisionTrace) -> Skew:
    """What a decision tells that came out as it was logged."""
    if trace.left_out is not None:
        return Skew(left_out=1)
    by_digest = int(is_withheld(trace))
    return Skew(compared=1, vectors=len(trace.candidates), by_digest=by_digest)


def _compared(logged: DecisionTrace, made: DecisionTrace) -> Skew:
    before, after = logged.candidates, made.candidates
    if [one.item_id for one in before] != [one.item_id for one in after]:
        return Skew(compared=1, other_candidates=1, candidates_example=_first_other(logged, made))
    if is_withheld(logged):
        is_same = logged.matrix_digest == made.matrix_digest
        return Skew(1, len(before), 0 if is_same else len(before), by_digest=1)
    if not has_vectors(logged):
        return Skew(compared=1, other_candidates=1)
    is_other = _others(matrix_of(logged), matrix_of(made))
    features = {
        FEATURE_SPACE.names[column]: _feature_skew(logged, made, column, is_other[:, column])
        for column in np.flatnonzero(is_other.any(axis=0))
    }
    return Skew(1, len(before), int(is_other.any(axis=1).sum()), features=features)


def _others(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.bool_]:
    both_missing = np.isnan(before) & np.isnan(after)
    found: NDArray[np.bool_] = (before.view("<u4") != after.view("<u4")) & ~both_missing
    return found


def _feature_skew(
    logged: DecisionTrace, made: DecisionTrace, column: int, is_other: NDArray[np.bool_]
) -> FeatureSkew:
    row = int(np.flatnonzero(is_other)[0])
    before, after = (_value(matrix_of(trace)[row, column]) for trace in (logged, made))
    example = Example(logged.decision_id, logged.candidates[row].item_id, before, after)
    return FeatureSkew(int(is_other.sum()), example)


def _value(number: np.float32) -> float | None:
    return None if np.isnan(number) else float(number)


def _first_other(logged: DecisionTrace, made: DecisionTrace) -> CandidateExample:
    """The first place at which the candidates of two traces are not the same."""
    pairs = enumerate(zip_longest(_named(logged), _named(made), fillvalue=(None, None)))
    place, (before, after) = next(pair for pair in pairs if pair[1][0][0] != pair[1][1][0])
    return CandidateExample(logged.decision_id, place, before[1], after[1])


def _named(trace: DecisionTrace) -> list[tuple[str, str]]:
    """Each candidate's item, and how it is told."""
    return [(one.item_id, f"{one.item_id} ({one.source})") for one in trace.candidates]
