"""Arms: sticky, salted, in the shares that the policy gives, within their dates, and of a group one at a time."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from schemas.experiments import Arm, Experiment
from schemas.policy import Holdout
from tests.builders import NOON
from udfs.actions.assign_arms import assign_arms, is_held_out
from udfs.draw import draw

HALF = Experiment("hero", (Arm("control", 0.5), Arm("quiz", 0.5)))
THIRD = Experiment("offer", (Arm("control", 0.3), Arm("cheap", 0.2), Arm("dear", 0.1)))
PEOPLE = [f"person-{number}" for number in range(20_000)]


def arms_of(
    experiments: Iterable[Experiment], unit: str, at_ms: int = NOON, session_id: str = "s"
) -> dict[str, str]:
    return assign_arms(experiments, unit, session_id, at_ms)


@given(st.text(max_size=20))
def test_the_same_person_is_always_in_the_same_arm(person: str) -> None:
    both = arms_of([HALF, THIRD], person)
    assert arms_of([THIRD, HALF], person) == both
    assert arms_of([HALF], person, NOON * 2, "another") == {"hero": both["hero"]}


@given(st.text(max_size=20))
def test_an_experiment_of_before_dates_and_groups_splits_as_it_did(person: str) -> None:
    place = draw("experiment", "offer", person)
    told = (
        "control"
        if place < 0.3
        else "cheap"
        if place < 0.3 + 0.2
        else "dear"
        if place < 0.3 + 0.2 + 0.1
        else None
    )
    assert arms_of([THIRD], person).get("offer") == told
    assert is_held_out(Holdout(), person, NOON) == (draw("holdout", "holdout", person) < 0.05)


@pytest.mark.parametrize("experiment", [HALF, THIRD])
def test_arms_have_their_shares_and_the_rest_is_in_none(experiment: Experiment) -> None:
    counted = Counter(arms_of([experiment], one).get(experiment.name) for one in PEOPLE)
    names = (arm.name for arm in experiment.arms)
    shares: dict[str | None, float] = dict(zip(names, experiment.shares, strict=True))
    rest = 1.0 - sum(shares.values())
    expected = shares if rest < 1e-9 else shares | {None: rest}
    observed = [counted[name] for name in expected]
    assert sum(observed) == len(PEOPLE)
    assert chisquare(observed, [s * len(PEOPLE) for s in expected.values()]).pvalue > 0.001


def test_arms_that_say_no_share_have_alike_what_is_left() -> None:
    assert Experiment("e", (Arm("a"), Arm("b"))).shares == (0.5, 0.5)
    assert Experiment("e", (Arm("a"), Arm("b", 0.2), Arm("c"))).shares == (0.4, 0.2, 0.4)


def test_experiments_and_the_holdout_split_people_independently() -> None:
    cells = Counter(
        (arms_of([HALF], one)["hero"], is_held_out(Holdout(0.5), one, NOON)) for one in PEOPLE
    )
    assert chisquare(list(cells.values())).pvalue > 0.001
    assert len(cells) == 4


def test_another_salt_is_another_split() -> None:
    other = Experiment("hero", HALF.arms, salt="second")
    moved = sum(arms_of([HALF], one) != arms_of([other], one) for one in PEOPLE)
    assert moved == pytest.approx(len(PEOPLE) / 2, rel=0.05)
    held = sum(
        is_held_out(Holdout(), one, NOON) != is_held_out(Holdout(salt="x"), one, NOON)
        for one in PEOPLE
    )
    assert held > 0


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (1.0, len(PEOPLE))])
def test_a_share_of_none_or_all(share: float, held: int) -> None:
    assert sum(is_held_out(Holdout(share), one, NOON) for one in PEOPLE) == held


def test_before_its_start_and_from_its_end_on_nobody_is_in_an_arm_or_held_out() -> None:
    dated = Experiment("hero", HALF.arms, starts_ms=NOON, ends_ms=NOON + 10)
    holdout = Holdout(1.0, starts_ms=NOON, ends_ms=NOON + 10)
    for at_ms, runs in ((NOON - 1, False), (NOON, True), (NOON + 9, True), (NOON + 10, False)):
        assert bool(arms_of([dated], "p", at_ms)) is runs
        assert is_held_out(holdout, "p", at_ms) is runs
    assert arms_of([dated], "p", NOON) == arms_of([HALF], "p", NOON), "the dates move nobody"


def test_an_experiment_by_session_splits_the_visits_of_one_person() -> None:
    visits = Experiment("hero", HALF.arms, unit="session")
    counted = Counter(arms_of([visits], "p", NOON, one)["hero"] for one in PEOPLE)
    assert chisquare(list(counted.values())).pvalue > 0.001
    assert arms_of([visits], "p", NOON, "s") == arms_of([visits], "signed in", NOON, "s")


FIRST = Experiment("first", (Arm("a", 0.25), Arm("b", 0.25)), group="page")
SECOND = Experiment("second", (Arm("a", 0.25), Arm("b", 0.25)), group="page", offset=0.5)


def test_of_one_group_nobody_is_in_two_and_each_has_its_share() -> None:
    found = [arms_of([FIRST, SECOND], one) for one in PEOPLE]
    assert max(map(len, found)) == 1
    cells = Counter(pair for one in found for pair in one.items())
    assert len(cells) == 4
    assert sum(cells.values()) == len(PEOPLE)
    assert chisquare(list(cells.values())).pvalue > 0.001


def test_an_experiment_that_leaves_its_group_moves_nobody_of_the_others() -> None:
    assert all(
        arms_of([FIRST, SECOND], one).get("second") == arms_of([SECOND], one).get("second")
        for one in PEOPLE[:2_000]
    )


def test_what_follows_in_a_group_splits_the_same_people_anew() -> None:
    """Else what the arm before has done to them would be told of the arm now."""
    follower = Experiment("third", FIRST.arms, group="page", starts_ms=NOON)
    in_both = [(arms_of([FIRST], one), arms_of([follower], one)) for one in PEOPLE]
    cells = Counter((one["first"], other["third"]) for one, other in in_both if one and other)
    assert len(cells) == 4
    assert chisquare(list(cells.values())).pvalue > 0.001
