"""How often intervals, tests and alarms are wrong, over 200 experiments made from a seed: visitors of a shop of whom few buy, for sums that are far from normal."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.config import PROJECT
from models.experiments.arms import ArmMean, cuped
from models.experiments.checks import RATIO_ALPHA, sample_ratio
from models.experiments.difference import difference, fixed_horizon
from models.experiments.sequential import FIRST_LOOK, always_valid

RUNS: Final = 200
UNITS: Final = 5_000
"""In each arm."""
STEP: Final = 50
"""So many new units in each arm between two looks."""
PLANNED: Final = 20_000
Numbers = NDArray[np.float64]


def revenue(chance: np.random.Generator, shape: tuple[int, ...], lift: float = 0.0) -> Numbers:
    """One of twelve buys, for amounts whose largest are many times the usual one; mean 4 (1 + lift)."""
    amounts = chance.lognormal(3.6, 0.8, shape) * (4 / np.exp(3.6 + 0.32)) * 12
    return np.where(chance.random(shape) < (1 + lift) / 12, amounts, 0.0)


def looks(values: Numbers) -> list[list[ArmMean]]:
    """By run and look the arm as it stands: (runs, units) of values in the order in which they came."""
    counts = np.arange(FIRST_LOOK, values.shape[1] + 1, STEP)
    sums, squares = (np.cumsum(one, axis=1)[:, counts - 1] for one in (values, values**2))
    means = sums / counts
    spread = (squares - sums * means) / (counts - 1)
    return [
        [ArmMean(int(n), m, v) for n, m, v in zip(counts, run, varies, strict=True)]
        for run, varies in zip(means.tolist(), spread.tolist(), strict=True)
    ]


def share_of_runs_that_claim(
    control: Numbers, variant: Numbers
) -> tuple[float, float]:  # always valid, fixed
    """The runs that show a difference at some look: by the sequence, and by who tests afresh each time."""
    sure = often = 0
    for one, other in zip(looks(control), looks(variant), strict=True):
        apart = [difference(*both) for both in zip(one, other, strict=True)]
        always = (always_valid(each, PLANNED, 0.05) for each in apart)
        sure += any(each is not None and each.p < 0.05 for each in always)
        often += any(fixed_horizon(each, 0.05).p < 0.05 for each in apart)
    return sure / RUNS, often / RUNS


def test_who_peeks_all_the_time_is_fooled_in_at_most_one_of_twenty() -> None:
    """A/A: nothing differs, and each run is looked at after every 50 visitors an arm. A usual test would be wrong several times as often."""
    chance = np.random.default_rng(11)
    control, variant = (revenue(chance, (RUNS, UNITS)) for _ in range(2))
    always, once = share_of_runs_that_claim(control, variant)
    assert always <= 0.05
    assert once > 0.2, "else the test shows nothing of peeking"
    told = f"was fooled in {always * RUNS:.0f} of the 200, a usual test looked at as often in {once * RUNS:.0f}."
    assert told in (PROJECT / "docs" / "experiments.md").read_text()


@pytest.mark.long
def test_so_it_is_where_people_come_back_and_spend_again() -> None:
    """A/A by person: each comes again after a while, a faithful one with the same luck, so what a look sees of old people goes on growing."""
    chance = np.random.default_rng(12)
    fooled = 0
    ends = np.arange(FIRST_LOOK, UNITS + 1, STEP)
    for _ in range(RUNS):
        arms = []
        for _arm in range(2):
            first = revenue(chance, (UNITS,))
            later = np.where(chance.random(UNITS) < 0.5, first * 1.5, 0.0)
            back = np.arange(UNITS) + chance.geometric(1 / 800, UNITS)
            arms.append((first, later, back))
        for end in ends:
            now = []
            for first, later, back in arms:
                worth = first[:end] + later[:end] * (back[:end] < end)
                now.append(ArmMean(int(end), float(worth.mean()), float(worth.var(ddof=1))))
            told = always_valid(difference(*now), PLANNED, 0.05)
            if told is not None and told.p < 0.05:
                fooled += 1
                break
    assert fooled / RUNS <= 0.05


def test_a_known_lift_lies_in_the_interval_of_95_percent() -> None:
    """By Welch where one looks once, and by the sequence at every look of a run at once; with and without what is known of before."""
    chance = np.random.default_rng(13)
    lift, truth = 0.2, 0.2 * 4
    taste = chance.lognormal(0, 0.5, (2, RUNS, UNITS)) / np.exp(0.125)
    control = revenue(chance, (RUNS, UNITS)) + 20 * taste[0]
    variant = revenue(chance, (RUNS, UNITS), lift) + 20 * taste[1]
    before = [revenue(chance, (RUNS, UNITS)) + 20 * one for one in taste]
    once = ever = adjusted = 0
    kept = []
    for run in range(RUNS):
        arms = [
            _with_before(values[run], known[run])
            for values, known in zip((control, variant), before, strict=True)
        ]
        bounds = fixed_horizon(difference(*arms), 0.05).interval
        once += (bounds.low or 0) <= truth <= (bounds.high or 0)
        less = cuped(arms)
        kept.append(less.kept)
        bounds = fixed_horizon(difference(*less.arms), 0.05).interval
        adjusted += (bounds.low or 0) <= truth <= (bounds.high or 0)
    for one, other in zip(looks(control), looks(variant), strict=True):
        sequence = [
            always_valid(difference(*both), PLANNED, 0.05) for both in zip(one, other, strict=True)
        ]
        ever += all(
            each is None or (each.interval.low or 0) <= truth <= (each.interval.high or 0)
            for each in sequence
        )
    assert once / RUNS >= 0.93
    assert adjusted / RUNS >= 0.93
    assert ever / RUNS >= 0.93
    assert np.mean(kept) < 0.96, "what is known of before takes some of the noise away"


def _with_before(values: Numbers, before: Numbers) -> ArmMean:
    spread = np.cov(values, before)
    return ArmMean(
        len(values), float(values.mean()), float(spread[0, 0]), float(before.mean()),
        float(spread[1, 1]), float(spread[0, 1]),
    )  # fmt: skip


def test_a_planted_loss_of_one_arms_people_is_alarmed_and_a_sound_split_is_not() -> None:
    """As where the variant's page is so slow that 1 of 20 of its visitors leaves before it is counted."""
    chance = np.random.default_rng(14)
    shares = {"control": 0.5, "variant": 0.5}
    sound = lost = 0
    for _ in range(RUNS):
        control = int(chance.binomial(60_000, 0.5))
        variant = 60_000 - control
        sound += sample_ratio({"control": control, "variant": variant}, shares).is_mismatch
        left = int(chance.binomial(variant, 0.95))
        lost += sample_ratio({"control": control, "variant": left}, shares).is_mismatch
    assert sound / RUNS <= 10 * RATIO_ALPHA
    assert lost / RUNS >= 0.99


def test_a_sound_split_that_is_looked_at_all_the_time_is_rarely_alarmed() -> None:
    """300 looks at each of 200 sound experiments."""
    chance, ends = np.random.default_rng(15), np.arange(100, 30_001, 100)
    controls = np.cumsum(chance.random((RUNS, 30_000)) < 0.5, axis=1)[:, ends - 1]
    shares = {"control": 0.5, "variant": 0.5}
    alarmed = sum(
        any(
            sample_ratio({"control": int(n), "variant": int(end - n)}, shares).is_mismatch
            for n, end in zip(run, ends, strict=True)
        )
        for run in controls
    )
    assert alarmed / RUNS <= 0.03
