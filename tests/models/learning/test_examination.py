"""Examination: a planted curve is found, from random lists and from swaps; where the log cannot tell, it says so and changes nothing."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.learning.boosting import TrainingSettings
from models.learning.examination import (
    CLICKS_MIN,
    LOG_ERROR_MAX,
    PLACES_MAX,
    WEIGHT_MAX,
    Curve,
    Shows,
    Weighed,
    learn_curve,
    weights_of,
)
from models.learning.training import Trained, train
from models.ranker import XgboostRanker
from tests.models.planted_bias import (
    EVEN,
    ITEMS,
    NOISE,
    PLANTED,
    PUT_FIRST,
    SPACE,
    WANTED,
    ShownList,
    in_random_order,
    shown_lists,
    swapped,
    write_taken,
)

SEEDS: Final = (1, 2, 3)
SMALL: Final = TrainingSettings(depth=3, learning_rate=0.2, rounds_max=30, rounds_unstopped=30)
TOLERANCE: Final = 0.2
"""So far, of itself, may a learnt chance lie from the planted one with some 30,000 lists."""


def planted(way: str, examined: NDArray[np.float64], seed: int, lists: int = 30_000) -> Curve:
    if way == "swaps":
        return learn_curve("home", "swaps", swapped(lists, seed, examined), lists)
    chance = np.random.default_rng(seed)
    clicks = chance.poisson(lists * 0.15 * examined).astype(np.float64)
    shows = Shows(np.zeros(ITEMS, np.int64), np.arange(ITEMS), np.full(ITEMS, float(lists)), clicks)
    return learn_curve("home", "random", shows, lists)


# --- the curve --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", ["random", "swaps"])
def test_a_planted_curve_is_found(way: str, seed: int) -> None:
    found = planted(way, PLANTED, seed)
    assert found.is_used
    assert len(found.chances) == ITEMS
    np.testing.assert_allclose(found.chances, PLANTED, rtol=TOLERANCE)


@pytest.mark.parametrize("way", ["random", "swaps"])
def test_where_all_places_are_looked_at_alike_that_is_found(way: str) -> None:
    for seed in SEEDS:
        assert planted(way, EVEN, seed).chances == pytest.approx(EVEN, rel=0.1)


def test_the_intervals_hold_what_was_planted() -> None:
    """19 of 20 do; of 140, at least 126. Places that were pooled are known better than their own clicks tell."""
    held = 0
    for seed in range(20):
        found = planted("random", PLANTED, seed, 5_000)
        held += sum(
            low <= true <= high
            for low, true, high in zip(found.low[1:], PLANTED[1:], found.high[1:], strict=False)
        )
        assert len(found.chances) == ITEMS
    assert held >= 126


def test_how_sure_a_place_is_grows_with_the_clicks_that_it_rests_on() -> None:
    few, many = planted("random", PLANTED, 1, 5_000), planted("random", PLANTED, 1, 50_000)
    assert all(8 < b / a < 12.5 for a, b in zip(few.effective, many.effective, strict=True))
    assert few.effective == tuple(sorted(few.effective, reverse=True))
    assert (few.lists, many.lists) == (5_000, 50_000)


def test_what_stands_where_does_not_matter_where_the_same_thing_is_compared() -> None:
    """The first place holds what is wanted ten times as much: plain click rates would take that for the place's own doing."""
    things = np.array([0, 0, 1, 1])
    places = np.array([0, 1, 0, 1])
    shown = np.array([900.0, 100.0, 100.0, 900.0])
    clicks = shown * np.array([0.5, 0.5, 0.05, 0.05]) * np.array([1.0, 0.6, 1.0, 0.6])
    found = learn_curve("home", "swaps", Shows(things, places, shown, clicks), 2_000)
    assert found.chances[1] == pytest.approx(0.6, rel=0.02)
    by_rate = (clicks[1] + clicks[3]) / 1_000 / ((clicks[0] + clicks[2]) / 1_000)
    assert by_rate < 0.2


def of_one_thing(*clicks: float, shown: float = 1_000.0) -> Shows:
    count = len(clicks)
    return Shows(
        np.zeros(count, np.int64), np.arange(count), np.full(count, shown), np.array(clicks)
    )


def test_a_rise_by_chance_is_none_and_one_beyond_chance_is() -> None:
    by_chance = learn_curve("home", "random", of_one_thing(400, 100, 110), 1_000).chances
    assert by_chance[1] == by_chance[2] == pytest.approx(105 / 400, rel=0.02)
    beyond = learn_curve("home", "random", of_one_thing(400, 100, 300), 1_000).chances
    assert beyond == pytest.approx((1.0, 0.25, 0.75), rel=0.02)


def test_places_below_one_that_is_unsure_are_as_the_one_above() -> None:
    found = learn_curve("home", "random", of_one_thing(400, 200, 3, 90), 1_000)
    assert len(found.chances) == 2
    assert max(1 / one**0.5 for one in found.effective) <= LOG_ERROR_MAX
    assert found.inverse(np.array([0, 1, 2, 40])) == pytest.approx([1, 2, 2, 2], rel=0.02)


