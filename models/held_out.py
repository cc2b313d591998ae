"""What the newest decisions tell of a model that never saw them: when to stop, how good, how sure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.evaluation import bootstrap
from models.figures import area_under_curve, log_loss, ranking_figures, ranks_of_positives
from models.learning.boosting import Boosted, Progress, Rows, TrainingSettings, boost
from models.learning.calibration import (
    Calibration,
    CurvePoint,
    calibration_curve,
    expected_calibration_error,
    fit_calibration,
)
from models.learning.example_file import ExampleFile, Index
from models.learning.report import DropCheck, Figures
from models.ranker import XgboostRanker
from models.scorer import FeatureSpace, Scorer

STOPPING_MIN: Final = 10
"""Answered decisions that are needed to tell when to stop."""
CALIBRATION_MIN: Final = 30
"""Answered decisions that are needed to calibrate, and as many to measure the calibration."""
TAIL_SHARE: Final = 0.02
"""Features that together have at most this share of the gain are tried to be dropped."""


class Split(NamedTuple):
    """Rows before `stopping` train; those before `checking` tell when to stop; the others measure.

    Those from `newest` on measure the calibration that the others of them gave.
    """

    stopping: int
    checking: int
    newest: int


class Measured(NamedTuple):
    """`rounds` were best; `calibration` is None and `curve` empty where decisions were too few."""

    rounds: int
    calibration: Calibration | None
    metrics: Figures
    curve: tuple[CurvePoint, ...]
    baselines: dict[str, Figures]
    drop_check: DropCheck | None
    held_out: int


class Material(NamedTuple):
    """What a training works on."""

    file: ExampleFile
    rows: Index
    space: FeatureSpace
    settings: TrainingSettings
    progress: Progress


def split_by_time(index: Index, held_out_share: float) -> Split | None:
    """Whole groups in their order; None where the older ones alone could not be trained on."""
    groups = int(index.groups[-1]) + 1
    held_out = round(held_out_share * groups)
    checking = held_out - held_out // 2
    firsts = [groups - held_out, groups - checking, groups - checking // 2]
    split = Split(*np.searchsorted(index.groups, firsts).tolist())
    older = index.labels[: split.stopping]
    return split if checking and 0 < older.sum() < len(older) else None


def measure(material: Material, split: Split, baselines: Sequence[Scorer]) -> Measured:
    """Trains on the older decisions, measures on the newest; `baselines` on the same."""
    file, rows, space, settings, _ = material
    boosted = _train_on_older(material, split)
    newer = Rows(file, split.checking, file.rows)
    held = rows.since(split.checking)
    scores = _score(newer, XgboostRanker("held-out", boosted.booster, space.count))
    ranks = _ranks(scores, held)
    metrics = ranking_figures(ranks, settings.k)
    if 0 < held.labels.sum() < len(held.labels):
        metrics["auc"] = area_under_curve(scores, held.labels)
    sure, curve = _measure_calibration(scores, held.labels, split.newest - split.checking)
    is_enough = held.labels.sum() >= CALIBRATION_MIN
    return Measured(
        boosted.rounds,
        fit_calibration(scores, held.labels) if is_enough else None,
        metrics | sure,
        curve,
        {b.version: ranking_figures(_ranks(_score(newer, b), held), settings.k) for b in baselines},
        _check_drop(material, split, boosted, held, ranks)
        if len(ranks) and settings.checks_drop
        else None,
        len(np.unique(held.groups)),
    )


def _train_on_older(material: Material, split: Split) -> Boosted:
    file, rows, _, settings, progress = material
    older, stopping = Rows(file, 0, split.stopping), None
    rounds = settings.rounds_unstopped
    if rows.labels[split.stopping : split.checking].sum() >= STOPPING_MIN:
        stopping = Rows(file, split.stopping, split.checking)
        rounds = settings.rounds_max
    return boost(settings, rounds, older, stopping, progress)


def _score(rows: Rows, scorer: Scorer) -> NDArray[np.float32]:
    return np.concatenate([scorer.score(batch.features) for batch in rows.batches()])


def _ranks(scores: NDArray[np.float32], held: Index) -> NDArray[np.int64]:
    return ranks_of_positives(scores, held.labels, held.groups)


def _measure_calibration(
    scores: NDArray[np.float32], labels: NDArray[np.float32], older: int
) -> tuple[Figures, tuple[CurvePoint, ...]]:
    """Fits on the `older` rows and measures on the others, which that fit did not see."""
    if min(labels[:older].sum(), labels[older:].sum()) < CALIBRATION_MIN:
        return {}, ()
    chances = fit_calibration(scores[:older], labels[:older]).apply(scores[older:])
    newest = labels[older:]
    figures = {
        "logloss": log_loss(chances, newest),
        "ece": expected_calibration_error(chances, newest),
    }
    return figures, tuple(calibration_curve(chances, newest))


def _check_drop(
    material: Material, split: Split, boosted: Boosted, held: Index, ranks: NDArray[np.int64]
) -> DropCheck | None:
    """Trains as many rounds without the tail; None where there is none, or nothing else."""
    file, _, space, settings, progress = material
    tail = _tail(boosted.gain_shares)
    if not 0 < len(tail) < space.count:
        return None
    progress(f"training without the {len(tail)} features that hardly count")
    kept = [name for at, name in enumerate(space.names) if at not in tail]
    without = boost(settings, boosted.rounds, Rows(file, 0, split.stopping, kept), None, progress)
    newer = Rows(file, split.checking, file.rows, kept)
    scores = _score(newer, XgboostRanker("without", without.booster, len(kept)))
    before, after = 1.0 / ranks, 1.0 / _ranks(scores, held)
    sessions = np.unique(held.sessions[held.labels > 0], return_inverse=True)[1]
    difference, low, high = bootstrap(after - before, sessions)
    return DropCheck(
        tuple(space.names[at] for at in sorted(tail)), sum(boosted.gain_shares[at] for at in tail),
        float(before.mean()), float(after.mean()), difference, low, high,
    )  # fmt: skip


def _tail(gain_shares: Sequence[float]) -> set[int]:
    """The columns of least gain, as many as have TAIL_SHARE of it together."""
    order = np.argsort(gain_shares, kind="stable")
    is_tail = np.cumsum(np.asarray(gain_shares)[order]) <= TAIL_SHARE
    return set(order[is_tail].tolist())
