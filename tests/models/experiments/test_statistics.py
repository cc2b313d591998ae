"""Each statistic against SciPy, or against figures that another package or a paper prints; beside each is where they are from.

Figures said to be of statsmodels were printed by version 0.15.0 for the values of `tests/models/experiments/made.py`.
"""

from math import isclose, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.experiments.arms import ArmMean, arm_mean, cuped
from models.experiments.bayes import PRIOR_LIFT, belief, chances_of_best
from models.experiments.checks import DayEffect, holm, sample_ratio, trend
from models.experiments.difference import difference, fixed_horizon, relative_lift
from models.experiments.plan import Wanted, plan
from models.experiments.sequential import (
    FIRST_LOOK,
    always_valid,
    margin,
    mixture,
    p_value,
)
from models.experiments.sums import Values, moments, total
from tests.models.experiments.made import counted_alone, made

CONTROL, VARIANT = made(60), made(45, 0.7)


def mean_of(values: list[Values]) -> ArmMean:
    found = arm_mean(moments(total(values)))
    assert found is not None
    return found


def near(one: float | None, other: float) -> bool:
    return one is not None and isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def test_welch_is_that_of_scipy_and_statsmodels() -> None:
    control, variant = (counted_alone(one) for one in (CONTROL, VARIANT))
    told = stats.ttest_ind([u.above for u in variant], [u.above for u in control], equal_var=False)
    bounds = told.confidence_interval(0.95)
    found = difference(mean_of(control), mean_of(variant))
    once = fixed_horizon(found, 0.05)
    assert near(once.p, float(told.pvalue))
    assert near(once.interval.low, float(bounds.low))
    assert near(once.interval.high, float(bounds.high))
    # CompareMeans(...).tconfint_diff(usevar="unequal"), ttest_ind of it
    assert near(once.interval.low, -0.7841461062637369)
    assert near(once.interval.high, 1.8635905507081814)
    assert near(once.p, 0.42033942331150903)
    assert near(found.freedom, 95.19121910949221)


def test_a_ratio_is_that_of_a_weighted_regression_with_robust_errors() -> None:
    """WLS of above / below through a constant, weights below, cov_type HC1, of statsmodels."""
    for values, ratio, error in (
        (CONTROL, 2.9810000000000008, 0.2511119632337258),
        (VARIANT, 3.2111607142857155, 0.29144971651325985),
    ):
        found = mean_of(values)
        assert near(found.value, ratio)
        assert near(found.error, error)


def test_a_ratio_of_clicks_by_views_has_the_variance_of_the_delta_method() -> None:
    """Deng, Knoblich, Lu, "Applying the Delta Method in Metric Analytics" (KDD 2018), equation 4, by plain arrays."""
    y, d = np.array([(one.above, one.below) for one in VARIANT]).T
    spread = np.cov(y, d)
    told = (
        spread[0, 0] / d.mean() ** 2
        - 2 * y.mean() / d.mean() ** 3 * spread[0, 1]
        + y.mean() ** 2 / d.mean() ** 4 * spread[1, 1]
    ) / len(y)
    assert near(mean_of(VARIANT).error ** 2, float(told))


def test_cuped_is_an_analysis_of_covariance() -> None:
    """OLS of y by arm and covariate, of statsmodels."""
    control, variant = (counted_alone(one) for one in (CONTROL, VARIANT))
    found = cuped([mean_of(control), mean_of(variant)])
    assert near(found.arms[1].value - found.arms[0].value, 0.5608858003767344)
    assert near(found.theta, 0.6244990275102553)
    y = np.array([one.above - found.theta * one.before for one in control])
    assert near(found.arms[0].variance, float(y.var(ddof=1)))
    assert 0 < found.kept < 1


LEPROSY = {
    "A": [(11, 6), (8, 0), (5, 2), (14, 8), (19, 11), (6, 4), (10, 13), (6, 1), (11, 8), (3, 0)],
    "D": [(6, 0), (6, 2), (7, 3), (8, 1), (18, 18), (8, 4), (19, 14), (8, 9), (5, 1), (15, 9)],
    "F": [(16, 13), (13, 10), (11, 18), (9, 5), (21, 23), (16, 12), (12, 5), (12, 16), (7, 1), (12, 20)],
}  # fmt: skip
"""Scores of bacilli before and after: Snedecor and Cochran, Statistical Methods, 1967, p. 422."""


def test_cuped_gives_the_adjusted_means_that_are_published() -> None:
    """SAS/STAT user's guide, the GLM procedure, example "Analysis of Covariance": LS-means 6.7149635 of A and 6.8239348 of D, the slope 0.987183811."""
    arms = [
        mean_of([Values(after, 1.0, before) for before, after in of]) for of in LEPROSY.values()
    ]
    found = cuped(arms)
    assert isclose(found.theta, 0.987183811, abs_tol=1e-9)
    assert isclose(found.arms[0].value, 6.7149635, abs_tol=1e-7)
    assert isclose(found.arms[1].value, 6.8239348, abs_tol=1e-7)


