"""Training: learns what is there, measures on what it never saw, refuses what cannot be learnt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pytest

from models.held_out import CALIBRATION_MIN, Split, split_by_time
from models.learning import example_file
from models.learning.boosting import TrainingSettings
from models.learning.example_file import ExampleFile
from models.learning.training import Trained, train
from models.ranker import XgboostRanker
from models.scorer import ColumnScorer, FeatureSpace
from schemas.errors import ConfigError
from tests.models.signal import (
    BY_CHANCE,
    CONSTANT,
    NEVER_THERE,
    PER_DECISION,
    SPACE,
    Group,
    make_choices,
    make_groups,
    read_by,
    write_groups,
)

SMALL: Final = TrainingSettings(depth=3, learning_rate=0.2, rounds_max=60, rounds_unstopped=30)


def trained_on(
    folder: Path, groups: Sequence[Group], settings: TrainingSettings = SMALL
) -> Trained:
    return train(write_groups(folder / "examples", groups), SPACE, settings)


def reciprocal_rank(trained: Trained, groups: Sequence[Group]) -> float:
    ranker = XgboostRanker("v1", trained.booster, trained.names)
    scores = [ranker.score(read_by(ranker, one.features)) for one in groups]
    return float(
        np.mean(
            [1 / (1 + (s > s[one.positive]).sum()) for s, one in zip(scores, groups, strict=True)]
        )
    )


def test_an_obvious_signal_is_learnt_and_found_in_new_decisions(tmp_path: Path) -> None:
    trained = trained_on(tmp_path, make_groups(400, noise=0.1))
    assert trained.metrics["mrr"] > 0.8 > 2 * BY_CHANCE
    assert trained.metrics["auc"] > 0.9
    assert reciprocal_rank(trained, make_groups(100, seed=2)) > 0.95


def test_noise_is_not_learnt(tmp_path: Path) -> None:
    trained = trained_on(tmp_path, make_groups(400, noise=1.0))
    assert trained.metrics["mrr"] < 1.5 * BY_CHANCE


def test_what_was_trained_says_on_what(tmp_path: Path) -> None:
    trained = trained_on(tmp_path, make_groups(100))
    assert (trained.examples, trained.from_ms, trained.to_ms) == (100, 0, 99_000)
    assert (trained.report.groups, trained.report.rows) == (100, 100 * PER_DECISION)
    assert trained.report.held_out == 8  # of 15, the newer half


def test_the_figures_are_of_the_newest_decisions(tmp_path: Path) -> None:
    """Where only the newest have the signal, nothing of it is learnt before them."""
    groups = make_groups(340, noise=1.0) + make_groups(60, seed=2)
    trained = trained_on(tmp_path, groups)
    assert trained.metrics["mrr"] < 2 * BY_CHANCE


def test_what_is_delivered_has_learnt_from_the_newest_too(tmp_path: Path) -> None:
    groups = make_groups(340, noise=1.0) + make_groups(60, seed=2)
    settings = msgspec.structs.replace(SMALL, rounds_max=200)
    assert reciprocal_rank(trained_on(tmp_path, groups, settings), make_groups(100, seed=3)) > 0.5


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_examples_train_the_same_bytes(tmp_path: Path, threads: int) -> None:
    settings = msgspec.structs.replace(SMALL, threads=threads)
    first = trained_on(tmp_path, make_groups(300, noise=0.3), settings)
    assert trained_on(tmp_path, make_groups(300, noise=0.3), settings) == first


def test_the_pieces_in_which_it_is_read_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first and the last group of a part lie within row groups of the file."""
    whole = trained_on(tmp_path, make_groups(300, noise=0.3))
    monkeypatch.setattr(example_file, "ROWS_BUFFERED", 700)
    cut = trained_on(tmp_path, make_groups(300, noise=0.3))
    assert cut.metrics["mrr"] == pytest.approx(whole.metrics["mrr"], abs=0.02)
    assert cut.report.held_out == whole.report.held_out


@pytest.mark.parametrize("decisions", [1, 2, 7, 30, 199])
def test_few_decisions_still_train_and_claim_no_more_than_they_can(
    tmp_path: Path, decisions: int
) -> None:
    groups = make_groups(decisions)
    trained = trained_on(tmp_path, groups)
    assert trained.calibration is None
    assert "ece" not in trained.metrics
    assert not trained.report.calibration_curve
    held_out = round(SMALL.held_out_share * decisions)
    assert ("mrr" in trained.metrics) == (held_out > 0)
    ranker = XgboostRanker("v1", trained.booster, trained.names)
    assert np.isfinite(ranker.score(read_by(ranker, groups[0].features))).all()


