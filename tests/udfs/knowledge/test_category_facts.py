"""Price levels and tags of a category, as the catalogue has it at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from tests.builders import NOON
from udfs.knowledge.catalogue import ALL, Catalogue
from udfs.knowledge.category_facts import (
    BUDGET,
    LOOKED_AT_MAX,
    MIDDLE,
    PREMIUM,
    TAGS_PER_ITEM,
    category_facts,
    level_of,
    price_level,
    topics_in,
    topics_of,
)


def catalogue(*items: Item) -> Catalogue:
    made = Catalogue()
    for position, item in enumerate(items):
        made.add(item, position)
    return made


def priced(*prices: float | None, category: str = "Shoes") -> Catalogue:
    return catalogue(*(Item(f"i{n}", 0, None, category, None, p) for n, p in enumerate(prices)))


@pytest.mark.parametrize(
    ("prices", "price", "level"),
    [
        ((10.0, 20.0, 30.0), 10.0, BUDGET),
        ((10.0, 20.0, 30.0), 10.01, MIDDLE),
        ((10.0, 20.0, 30.0), 20.0, MIDDLE),
        ((10.0, 20.0, 30.0), 20.01, PREMIUM),
        ((10.0, 20.0, 30.0, 40.0, 50.0, 60.0), 20.0, BUDGET),
        ((10.0, 20.0, 30.0, 40.0, 50.0, 60.0), 40.0, MIDDLE),
        ((10.0, 20.0, 30.0, 40.0, 50.0, 60.0), 41.0, PREMIUM),
        ((10.0, 10.0, 10.0, 99.0), 10.0, BUDGET),
        ((10.0, 10.0, 10.0, 99.0), 99.0, PREMIUM),
        ((10.0, None, 30.0, None, 20.0), 30.0, PREMIUM),
        ((10.0, 20.0), 10.0, 0),  # too few
        ((10.0, 10.0, 10.0), 10.0, 0),  # all alike
        ((), 10.0, 0),
    ],
)
def test_a_price_has_a_level_by_the_thirds_of_its_category(
    prices: tuple[float | None, ...], price: float, level: int
) -> None:
    assert level_of(priced(*prices), "Shoes", price, NOON) == level


def test_without_price_or_category_there_is_no_level() -> None:
    made = priced(1.0, 2.0, 3.0)
    assert level_of(made, None, 1.0, NOON) == 0
    assert level_of(made, "Shoes", None, NOON) == 0
    assert level_of(made, "Pans", 1.0, NOON) == 0
    assert level_of(made, ALL, 1.0, NOON) == 0


@given(st.lists(st.floats(0, 1_000), min_size=3, max_size=30).filter(lambda x: min(x) < max(x)))
def test_levels_rise_with_the_price_and_the_ends_differ(prices: list[float]) -> None:
    facts = category_facts(priced(*prices), "Shoes", NOON)
    levels = [price_level(facts, price) for price in sorted(prices)]
    assert levels == sorted(levels)
    assert levels[0] == BUDGET
    assert levels[-1] in (MIDDLE, PREMIUM) or prices.count(max(prices)) * 3 > len(prices)


def test_levels_are_those_of_the_time_asked_about() -> None:
    made = priced(10.0, 20.0, 30.0)
    for n, price in enumerate((40.0, 50.0, 60.0)):
        made.add(Item(f"later{n}", NOON + 10, None, "Shoes", None, price), 10 + n)
    assert level_of(made, "Shoes", 30.0, NOON + 9) == PREMIUM
    assert level_of(made, "Shoes", 30.0, NOON + 10) == MIDDLE
    assert level_of(made, "Shoes", 30.0, NOON + 9) == PREMIUM


def test_items_that_come_late_and_hold_since_before_are_looked_at() -> None:
    """The catalogue's newest time stays what it was: a replay, which has them from the beginning, says the same."""
    made = priced(10.0, 20.0, 30.0)
    assert level_of(made, "Shoes", 30.0, NOON) == PREMIUM
    for number, price in enumerate((40.0, 50.0, 60.0)):
        made.add(Item(f"late{number}", 0, None, "Shoes", None, price), 10 + number)
    assert level_of(made, "Shoes", 30.0, NOON) == MIDDLE


def test_two_catalogues_are_kept_apart() -> None:
    assert level_of(priced(1.0, 2.0, 3.0), "Shoes", 3.0, NOON) == PREMIUM
    assert level_of(priced(3.0, 4.0, 5.0), "Shoes", 3.0, NOON) == BUDGET


def test_only_the_newest_items_speak_for_a_large_category() -> None:
    old = [Item(f"old{n}", 0, None, "Shoes", None, 1_000.0) for n in range(50)]
    new = [Item(f"new{n}", 1, None, "Shoes", None, 10.0 + n % 9) for n in range(LOOKED_AT_MAX)]
    assert level_of(catalogue(*old, *new), "Shoes", 18.0, NOON) == PREMIUM


TAGGED = catalogue(
    Item("a", 0, None, "Shoes", tags=("Stability", "arch support")),
    Item("b", 0, None, "Shoes", tags=("stir-fry",)),
    Item("c", 0, None, "Lamps", tags=("light",)),
)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("I missed some ARCH support.", ["arch support"]),
        ("arch, support: stability!", ["arch support", "stability"]),
        ("arch support, and again arch support", ["arch support"]),
        ("a good stir fry", ["stir-fry"]),
        ("search supporters", []),
        ("so light", []),
        ("", []),
        ("word " * 300 + "stability", []),
    ],
)
def test_tags_of_the_category_are_found_in_a_text(text: str, topics: list[str]) -> None:
    assert topics_in(text, category_facts(TAGGED, "Shoes", NOON)) == topics


def test_all_tags_are_known_over_all() -> None:
    facts = category_facts(TAGGED, ALL, NOON)
    assert topics_in("stability and light", facts) == ["stability", "light"]


def test_topics_are_tags_in_lower_case_and_bounded() -> None:
    assert topics_of(("Soft", "x" * 65)) == ["soft"]
    assert len(topics_of(tuple(map(str, range(40))))) == TAGS_PER_ITEM
