"""Estimates of another policy: the formulas by hand, the truth within their intervals as often as they say, and doubt where the log cannot tell."""

from math import isclose, sqrt

import numpy as np
import pytest

from models.off_policy import (
    Logged,
    NewPolicy,
    Spread,
    Support,
    doubts,
    estimates,
    of_table,
    support,
    uniform,
)

MEANS = np.array([[0.1, 0.3, 0.2, 0.6, 0.4], [0.5, 0.1, 0.2, 0.3, 0.2]])
"""What each action earns, in two groups."""
LOGGING = np.array([[0.4, 0.3, 0.15, 0.05, 0.1], [0.1, 0.2, 0.2, 0.25, 0.25]])
NEW = np.array([[0.1, 0.1, 0.1, 0.5, 0.2], [0.6, 0.1, 0.1, 0.1, 0.1]])
TRUTH = float((NEW * MEANS).sum(axis=1).mean())
UNBIASED = ("ips", "snips", "doubly_robust")


def made(rows: int, seed: int) -> Logged:
    chance = np.random.default_rng(seed)
    groups = chance.integers(0, 2, rows)
    below = LOGGING.cumsum(axis=1)[groups]
    actions = (chance.random(rows)[:, None] >= below[:, :-1]).sum(axis=1)
    rewards = (chance.random(rows) < MEANS[groups, actions]).astype(np.float64)
    return Logged(actions, groups, rewards, LOGGING[groups, actions])


def by_name(logged: Logged, new: NewPolicy, clip: float = 100.0) -> dict[str, float]:
    return {one.name: one.value for one in estimates(logged, new, clip)}


def test_every_figure_is_what_its_formula_says() -> None:
    """By plain sums, of few rows and by hand."""
    logged = Logged(
        np.array([0, 1, 1, 0]), np.zeros(4, np.int64), np.array([1.0, 0.0, 2.0, 0.0]), np.array([0.5, 0.25, 0.8, 0.1]),
    )  # fmt: skip
    new = of_table(logged, np.array([[0.2, 0.8]]))
    weights = [0.2 / 0.5, 0.8 / 0.25, 0.8 / 0.8, 0.2 / 0.1]
    found = by_name(logged, new, clip=1.5)
    assert found["on_policy"] == 0.75
    assert isclose(found["ips"], (weights[0] + 2 * weights[2]) / 4)
    assert isclose(found["clipped"], (0.4 + 2 * 1.0) / 4)
    assert isclose(found["snips"], (weights[0] + 2 * weights[2]) / sum(weights))
    # a row is told by the others: rows 0 and 2 by 1 and 3, whose rewards are 0, and those by 0 and 2
    mean = {0: (1.0 + 10 * 1.5) / 11, 1: (2.0 + 10 * 1.5) / 11}
    told = 0.2 * mean[0] + 0.8 * mean[1]
    assert isclose(found["direct"], told / 2)
    left = [weights[0] * 1.0, weights[1] * -mean[1], weights[2] * 2.0, weights[3] * -mean[0]]
    assert isclose(found["doubly_robust"], (2 * told + sum(left)) / 4)
    assert isclose(found["switch"], (2 * told + left[0] + left[2]) / 4)
    said = support(logged, new, 1.5)
    assert isclose(said.effective_rows, sum(weights) ** 2 / sum(one**2 for one in weights))
    assert (said.clipped_rows, said.rewards) == (2, 2)
    assert isclose(said.largest_share, 3.2 / sum(weights))


def test_of_chances_in_a_column_only_what_needs_no_model_is_told() -> None:
    logged = made(500, 1)
    new = NewPolicy(NEW[logged.groups, logged.actions])
    assert [one.name for one in estimates(logged, new, 10.0)] == ["on_policy", "ips", "clipped", "snips"]  # fmt: skip
    assert support(logged, new, 10.0).unseen is None


def test_chances_by_row_tell_what_a_table_of_them_tells() -> None:
    logged = made(400, 3)
    rows, actions = np.repeat(np.arange(400), 5), np.tile(np.arange(5), 400)
    chances = NEW[logged.groups[rows], actions]
    spread = Spread(rows, actions, chances, np.zeros(400))
    by_row = NewPolicy(NEW[logged.groups, logged.actions], spread=spread)
    said, wanted = by_name(logged, by_row, 2.0), by_name(logged, of_table(logged, NEW), 2.0)
    assert said == pytest.approx(wanted, rel=1e-12)
    assert {"direct", "doubly_robust", "switch"} <= said.keys()


