"""What counts beside the scores: the order of before unless something is better by the margin, and what is new to people or seldom shown."""

from math import log2, sqrt
from statistics import pstdev
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from schemas.policy import Placement
from schemas.state.person import Exposure, LastSlate, PersonState
from schemas.state.session import ItemTouch, SessionContext
from tests.builders import NOON, make_event, make_knowledge, make_learnt
from udfs.items.balance_slate import (
    balance_of,
    coverage,
    novelty,
    rank_spread,
    self_information,
    spread_of,
    tell_balance,
)
from udfs.items.choose_slate import PLAIN, Balance, choose_slate
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.suppress_candidates import PASSED
from udfs.moment import Moment
from udfs.session.deduplicate import hash_of

KNOWLEDGE: Final = make_knowledge()


def some(count: int) -> list[Retrieved]:
    return [Retrieved(f"i{n}", "trending", Item(f"i{n}"), None) for n in range(count)]


def choose(
    scores: list[float],
    before: list[int],
    margin: float,
    size: int = 100,
    free: list[int] | None = None,
    **more: Any,
) -> list[int]:
    places = {at: place for place, at in enumerate(before)}
    free = list(range(len(scores))) if free is None else free
    balance = Balance(margin=margin, before=places, **more)
    return choose_slate(some(len(scores)), np.array(scores, np.float32), free, size, balance)


# --- the order of before --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "before", "margin", "size", "expected"),
    [
        ([1, 2, 3], [0, 1, 2], 0.0, 3, [2, 1, 0]),  # what is better goes before at once
        ([1, 2, 3], [0, 1, 2], 1.0, 3, [1, 2, 0]),  # by more than the margin only
        ([1, 2, 3], [0, 1, 2], 2.0, 3, [0, 1, 2]),
        ([1, 1, 1], [2, 0, 1], 0.0, 3, [2, 0, 1]),  # equals keep their order
        ([5, 5, 6], [0, 1], 1.0, 2, [0, 1]),  # what is new comes behind what it does not beat ...
        ([5, 5, 6], [0, 1], 0.9, 2, [2, 0]),  # ... and before all that it beats
        ([5, 1, 6], [0, 1], 1.0, 2, [0, 2]),
        ([5, 1, 6, 7], [], 9.0, 3, [3, 2, 0]),  # nothing came before
    ],
)
def test_a_list_keeps_its_order_unless_something_is_better_by_the_margin(
    scores: list[float], before: list[int], margin: float, size: int, expected: list[int]
) -> None:
    assert choose(scores, before, margin, size) == expected


scores_of = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=12)
margins = st.sampled_from((0.0, 0.5, 1.0, 3.0, 99.0))
leanings = st.fixed_dictionaries(
    {"diversity": st.sampled_from((0.0, 0.4, 1.0)), "share": st.sampled_from((0.0, 0.3, 1.0))}
)


@given(scores_of, margins, st.data())
def test_nothing_stands_above_what_is_better_by_more_than_the_margin(
    scores: list[float], margin: float, data: Any
) -> None:
    before = data.draw(st.permutations(range(len(scores))))[: data.draw(st.integers(0, 12))]
    chosen = choose(scores, before, margin, data.draw(st.integers(1, 12)))
    left = set(range(len(scores))) - set(chosen)
    for number, at in enumerate(chosen):
        below = [scores[one] for one in (*chosen[number + 1 :], *left)]
        assert max(below, default=scores[at]) <= scores[at] + margin


@given(scores_of, st.data())
def test_with_a_margin_that_nothing_beats_the_list_of_before_comes_first_as_it_was(
    scores: list[float], data: Any
) -> None:
    before = data.draw(st.permutations(range(len(scores))))[: data.draw(st.integers(0, 12))]
    size = data.draw(st.integers(1, 12))
    assert choose(scores, before, 10.0, size)[: len(before)] == before[:size]


