"""Versions in time: the newest in force at a moment, however and how often they were added."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.knowledge.versions import Entry, Timeline

TIMES = range(10)
entries = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=12)


def timeline_of(found: list[tuple[int, int]]) -> Timeline[str]:
    timeline: Timeline[str] = Timeline()
    for time_ms, position in found:
        timeline.add(Entry(time_ms, position, "", f"{time_ms}/{position}"))
    return timeline


def seen(timeline: Timeline[str]) -> list[str | None]:
    """What is in force at each of TIMES."""
    return [entry.value if (entry := timeline.at(time_ms)) else None for time_ms in TIMES]


@given(entries, st.randoms(use_true_random=False))
def test_the_newest_in_force_wins_in_any_order_of_adding(
    found: list[tuple[int, int]], chance: Any
) -> None:
    shuffled = chance.sample(found + found, 2 * len(found))
    expected = [
        max(((at, position) for at, position in found if at <= time_ms), default=None)
        for time_ms in TIMES
    ]
    timeline = timeline_of(shuffled)
    assert seen(timeline) == [one and f"{one[0]}/{one[1]}" for one in expected]


@given(entries, st.integers(0, 9))
def test_pruning_changes_nothing_at_or_after_its_bound(
    found: list[tuple[int, int]], bound: int
) -> None:
    timeline = timeline_of(found)
    before, first_ms = seen(timeline)[bound:], timeline.first_ms
    timeline.prune(bound)
    assert seen(timeline)[bound:] == before
    assert timeline.first_ms == first_ms


def test_pruning_forgets() -> None:
    timeline = timeline_of([(n, 0) for n in range(100)])
    timeline.prune(98)
    assert len(timeline._entries) == 2


def test_versions_are_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.knowledge.versions.KNOWLEDGE_VERSIONS_MAX", 3)
    assert seen(timeline_of([(n, 0) for n in range(4)]))[:4] == [None, "1/0", "2/0", "3/0"]
