"""The contract of every scorer, and that the ranker is really XGBoost's own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from models.learning.calibration import Calibration
from models.ranker import XgboostRanker
from models.scorer import ColumnScorer, FirstThenScorer, Matrix, Scorer, WeightedScorer
from schemas.errors import ConfigError
from tests.models.signal import SPACE, make_groups, read_by

WIDTH = SPACE.count
CALIBRATION = Calibration((-3.0, -1.0, 1.0), (0.02, 0.1, 0.6))


def boosted() -> bytes:
    groups = make_groups(60)
    labels = np.concatenate([np.arange(len(one.features)) == one.positive for one in groups])
    matrix = xgboost.DMatrix(np.concatenate([one.features for one in groups]), labels)
    settings = {"objective": "binary:logistic", "nthread": 1, "seed": 1}
    return bytes(xgboost.train(settings, matrix, 30).save_raw("ubj"))


BOOSTER = boosted()
SCORERS: dict[str, Scorer] = {
    "popularity": ColumnScorer("popularity", "popularity"),
    "last touched": ColumnScorer("last_touched", "touch_rank", -1.0),
    "weighted": WeightedScorer(
        "weighted", {"noise": -0.7, "popularity": 1.0}, {"touch_rank": 0.5, "dwell": 0.3}
    ),
    "first then": FirstThenScorer("first_then", "touch_rank", "popularity"),
    "xgboost": XgboostRanker("v1", BOOSTER, SPACE.names),
    "calibrated": XgboostRanker("v1", BOOSTER, SPACE.names, CALIBRATION),
}
each_scorer = pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS)


@st.composite
def matrices(draw: Callable[..., int]) -> Matrix:
    return rows(draw(st.integers(0, 90)), draw(st.integers(0, 1_000)))


def rows(count: int, seed: int = 1) -> Matrix:
    """Rows as they come: some values missing, some large, some the same."""
    chance = np.random.default_rng(seed)
    matrix = chance.normal(0, 10, (count, WIDTH)).astype(np.float32)
    matrix[chance.random(matrix.shape) < 0.2] = np.nan
    matrix[chance.random(matrix.shape) < 0.1] = 3.0
    matrix[chance.random(matrix.shape) < 0.01] = np.finfo(np.float32).max
    return matrix


@each_scorer
@pytest.mark.parametrize("count", [0, 1, 24, 300, 10_000])
def test_one_finite_score_per_row(scorer: Scorer, count: int) -> None:
    scores = scorer.score(read_by(scorer, rows(count)))
    assert scores.shape == (count,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@each_scorer
@given(matrix=matrices())
def test_the_same_rows_score_the_same(scorer: Scorer, matrix: Matrix) -> None:
    matrix = read_by(scorer, matrix)
    assert scorer.score(matrix).tobytes() == scorer.score(matrix.copy()).tobytes()


@each_scorer
@given(matrix=matrices(), seed=st.integers(0, 1_000))
def test_rows_in_another_order_have_their_scores_in_that_order(
    scorer: Scorer, matrix: Matrix, seed: int
) -> None:
    matrix = read_by(scorer, matrix)
    order = np.random.default_rng(seed).permutation(len(matrix))
    assert (scorer.score(matrix)[order] == scorer.score(matrix[order])).all()


@each_scorer
@given(matrix=matrices(), cut=st.integers(0, 90))
def test_a_row_scores_the_same_in_any_company(scorer: Scorer, matrix: Matrix, cut: int) -> None:
    matrix = read_by(scorer, matrix)
    parts = [scorer.score(matrix[:cut]), scorer.score(matrix[cut:])]
    assert (scorer.score(matrix) == np.concatenate(parts)).all()


@each_scorer
@given(matrix=matrices())
def test_the_layout_in_memory_does_not_matter(scorer: Scorer, matrix: Matrix) -> None:
    matrix = read_by(scorer, matrix)
    expected = scorer.score(matrix)
    assert (scorer.score(np.asfortranarray(matrix)) == expected).all()
    assert (scorer.score(np.repeat(matrix, 2, axis=0)[::2]) == expected).all()


@each_scorer
@given(matrix=matrices())
def test_the_input_is_not_changed(scorer: Scorer, matrix: Matrix) -> None:
    matrix = read_by(scorer, matrix)
    before = matrix.tobytes()
    matrix.flags.writeable = False
    scorer.score(matrix)
    assert matrix.tobytes() == before


@each_scorer
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_of_nothing_and_infinite_rows_are_still_a_score(scorer: Scorer, value: float) -> None:
    odd = np.full((3, len(scorer.names)), value, dtype=np.float32)
    scores = scorer.score(odd)
    assert np.isfinite(scores).all()
    assert len(set(scores.tolist())) == 1


@each_scorer
def test_two_calls_share_no_memory(scorer: Scorer) -> None:
    matrix = read_by(scorer, rows(24))
    first = scorer.score(matrix)
    kept = first.copy()
    second = scorer.score(read_by(scorer, rows(24, seed=2)))
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, matrix)
    assert (first == kept).all()
    first[:] = 0
    assert (scorer.score(matrix) == kept).all()


@each_scorer
def test_threads_that_share_a_scorer_get_their_own_scores(scorer: Scorer) -> None:
    inputs = [read_by(scorer, rows(1 + n * 7, seed=n)) for n in range(8)]
    expected = [scorer.score(matrix) for matrix in inputs]

    def score_often(at: int) -> bool:
        return all((scorer.score(inputs[at]) == expected[at]).all() for _ in range(300))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(score_often, range(8)))


@each_scorer
def test_a_scorer_has_a_name(scorer: Scorer) -> None:
    assert scorer.version


@given(matrix=matrices())
def test_a_propensity_is_a_chance_that_rises_with_the_score(matrix: Matrix) -> None:
    scorer = SCORERS["calibrated"]
    scores = np.sort(scorer.score(read_by(scorer, matrix)))
    chances = scorer.propensity(scores)
    assert chances is not None
    assert chances.shape == scores.shape
    assert ((chances > 0) & (chances < 1)).all()
    assert (np.diff(chances) >= 0).all()


def test_only_what_was_calibrated_has_a_propensity() -> None:
    scores = np.array([-9.0, -1.0], dtype=np.float32)
    assert SCORERS["popularity"].propensity(scores) is None
    assert SCORERS["xgboost"].propensity(scores) is None
    found = SCORERS["calibrated"].propensity(scores)
    assert found is not None
    assert found.tolist() == [0.02, 0.1]


def test_a_column_is_its_order_with_the_missing_last() -> None:
    matrix = np.array([[1.0], [np.nan], [-5.0], [2.0]], dtype=np.float32)
    highest = ColumnScorer("highest", "popularity").score(matrix)
    assert np.argsort(-highest).tolist() == [3, 0, 2, 1]
    lowest = ColumnScorer("lowest", "popularity", -1.0).score(matrix)
    assert np.argsort(-lowest).tolist() == [2, 0, 3, 1]


@pytest.mark.parametrize("count", [1, 24, 300])
def test_the_ranker_equals_xgboosts_own_prediction(count: int) -> None:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(BOOSTER))
    matrix = rows(count)
    own = booster.inplace_predict(matrix, predict_type="margin", missing=np.nan)
    scorer = SCORERS["xgboost"]
    assert (scorer.score(read_by(scorer, matrix)) == own).all()


def test_a_ranker_reads_the_columns_that_its_trees_split_on() -> None:
    """Whatever stands in the others changes no score of the library's own."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(BOOSTER))
    ranker = XgboostRanker("v1", BOOSTER, SPACE.names)
    assert "touch_rank" in ranker.names
    assert not {"constant", "never_there"} & {*ranker.names}
    matrix, other = rows(50), rows(50, seed=2)
    for name in ranker.names:
        other[:, SPACE.places[name]] = matrix[:, SPACE.places[name]]
    own = booster.inplace_predict(other, predict_type="margin", missing=np.nan)
    assert (ranker.score(read_by(ranker, matrix)) == own).all()


