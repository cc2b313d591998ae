"""What lists are like, against values worked out by hand."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.list_figures import LOOKED_AT_MAX, ListFigures, Looks, changed, moved

COUNTS = {"a": 4, "b": 2, "c": 1, "d": 1}
KINDS = {"a": "X", "b": "X", "c": "Y", "d": "Z"}
LOOKS = Looks(COUNTS, lambda one: KINDS.get(one, ""), lambda one, other: float(one == other))
lists = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=6)


def test_figures_by_hand() -> None:
    found = ListFigures(3, LOOKS)
    for session, items in (("s", "abc"), ("t", "d"), ("s", ""), ("s", "bacd")):
        found.add(session, list(items))
    assert found.figures() == pytest.approx(
        {
            "novelty@3": ((1 + 2 + 3) / 3 + 3 + (2 + 1 + 3) / 3) / 3,
            "diversity@3": (2 / 3 + 2 / 3) / 2,
            "changed@3": 2 / 3,
            "moved@3": (1 + 1 + 0) / 3,
        }
    )


def test_an_item_that_nobody_named_is_as_new_as_one_that_was_named_once() -> None:
    found = ListFigures(3, LOOKS)
    found.add("s", ["never"])
    assert found.figures()["novelty@3"] == log2(8)


@pytest.mark.parametrize(
    ("before", "after", "share", "steps"),
    [
        ("abc", "abc", 0.0, 0.0), ("abc", "bca", 1.0, 4 / 3), ("abc", "abd", 1 / 3, 0.0),
        ("abc", "ab", 1 / 3, 0.0), ("ab", "abc", 1 / 3, 0.0), ("abc", "xab", 1.0, 1.0), ("ab", "xy", 1.0, 0.0),
    ],
)  # fmt: skip
def test_jumps_by_hand(before: str, after: str, share: float, steps: float) -> None:
    assert changed(before, after) == pytest.approx(share)
    assert moved(before, after) == pytest.approx(steps)


@given(lists, lists)
def test_a_list_jumps_as_far_there_as_back(one: list[str], other: list[str]) -> None:
    assert changed(one, other) == changed(other, one)
    assert moved(one, other) == pytest.approx(moved(other, one))
    assert changed(one, one) == moved(one, one) == 0.0


def test_nothing_gives_zeros_and_only_the_first_places_are_looked_at() -> None:
    found = ListFigures(1_000, LOOKS)
    names = {f"{name}@{LOOKED_AT_MAX}" for name in ("novelty", "diversity", "changed", "moved")}
    assert found.figures() == dict.fromkeys(names, 0.0)
    same, one, other = [f"i{n}" for n in range(LOOKED_AT_MAX)], ["a"], ["b"]
    found.add("s", same + one)
    found.add("s", same + other)
    assert found.figures()[f"changed@{LOOKED_AT_MAX}"] == 0.0