@given(scores_of, margins, leanings, st.data())
def test_a_steady_list_holds_free_candidates_once_and_none_that_is_forbidden(
    scores: list[float], margin: float, leaning: dict[str, float], data: Any
) -> None:
    free = [at for at in range(len(scores)) if data.draw(st.booleans())]
    before = data.draw(st.permutations(range(len(scores))))
    extra = {at: data.draw(st.floats(0, 1)) for at in range(len(scores))}
    size = data.draw(st.integers(1, 12))
    kept = [at for at in before if at in free]
    chosen = choose(scores, kept, margin, size, free, extra=extra, **leaning)
    assert len(chosen) == min(size, len(free)) == len(set(chosen))
    assert set(chosen) <= set(free)


@given(scores_of, margins)
def test_where_nothing_came_before_and_nothing_else_is_set_it_is_the_plain_order(
    scores: list[float], margin: float
) -> None:
    plain = choose_slate(
        some(len(scores)), np.array(scores, np.float32), range(len(scores)), 100, PLAIN
    )
    assert choose(scores, [], margin) == plain
    assert plain == sorted(range(len(scores)), key=lambda at: -scores[at])


@given(scores_of, st.sampled_from((0.25, 1.0, 2.0)), st.data())
def test_the_scale_of_the_scores_does_not_matter(
    scores: list[float], steadiness: float, data: Any
) -> None:
    before = data.draw(st.permutations(range(len(scores))))

    def with_margin(values: list[float]) -> list[int]:
        return choose(values, before, steadiness * spread_of(values))

    assert with_margin([4.0 * one for one in scores]) == with_margin(scores)


# --- its margin, by the settings ------------------------------------------------------------------


def moment(**state: Any) -> Moment:
    person = PersonState(NOON, NOON, **state)
    context = SessionContext(1, NOON, NOON)
    context.items["i1"] = ItemTouch(None, None, None, NOON, NOON, 1, touches=2)
    return Moment(person, context, make_event(), KNOWLEDGE, KNOWLEDGE.at(NOON))


STEADY: Final = {"slates": {"home": LastSlate(hash_of("s1"), NOON, ("i2", "gone", "i0"))}}
SCORES: Final = np.array([1.0, 2.0, 4.0, 9.0], np.float32)


def balanced(weights: dict[int, float] | None = None, /, **placement: float) -> Balance:
    own = Placement("home", **placement)  # type: ignore[arg-type]
    return balance_of(some(4), SCORES, range(4), weights or {}, own, moment(**STEADY))


def test_nothing_is_computed_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("places_before", "_extra", "spread_of", "rank_spread"):
        monkeypatch.delattr(f"udfs.items.balance_slate.{name}")
    assert balanced() is PLAIN
    verdicts = [PASSED] * 4
    assert tell_balance(verdicts, range(4), PLAIN) is verdicts


def test_the_margin_is_in_standard_deviations_of_the_scores() -> None:
    found = balanced(steadiness=0.5)
    assert found.before == {2: 0, 0: 2}
    assert found.margin == pytest.approx(0.5 * pstdev([1.0, 2.0, 4.0, 9.0]))


@pytest.mark.parametrize("more", [{"diversity": 0.1}, {"novelty": 0.1}, {"coverage": 0.1}])
def test_where_ranks_order_it_is_in_those_of_ranks(more: dict[str, float]) -> None:
    assert balanced(steadiness=2.0, **more).margin == pytest.approx(2 * pstdev([0.25, 0.5, 0.75, 1]))  # fmt: skip


def test_what_is_wanted_less_of_is_neither_kept_nor_brought_forward() -> None:
    found = balanced({0: 5.0, 1: 1.0, 2: 0.01, 3: 1.0}, steadiness=1.0, novelty=0.5)
    assert found.before == {0: 2}
    assert set(found.extra) == {0, 1, 3}
    assert found.margin == rank_spread(4)


@given(st.integers(1, 200))
def test_the_spread_of_ranks_is_that_of_even_steps(count: int) -> None:
    steps = [1.0 - place / count for place in range(count)]
    assert rank_spread(count) == pytest.approx(spread_of(steps)) == pytest.approx(pstdev(steps))
    assert spread_of([]) == rank_spread(0) == 0.0
    assert rank_spread(2) == pytest.approx(sqrt(1 / 16))


# --- novelty and coverage -------------------------------------------------------------------------


