"""Training: from a file of examples to a booster, its calibration, and honest figures of both.

The newest decisions are held out to tell when to stop, to measure and to calibrate (held_out.py);
what is delivered is then trained on all of them, so it knows the newest too: without the features that
those decisions tell it can do without.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.held_out import Material, measure, split_by_time, unmeasured
from models.learning.boosting import Progress, Rows, TrainingSettings, boost
from models.learning.calibration import Calibration
from models.learning.examination import Weighed
from models.learning.example_file import ExampleFile, Index
from models.learning.report import Report
from models.scorer import FeatureSpace, Scorer
from schemas.counted import counted
from schemas.errors import ConfigError


class Trained(NamedTuple):
    """A booster (UBJSON) of the features `names`, its calibration (None: too few decisions), and what is known of both.

    `metrics` are of held-out decisions; `examples` decisions were learnt from, of `from_ms` to `to_ms`.
    """

    booster: bytes
    names: tuple[str, ...]
    calibration: Calibration | None
    metrics: dict[str, float]
    report: Report
    examples: int
    from_ms: int
    to_ms: int


def train(
    path: Path,
    space: FeatureSpace,
    settings: TrainingSettings | None = None,
    progress: Progress = lambda line: None,
    baselines: Sequence[Scorer] = (),
    weighed: Weighed | None = None,
) -> Trained:
    """Trains on the examples of a file, in the order in which they were written.

    `progress` takes lines to show; `baselines` are measured on the same held-out decisions; `weighed`: what each decision counts, in learning and in the
    figures of ranking (chances stay those of what was shown). Raises ConfigError where there is nothing to learn: no examples, or only one kind of them.
    """
    settings = settings or TrainingSettings()
    weights = weighed.weights if weighed is not None else None
    with ExampleFile(path, space, weights) as file:
        index = file.index()
        groups = _checked_groups(index)
        split = split_by_time(index, settings.held_out_share)
        if split is None:
            measured = unmeasured(settings.rounds_unstopped, space.trained)
            rounds = measured.rounds
        else:
            progress(f"training on the older {split.stopping:,} of {file.rows:,} candidates")
            material = Material(file, index, space, settings, progress)
            measured = measure(material, split, baselines)
            # more examples carry more trees
            scaled = round(measured.rounds * file.rows / split.stopping)
            rounds = max(measured.rounds, min(settings.rounds_max, scaled))
        names = measured.names
        progress(f"training on all {groups:,} decisions: {len(names)} features, {rounds} rounds")
        boosted = boost(settings, rounds, Rows(file, 0, file.rows, names), None, progress)
        report = Report(
            rounds=rounds,
            groups=groups,
            rows=file.rows,
            held_out=measured.held_out,
            importance=dict(zip(names, boosted.gain_shares, strict=True)),
            baselines=measured.baselines,
            calibration_curve=measured.curve,
            drop_check=measured.drop_check,
            rounds_checks=measured.rounds_checks,
            examination=weighed.examination if weighed is not None else None,
        )
    from_ms, to_ms = int(index.times_ms.min()), int(index.times_ms.max())
    return Trained(
        boosted.booster, names, measured.calibration, measured.metrics, report, groups, from_ms, to_ms,
    )  # fmt: skip


def _checked_groups(index: Index) -> int:
    """How many decisions there are; raises ConfigError where there is nothing to learn from them."""
    labels = index.labels
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        raise ConfigError(
            f"{counted(len(labels), 'candidate')} of decisions, {positives} of them taken: an order is learnt from "
            "both, those that were taken and those that were not; more history, of several items, is wanted"
        )
    return int(index.groups[-1]) + 1
