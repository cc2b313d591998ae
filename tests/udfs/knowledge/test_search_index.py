"""What a query finds: words in other forms and with slips, the best first, as of the moment, whatever came before or after."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from schemas.words import words_of
from udfs.knowledge import search_index
from udfs.knowledge.catalogue import Catalogue
from udfs.knowledge.search_index import SearchIndex, stemmer_of

SHOP = (
    Item("sofa-1", 0, name="Oslo sofa, three seats", category="Home/Sofas", tags=("grey",)),
    Item("sofa-2", 0, name="Corner couch", category="Home/Sofas", text="A sofa for the corner"),
    Item("shoe-1", 0, name="Running shoes Wind", category="Sport/Shoes", brand="Löwe"),
    Item("shoe-2", 0, name="Trail running shoe", category="Sport/Shoes"),
    Item("shoe-3", 0, name="Dancing shoes", category="Dance/Shoes"),
    Item("shop-1", 0, name="Shopping bag", category="Bags"),
)


def catalogue_of(*items: Item) -> Catalogue:
    found = Catalogue()
    for position, item in enumerate(items):
        found.add(item, position)
    return found


def found(query: str, catalogue: Catalogue, at_ms: int = 10, language: str = "en") -> list[str]:
    return list(catalogue.search(query, language, at_ms))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("sofa", ["sofa-1", "sofa-2"]), ("SOFAS", ["sofa-1", "sofa-2"]), ("running shoes", ["shoe-1", "shoe-2"]),
        ("runing shoos", ["shoe-1", "shoe-2"]), ("lowe", ["shoe-1"]), ("löwe running", ["shoe-1", "shoe-2"]), ("couch grey xyzzy", []),
        ("", []), ("!!", []), ("xyzzyx", []),
    ],
)  # fmt: skip
def test_a_query_finds_by_words_forms_and_slips_the_best_first(
    query: str, wanted: list[str]
) -> None:
    assert found(query, catalogue_of(*SHOP))[: len(wanted)] == wanted
    assert wanted or not found(query, catalogue_of(*SHOP))


def test_the_nearest_words_are_guessed_and_short_ones_are_not() -> None:
    catalogue = catalogue_of(Item("a", 0, name="Red shop"), Item("b", 0, name="Red shoes"))
    assert found("shoos", catalogue) == ["b"]
    assert found("rad", catalogue) == [], "three letters are another word"
    assert found("shopping", catalogue) == ["a"], "a form of the word"
    assert found("shopping", catalogue, language="xx") == [], "no language, no forms"


def test_where_a_word_stands_is_what_it_is_worth() -> None:
    catalogue = catalogue_of(
        Item("text", 0, name="A", text="oak"), Item("said", 0, name="B", attributes={"wood": "oak"}),
        Item("kind", 0, name="C", tags=("oak",)), Item("name", 0, name="Oak"),
    )  # fmt: skip
    assert found("oak", catalogue) == ["name", "kind", "said", "text"]
    worth = catalogue.search("oak", "en", 10)
    assert list(worth.values()) == sorted(worth.values(), reverse=True)
    assert worth["name"] == 1.0


def test_an_item_is_found_by_what_it_says_at_the_moment() -> None:
    catalogue = catalogue_of(
        Item("a", 5, name="Sofa"), Item("a", 20, name="Couch"), Item("b", 0, name="Sofa"), Item("b", 30, is_gone=True),
    )  # fmt: skip
    assert [found("sofa", catalogue, at) for at in (1, 10, 25, 35)] == [
        ["b"],
        ["a", "b"],
        ["b"],
        [],
    ]
    assert [found("couch", catalogue, at) for at in (10, 25)] == [[], ["a"]]
    catalogue.add(Item("c", 25, name="Sofa"), 9)
    assert found("sofa", catalogue, 35) == ["c"], "one that comes when the words are known already"


VOCABULARY = ("sofa", "sofas", "shoe", "shoes", "running", "couch", "grey", "oak", "shop")


@given(
    seed=st.integers(0, 2**32),
    query=st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3).map(" ".join),
)
def test_what_comes_later_changes_nothing_of_what_was_found(seed: int, query: str) -> None:
    """In whatever order the records came, and whether the words were known before or not."""
    chance = random.Random(seed)
    items = [
        Item(f"i{n}", chance.randrange(0, 40), name=" ".join(chance.sample(VOCABULARY, 3)), is_gone=chance.random() < 0.1)
        for n in (chance.randrange(6) for _ in range(14))
    ]  # fmt: skip
    at_ms = chance.randrange(0, 40)
    known = [(n, one) for n, one in enumerate(items) if one.effective_from_ms <= at_ms]
    before, after = Catalogue(), Catalogue()
    for position, item in known:
        before.add(item, position)
    after.search("warm", "en", 0)
    for position, item in chance.sample([*enumerate(items)], len(items)):
        after.add(item, position)
    for asked in (query, query.replace("shoes", "shoos")):
        assert before.search(asked, "en", at_ms) == after.search(asked, "en", at_ms)
        assert list(before.search(asked, "en", at_ms)) == list(after.search(asked, "en", at_ms))


@given(st.text(max_size=80), st.sampled_from(["en", "de", "fr", "xx", "", "en-GB"]))
def test_whatever_is_searched_for_it_is_found_or_not(query: str, language: str) -> None:
    worth = catalogue_of(*SHOP).search(query, language, 10)
    assert all(0.0 < one <= 1.0 for one in worth.values())
    assert len(words_of(query, 8)) <= 8


def test_views_of_a_catalogue_share_the_words_and_every_language_has_its_stemmer() -> None:
    assert stemmer_of("de-AT") is not None
    assert stemmer_of("klingon") is None
    index = SearchIndex()
    index.add(Item("a", 0, name="Sofa"))
    assert index.find("sofa", "en", lambda _: None) == {}


@pytest.mark.parametrize(
    ("name", "bound", "query", "wanted"),
    [
        ("FOUND_MAX", 2, "sofa", ["i0", "i1"]), ("LOOKED_AT_MAX", 3, "sofa", ["i0", "i1", "i2"]), ("GUESSED_MAX", 0, "sofaz", []),
        ("WORDS_OF_QUERY_MAX", 1, "sofa nothing else", ["i0", "i1", "i2", "i3"]),
    ],
)  # fmt: skip
def test_what_a_query_costs_is_bounded(
    name: str, bound: int, query: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item(f"i{n}", 0, name="Sofa") for n in range(4)]
    assert len(found("sofa", catalogue_of(*items))) == 4
    monkeypatch.setattr(search_index, name, bound)
    assert found(query, catalogue_of(*items)) == wanted


def test_no_more_queries_are_remembered_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.knowledge.catalogue.SEARCHED_MAX", 3)
    catalogue = catalogue_of(*SHOP)
    for query in ("sofa", "shoes", "couch", "bag", "running"):
        found(query, catalogue)
        assert len(catalogue._searched) <= 3
