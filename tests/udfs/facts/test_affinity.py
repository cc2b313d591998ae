"""Affinities: decaying sums that do not depend on the order of additions."""

from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import AFFINITIES_MAX, DAY_MS
from schemas.state.person import Affinity
from tests.builders import NOON
from udfs.facts.affinity import lean, long, price_level, shares, short
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS

additions = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from((1.0, 3.0, 5.0)),
        st.integers(NOON, NOON + 90 * DAY_MS),
    ),
    max_size=12,
)


def leaning(found: list[tuple[str, float, int]]) -> dict[str, Affinity]:
    affinities: dict[str, Affinity] = {}
    for name, weight, time_ms in found:
        lean(affinities, name, weight, time_ms)
    return affinities


@given(additions, st.randoms(use_true_random=False))
def test_the_order_of_additions_does_not_matter(
    found: list[tuple[str, float, int]], chance: object
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = leaning(found), leaning(shuffled)
    assert one.keys() == other.keys()
    for name, entry in one.items():
        assert entry.at_ms == other[name].at_ms
        assert isclose(entry.long, other[name].long, rel_tol=1e-9)
        assert isclose(entry.short, other[name].short, rel_tol=1e-9)


@given(additions)
def test_sums_are_positive_and_never_more_than_was_added(
    found: list[tuple[str, float, int]],
) -> None:
    affinities = leaning(found)
    for name, entry in affinities.items():
        added = sum(weight for one, weight, _ in found if one == name)
        assert 0 < entry.short <= entry.long <= added + 1e-9


def test_a_leaning_halves_with_each_half_life() -> None:
    affinities = leaning([("a", 8.0, NOON), ("a", 0.0, NOON + LONG_HALF_LIFE_MS)])
    assert affinities["a"].long == 4.0
    affinities = leaning([("a", 8.0, NOON), ("a", 0.0, NOON + 3 * SHORT_HALF_LIFE_MS)])
    assert affinities["a"].short == 1.0


def test_a_late_addition_is_decayed_to_the_entrys_time() -> None:
    affinities = leaning([("a", 1.0, NOON + SHORT_HALF_LIFE_MS), ("a", 1.0, NOON)])
    assert affinities["a"].short == 1.5
    assert affinities["a"].at_ms == NOON + SHORT_HALF_LIFE_MS


def test_shares_sum_to_one_and_recent_leanings_weigh_more_in_the_short() -> None:
    affinities = leaning([("old", 1.0, NOON), ("new", 1.0, NOON + 30 * DAY_MS)])
    in_the_long_run = shares(affinities, NOON + 30 * DAY_MS, long)
    of_late = shares(affinities, NOON + 30 * DAY_MS, short)
    assert isclose(sum(in_the_long_run.values()), 1.0)
    assert isclose(sum(of_late.values()), 1.0)
    assert isclose(in_the_long_run["old"], 1 / 3)
    assert of_late["old"] < 1e-6


def test_shares_of_nothing_are_nothing() -> None:
    assert shares({}, NOON, long) == {}
    assert shares({"a": Affinity(0.0, 0.0, NOON)}, NOON, short) == {"a": 0.0}


def test_at_the_bound_the_weakest_goes() -> None:
    names = [f"n{n:02}" for n in range(AFFINITIES_MAX)]
    affinities = leaning([(name, 2.0, NOON) for name in names])
    affinities["n07"].long = 1.0
    lean(affinities, "new", 1.0, NOON)
    assert len(affinities) == AFFINITIES_MAX
    assert "n07" not in affinities
    assert "new" in affinities


def test_the_weakest_is_judged_as_of_now() -> None:
    names = [f"n{n:02}" for n in range(AFFINITIES_MAX - 1)]
    affinities = leaning([("once strong", 3.0, NOON)])
    for name in names:
        lean(affinities, name, 1.0, NOON + 90 * DAY_MS)
    lean(affinities, "new", 1.0, NOON + 90 * DAY_MS)
    assert "once strong" not in affinities


def test_price_levels_are_a_factor_wide() -> None:
    assert price_level(10.0) == price_level(11.0)
    assert price_level(10.0) != price_level(16.0)
    assert price_level(0.0) == price_level(0.01)
