"""What the newest decisions tell of a model that never saw them: when to stop, how good, how sure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.evaluation import bootstrap
from models.figures import area_under_curve, log_loss, ranking_figures, ranks_of_positives
from models.learning.boosting import (
    Boosted,
    Progress,
    Rows,
    TrainingSettings,
    boost,
    first_rounds,
)
from models.learning.calibration import (
    Calibration,
    CurvePoint,
    calibration_curve,
    expected_calibration_error,
    fit_calibration,
)
from models.learning.example_file import ExampleFile, Index
from models.learning.report import DropCheck, Figures, RoundsCheck
from models.ranker import XgboostRanker
from models.scorer import FeatureSpace, Scorer

STOPPING_MIN: Final = 10
"""Answered decisions that are needed to tell when to stop."""
CALIBRATION_MIN: Final = 30
"""Answered decisions that are needed to calibrate, and as many to measure the calibration."""
TAIL_SHARE: Final = 0.02
"""Features that together have at most this share of the gain are tried to be dropped."""

ROUND_SHARES: Final = (0.6, 0.8)
"""Of the trees so many are tried alone, the fewest first."""


class Split(NamedTuple):
    """Rows before `stopping` train; those before `checking` tell when to stop; the others measure.

    Those from `newest` on measure the calibration that the others of them gave.
    """

    stopping: int
    checking: int
    newest: int


class Measured(NamedTuple):
    """`rounds` were best, with the features `names`: all, or those without which a model is worse.

    Everything else is of that model; `calibration` is None and `curve` empty where decisions were too few.
    """

    rounds: int
    names: tuple[str, ...]
    calibration: Calibration | None
    metrics: Figures
    curve: tuple[CurvePoint, ...]
    baselines: dict[str, Figures]
    drop_check: DropCheck | None
    rounds_checks: tuple[RoundsCheck, ...]
    held_out: int


def unmeasured(rounds: int, names: tuple[str, ...]) -> Measured:
    """Where too few decisions are there to hold any out."""
    return Measured(rounds, names, None, {}, (), {}, None, (), 0)


class Tried(NamedTuple):
    """A booster of features and its scores of what was held out."""

    boosted: Boosted
    names: tuple[str, ...]
    scores: NDArray[np.float32]


class Material(NamedTuple):
    """What a training works on: `rows` of a `file` with the features of `space`."""

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
    _, rows, space, settings, _ = material
    boosted = _train_on_older(material, split)
    held = rows.since(split.checking)
    whole = _scored(material, split, boosted, space.trained)
    lean, drop_check = whole, None
    rounds_checks: list[RoundsCheck] = []
    if held.labels.any():
        kept = without_tail(space.trained, boosted.gain_shares)
        if 0 < len(kept) < len(space.trained):
            fewer = _train_without_tail(material, split, boosted.rounds, kept)
            drop_check = _check_drop(whole, fewer, boosted.gain_shares, held)
            lean = whole if drop_check.has_loss else fewer
        lean, rounds_checks = _shortened(material, split, whole, lean, held)
    scores = lean.scores
    counts = _counts(held)
    metrics = ranking_figures(_ranks(scores, held), settings.k, counts)
    if 0 < held.labels.sum() < len(held.labels):
        metrics["auc"] = area_under_curve(scores, held.labels)
    sure, curve = _measure_calibration(scores, held.labels, split.newest - split.checking)
    is_enough = held.labels.sum() >= CALIBRATION_MIN
    return Measured(
        lean.boosted.rounds,
        lean.names,
        fit_calibration(scores, held.labels) if is_enough else None,
        metrics | sure,
        curve,
        {
            one.version: ranking_figures(
                _ranks(_score(material, split, one), held), settings.k, counts
            )
            for one in baselines
        },
        drop_check,
        tuple(rounds_checks),
        len(np.unique(held.groups)),
    )


def _train_on_older(material: Material, split: Split) -> Boosted:
    file, rows, space, settings, progress = material
    older, stopping = Rows(file, 0, split.stopping, space.trained), None
    rounds = settings.rounds_unstopped
    if rows.labels[split.stopping : split.checking].sum() >= STOPPING_MIN:
        stopping = Rows(file, split.stopping, split.checking, space.trained)
        rounds = settings.rounds_max
    return boost(settings, rounds, older, stopping, progress)


def _score(material: Material, split: Split, scorer: Scorer) -> NDArray[np.float32]:
    """The scores of what was held out to be measured on."""
    newer = Rows(material.file, split.checking, material.file.rows, scorer.names)
    return np.concatenate([scorer.score(batch.features) for batch in newer.batches()])


def _ranks(scores: NDArray[np.float32], held: Index) -> NDArray[np.int64]:
    return ranks_of_positives(scores, held.labels, held.groups)


def _counts(held: Index) -> NDArray[np.float32] | None:
    """What each answered decision counts in figures of ranking, as in learning; None where all count alike."""
    counts = held.weights[held.labels > 0]
    return counts if len(counts) and (counts != counts[0]).any() else None


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


def _scored(material: Material, split: Split, boosted: Boosted, names: tuple[str, ...]) -> Tried:
    ranker = XgboostRanker("held-out", boosted.booster, names)
    return Tried(boosted, names, _score(material, split, ranker))


def _train_without_tail(
    material: Material, split: Split, rounds: int, kept: tuple[str, ...]
) -> Tried:
    """As many rounds with these features alone."""
    file, _, space, settings, progress = material
    progress(f"training without the {len(space.trained) - len(kept)} features that hardly count")
    boosted = boost(settings, rounds, Rows(file, 0, split.stopping, kept), None, progress)
    return _scored(material, split, boosted, kept)


def _shortened(
    material: Material, split: Split, whole: Tried, lean: Tried, held: Index
) -> tuple[Tried, list[RoundsCheck]]:
    """The fewest trees that lose nothing beside all features and trees, and what was tried."""
    checks: list[RoundsCheck] = []
    for share in ROUND_SHARES:
        rounds = max(1, round(share * lean.boosted.rounds))
        booster = first_rounds(lean.boosted.booster, rounds)
        shorter = _scored(
            material, split, lean.boosted._replace(booster=booster, rounds=rounds), lean.names
        )
        checks.append(RoundsCheck(rounds=rounds, **_gained(whole, shorter, held)))
        if not checks[-1].has_loss:
            return shorter, checks
    return lean, checks


def _check_drop(whole: Tried, fewer: Tried, gain_shares: Sequence[float], held: Index) -> DropCheck:
    """What the features that are not kept are worth."""
    gone = [at for at, name in enumerate(whole.names) if name not in {*fewer.names}]
    before, after = (
        ranking_figures(_ranks(one.scores, held), 1, _counts(held))["mrr"] for one in (whole, fewer)
    )
    return DropCheck(
        features=tuple(whole.names[at] for at in gone),
        gain_share=sum(gain_shares[at] for at in gone),
        mrr_with=before,
        mrr_without=after,
        **_gained(whole, fewer, held),
    )


def _gained(before: Tried, after: Tried, held: Index) -> dict[str, float]:
    """The difference of the mean reciprocal ranks and its 95 % interval, as a Check has them."""
    gains = 1.0 / _ranks(after.scores, held) - 1.0 / _ranks(before.scores, held)
    counts = _counts(held)
    if counts is not None:
        gains *= counts / counts.mean()
    sessions = np.unique(held.sessions[held.labels > 0], return_inverse=True)[1]
    difference, low, high = bootstrap(gains, sessions)
    return {"mrr_difference": difference, "low": low, "high": high}


def without_tail(names: Sequence[str], gain_shares: Sequence[float]) -> tuple[str, ...]:
    """Without the features of least gain, as many as have TAIL_SHARE of it together."""
    order = np.argsort(gain_shares, kind="stable")
    is_tail = np.cumsum(np.asarray(gain_shares)[order]) <= TAIL_SHARE
    tail = {*order[is_tail].tolist()}
    return tuple(name for at, name in enumerate(names) if at not in tail)