def test_a_covariate_that_is_the_same_for_all_changes_nothing() -> None:
    arms = [mean_of([one._replace(before=7.0) for one in of]) for of in (CONTROL, VARIANT)]
    found = cuped(arms)
    assert found.arms == arms
    assert (found.theta, found.kept) == (0.0, 1.0)


def test_the_confidence_sequence_is_that_of_its_authors() -> None:
    """`confseq` of Howard, Waudby-Smith and Ramdas, test/uniform_boundaries_unittest.cpp, TestTwoSidedNormalMixture: best_rho(100, .05) = 12.60056, whose rho is the
    inverse of ours squared; bound(100, log(1 / .05)) = 30.35209, of a sum; log_superMG(10, 100) = -0.6510052.
    """
    rho2 = mixture(100)
    assert isclose(1 / rho2, 12.60056, abs_tol=1e-5)
    assert isclose(100 * margin(100, rho2, 0.05), 30.35209, abs_tol=1e-5)
    assert p_value(100, rho2, 10 / sqrt(100)) == 1.0
    loud = p_value(100, rho2, 30.35209 / sqrt(100))
    assert isclose(loud, 0.05, rel_tol=1e-5), "at the bound its p-value is alpha"
    quiet = log(100 * rho2 + 1) / 2 - 100 * rho2 / (2 * (100 * rho2 + 1))
    assert isclose(-quiet, -0.6510052, abs_tol=1e-6)


def test_the_always_valid_interval_is_the_wider_one_and_says_nothing_of_few() -> None:
    few, many = made(FIRST_LOOK - 1), made(FIRST_LOOK)
    assert always_valid(difference(mean_of(many), mean_of(few)), 20_000, 0.05) is None
    found = difference(mean_of(many), mean_of(made(FIRST_LOOK, 3.0)))
    always, once = always_valid(found, 20_000, 0.05), fixed_horizon(found, 0.05)
    assert always is not None
    assert (always.interval.low or 0) < (once.interval.low or 0)
    assert (always.interval.high or 0) > (once.interval.high or 0)
    assert always.p > once.p
    nothing = difference(ArmMean(500, 1.0, 0.0), ArmMean(500, 1.0, 0.0))
    assert always_valid(nothing, 20_000, 0.05) is None
    assert fixed_horizon(nothing, 0.05).p == 1.0


def test_a_lift_has_fiellers_interval() -> None:
    """It is the set of lifts that a test of variant - (1 + lift) control at this reach does not refuse: looked at on both sides of its ends."""
    control, variant = ArmMean(900, 2.0, 9.0), ArmMean(800, 2.3, 16.0)
    found = relative_lift(difference(control, variant), 1.96)
    assert found is not None
    lift, (low, high) = found
    assert isclose(lift, 0.15)

    def away(of: float) -> float:
        value = variant.value - (1 + of) * control.value
        return abs(value) / sqrt(variant.error**2 + (1 + of) ** 2 * control.error**2)

    assert low is not None
    assert high is not None
    assert isclose(away(low), 1.96, rel_tol=1e-9)
    assert isclose(away(high), 1.96, rel_tol=1e-9)
    assert away(lift) < 1.96
    assert low < lift < high


def test_a_lift_of_nothing_is_none_and_one_of_nearly_nothing_is_bounded_nowhere() -> None:
    variant = ArmMean(800, 2.3, 16.0)
    assert relative_lift(difference(ArmMean(900, 0.0, 1.0), variant), 1.96) is None
    vague = relative_lift(difference(ArmMean(900, 0.01, 9.0), variant), 1.96)
    assert vague is not None
    assert vague[1] == (None, None)


def test_a_belief_is_the_conjugate_one_and_its_losses_are_those_drawn() -> None:
    control, variant = ArmMean(900, 2.0, 9.0), ArmMean(800, 2.3, 16.0)
    apart = difference(control, variant)
    found = belief(apart)
    # precision of prior and data add up
    prior, data = (PRIOR_LIFT * 2.0) ** -2, apart.error**-2
    assert near(found.value, data * apart.value / (prior + data))
    assert near(found.error, (prior + data) ** -0.5)
    assert near(found.better, float(stats.norm.sf(0, found.value, found.error)))
    drawn = np.random.default_rng(5).normal(found.value, found.error, 200_000)
    assert isclose(found.loss_if_taken, np.maximum(-drawn, 0).mean(), rel_tol=0.05)
    assert isclose(found.loss_if_left, np.maximum(drawn, 0).mean(), rel_tol=0.05)


