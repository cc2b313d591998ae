"""Figures against values worked out by hand, and intervals that hold what they should."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import Outcome, Ranks, bootstrap, compare, gains, ranked
from schemas.errors import ConfigError


def test_figures_by_hand() -> None:
    """Ranks 1, 3, not in the list, 2 at k = 2; the last of s1 is the third, of s2 the fourth."""
    ranks = Ranks(2)
    for session, rank, offered in (
        ("s1", 1, ("a", "b")), ("s1", 3, ("a", "c")), ("s1", 0, ()), ("s2", 2, ("b", "d")),
    ):  # fmt: skip
        ranks.add(session, rank, offered)
    assert len(ranks) == 4
    assert ranks.figures(item_count=8) == pytest.approx(
        {
            "hr@2": 2 / 4,
            "mrr@2": (1 + 1 / 2) / 4,
            "ndcg@2": (1 + 1 / log2(3)) / 4,
            "coverage@2": 4 / 8,
            "mrr": (1 + 1 / 3 + 0 + 1 / 2) / 4,
            "mrr_last": (0 + 1 / 2) / 2,
        }
    )


def test_the_last_decision_of_a_session_is_the_one_added_last_however_they_interleave() -> None:
    ranks = Ranks(20)
    for session, rank in (("s1", 1), ("s2", 4), ("s1", 2), ("s3", 1), ("s2", 1), ("s1", 5)):
        ranks.add(session, rank, ())
    assert ranks.figures(1)["mrr_last"] == pytest.approx((1 / 5 + 1 + 1) / 3)


def test_how_sure_a_figure_is_follows_from_whole_sessions() -> None:
    """Of one session nothing varies; of many the mean is held, and a lead is of the same decisions."""
    one, first, second = Ranks(5), Ranks(5), Ranks(5)
    for _ in range(9):
        one.add("s", 2, ())
    assert one.mrr_interval() == (0.5, 0.5, 0.5)
    for number in range(40):
        first.add(f"s{number}", 1 + number % 2, ())
        second.add(f"s{number}", 2, ())
    found, lead = first.mrr_interval(), first.lead_over(second)
    assert found.difference == 0.75
    assert 0.6 < found.low < 0.75 < found.high < 0.9
    assert lead.difference == 0.25
    assert 0 < lead.low < 0.25 < lead.high
    assert second.lead_over(first).difference == -0.25
    assert first.lead_over(first) == (0.0, 0.0, 0.0)


def test_nothing_scored_gives_zeros() -> None:
    assert set(Ranks(5).figures(0).values()) == {0.0}


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    scores = np.array([1.0, 3.0, 1.0, 3.0, 2.0], dtype=np.float32)
    assert ranked(scores).tolist() == [1, 3, 4, 0, 2]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=50), st.integers(1, 40))
def test_gains_agree_with_each_other(ranks: list[int], k: int) -> None:
    found = gains(np.array(ranks), k)
    beyond = gains(np.array(ranks), 60)
    assert (found["mrr_at"] <= found["ndcg"] + 1e-12).all()
    assert (found["ndcg"] <= found["hr"]).all()
    assert (found["mrr_at"] <= found["mrr"]).all()
    assert (beyond["mrr_at"] == found["mrr"]).all()
    assert found["hr"].sum() == sum(0 < rank <= k for rank in ranks)


def outcomes(ranks: list[int], per_session: int = 2) -> list[Outcome]:
    return [Outcome(f"s{n // per_session}", f"e{n}", "x", rank) for n, rank in enumerate(ranks)]


def test_a_run_does_not_differ_from_itself() -> None:
    run = outcomes([1, 2, 0, 7])
    assert {tuple(one) for one in compare(run, run, 5).values()} == {(0.0, 0.0, 0.0)}


def test_the_difference_is_that_of_the_means_and_pairs_are_found_by_event() -> None:
    first, second = outcomes([2, 4, 1, 0]), outcomes([1, 4, 2, 3])
    found = compare(first, second[::-1], 2)
    assert found["mrr"].difference == pytest.approx((0.5 + 0 - 0.5 + 1 / 3) / 4)
    assert found["hr@2"].difference == 0
    backwards = compare(second, first, 2)
    assert backwards["mrr"].difference == pytest.approx(-found["mrr"].difference)


def test_what_is_better_everywhere_has_an_interval_above_zero() -> None:
    chance = np.random.default_rng(5)
    first = chance.integers(2, 20, 400).tolist()
    found = compare(outcomes(first), outcomes([rank - 1 for rank in first]), 20)["mrr"]
    assert 0 < found.low < found.difference < found.high


def test_whole_sessions_are_drawn() -> None:
    """One session of 50 equal decisions is one observation: the interval is as wide as for one."""
    differences = np.repeat([1.0, -1.0, 1.0, -1.0], 50)
    by_session = bootstrap(differences, np.repeat(np.arange(4), 50))
    by_decision = bootstrap(differences, np.arange(200))
    assert by_session.high - by_session.low > 3 * (by_decision.high - by_decision.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(11)
    sessions = np.repeat(np.arange(100), 2)
    covered = 0
    for _ in range(100):
        shared = np.repeat(chance.normal(0.2, 1.0, 100), 2)
        found = bootstrap(shared + chance.normal(0.0, 0.3, 200), sessions)
        covered += found.low <= 0.2 <= found.high
    assert 88 <= covered <= 100


def test_intervals_are_the_same_every_time() -> None:
    first, second = outcomes([1, 2, 3, 0, 5, 9]), outcomes([2, 1, 1, 4, 5, 0])
    assert compare(first, second, 3) == compare(first, second, 3)


@pytest.mark.parametrize(
    "second",
    [
        [],
        outcomes([1, 2, 3]),
        [*outcomes([1, 2, 3])[:2], Outcome("s9", "e9", "x", 1)],
        [one._replace(item_id="y") for one in outcomes([1, 2])],
    ],
)
def test_runs_over_different_decisions_are_refused(second: list[Outcome]) -> None:
    with pytest.raises(ConfigError, match="different decisions"):
        compare(outcomes([1, 2]), second, 5)


def test_two_empty_runs_are_refused() -> None:
    with pytest.raises(ConfigError, match="different decisions"):
        compare([], [], 5)
