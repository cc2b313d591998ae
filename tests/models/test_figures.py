"""Figures of scores: ranks by hand, the area under the curve by counting pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.figures import area_under_curve, log_loss, ranking_figures, ranks_of_positives


def test_ranks_count_from_one_and_groups_without_a_positive_have_none() -> None:
    scores = np.array([3, 2, 1, 5, 5, 4, 1, 2], dtype=np.float32)
    labels = np.array([0, 1, 0, 0, 0, 1, 0, 0], dtype=np.float32)
    groups = np.array([0, 0, 0, 4, 4, 4, 5, 5])
    assert ranks_of_positives(scores, labels, groups).tolist() == [2, 3]


def test_equal_scores_keep_their_order_so_a_constant_scorer_gains_nothing() -> None:
    labels = np.array([0, 1, 0, 1, 0, 0], dtype=np.float32)
    groups = np.array([0, 0, 0, 1, 1, 1])
    assert ranks_of_positives(np.zeros(6, dtype=np.float32), labels, groups).tolist() == [2, 1]


def test_the_figures_are_the_textbooks() -> None:
    found = ranking_figures(np.array([1, 2, 3, 50]), 20)
    assert found["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 50) / 4)
    assert found["hr@1"] == 0.25
    assert found["hr@20"] == 0.75
    assert found["ndcg@20"] == pytest.approx((1 + 1 / np.log2(3) + 1 / 2) / 4)
    assert ranking_figures(np.zeros(0, dtype=np.int64), 20) == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_area_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    positives = [score for score, label in rows if label]
    negatives = [score for score, label in rows if not label]
    if not positives or not negatives:
        return
    pairs = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    scores = np.array([score for score, _ in rows], dtype=np.float32)
    labels = np.array([label for _, label in rows], dtype=np.float32)
    assert area_under_curve(scores, labels) == pytest.approx(np.mean(pairs))


def test_the_log_loss_of_a_sure_miss_is_large_but_finite() -> None:
    labels = np.array([1.0, 0.0], dtype=np.float32)
    assert log_loss(np.array([0.5, 0.5]), labels) == pytest.approx(np.log(2))
    assert 10 < log_loss(np.array([0.0, 1.0]), labels) < 20
