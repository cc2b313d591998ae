"""Past sessions: the arrays compute what the formula says, whatever number an item has."""

from math import log, sqrt
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.knowledge import PastSession
from schemas.limits import DAY_MS, SESSION_MEMORY_ITEMS, SESSIONS_PER_ITEM_MAX
from tests.builders import NOON, make_past_session
from udfs.knowledge.past_sessions import NEIGHBOURS_MAX, NEW_HALF_LIFE_MS, Near, PastSessions
from udfs.session.follow_session import Leads

IDS = "abcdefgh"


class Scores(NamedTuple):
    touched: float
    focused: float
    followed: float


def remembered(found: list[PastSession], size: int = 1_000) -> PastSessions:
    sessions = PastSessions(size)
    for one in found:
        sessions.add(one)
    return sessions


def reference(
    found: list[PastSession],
    touched: list[str],
    neighbours: int = NEIGHBOURS_MAX,
    of_item: int = SESSIONS_PER_ITEM_MAX,
) -> dict[str, Scores] | None:
    """The formula, session by session. `touched` is newest first."""
    nearness: dict[int, float] = {}
    for place, item_id in enumerate(touched):
        holders = [n for n, one in enumerate(found) if item_id in one.item_ids]
        holders = holders[-of_item:]
        for n in holders:
            weight = log(1.0 + len(found) / len(holders)) / sqrt(1.0 + place)
            nearness[n] = nearness.get(n, 0.0) + weight
    for n in nearness:
        age_ms = max(0, NOON - found[n].ended_ms)
        nearness[n] *= 0.5 ** (age_ms / NEW_HALF_LIFE_MS)
    nearest = sorted(nearness, key=lambda n: (-nearness[n], -n))[:neighbours]
    if not nearest:
        return None
    total = sum(nearness[n] for n in nearest)
    squares = sum(nearness[n] ** 2 for n in nearest)
    scores: dict[str, Scores] = {}
    for n in nearest:
        items = found[n].item_ids
        shared = items.index(min((one for one in items if one in touched), key=touched.index))
        for at, item_id in enumerate(items):
            closeness = 1.0 / (1.0 + abs(at - shared) / 2.0) / (1.0 if at >= shared else 2.0)
            was = scores.get(item_id, Scores(0.0, 0.0, 0.0))
            scores[item_id] = Scores(
                was.touched + nearness[n] / total * closeness,
                was.focused + nearness[n] ** 2 / squares * closeness,
                was.followed + (nearness[n] / total if at == shared + 1 else 0.0),
            )
    return scores


def by_id(sessions: PastSessions, near: Near | None) -> dict[str, Scores] | None:
    if near is None:
        return None
    rows = zip(sessions.ids, *(one.tolist() for one in near), strict=True)
    return {item_id: Scores(*scores) for item_id, *scores in rows if any(scores)}


def check(
    sessions: PastSessions, touched: list[str], count: int, expected: dict[str, Scores] | None
) -> None:
    scores = by_id(sessions, sessions.near(touched, NOON, count))
    if scores is None or expected is None:
        assert scores == expected
    else:
        assert scores.keys() == expected.keys()
        for item_id, score in scores.items():
            assert score == pytest.approx(expected[item_id])


lists_of_items = st.lists(st.sampled_from(IDS), min_size=1, max_size=5, unique=True)
past = st.builds(
    lambda items, days: make_past_session(*items, ended_ms=NOON - round(days * DAY_MS)),
    lists_of_items,
    st.sampled_from((-1.0, 0.0, 1.0, 7.5, 30.0, 300.0)),
)
pasts = st.lists(past, max_size=25)
patching = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(pasts, lists_of_items)
def test_scores_are_those_of_the_formula(found: list[PastSession], touched: list[str]) -> None:
    check(remembered(found), touched, len(found), reference(found, touched))


