"""Calibration: the chance it names is the share that comes true, and always a line that rises."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.learning.calibration import (
    KNOTS_MAX,
    Calibration,
    CurvePoint,
    calibration_curve,
    expected_calibration_error,
    fit_calibration,
)

SCORES = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(SCORES, st.booleans()), min_size=1, max_size=200)


def drawn(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores whose logit is 1.7 times as steep as the truth, and labels drawn from the truth."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(-2.5, 1.2, rows)
    labels = (chance.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    return (1.7 * logits + 1).astype(np.float32), labels


def test_what_is_named_comes_true_on_rows_it_never_saw() -> None:
    scores, labels = drawn(20_000, seed=1)
    new_scores, new_labels = drawn(20_000, seed=2)
    uncalibrated = 1 / (1 + np.exp(-new_scores))
    assert expected_calibration_error(uncalibrated, new_labels) > 0.03
    chances = fit_calibration(scores, labels).apply(new_scores)
    assert expected_calibration_error(chances, new_labels) < 0.01


def test_a_large_fit_is_a_few_dozen_knots() -> None:
    scores, labels = drawn(200_000, seed=1)
    calibration = fit_calibration(scores, labels)
    assert 16 <= len(calibration.scores) <= KNOTS_MAX
    assert max(calibration.chances) > 0.5  # the rare sure ones are not averaged away


@given(ROWS)
def test_every_fit_rises_and_is_never_certain(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float32)
    labels = np.array([label for _, label in rows], dtype=np.float32)
    calibration = fit_calibration(scores, labels)  # a Calibration checks its own knots
    chances = calibration.apply(np.sort(scores))
    assert ((chances > 0) & (chances < 1)).all()
    # between two knots np.interp rounds: scores of 1e12 beside 1e-5 can differ in the last bit
    assert (np.diff(chances) >= -1e-15).all()


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    rows: list[tuple[float, bool]], chance: object
) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    fits = [
        fit_calibration(
            np.array([score for score, _ in one], dtype=np.float32),
            np.array([label for _, label in one], dtype=np.float32),
        )
        for one in (rows, shuffled)
    ]
    probes = np.linspace(-5, 5, 50)
    assert fits[0].apply(probes) == pytest.approx(fits[1].apply(probes), abs=1e-6)


@pytest.mark.parametrize(("label", "chance"), [(0.0, 1 / 12), (1.0, 11 / 12)])
def test_one_class_is_as_sure_as_ten_rows_allow(label: float, chance: float) -> None:
    scores = np.arange(10, dtype=np.float32)
    fit = fit_calibration(scores, np.full(10, label, dtype=np.float32))
    assert fit.apply(scores) == pytest.approx(np.full(10, chance))


def test_between_knots_is_a_line_and_beyond_them_it_is_flat() -> None:
    calibration = Calibration((0.0, 2.0), (0.1, 0.5))
    found = calibration.apply(np.array([-9.0, 0.0, 1.0, 2.0, 9.0]))
    assert found == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])


@pytest.mark.parametrize(
    ("scores", "chances"),
    [
        ((0.0, 1.0), (0.5,)),
        ((1.0, 1.0), (0.2, 0.5)),
        ((2.0, 1.0), (0.2, 0.5)),
        ((0.0, 1.0), (0.5, 0.2)),
        ((0.0,), (0.0,)),
        ((0.0,), (1.0,)),
        ((0.0,), (math.nan,)),
        ((math.nan,), (0.5,)),
        ((math.inf,), (0.5,)),
        ((), ()),
        (tuple(range(KNOTS_MAX + 1)), tuple(n / 100 for n in range(1, KNOTS_MAX + 2))),
    ],
)
def test_knots_that_are_no_calibration_are_refused(
    scores: tuple[float, ...], chances: tuple[float, ...]
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"scores": scores, "chances": chances}, Calibration)


def test_the_error_is_the_mean_distance_over_bins_of_equal_mass() -> None:
    chances = np.array([0.1, 0.1, 0.9, 0.9])
    labels = np.array([0.0, 0.0, 1.0, 0.0])
    assert calibration_curve(chances, labels, bins=2) == [
        CurvePoint(0.1, 0.0, 2), CurvePoint(0.9, 0.5, 2)
    ]  # fmt: skip
    assert expected_calibration_error(chances, labels, bins=2) == pytest.approx((0.1 + 0.4) / 2)


def test_bins_that_would_be_empty_are_not_there() -> None:
    chances = np.array([0.25, 0.75])
    assert len(calibration_curve(chances, np.array([0.0, 1.0]))) == 2
    assert expected_calibration_error(np.zeros(0), np.zeros(0)) == 0.0