def test_self_information_by_hand() -> None:
    """Counts of 3, 0 and 0 are parts of 4, 1 and 1 of 6."""
    assert self_information([3.0, 0.0, 0.0]) == pytest.approx([log2(6 / 4) / log2(6), 1.0, 1.0])
    assert self_information([7.0]) == [1.0]
    assert self_information([]) == []


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20))
def test_what_is_counted_less_is_more_to_tell(counts: list[float]) -> None:
    found = self_information(counts)
    assert all(0.0 < one <= 1.0 for one in found)
    pairs = list(zip(counts, found, strict=True))
    assert all(mine >= theirs for one, mine in pairs for other, theirs in pairs if one < other)


def learnt(**counts: float) -> list[Retrieved]:
    return [
        Retrieved(name, "trending", None, make_learnt(name, interest=one, exposures=one))
        for name, one in counts.items()
    ]


def test_what_this_person_has_met_is_less_new() -> None:
    candidates = learnt(i0=1.0, i1=1.0, i2=1.0, i3=30.0)
    at = moment(exposures={"i2": Exposure(3, 0, NOON)})
    found = novelty(candidates, at)
    assert found[0] == 1.0
    assert found[1] == pytest.approx(1 / 3), "two touches in this visit"
    assert found[2] == pytest.approx(1 / 4), "shown three times"
    assert found[3] < found[1], "everybody looks at it"
    assert coverage(candidates, at)[:3] == [1.0, 1.0, 1.0], "it is of all people, not of this one"
    assert coverage(candidates, at)[3] < 0.5


def test_what_is_learnt_fades_to_the_moment() -> None:
    old = make_learnt("i0", exposures=64.0)
    later = Moment(
        PersonState(NOON, NOON), SessionContext(1, NOON, NOON),
        make_event(event_time_ms=old.at_ms + 180 * 86_400_000), KNOWLEDGE, KNOWLEDGE.at(NOON),
    )  # fmt: skip
    candidates = [Retrieved("i0", "", None, old), Retrieved("i1", "", None, None)]
    assert coverage(candidates, later) == pytest.approx([log2(3 / 2) / log2(3), 1.0], rel=1e-6)


@pytest.mark.parametrize(
    ("wanted", "share", "first"),
    [
        ({"novelty": 1.0}, 1.0, 1.0), ({"coverage": 0.25}, 0.25, 1.0),
        ({"novelty": 0.5, "coverage": 0.5}, 1.0, 1.0), ({"novelty": 1.0, "coverage": 1.0}, 1.0, 1.0),
    ],
)  # fmt: skip
def test_the_settings_share_what_a_candidate_is_worth(
    wanted: dict[str, float], share: float, first: float
) -> None:
    candidates = learnt(i9=0.0, i0=9.0)
    own = Placement("home", **wanted)  # type: ignore[arg-type]
    found = balance_of(candidates, SCORES[:2], range(2), {}, own, moment())
    assert found.share == share
    assert found.extra[0] == pytest.approx(first)
    both = [novelty(candidates, moment())[1], coverage(candidates, moment())[1]]
    parts = [wanted.get("novelty", 0.0), wanted.get("coverage", 0.0)]
    assert found.extra[1] == pytest.approx(np.dot(both, parts) / sum(parts))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_the_more_it_is_wanted_the_further_it_comes_forward(share: float) -> None:
    expected = {0.0: [0, 1, 2, 3], 0.2: [0, 1, 3, 2], 1.0: [3, 0, 1, 2]}
    extra = {0: 0.0, 1: 0.0, 2: 0.0, 3: 1.0 + 1e-9}
    balance = Balance(share=share, extra=extra)
    scores = np.array([4, 3, 2, 1], np.float32)
    assert choose_slate(some(4), scores, range(4), 4, balance) == expected[share]


def test_the_trace_says_so() -> None:
    balance = Balance(share=0.5, extra={0: 0.25}, before={0: 2, 1: 0}, margin=1.0)
    verdicts = tell_balance([PASSED] * 3, range(3), balance)
    assert [one.values for one in verdicts] == [
        {"brought_forward": "0.250 x 0.5", "place_before": "3"}, {"place_before": "1"}, {},
    ]  # fmt: skip
    assert PASSED.values == {}