@given(pasts, lists_of_items, st.integers(1, 5), st.integers(1, 5))
@patching
def test_only_so_many_neighbours_and_so_many_sessions_of_an_item_count(
    monkeypatch: pytest.MonkeyPatch,
    found: list[PastSession],
    touched: list[str],
    neighbours: int,
    of_item: int,
) -> None:
    """The nearest and, of an item's, the newest."""
    monkeypatch.setattr("udfs.knowledge.past_sessions.NEIGHBOURS_MAX", neighbours)
    monkeypatch.setattr("udfs.knowledge.past_sessions.SESSIONS_PER_ITEM_MAX", of_item)
    expected = reference(found, touched, neighbours, of_item)
    check(remembered(found), touched, len(found), expected)


@given(pasts, lists_of_items, st.integers(0, 25))
def test_only_the_first_sessions_are_seen(
    found: list[PastSession], touched: list[str], count: int
) -> None:
    """A view of an older epoch is not changed by what came after it."""
    count = min(count, len(found))
    check(remembered(found), touched, count, reference(found[:count], touched))


@given(pasts, lists_of_items, st.integers(1, 6))
def test_at_the_bound_the_oldest_session_goes(
    found: list[PastSession], touched: list[str], size: int
) -> None:
    sessions = remembered(found, size)
    assert sessions.count == len(found)
    assert len(sessions._items) <= size
    check(sessions, touched, len(found), reference(found[-size:], touched))


@given(pasts, lists_of_items, st.permutations(IDS), st.integers(1, 6))
def test_the_numbers_of_the_items_do_not_matter(
    found: list[PastSession], touched: list[str], order: list[str], count: int
) -> None:
    """An instance that started elsewhere numbered them in another order, and others besides."""
    one, other = remembered(found), PastSessions(1_000)
    for item_id in ("x", *order, "y", "z"):
        other._number(item_id)
    for session in found:
        other.add(session)
    near, again = (each.near(touched, NOON, len(found)) for each in (one, other))
    assert by_id(one, near) == by_id(other, again)
    ours, theirs = (
        Leads(each.numbers, each.ids, scores, {}, {}, {}, {}, {}).nearest(count)
        for each, scores in ((one, near), (other, again))
    )
    assert ours == theirs


def test_nothing_shared_is_nothing_near() -> None:
    sessions = remembered([make_past_session("a", "b")])
    assert sessions.near(["x"], NOON, 1) is None
    assert sessions.near([], NOON, 1) is None
    assert sessions.near(["a"], NOON, 0) is None
    assert PastSessions(5).near(["a"], NOON, 0) is None


def test_what_followed_counts_more_than_what_came_before() -> None:
    sessions = remembered([make_past_session("before", "shared", "after", "later")])
    scores = by_id(sessions, sessions.near(["shared"], NOON, 1))
    assert scores == {
        "before": Scores(1 / 3, 1 / 3, 0.0), "shared": Scores(1.0, 1.0, 0.0),
        "after": Scores(2 / 3, 2 / 3, 1.0), "later": Scores(0.5, 0.5, 0.0),
    }  # fmt: skip


def test_a_long_session_is_remembered_by_its_newest_items() -> None:
    names = [f"n{n}" for n in range(SESSION_MEMORY_ITEMS + 2)]
    sessions = remembered([make_past_session(*names)])
    assert sessions.near(["n0"], NOON, 1) is None
    scores = by_id(sessions, sessions.near([names[-1]], NOON, 1))
    assert scores is not None
    assert set(scores) == set(names[2:])


def test_sessions_of_long_ago_still_have_weights() -> None:
    century_ms = 36_500 * DAY_MS
    found = [make_past_session("a", "b", ended_ms=NOON - century_ms // 4), make_past_session("c")]
    near = remembered(found).near(["a"], NOON + 3 * century_ms // 4, 2)
    assert near is not None
    assert np.isfinite(near).all()
    assert near.touched[0] == 1.0


def test_many_items_and_sessions_grow_the_arrays() -> None:
    found = [make_past_session(f"n{n}", f"n{n + 1}") for n in range(9_000)]
    sessions = remembered(found, 8_500)
    scores = by_id(sessions, sessions.near(["n8000"], NOON, len(found)))
    assert scores is not None
    assert set(scores) == {"n7999", "n8000", "n8001"}
    assert len(sessions._items) == 8_500