def test_the_chance_to_be_best_of_two_is_that_of_their_difference_and_of_three_is_that_drawn() -> (
    None
):
    arms = [ArmMean(900, 2.0, 9.0), ArmMean(800, 2.3, 16.0), ArmMean(400, 2.2, 25.0)]
    two = chances_of_best(arms[:2])
    apart = difference(*arms[:2])
    assert near(two[1], float(stats.norm.cdf(apart.value / apart.error)))
    drawn = np.random.default_rng(6).normal(
        [one.value for one in arms], [one.error for one in arms], (200_000, 3)
    )
    told = np.bincount(drawn.argmax(axis=1)) / len(drawn)
    assert np.allclose(chances_of_best(arms), told, atol=0.005)
    assert chances_of_best([ArmMean(9, 1.0, 0.0), ArmMean(9, 2.0, 0.0)]) == [0.0, 1.0]


@pytest.mark.parametrize("counts", [(5_000, 5_100), (10_000, 9_400), (812, 790)])
def test_the_sample_ratio_is_scipys_chi_square(counts: tuple[int, int]) -> None:
    found = sample_ratio({"a": counts[0], "b": counts[1]}, {"a": 0.4, "b": 0.4})
    assert near(found.p, float(stats.chisquare(counts).pvalue))


def test_a_known_mismatch_is_one() -> None:
    """821,588 to 815,482 of a 50 / 50 split has p = 1.8e-6: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments", 2020, chapter 21."""
    found = sample_ratio({"a": 821_588, "b": 815_482}, {"a": 0.5, "b": 0.5})
    assert found.is_mismatch
    assert found.p is not None
    assert isclose(found.p, 1.8e-6, rel_tol=0.03)


def test_few_units_tell_nothing_of_shares() -> None:
    assert sample_ratio({"a": 4, "b": 0}, {"a": 0.5, "b": 0.5}).p is None
    gone = sample_ratio({"a": 400}, {"a": 0.5, "b": 0.5})
    assert gone.is_mismatch
    assert gone.expected == {"a": 200.0, "b": 200.0}


def test_holm_is_that_of_statsmodels() -> None:
    """multipletests(..., method="holm")."""
    found = holm([0.01, 0.04, 0.03, 0.005, 0.9])
    assert all(map(near, found, [0.04, 0.09, 0.09, 0.025, 0.9]))
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_makes_no_p_value_smaller_and_keeps_their_order(p_values: list[float]) -> None:
    found = holm(p_values)
    assert all(one >= p and one <= 1 for one, p in zip(found, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert all(np.diff(np.array(found)[order]) >= 0)


def test_a_trend_is_the_weighted_line_of_statsmodels() -> None:
    """WLS with weights 1 / error^2 and cov_type "fixed scale"."""
    values, errors = (1.0, 0.9, 0.5, 0.6, 0.2, 0.1), (0.1, 0.2, 0.15, 0.1, 0.2, 0.1)
    found = trend([DayEffect(at, *one) for at, one in enumerate(zip(values, errors, strict=True))])
    assert found is not None
    assert near(found.slope, -0.17744863229547447)
    assert near(found.error, 0.026758110367511648)
    assert near(found.p, 3.321054985088647e-11)
    assert near(found.first, 1.013160216815832)
    assert near(found.last, 1.013160216815832 - 5 * 0.17744863229547447)
    assert trend([DayEffect(0, 1.0, 0.1)] * 9) is None
    assert trend([DayEffect(at, 1.0, 0.0) for at in range(9)]) is None


def test_a_plan_is_that_of_statsmodels() -> None:
    """NormalIndPower().solve_power(0.05, ...): units of the first arm."""
    arm = ArmMean(1_000, 1.0, 1.0)
    even = plan(arm, Wanted(0.05))
    assert abs(even.fixed - 2 * 6279.088407460959) < 1
    uneven = plan(arm, Wanted(0.05, power=0.9, shares=(0.8, 0.2)))
    assert abs(uneven.fixed - 1.25 * 21014.83881928466) < 1


def test_who_looks_all_the_time_needs_more_units_and_that_many_are_enough() -> None:
    arm = ArmMean(1_000, 1.0, 4.0)
    found = plan(arm, Wanted(0.1))
    assert found.always is not None
    assert found.fixed < found.always < 3 * found.fixed
    one = ArmMean(found.always // 2, 1.0, 4.0)
    apart = difference(one, one._replace(value=1.1))
    always = always_valid(apart, found.always, 0.05)
    assert always is not None
    z_power = float(stats.norm.ppf(0.8))
    assert isclose((always.interval.low or 0), z_power * apart.error, rel_tol=1e-3)


def test_what_does_not_vary_cannot_be_planned() -> None:
    for one in (ArmMean(10, 0.0, 0.0), ArmMean(10, 1.0, 0.0)):
        with pytest.raises(ValueError, match="no number of units"):
            plan(one, Wanted(0.05))
    assert plan(ArmMean(10, 1.0, 1e12), Wanted(0.001)).always is None


def test_units_with_nothing_below_have_no_mean() -> None:
    assert arm_mean(moments(total([Values(1.0, 0.0)]))) is None
