"""What items have in common, and what they have of what was asked for."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from udfs.items.match_items import WORDS_MAX, covered, likeness, overlap, signs_of, words

signs = st.frozensets(st.sampled_from("abcdef"), max_size=5)
described = st.builds(
    Item, st.just("i"), name=st.sampled_from((None, "Red Shoe", "red boot", "Pan")),
    brand=st.sampled_from((None, "Acme")), price=st.sampled_from((None, 0.0, 10.0, 40.0)),
    tags=st.sampled_from(((), ("New",))), attributes=st.sampled_from(({}, {"Size": "XL"})),
)  # fmt: skip


def test_words_are_distinct_in_lower_case_and_of_two_letters_or_more() -> None:
    assert words("Red red SHOE, size 4 - Größe 42!") == {"red", "shoe", "size", "größe", "42"}
    assert words("") == frozenset()
    assert len(words(" ".join(f"w{n}" for n in range(500)))) == WORDS_MAX


def test_an_item_can_be_matched_by_all_that_the_catalogue_says() -> None:
    item = Item(
        "i", name="Red Shoe", brand="Acme", tags=("New",), attributes={"Size": "XL"}, text="unused"
    )
    assert signs_of(item) == {"red", "shoe", "brand=acme", "new", "size=xl"}
    assert signs_of(Item("bare")) == frozenset()


@given(signs, signs)
def test_overlap_is_jaccards_index(one: frozenset[str], other: frozenset[str]) -> None:
    union = one | other
    assert overlap(one, other) == (len(one & other) / len(union) if union else 0.0)


@given(signs, signs)
def test_the_part_of_what_was_asked_for(asked: frozenset[str], offered: frozenset[str]) -> None:
    part = covered(asked, offered)
    assert 0.0 <= part <= 1.0
    assert (part == 1.0) == (bool(asked) and asked <= offered)
    assert (part == 0.0) == (not asked & offered)


@given(described, described)
def test_likeness_goes_both_ways_and_is_highest_to_oneself(one: Item, other: Item) -> None:
    found = likeness(one, other)
    assert found == pytest.approx(likeness(other, one))
    assert 0.0 <= found <= 1.0
    if signs_of(one):
        assert found <= likeness(one, one) == pytest.approx(1.0)


def test_of_two_with_the_same_words_the_one_of_the_nearer_price_is_more_alike() -> None:
    ten, twenty, forty = (Item("i", name="Shoe", price=price) for price in (10.0, 20.0, 40.0))
    assert likeness(ten, twenty) == pytest.approx(0.7 + 0.3 / (1 + log(2)))
    assert likeness(ten, forty) < likeness(ten, twenty)
    assert likeness(ten, Item("i", name="Pan", price=10.0)) == 0.0
