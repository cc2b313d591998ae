"""The choice: chances sum to 1, order and what may not compete change nothing, chance is as logged."""

from collections import Counter
from math import exp, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from schemas.policy import NOTHING, Exploration
from udfs.actions.arbitrate import Contender, arbitrate, contend
from udfs.draw import draw

NEVER = Exploration()
NOTHING_AT_0 = Contender(NOTHING, 0.0, "", 1.0, 0.0, 1.0, 0.0)


def of(action_id: str, priority: float) -> Contender:
    return contend(action_id, 0.5, "prior", 1.0, priority * 2.0, 1.0)


priorities = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.floats(0, 1e6), min_size=1, max_size=20
)
explorations = st.builds(
    Exploration, st.sampled_from(["none", "epsilon_greedy", "softmax"]), st.floats(0, 1)
)
draws = st.floats(0, 1, exclude_max=True)


def test_priority_is_the_product_of_its_four_parts() -> None:
    parts = (0.2, 1.5, 30.0, 0.5)
    found = contend("a", parts[0], "model", *parts[1:])
    assert found.priority == pytest.approx(prod(parts))


@pytest.mark.parametrize(
    ("contenders", "chosen"),
    [
        ([of("a", 1.0), of("b", 2.0)], "b"),
        ([of("b", 2.0), of("a", 2.0)], "a"),
        ([NOTHING_AT_0, of("a", 0.0)], NOTHING),
        ([NOTHING_AT_0, of("a", 0.1)], "a"),
        ([NOTHING_AT_0], NOTHING),
    ],
)
def test_the_best_priority_wins_and_of_equals_nothing_and_then_the_smaller_id(
    contenders: list[Contender], chosen: str
) -> None:
    choice = arbitrate(contenders, NEVER, 0.999)
    assert choice.action_id == chosen
    assert choice.probabilities == {chosen: 1.0}


@given(priorities, explorations, draws)
def test_chances_sum_to_one_over_what_could_be_chosen(
    found: dict[str, float], exploration: Exploration, drawn: float
) -> None:
    choice = arbitrate([of(name, one) for name, one in found.items()], exploration, drawn)
    assert sum(choice.probabilities.values()) == pytest.approx(1.0)
    assert choice.probabilities[choice.action_id] > 0.0
    assert choice.probabilities.keys() <= found.keys()


@given(st.data(), priorities, explorations, draws)
def test_the_order_of_the_contenders_changes_nothing(
    data: st.DataObject, found: dict[str, float], exploration: Exploration, drawn: float
) -> None:
    contenders = [of(name, one) for name, one in found.items()]
    other = data.draw(st.permutations(contenders))
    assert arbitrate(contenders, exploration, drawn) == arbitrate(other, exploration, drawn)


@pytest.mark.parametrize("best", [1.0, 1e-300, 5e-324])
def test_how_small_all_priorities_are_changes_no_chance(best: float) -> None:
    choice = arbitrate([of("a", best), NOTHING_AT_0], Exploration("softmax", 0.5), 0.0)
    assert choice.probabilities == pytest.approx(
        {"a": 1 / (1 + exp(-2)), NOTHING: 1 / (1 + exp(2))}
    )


@pytest.mark.parametrize(
    "exploration", [Exploration("epsilon_greedy", 0.2), Exploration("softmax", 0.7)]
)
def test_the_observed_shares_are_the_logged_chances(exploration: Exploration) -> None:
    contenders = [of("a", 1.0), of("b", 3.0), of("c", 2.0), NOTHING_AT_0]
    count, chosen = 50_000, Counter[str]()
    for number in range(count):
        choice = arbitrate(contenders, exploration, draw("seed", f"p{number}", "e1"))
        chosen[choice.action_id] += 1
    expected = [choice.probabilities[one.action_id] * count for one in contenders]
    observed = [chosen[one.action_id] for one in contenders]
    assert chisquare(observed, expected).pvalue > 0.001


def test_softmax_leans_with_priority_and_epsilon_does_not() -> None:
    contenders = [of("a", 4.0), of("b", 3.0), of("c", 1.0)]
    soft = arbitrate(contenders, Exploration("softmax", 0.5), 0.0).probabilities
    assert soft["a"] > soft["b"] > soft["c"] > 0.0
    epsilon = arbitrate(contenders, Exploration("epsilon_greedy", 0.3), 0.0).probabilities
    assert epsilon == pytest.approx({"a": 0.8, "b": 0.1, "c": 0.1})
