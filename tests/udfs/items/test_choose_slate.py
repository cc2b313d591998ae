"""The slate: the best scores, and with diversity not all of one kind."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from tests.builders import make_learnt
from udfs.items.choose_slate import Balance, choose_slate
from udfs.items.retrieve_candidates import Retrieved


def candidate(number: int, category: str | None = None, name: str | None = None) -> Retrieved:
    return Retrieved(
        f"i{number}", "trending", Item(f"i{number}", name=name, category=category), None
    )


def choose(
    candidates: list[Retrieved],
    scores: list[float],
    size: int = 100,
    diversity: float = 0.0,
    free: list[int] | None = None,
) -> list[int]:
    free = list(range(len(candidates))) if free is None else free
    return choose_slate(
        candidates, np.array(scores, dtype=np.float32), free, size, Balance(diversity)
    )


kinds = st.tuples(st.sampled_from((None, "X", "Y", "Z")), st.sampled_from((None, "red", "red pan")))
offers = st.lists(st.tuples(kinds, st.integers(-3, 3)), max_size=12).map(
    lambda found: (
        [candidate(n, *kind) for n, (kind, _) in enumerate(found)],
        [float(score) for _, score in found],
    )
)
diversities = st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0))
Offers = tuple[list[Retrieved], list[float]]


@given(offers, st.integers(1, 15))
def test_without_diversity_the_best_come_first_and_equals_as_they_were_found(
    found: Offers, size: int
) -> None:
    candidates, scores = found
    expected = sorted(range(len(scores)), key=lambda at: -scores[at])  # sorting is stable
    assert choose(candidates, scores, size) == expected[:size]


@given(offers, st.integers(1, 15), diversities, st.data())
def test_a_slate_holds_free_candidates_once_as_many_as_there_are_places(
    found: Offers, size: int, diversity: float, data: Any
) -> None:
    candidates, scores = found
    free = [at for at in range(len(scores)) if data.draw(st.booleans())]
    chosen = choose(candidates, scores, size, diversity, free)
    assert len(chosen) == min(size, len(free)) == len(set(chosen))
    assert set(chosen) <= set(free)
    if free:
        assert scores[chosen[0]] == max(scores[at] for at in free)


@given(offers, diversities)
def test_a_shorter_slate_is_the_beginning_of_a_longer(found: Offers, diversity: float) -> None:
    whole = choose(*found, diversity=diversity)
    assert sorted(whole) == list(range(len(found[0])))
    for size in range(len(whole)):
        assert choose(*found, size=size, diversity=diversity) == whole[:size]


@given(offers, diversities)
def test_only_the_order_of_the_scores_matters(found: Offers, diversity: float) -> None:
    candidates, scores = found
    raised = [3.0 * score + 7.0 for score in scores]
    expected = choose(candidates, scores, diversity=diversity)
    assert choose(candidates, raised, diversity=diversity) == expected


@given(st.lists(st.sampled_from("XYZ"), min_size=1, max_size=12), st.integers(1, 12))
def test_with_full_diversity_no_category_comes_again_before_all_were_there(
    categories: list[str], size: int
) -> None:
    candidates = [candidate(n, category) for n, category in enumerate(categories)]
    scores = [float(-n) for n in range(len(categories))]
    chosen = choose(candidates, scores, size, 1.0)
    shown = [categories[at] for at in chosen]
    assert len(set(shown)) == min(size, len(set(categories)))
    assert len(set(shown[: len(set(categories))])) == len(set(shown))


def test_what_is_like_the_first_waits_for_what_is_not() -> None:
    candidates = [candidate(0, "X"), candidate(1, "X"), candidate(2, "Y"), candidate(3, "X")]
    scores = [4.0, 3.0, 2.0, 1.0]
    assert choose(candidates, scores, diversity=0.0) == [0, 1, 2, 3]
    assert choose(candidates, scores, diversity=0.5) == [0, 2, 1, 3]


def test_likeness_is_by_words_too_and_by_what_was_learnt_without_a_catalogue() -> None:
    alike = [
        candidate(0, None, "red pan"),
        candidate(1, None, "red pan"),
        candidate(2, None, "tent"),
    ]
    assert choose(alike, [3.0, 2.0, 1.0], diversity=0.6) == [0, 2, 1]
    learnt = [
        Retrieved(str(n), "trending", None, make_learnt(str(n), category=category))
        for n, category in enumerate(("X", "X", "Y"))
    ]
    assert choose(learnt, [3.0, 2.0, 1.0], diversity=0.6) == [0, 2, 1]
    unknown = [Retrieved(str(n), "caller", None, None) for n in range(3)]
    assert choose(unknown, [1.0, 2.0, 3.0], diversity=0.6) == [2, 1, 0]
