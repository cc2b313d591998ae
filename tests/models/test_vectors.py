"""Vectors of items: what sessions teach, what is said of new items, and tables that are foreign."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.learning import vectors as learning
from models.learning.vectors import ITEMS_MIN, Sessions, fit_vectors
from models.vectors import BUCKETS, NEIGHBOURS, ItemVectors, VectorTable, cosines, said_of
from schemas.items import Item
from tests.models.styles import PER_STYLE, STYLES, catalogue, item_of, sessions, style_of


def fitted(items: Mapping[str, Item], count: int = 800, **options: bool) -> VectorTable:
    taught = Sessions()
    for one in sessions(count):
        taught.add(one)
    table = fit_vectors(taught, items, **options)
    assert table is not None
    return table


@dataclass(frozen=True)
class World:
    items: Mapping[str, Item]
    table: VectorTable


@pytest.fixture(scope="module")
def said() -> World:
    """Items of which words are said."""
    return World(ITEMS, VECTORS.table)


def same_style(vectors: ItemVectors, item: Item) -> float:
    near = vectors.nearest(item.item_id, item)
    return sum(style_of(one) == style_of(item.item_id) for one in near[:10]) / 10


def test_what_is_touched_together_lies_together(said: World) -> None:
    vectors = ItemVectors(said.table)
    shares = [same_style(vectors, said.items[f"{style}-{n}"]) for style in STYLES for n in range(PER_STYLE)]  # fmt: skip
    assert np.mean(shares) > 0.95  # by chance a quarter
    assert said.table.sessions == 800


@pytest.mark.parametrize("by_words", [True, False])
def test_a_new_item_lies_where_what_is_said_of_it_lies(by_words: bool) -> None:
    items = catalogue(has_words=by_words, has_embedding=not by_words)
    vectors = ItemVectors(fitted(items))
    new = [items[f"{style}-{PER_STYLE + n}"] for style in STYLES for n in range(PER_STYLE)]
    assert not any(vectors.is_learnt(one.item_id) for one in new)
    assert np.mean([same_style(vectors, one) for one in new]) > 0.9


def test_of_whom_nothing_is_said_nothing_is_known(said: World) -> None:
    vectors = ItemVectors(said.table)
    assert vectors.of("new", None) is None
    assert vectors.of("new", Item("new", 0, "zzz yyy")) is None
    assert not vectors.rows_of(["new"], [None]).any()
    assert vectors.nearest("new", Item("new")) == ()


def test_without_sessions_what_is_said_makes_them_alone() -> None:
    items = catalogue()
    table = fit_vectors(Sessions(), items)
    assert table is not None
    assert not table.item_ids
    vectors = ItemVectors(table)
    one = vectors.of("oak-0", items["oak-0"])
    assert one is not None

    def nearness(style: str) -> float:
        ids = [f"{style}-{number}" for number in range(1, PER_STYLE)]
        return float(cosines(vectors.rows_of(ids, [items[n] for n in ids]), one).mean())

    assert nearness("oak") > max(nearness(style) for style in STYLES[1:]) + 0.05


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_little_is_nothing(count: int) -> None:
    taught = Sessions()
    for one in sessions(count):
        taught.add(one)
    few = {one.item_id: one for one in (item_of("oak", n) for n in range(ITEMS_MIN - 1))}
    assert fit_vectors(taught, few) is None


def test_a_session_of_one_item_says_nothing() -> None:
    taught = Sessions()
    taught.add(["oak-1"])
    assert taught.count == 0


def test_the_oldest_touches_go_and_the_items_touched_most_stay(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(learning, "TOUCHES_MAX", 5)
    taught = Sessions()
    for one in (["a", "b"], ["c", "d"], ["e", "f", "g"]):
        taught.add(one)
    names = list(taught.ids)
    assert [names[number] for number in taught.touches()[0]] == ["c", "d", "e", "f", "g"]
    monkeypatch.undo()
    monkeypatch.setattr(learning, "VECTORS_MAX", 20)
    kept = fitted(ITEMS).item_ids
    counts = Counter(item_id for one in sessions(800) for item_id in set(one))
    assert len(kept) == 20
    assert min(counts[one] for one in kept) >= max(n for one, n in counts.items() if one not in kept)  # fmt: skip


def test_the_same_sessions_give_the_same_vectors(said: World) -> None:
    assert msgspec.msgpack.encode(fitted(said.items)) == msgspec.msgpack.encode(said.table)


def test_neighbours_are_the_same_whether_they_were_found_before_or_when_asked_for(said: World) -> None:  # fmt: skip
    before, later = ItemVectors(said.table), ItemVectors(replace(said.table, neighbours=b""))
    for item_id in said.table.item_ids[::7]:
        known, found = before.nearest(item_id, None), later.nearest(item_id, None)
        assert len(known) == NEIGHBOURS
        assert item_id not in known
        # sums of other orders differ in their last bits
        near = [float(v.of(item_id, None) @ v.of(n[-1], None)) for v, n in ((before, known), (later, found))]  # type: ignore[operator]  # fmt: skip
        assert near[0] == pytest.approx(near[1], abs=1e-5)
        assert len({*known} & {*found}) >= NEIGHBOURS - 1


ITEMS = catalogue()
VECTORS = ItemVectors(fitted(ITEMS))
ALONE = ItemVectors(VECTORS.table)
"""The same, asked for one item at a time."""


@given(st.lists(st.sampled_from([*ITEMS]), max_size=40))
@settings(max_examples=30)
def test_a_vector_is_the_same_whatever_stands_beside_it(item_ids: list[str]) -> None:
    rows = VECTORS.rows_of(item_ids, [ITEMS[one] for one in item_ids])
    assert rows.shape == (len(item_ids), VECTORS.dimensions)
    for item_id, row in zip(item_ids, rows, strict=True):
        alone = ALONE.of(item_id, ITEMS[item_id])
        assert alone is not None
        np.testing.assert_array_equal(row, alone)
        assert float(row @ row) == pytest.approx(1.0, abs=1e-5)


def test_what_is_said_anew_of_an_item_counts_at_once(said: World) -> None:
    vectors = ItemVectors(said.table)
    first = vectors.of("new", replace(said.items["oak-40"], item_id="new"))
    second = vectors.of("new", replace(said.items["steel-40"], item_id="new"))
    assert first is not None
    assert second is not None
    assert float(first @ second) < 0.9


def test_what_is_said_is_taken_word_by_word() -> None:
    item = Item("i", 0, "Der Rote Schuh", "Sport/Shoes", "Acme", tags=("New",), attributes={"Size": "42"}, text="der leichte")  # fmt: skip
    assert list(said_of(item)) == [
        "c:Sport", "c:Sport/Shoes", "b:acme", "t:new", "a:size=42", "der", "rote", "schuh", "leichte",
    ]  # fmt: skip


GOOD: dict[str, Any] = {"dimensions": 2, "item_ids": ("a", "b"), "rows": b"\x00" * 8}
HALF_NAN = np.array([np.nan], np.float16).tobytes()


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": b"\x00" * 6}, {"rows": HALF_NAN * 4}, {"item_ids": ("a", "a")}, {"dimensions": 0}, {"dimensions": 5_000},
        {"words": b"\x00" * 8}, {"words": b"\x00" * (BUCKETS * 4)}, {"rarity": b"\x00" * (4 * BUCKETS)}, {"given": b"\x00" * 4},
        {"given_dimensions": 1}, {"given_dimensions": 1, "given": HALF_NAN * 2}, {"neighbours": b"\x00" * 4},
        {"neighbours": np.array([1, 2], np.int32).tobytes()}, {"neighbours": np.array([-1, 0], np.int32).tobytes()},
    ],
)  # fmt: skip
def test_a_table_that_nobody_fitted_is_refused(changed: dict[str, Any]) -> None:
    wire = msgspec.msgpack.encode(GOOD)
    assert msgspec.msgpack.decode(wire, type=VectorTable).item_ids == ("a", "b")
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(GOOD | changed), type=VectorTable)