def test_a_propensity_comes_true_at_a_later_time(tmp_path: Path) -> None:
    trained = trained_on(tmp_path, make_choices(3_000))
    assert trained.metrics["ece"] <= 0.02
    curve = trained.report.calibration_curve
    assert len(curve) == 10
    assert curve[-1].observed > 3 * curve[0].observed
    assert trained.calibration is not None
    ranker = XgboostRanker("v1", trained.booster, trained.names, trained.calibration)
    later = make_choices(1_000, seed=2)
    chances = [ranker.propensity(ranker.score(read_by(ranker, one.features))) for one in later]
    assert np.mean([c.sum() for c in chances if c is not None]) == pytest.approx(1.0, abs=0.1)


def test_the_calibration_is_measured_on_what_it_did_not_see(tmp_path: Path) -> None:
    """The newest held-out decisions have no positive: a fit that had seen them would know."""
    groups = make_choices(2_000)
    newest = 2_000 - 75  # half of the half of 15 %
    positives = iter(range(CALIBRATION_MIN))
    for at in range(newest, 2_000):
        if next(positives, None) is None:
            groups[at] = groups[at]._replace(positive=None)
    trained = trained_on(tmp_path, groups)
    point = [p.predicted - p.observed for p in trained.report.calibration_curve]
    assert np.mean(point) > 0.03  # 1 in 12 was promised, 30 in 900 came


def test_baselines_are_measured_on_the_same_decisions(tmp_path: Path) -> None:
    path = write_groups(tmp_path / "examples", make_groups(400))
    baselines = [ColumnScorer("touched", "touch_rank", -1.0), ColumnScorer("constant", "constant")]
    found = train(path, SPACE, SMALL, baselines=baselines).report.baselines
    assert found["touched"]["mrr"] == 1.0
    assert found["constant"]["mrr"] < 2 * BY_CHANCE
    assert set(found["touched"]) == {"mrr", "hr@1", "hr@20", "ndcg@20"}


def test_the_gain_of_each_feature_is_told_by_its_name(tmp_path: Path) -> None:
    importance = trained_on(tmp_path, make_groups(400, noise=0.1)).report.importance
    assert sum(importance.values()) == pytest.approx(1.0)
    assert max(importance, key=lambda name: importance[name]) == "touch_rank"
    assert not {"constant", "never_there"} & importance.keys()


def test_what_never_counts_can_be_dropped_without_loss(tmp_path: Path) -> None:
    check = trained_on(tmp_path, make_groups(400)).report.drop_check
    assert check is not None
    assert {SPACE.names[CONSTANT], SPACE.names[NEVER_THERE]} <= set(check.features)
    assert "touch_rank" not in check.features
    assert check.gain_share <= 0.02
    assert check.low <= check.mrr_difference <= check.high
    assert check.mrr_difference == pytest.approx(check.mrr_without - check.mrr_with)
    assert not check.has_loss


def test_a_model_is_delivered_without_what_never_counts(tmp_path: Path) -> None:
    """All that is told of it is of the model without them."""
    trained = trained_on(tmp_path, make_groups(400))
    check = trained.report.drop_check
    assert check is not None
    assert trained.names == tuple(name for name in SPACE.names if name not in check.features)
    assert "touch_rank" in trained.names
    assert tuple(trained.report.importance) == trained.names
    shorter = trained.report.rounds_checks[-1]
    assert trained.metrics["mrr"] == pytest.approx(check.mrr_with + shorter.mrr_difference)
    assert reciprocal_rank(trained, make_groups(100, seed=2)) > 0.95


def test_a_model_keeps_what_it_would_lose_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.held_out.TAIL_SHARE", 0.999)
    trained = trained_on(tmp_path, make_choices(400))
    check = trained.report.drop_check
    assert check is not None
    assert check.has_loss
    assert trained.names == SPACE.names
    shorter = trained.report.rounds_checks[-1]
    assert trained.metrics["mrr"] == pytest.approx(check.mrr_with + shorter.mrr_difference)


def test_the_fewest_trees_that_lose_nothing_are_delivered(tmp_path: Path) -> None:
    """What is told is of them; the model is then trained on all decisions with as many more as these are more."""
    settings = msgspec.structs.replace(SMALL, rounds_max=200)
    trained = trained_on(tmp_path, make_groups(400), settings)
    (check, *more) = trained.report.rounds_checks
    assert not check.has_loss
    assert more == [], "the fewest first, and no more than are needed"
    assert trained.report.rounds == round(check.rounds * 400 / 340)
    assert reciprocal_rank(trained, make_groups(100, seed=2)) > 0.95


