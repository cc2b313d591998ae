"""Arms: sticky, salted, in the shares that the policy gives."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from schemas.policy import Arm, Experiment, Holdout
from udfs.actions.assign_arms import assign_arms, is_held_out

HALF = Experiment("hero", (Arm("control", 0.5), Arm("quiz", 0.5)))
THIRD = Experiment("offer", (Arm("control", 0.3), Arm("cheap", 0.2), Arm("dear", 0.1)))
PEOPLE = [f"person-{number}" for number in range(20_000)]


@given(st.text(max_size=20))
def test_the_same_person_is_always_in_the_same_arm(person: str) -> None:
    both = assign_arms([HALF, THIRD], person)
    assert assign_arms([THIRD, HALF], person) == both
    assert assign_arms([HALF], person) == {"hero": both["hero"]}


@pytest.mark.parametrize("experiment", [HALF, THIRD])
def test_arms_have_their_shares_and_the_rest_is_in_none(experiment: Experiment) -> None:
    counted = Counter(assign_arms([experiment], one).get(experiment.name) for one in PEOPLE)
    shares = {arm.name: arm.share for arm in experiment.arms}
    rest = 1.0 - sum(shares.values())
    expected = shares if rest < 1e-9 else shares | {None: rest}
    observed = [counted[name] for name in expected]
    assert sum(observed) == len(PEOPLE)
    assert chisquare(observed, [s * len(PEOPLE) for s in expected.values()]).pvalue > 0.001


def test_experiments_and_the_holdout_split_people_independently() -> None:
    cells = Counter(
        (assign_arms([HALF], one)["hero"], is_held_out(Holdout(0.5), one)) for one in PEOPLE
    )
    assert chisquare(list(cells.values())).pvalue > 0.001
    assert len(cells) == 4


def test_another_salt_is_another_split() -> None:
    other = Experiment("hero", HALF.arms, salt="second")
    moved = sum(assign_arms([HALF], one) != assign_arms([other], one) for one in PEOPLE)
    assert moved == pytest.approx(len(PEOPLE) / 2, rel=0.05)
    held = sum(is_held_out(Holdout(), one) != is_held_out(Holdout(salt="x"), one) for one in PEOPLE)
    assert held > 0


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (1.0, len(PEOPLE))])
def test_a_share_of_none_or_all(share: float, held: int) -> None:
    assert sum(is_held_out(Holdout(share), one) for one in PEOPLE) == held
