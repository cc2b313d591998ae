"""The catalogue by time: an event sees the items of its moment, whatever came in whatever order."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from udfs.knowledge.catalogue import ALL, Catalogue, CatalogueUntil

IDS = ("a", "b", "c", "d")
TIMES = range(8)

items = st.builds(
    Item, st.sampled_from(IDS), st.integers(0, 7), st.none(), st.sampled_from(("X", "Y", None)),
    price=st.integers(0, 3).map(float), is_gone=st.booleans(),
)  # fmt: skip
numbered = st.lists(items, max_size=14).map(lambda found: list(enumerate(found)))
Numbered = list[tuple[int, Item]]


def catalogue_of(found: Numbered) -> Catalogue:
    catalogue = Catalogue()
    for position, item in found:
        catalogue.add(item, position)
    return catalogue


def of(*found: Item) -> Catalogue:
    return catalogue_of(list(enumerate(found)))


def names(catalogue: Catalogue, category: str, time_ms: int) -> list[str]:
    return [item.item_id for item in catalogue.newest(category, time_ms)]


def view(catalogue: Catalogue, time_ms: int) -> object:
    """Everything that can be seen at `time_ms`."""
    return (
        catalogue.time_at(time_ms),
        [catalogue.at(name, time_ms) for name in IDS],
        [catalogue.is_gone(name, time_ms) for name in IDS],
        [names(catalogue, category, time_ms) for category in (ALL, "X", "Y", "nowhere")],
    )


def views(catalogue: Catalogue) -> list[object]:
    return [view(catalogue, time_ms) for time_ms in TIMES]


@given(numbered, st.randoms(use_true_random=False))
def test_what_is_kept_of_a_catalogue_is_what_it_holds_whenever_it_is_asked_about(
    found: Numbered, chance: Any
) -> None:
    """Records come between, and times go back and forth, as where somebody comes late."""
    catalogue = Catalogue()
    for position, item in found:
        catalogue.add(item, position)
        views = [CatalogueUntil(catalogue, chance.choice(TIMES)) for _ in range(2)]
        for _ in range(4):
            time_ms, category = chance.choice(TIMES), chance.choice((ALL, "X", "Y"))
            for one in (catalogue, *views):
                kept = [item.item_id for item in one.newest_of(category, 2, time_ms)]
                assert kept == names(one, category, time_ms)[:2]


def test_what_is_kept_of_a_catalogue_is_made_once_and_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("udfs.knowledge.catalogue.SETTLED_MAX", 2)
    catalogue = of(Item("a", 0, None, "X"))
    made: list[str] = []

    def make(name: str) -> list[str]:
        made.append(name)
        return [name]

    for name in ("one", "one", "two", "one", "three", "one"):
        assert catalogue.settled((name,), 5, lambda name=name: make(name)) == [name]  # type: ignore[misc]
    assert made == ["one", "two", "three", "one"], "a third one lets the others go"


@given(numbered, st.randoms(use_true_random=False))
def test_any_order_of_the_records_gives_the_same_catalogue(found: Numbered, chance: Any) -> None:
    catalogue = Catalogue()
    for position, item in chance.sample(found, len(found)):
        catalogue.add(item, position)
        view(catalogue, chance.choice(TIMES))  # looking in between changes nothing
    assert views(catalogue) == views(catalogue_of(found))


@given(numbered)
def test_a_record_that_comes_twice_changes_nothing(found: Numbered) -> None:
    assert views(catalogue_of(found + found)) == views(catalogue_of(found))


@given(numbered, st.integers(0, 7))
def test_nothing_of_the_future_is_visible(found: Numbered, now: int) -> None:
    known = [(position, item) for position, item in found if item.effective_from_ms <= now]
    assert view(catalogue_of(found), now) == view(catalogue_of(known), now)


@given(numbered)
def test_the_newest_are_those_in_the_catalogue_newest_first(found: Numbered) -> None:
    catalogue = catalogue_of(found)
    first = {
        name: [one.effective_from_ms for _, one in found if one.item_id == name] for name in IDS
    }
    for time_ms in TIMES:
        there = [item for name in IDS if (item := catalogue.at(name, time_ms))]
        there.sort(key=lambda item: (-min(first[item.item_id]), item.item_id))
        assert list(catalogue.newest(ALL, time_ms)) == there
        assert list(catalogue.newest("X", time_ms)) == [one for one in there if one.category == "X"]


@given(numbered, st.integers(0, 7))
def test_pruning_changes_nothing_at_or_after_its_bound(found: Numbered, bound: int) -> None:
    pruned, expected = catalogue_of(found), views(catalogue_of(found))[bound:]
    pruned.prune(bound)
    assert views(pruned)[bound:] == expected
    for position, item in found:  # read again after a restart
        pruned.add(item, position)
    assert views(pruned)[bound:] == expected


def test_pruning_forgets() -> None:
    catalogue = of(*(Item("a", time_ms) for time_ms in range(100)))
    catalogue.prune(98)
    assert len(catalogue._items["a"]._entries) == 2
    assert len(catalogue._times) == 2


def test_an_event_sees_the_version_of_its_time_not_the_newest() -> None:
    catalogue = of(*(Item("a", time_ms, price=float(time_ms)) for time_ms in (3, 1, 2)))
    found = [catalogue.at("a", time_ms) for time_ms in range(5)]
    assert [item and item.price for item in found] == [None, 1.0, 2.0, 3.0, 3.0]


def test_of_two_versions_of_one_time_the_later_in_the_log_wins() -> None:
    for order in ((1, 2), (2, 1)):
        item = catalogue_of([(n, Item("a", 0, price=float(n))) for n in order]).at("a", 0)
        assert item is not None
        assert item.price == 2.0


def test_an_item_that_changes_its_category_is_found_in_the_one_of_the_time() -> None:
    catalogue = of(*(Item("a", n, category=one) for n, one in enumerate(("X", "Y", "X", None))))
    assert [names(catalogue, "X", time_ms) for time_ms in range(4)] == [["a"], [], ["a"], []]
    assert [names(catalogue, "Y", time_ms) for time_ms in range(4)] == [[], ["a"], [], []]
    assert [names(catalogue, ALL, time_ms) for time_ms in range(4)] == [["a"]] * 4


def test_a_gone_item_is_not_there_until_it_comes_back() -> None:
    catalogue = of(*(Item("a", n, is_gone=gone) for n, gone in enumerate((False, True, False))))
    assert [catalogue.at("a", time_ms) is None for time_ms in range(3)] == [False, True, False]
    assert [catalogue.is_gone("a", time_ms) for time_ms in range(3)] == [False, True, False]
    assert [names(catalogue, ALL, time_ms) for time_ms in range(3)] == [["a"], [], ["a"]]
    assert not catalogue.is_gone("never there", 9)


def test_an_older_version_that_arrives_later_places_the_item_anew() -> None:
    catalogue = of(Item("a", 5, category="X"), Item("b", 4, category="X"))
    assert names(catalogue, ALL, 5) == names(catalogue, "X", 5) == ["a", "b"]
    catalogue.add(Item("a", 3, category="Y"), 9)
    assert names(catalogue, ALL, 5) == names(catalogue, "X", 5) == ["b", "a"]
    assert names(catalogue, "Y", 3) == ["a"]


def test_newness_is_that_of_the_first_version_even_when_it_was_forgotten() -> None:
    catalogue = of(Item("a", 0), Item("b", 1), Item("a", 2))
    catalogue.prune(3)
    assert names(catalogue, ALL, 3) == ["b", "a"]


def test_the_catalogue_hands_out_the_records_themselves_unchanged() -> None:
    item = Item("a", 0, category="X", tags=("t",), attributes={"k": "v"})
    before = msgspec.json.encode(item)
    catalogue = of(item)
    view(catalogue, 0)
    assert msgspec.json.encode(catalogue.at("a", 0)) == before