def test_trees_that_are_needed_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.held_out.ROUND_SHARES", (0.01, 0.02))
    trained = trained_on(tmp_path, make_choices(400))
    assert all(one.has_loss for one in trained.report.rounds_checks)
    assert [one.rounds for one in trained.report.rounds_checks] == [1, 1]
    assert trained.report.rounds > 10


def test_a_loss_beyond_chance_is_said(tmp_path: Path) -> None:
    check = trained_on(tmp_path, make_groups(400)).report.drop_check
    assert check is not None
    assert msgspec.structs.replace(check, low=-0.2, high=-0.1).has_loss
    assert not msgspec.structs.replace(check, low=-0.2, high=0.1).has_loss
    hidden = msgspec.structs.replace(check, low=-0.2, high=0.1, mrr_difference=-0.003)
    assert hidden.has_loss, "more than may be lost, though chance could be why"


def test_weights_count(tmp_path: Path) -> None:
    """Of two kinds of decisions that contradict each other, the heavier is learnt."""
    space = FeatureSpace(("kind",), ("kind",))
    features = np.array([[0.0], [1.0]], dtype=np.float32)
    path = tmp_path / "examples"
    with example_file.ExampleWriter(path, space) as writer:
        for at in range(200):
            writer.add(at, "s", f"g{at}", features, at % 2, weight=9.0 if at % 2 else 1.0)
    scores = XgboostRanker("v1", train(path, space, SMALL).booster, ("kind",)).score(features)
    assert scores[1] > scores[0]


@pytest.mark.parametrize(("features", "positive"), [(PER_DECISION, None), (1, 0)])
def test_one_class_only_is_refused(tmp_path: Path, features: int, positive: int | None) -> None:
    groups = [Group(one.features[:features], positive) for one in make_groups(5)]
    rows, positives = 5 * features, 0 if positive is None else 5
    with pytest.raises(
        ConfigError, match=f"{rows} candidates? of decisions, {positives} of them taken"
    ):
        trained_on(tmp_path, groups)


def test_no_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 candidates of decisions, 0 of them taken"):
        trained_on(tmp_path, [])


def test_examples_of_another_feature_set_are_refused(tmp_path: Path) -> None:
    path = write_groups(tmp_path / "examples", make_groups(5))
    other = FeatureSpace(SPACE.names, tuple(reversed(SPACE.names)))
    with pytest.raises(ConfigError, match=f"this is {other.digest}"):
        train(path, other, SMALL)


def test_features_that_tell_nothing_train_a_constant(tmp_path: Path) -> None:
    groups = [one._replace(features=np.full_like(one.features, 7.0)) for one in make_groups(200)]
    trained = trained_on(tmp_path, groups)
    ranker = XgboostRanker("v1", trained.booster, trained.names)
    assert ranker.names == (), "no tree splits"
    scores = ranker.score(read_by(ranker, groups[0].features))
    assert len(set(scores.tolist())) == 1
    assert set(trained.report.importance.values()) == {0.0}
    assert trained.report.drop_check is None  # all of them count for nothing


def test_where_the_older_are_of_one_class_all_are_trained_on(tmp_path: Path) -> None:
    groups = [one._replace(positive=None) for one in make_groups(90)] + make_groups(10, seed=2)
    trained = trained_on(tmp_path, groups)
    assert trained.metrics == {}
    assert trained.report.held_out == 0


def test_the_parts_are_whole_groups_in_their_order(tmp_path: Path) -> None:
    with ExampleFile(write_groups(tmp_path / "e", make_groups(100)), SPACE) as file:
        index = file.index()
    assert split_by_time(index, 0.15) == Split(
        85 * PER_DECISION, 92 * PER_DECISION, 96 * PER_DECISION
    )
    assert split_by_time(index, 0.0) is None


def test_progress_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    path = write_groups(tmp_path / "examples", make_groups(100))
    train(
        path,
        SPACE,
        msgspec.structs.replace(SMALL, rounds_max=200, rounds_unstopped=100),
        said.append,
    )
    assert said[0] == "training on the older 1,020 of 1,200 candidates"
    assert "  100 of at most 100 rounds" in said
    assert any(line.startswith("training without the ") for line in said)
    assert any(line.startswith("training on all 100 decisions: ") for line in said)