def test_places_that_no_item_stood_at_both_of_are_not_compared() -> None:
    """Some items were swapped between the places 1 and 2, others between 3 and 4: nothing joins these."""
    things, places = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    shows = Shows(things, places, np.full(4, 1_000.0), np.array([400.0, 200.0, 400.0, 300.0]))
    assert len(learn_curve("home", "swaps", shows, 2_000).chances) == 2


@pytest.mark.parametrize(
    ("shows", "doubt"),
    [
        (Shows(*(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 2), "0 clicks"),
        (of_one_thing(50, 49), "99 clicks"),
        (of_one_thing(1_000), "0 clicks"),
        (Shows(np.arange(2), np.arange(2), np.full(2, 1e3), np.full(2, 500.0)), "0 clicks"),
        (of_one_thing(400, 2), "too little was shown at the second place"),
    ],
)  # fmt: skip
def test_a_log_that_cannot_tell_is_refused_in_words_and_weighs_nothing(shows: Shows, doubt: str) -> None:  # fmt: skip
    found = learn_curve("home", "swaps", shows, 7)
    assert not found.is_used
    assert doubt in found.doubts[0]
    assert (str(CLICKS_MIN) in found.doubts[0]) == ("clicks" in doubt)
    weighed = weights_of([found], ["home"] * 3, np.arange(3))
    assert weighed.weights is None
    assert weighed.examination.curves == (found,)
    assert weighed.examination.effective == 3


def test_far_places_are_one() -> None:
    clicks = [100.0] * (PLACES_MAX + 30)
    found = learn_curve("home", "random", of_one_thing(*clicks), 1_000)
    assert len(found.chances) == PLACES_MAX
    assert found.clicks == sum(clicks)


@given(
    arrays(np.float64, (5, 6), elements=st.integers(0, 300).map(float)),
    arrays(np.float64, (5, 6), elements=st.floats(0, 1)),
    st.randoms(use_true_random=False),
)
def test_any_counts_give_a_curve_or_a_doubt_in_whatever_order_they_come(
    shown: NDArray[np.float64], rates: NDArray[np.float64], random: object
) -> None:
    things, places = np.nonzero(shown)
    shows = Shows(things, places, shown[things, places], np.floor(shown * rates)[things, places])
    found = learn_curve("home", "swaps", shows, 1)
    assert bool(found.doubts) != found.is_used
    if found.is_used:
        assert found.chances[0] == 1.0
        assert len(found.chances) == len(found.low) == len(found.high) == len(found.effective) >= 2
        assert np.isfinite(found.chances).all()
        assert min(found.chances) > 0
    order = np.arange(len(things))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = learn_curve("home", "swaps", Shows(*(one[order] for one in shows)), 1)
    assert mixed.doubts == found.doubts
    assert mixed.chances == pytest.approx(found.chances, rel=1e-3)


def test_where_each_person_has_their_own_order_swaps_take_wanting_for_looking() -> None:
    """Why they are not asked by default: all places are looked at alike here, and who wants the item more finds it higher."""
    shown = np.full(4, 5_000.0)
    clicks = np.array([1_000.0, 750.0, 500.0, 250.0])
    shows = Shows(np.zeros(4, np.int64), np.arange(4), shown, clicks)
    assert max(learn_curve("home", "swaps", shows, 20_000).chances[1:]) < 0.8


# --- weights ----------------------------------------------------------------------------------


def test_what_was_taken_further_down_counts_more_up_to_the_clip() -> None:
    curve = Curve(placement="home", source="given", chances=(1.0, 0.5, 0.01))
    places = np.array([0, 1, 2, 9, 3])
    weighed = weights_of([curve], ["home", "home", "home", None, "else"], places)
    assert weighed.weights is not None
    mean = (1 + 2 + WEIGHT_MAX) / 3
    assert weighed.weights == pytest.approx([1 / mean, 2 / mean, WEIGHT_MAX / mean, 1, 1])
    told = weighed.examination
    assert (told.weighted, told.clipped, told.clip) == (3, 1, WEIGHT_MAX)
    assert told.effective == pytest.approx(5**2 / (weighed.weights**2).sum())


def test_the_examples_of_a_placement_count_together_as_much_as_before() -> None:
    curves = [
        Curve(placement="a", source="given", chances=(1.0, 0.2)),
        Curve(placement="b", source="given", chances=(1.0, 0.9, 0.1)),
    ]
    names = ["a", "b", "a", "b", "b", None]
    weighed = weights_of(curves, names, np.array([0, 1, 1, 2, 0, 0]))
    assert weighed.weights is not None
    for name, count in (("a", 2), ("b", 3), (None, 1)):
        mine = [at for at, one in enumerate(names) if one == name]
        assert weighed.weights[mine].sum() == pytest.approx(count)


# --- training ---------------------------------------------------------------------------------


def gain(trained: Trained, lists: list[ShownList]) -> float:
    """Mean ndcg of the order by what is truly wanted."""
    discounts = 1.0 / np.log2(np.arange(2, ITEMS + 2))
    found = scores(trained, np.concatenate([one.features for one in lists])).reshape(-1, ITEMS)
    relevance = np.stack([one.relevance for one in lists])
    ordered = np.take_along_axis(relevance, np.argsort(-found, axis=1, kind="stable"), axis=1)
    best = np.sort(relevance, axis=1)[:, ::-1]
    return float(((ordered * discounts).sum(axis=1) / (best * discounts).sum(axis=1)).mean())


def scores(trained: Trained, features: NDArray[np.float32]) -> NDArray[np.float32]:
    ranker = XgboostRanker("v1", trained.booster, trained.names)
    return ranker.score(features[:, [SPACE.places[name] for name in ranker.names]])


class Pair:
    """A model that takes clicks as they came, and one that weighs them by what the same log tells of its places."""

    def __init__(self, folder: Path, examined: NDArray[np.float64], seed: int) -> None:
        lists = shown_lists(2_400, seed, examined)
        curve = learn_curve("home", "random", in_random_order(lists), len(lists))
        places = write_taken(folder / "examples", lists)
        self.weighed = weights_of([curve], ["home"] * len(places), places)
        self.plain = train(folder / "examples", SPACE, SMALL)
        self.neutral = train(folder / "examples", SPACE, SMALL, weighed=self.weighed)
        tested = shown_lists(300, 1_000 + seed)
        self.gains = gain(self.plain, tested), gain(self.neutral, tested)


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    """Of three seeds, each in lists whose first place is looked at eight times as often as the last."""
    return [Pair(tmp_path_factory.mktemp("biased"), PLANTED, seed) for seed in SEEDS]


def test_with_weights_the_order_is_nearer_to_what_is_wanted(biased: list[Pair]) -> None:
    """For each seed on the same lists; and most of what there is to gain is gained (1 is the best order)."""
    assert all(weighed > plain for plain, weighed in (one.gains for one in biased))
    plain, weighed = np.mean([one.gains for one in biased], axis=0)
    assert 1.0 - weighed < 0.6 * (1.0 - plain)


def test_the_order_does_not_follow_what_was_put_first_for_no_reason(biased: list[Pair]) -> None:
    """Neutral at serving: two items that differ only in what the old ranker put first score alike, nearly; without weights they do not."""

    def pull(trained: Trained) -> float:
        rows = np.random.default_rng(9).random((400, SPACE.count)).astype(np.float32)
        lower, upper = rows.copy(), rows.copy()
        lower[:, PUT_FIRST], upper[:, PUT_FIRST] = 0.1, 0.9
        return float((scores(trained, upper) - scores(trained, lower)).mean())

    plain, neutral = (np.mean([pull(one) for one in found]) for found in (
        [one.plain for one in biased], [one.neutral for one in biased],
    ))  # fmt: skip
    assert plain > 0.5
    assert abs(neutral) < 0.5 * plain


def test_without_a_bias_nothing_is_lost(tmp_path: Path) -> None:
    found = []
    for seed in SEEDS[:2]:
        (tmp_path / str(seed)).mkdir()
        found.append(Pair(tmp_path / str(seed), EVEN, seed).gains)
    plain, weighed = np.mean(found, axis=0)
    assert weighed > plain - 0.005


def test_the_report_and_its_figures_are_of_what_was_weighed(biased: list[Pair]) -> None:
    one = biased[0]
    assert one.plain.report.examination is None
    assert one.neutral.report.examination == one.weighed.examination
    assert one.neutral.metrics["mrr"] != one.plain.metrics["mrr"]


def test_weights_of_one_train_the_same_bytes_and_figures(tmp_path: Path) -> None:
    places = write_taken(tmp_path / "examples", shown_lists(600, 5))
    weighed = weights_of([], ["home"] * len(places), places)
    ones = Weighed(np.ones(len(places)), weighed.examination)
    plain = train(tmp_path / "examples", SPACE, SMALL)
    for one in (weighed, ones):
        same = train(tmp_path / "examples", SPACE, SMALL, weighed=one)
        assert (same.booster, same.metrics) == (plain.booster, plain.metrics)


def test_figures_of_ranking_count_each_decision_by_its_weight(tmp_path: Path) -> None:
    """Where only the newest decision counts, the figures are of it alone."""
    places = write_taken(tmp_path / "examples", shown_lists(900, 6))
    weights = np.ones(len(places))
    held = round(SMALL.held_out_share * len(places))
    weights[-(held - held // 2) :] = 1e-6
    weights[-1] = 1.0
    examination = weights_of([], [None] * len(places), places).examination
    found = train(tmp_path / "examples", SPACE, SMALL, weighed=Weighed(weights, examination))
    assert 1.0 / found.metrics["mrr"] == pytest.approx(round(1.0 / found.metrics["mrr"]), abs=1e-3)
    assert found.metrics["hr@1"] == pytest.approx(round(found.metrics["hr@1"]), abs=1e-3)


def test_what_tells_items_apart_is_learnt_with_weights_too(biased: list[Pair]) -> None:
    for one in biased:
        told = one.neutral.report.importance
        assert max(told, key=lambda name: told[name]) == SPACE.names[WANTED]
        assert told.get(SPACE.names[NOISE], 0.0) < 0.5 * told[SPACE.names[WANTED]]