@pytest.mark.parametrize("count", [0, 1, 24])
def test_contributions_add_up_to_the_score(count: int) -> None:
    ranker = XgboostRanker("v1", BOOSTER, SPACE.names)
    matrix = read_by(ranker, np.concatenate([one.features for one in make_groups(2)])[:count])
    shares = ranker.contributions(matrix)
    assert shares.shape == (count, len(ranker.names) + 1)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), ranker.score(matrix), atol=1e-4)
    if count:
        most = np.abs(shares[:, :-1]).sum(axis=0)
        assert ranker.names[np.argmax(most)] == "touch_rank"


@pytest.mark.parametrize("booster", [b"", b"{", b"junk", BOOSTER[:200], BOOSTER[:-100], b"{}"])
def test_a_broken_booster_is_refused_by_name(booster: bytes) -> None:
    with pytest.raises(ConfigError, match="model v1"):
        XgboostRanker("v1", booster, SPACE.names)


def test_a_booster_of_another_width_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"{WIDTH} features, not {WIDTH + 1}"):
        XgboostRanker("v1", BOOSTER, (*SPACE.names, "more"))


def test_what_the_library_refuses_is_a_bug() -> None:
    with pytest.raises((RuntimeError, ValueError), match=r"column|shape"):
        SCORERS["xgboost"].score(np.zeros((2, WIDTH + 5), dtype=np.float32))


def test_what_is_weighted_adds_up_and_what_is_missing_adds_nothing() -> None:
    scorer = WeightedScorer("w", {"popularity": 2.0, "noise": -1.0}, {"touch_rank": 3.0})
    features = np.array(
        [[1.0, np.nan, np.nan], [np.nan, 1.0, 0.0], [1.0, 1.0, 2.0], [np.nan, np.nan, np.nan]], np.float32,
    )  # fmt: skip
    assert scorer.score(features).tolist() == [1.0, 2.5, 1.5, 0.0]
    assert scorer.parts(features).sum(axis=1).tolist() == scorer.score(features).tolist()


def test_what_has_the_first_comes_before_all_that_has_not() -> None:
    scorer = FirstThenScorer("f", "touch_rank", "popularity")
    features = np.array([[np.nan, 0.0], [1.0, 5.0], [np.nan, 1.0], [0.0, 9.0], [np.nan, np.nan]], np.float32)  # fmt: skip
    assert np.argsort(-scorer.score(features), kind="stable").tolist() == [3, 1, 0, 2, 4]