def test_what_could_not_have_been_done_is_missing_from_the_mean_weight_and_no_fault_of_the_chances() -> None:  # fmt: skip
    """A quarter of the new policy's chance lies on what no row could have shown."""
    logged = made(4_000, 4)
    taken = 0.75 * NEW[logged.groups, logged.actions]
    whole = np.zeros(0, np.int64)
    spread = Spread(whole, whole, np.zeros(0), np.full(4_000, 0.25))
    said = support(logged, NewPolicy(taken, spread=spread), 1e9)
    assert said.unseen == said.beyond == 0.25
    assert said.weight_error < 4
    assert support(logged, NewPolicy(taken), 1e9).weight_error > 4
    assert [one for one in doubts(said) if "mean weight" in one] == []
    assert any("25.0% of the new policy's chance" in one for one in doubts(said))


def test_rows_of_one_person_count_as_one() -> None:
    """Every row three times is no news: with whose they are known the intervals are those of the rows once."""
    once = made(300, 5)
    thrice = Logged(
        np.repeat(once.actions, 3), np.repeat(once.groups, 3), np.repeat(once.rewards, 3), np.repeat(once.chances, 3),
        np.repeat(np.arange(300), 3),
    )  # fmt: skip
    for few, many in zip(
        estimates(once, NewPolicy(NEW[once.groups, once.actions]), 3.0),
        estimates(thrice, NewPolicy(NEW[thrice.groups, thrice.actions]), 3.0), strict=True,
    ):  # fmt: skip
        assert isclose(few.value, many.value)
        assert few.low is not None
        assert many.low is not None
        # the delta method of the ratio has no n / (n - 1)
        wider = sqrt(300 / 299) if few.name == "snips" else 1.0
        assert isclose((few.value - few.low) * wider, many.value - many.low)
    alone = once._replace(people=np.zeros(300, np.int64))
    found = estimates(alone, NewPolicy(NEW[once.groups, once.actions]), 3.0)
    assert all(one.low is None for one in found), "of one person no interval can be stated"


def test_the_truth_lies_in_the_intervals_as_often_as_they_say() -> None:
    """200 logs of 2,000 rows: 95 of 100, less what chance takes (three standard errors of a share of .95 over 200)."""
    inside = dict.fromkeys(UNBIASED, 0)
    off = dict.fromkeys(UNBIASED, 0.0)
    runs = 200
    for seed in range(runs):
        logged = made(2_000, seed)
        for one in estimates(logged, of_table(logged, NEW), 1e9):
            if one.name in inside:
                assert one.low is not None
                assert one.high is not None
                inside[one.name] += one.low <= TRUTH <= one.high
                off[one.name] += one.value - TRUTH
    for name in UNBIASED:
        assert inside[name] / runs >= 0.95 - 3 * sqrt(0.95 * 0.05 / runs), name
        assert abs(off[name] / runs) < 0.01, name


def test_the_policy_of_the_log_itself_earns_what_it_earned() -> None:
    logged = made(3_000, 2)
    found = by_name(logged, of_table(logged, LOGGING))
    assert isclose(found["ips"], found["on_policy"])
    assert isclose(found["snips"], found["on_policy"])
    assert support(logged, of_table(logged, LOGGING), 9.0).effective_rows == pytest.approx(3_000)
    assert doubts(support(logged, of_table(logged, LOGGING), 9.0)) == []


def doubted(logged: Logged, new: NewPolicy) -> str:
    return "; ".join(doubts(support(logged, new, 10.0)))


def test_what_the_log_cannot_tell_is_doubted() -> None:
    logged = made(3_000, 3)
    assert "the mean weight" in doubted(logged._replace(chances=logged.chances / 2), of_table(logged, NEW))  # fmt: skip
    wide = np.concatenate([NEW * 0.9, np.full((2, 1), 0.1)], axis=1)
    assert "10.0% of the new policy's chance lies on actions" in doubted(logged, of_table(logged, wide))  # fmt: skip
    few = Logged(logged.actions[:60], logged.groups[:60], logged.rewards[:60], logged.chances[:60])
    assert "rows count as" in doubted(few, uniform(few))
    assert "0 rows with a reward" in doubted(logged._replace(rewards=np.zeros(3_000)), of_table(logged, NEW))  # fmt: skip
    nothing = NewPolicy(np.zeros(3_000))
    assert by_name(logged, nothing)["snips"] == 0.0
    assert "the rows count as 0" in doubted(logged, nothing)


def test_one_row_has_no_interval() -> None:
    one = Logged(np.array([0]), np.array([0]), np.array([1.0]), np.array([0.5]))
    found = estimates(one, uniform(one), 1.0)
    assert {(e.low, e.high) for e in found if e.name != "snips"} == {(None, None)}
    assert isinstance(support(one, uniform(one), 1.0), Support)
