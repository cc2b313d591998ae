"""Item vectors: where items lie by what people touched together, and where new ones lie by what is said of them.

Vectors have unit length, so a product of two is their cosine. An item that sessions taught has its own; any other one has that
to which its words, and the embedding that the operator gave it, are mapped. The same item of the same version gives the same vector, bit by bit, however many
others are looked up beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final, TypeVar
from zlib import crc32

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from schemas.items import Item
from schemas.limits import EMBEDDING_MAX, VECTORS_MAX
from schemas.words import words_of

Vector = NDArray[np.float32]
"""(dimensions,) of unit length."""
Vectors = NDArray[np.float32]
"""(n, dimensions), each of unit length, or 0 where nothing is known."""

Rows = TypeVar("Rows", NDArray[np.float32], NDArray[np.float64])

BUCKETS: Final = 16_384
"""Words are hashed to so many places (Weinberger et al., ICML 2009)."""
WORDS_MAX: Final = 96
"""Words of an item that count, the first ones."""
NEIGHBOURS: Final = 48
"""Nearest items that are known of each item."""
KEPT_MAX: Final = 65_536
"""Vectors by words, and neighbours, that are kept; then they are made anew."""

Id = Annotated[str, Meta(max_length=256)]


class VectorTable(Struct, frozen=True, kw_only=True):
    """What is stored of ItemVectors: rows of `item_ids` as 16-bit floats, and the maps of what is said of an item.

    `words`: (BUCKETS, dimensions) 16-bit, empty where none was learnt; `rarity`: (BUCKETS,) 32-bit, what a word counts; `given`: (given_dimensions, dimensions)
    16-bit. `neighbours`: (items, places) 32-bit numbers of items, the nearest first; empty: they are found when they are asked for.
    `sessions` were learnt from.
    """

    dimensions: Annotated[int, Meta(ge=1, le=EMBEDDING_MAX)]
    item_ids: Annotated[tuple[Id, ...], Meta(max_length=VECTORS_MAX)]
    rows: bytes
    words: bytes = b""
    rarity: bytes = b""
    given: bytes = b""
    given_dimensions: Annotated[int, Meta(ge=0, le=EMBEDDING_MAX)] = 0
    neighbours: bytes = b""
    sessions: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Raises ValueError for sizes that do not fit and for what is no number (msgspec makes it a ValidationError)."""
        items, wide = len(self.item_ids), 2 * self.dimensions
        if len(self.rows) != items * wide or len(set(self.item_ids)) != items:
            raise ValueError("not one vector for each item")
        if len(self.words) not in (0, BUCKETS * wide) or len(self.rarity) != (4 * BUCKETS if self.words else 0):  # fmt: skip
            raise ValueError("not one vector and one rarity for each place of words")
        if len(self.given) != self.given_dimensions * wide:
            raise ValueError("not one vector for each dimension that is given")
        if self.neighbours and (not items or len(self.neighbours) % (4 * items)):
            raise ValueError("not as many neighbours of each item")
        near = np.frombuffer(self.neighbours, np.int32)
        if len(near) and not 0 <= near.min() <= near.max() < items:
            raise ValueError("a neighbour is no item")
        halves = [np.frombuffer(one, np.float16) for one in (self.rows, self.words, self.given)]
        is_finite = [bool(np.isfinite(one).all()) for one in halves]
        if not all(is_finite) or not np.isfinite(np.frombuffer(self.rarity, np.float32)).all():
            raise ValueError("a number of a vector is not finite")


class ItemVectors:
    """Looks up and compares vectors; deterministic, and of each item alone."""

    def __init__(self, table: VectorTable, version: str = "") -> None:
        self.table, self.version = table, version
        self.dimensions = table.dimensions
        self._numbers = {item_id: number for number, item_id in enumerate(table.item_ids)}
        # 16 bits are enough for a cosine; they are made of unit length again
        self.rows = unit(_matrix(table.rows, self.dimensions))
        self._words = _matrix(table.words, self.dimensions)
        self._rarity = np.frombuffer(table.rarity, np.float32)
        self._given = _matrix(table.given, self.dimensions)
        places = len(table.neighbours) // 4 // max(1, len(table.item_ids))
        self._near = np.frombuffer(table.neighbours, np.int32).reshape(-1, max(1, places))
        self._said: dict[str, tuple[Item, Vector | None]] = {}
        self._found: dict[str, tuple[Item | None, tuple[str, ...]]] = {}

    def is_learnt(self, item_id: str) -> bool:
        """Whether sessions taught where it lies."""
        return item_id in self._numbers

    def of(self, item_id: str, item: Item | None) -> Vector | None:
        """Where the item lies; None: no session taught it, and nothing that is said of it is known."""
        number = self._numbers.get(item_id)
        if number is not None:
            row: Vector = self.rows[number]
            return row
        return self._by_what_is_said(item) if item is not None else None

    def rows_of(self, item_ids: Sequence[str], items: Sequence[Item | None]) -> Vectors:
        """(n, dimensions): the vectors of the items, 0 where there is none."""
        numbers = [self._numbers.get(one, -1) for one in item_ids]
        if self.rows.size:
            found: Vectors = self.rows[numbers]
        else:
            found = np.zeros((len(numbers), self.dimensions), np.float32)
        for at, number in enumerate(numbers):
            if number < 0:
                item = items[at]
                one = self._by_what_is_said(item) if item is not None else None
                found[at] = 0.0 if one is None else one
        return found

    def nearest(self, item_id: str, item: Item | None) -> Sequence[str]:
        """At most NEIGHBOURS items that sessions taught, the nearest first, without itself."""
        number = self._numbers.get(item_id)
        if number is not None and self._near.size:
            return self._named(self._near[number])
        kept = self._found.get(item_id)
        if kept is None or (number is None and kept[0] is not item):
            vector = self.of(item_id, item)
            near = self._named(nearest_rows(self.rows, vector, number)) if vector is not None else ()  # fmt: skip
            if len(self._found) >= KEPT_MAX:
                self._found.clear()
            kept = self._found[item_id] = item, near
        return kept[1]

    def _named(self, numbers: Iterable[int]) -> tuple[str, ...]:
        ids = self.table.item_ids
        return tuple(ids[number] for number in numbers)

    def _by_what_is_said(self, item: Item) -> Vector | None:
        kept = self._said.get(item.item_id)
        if kept is None or kept[0] is not item:
            if len(self._said) >= KEPT_MAX:
                self._said.clear()
            kept = self._said[item.item_id] = item, self._mapped(item)
        return kept[1]

    def _mapped(self, item: Item) -> Vector | None:
        total = np.zeros(self.dimensions, np.float32)
        if self._words.size:
            places, weights = weighted_words(item, self._rarity)
            total += (self._words[places] * weights[:, None]).sum(axis=0)
        if self._given.size and len(item.embedding) == len(self._given):
            total += (self._given * given_vector(item)[:, None]).sum(axis=0)
        found = unit(total[None, :])[0]
        return found if found.any() else None


def cosines(rows: Vectors, vector: Vector) -> NDArray[np.float64]:
    """(n,) products of each row with the vector, summed row by row: a product of matrices may round a row by what stands beside it."""
    found: NDArray[np.float32] = np.einsum("ij,j->i", rows, vector)
    return found.astype(np.float64)


def nearest_rows(rows: Vectors, vector: Vector, besides: int | None) -> list[int]:
    """The numbers of the NEIGHBOURS rows that are nearest, the nearest first, of equal ones the first; without one."""
    found = cosines(rows, vector)
    if besides is not None:
        found[besides] = -np.inf
    count = min(NEIGHBOURS, len(found) - (besides is not None))
    if count <= 0:
        return []
    least = np.partition(found, -count)[-count]
    numbers = np.flatnonzero(found >= least)
    ordered: list[int] = numbers[np.argsort(-found[numbers], kind="stable")][:count].tolist()
    return ordered


def weighted_words(item: Item, rarity: NDArray[np.float32]) -> tuple[NDArray[np.int64], Vector]:
    """The places of an item's words, in their order, and what each counts: its rarity, all together of unit length (TF-IDF of words that are there or not)."""
    places = np.fromiter(dict.fromkeys(map(place_of, said_of(item))), np.int64)
    weights = rarity[places]
    length = float(np.sqrt((weights * weights).sum())) or 1.0
    return places, weights / np.float32(length)


def given_vector(item: Item) -> Vector:
    """The embedding that the operator gave the item, of unit length."""
    found: Vector = unit(np.array([item.embedding], np.float32))[0]
    return found


def place_of(word: str) -> int:
    """Where a word is hashed to, below BUCKETS."""
    return crc32(word.encode()) % BUCKETS


def said_of(item: Item) -> Iterator[str]:
    """What is said of an item, word by word: each category that it is in, brand, tags and attributes as they are, name and text by their words."""
    category = item.category or ""
    steps = category.split("/")
    yield from (f"c:{'/'.join(steps[: at + 1])}" for at in range(len(steps)) if category)
    if item.brand:
        yield f"b:{item.brand.casefold()}"
    yield from (f"t:{one.casefold()}" for one in item.tags)
    said = (f"a:{name}={value}".casefold() for name, value in item.attributes.items())
    yield from said
    yield from words_of(f"{item.name or ''} {item.text or ''}", WORDS_MAX)


def _matrix(data: bytes, dimensions: int) -> Vectors:
    return np.frombuffer(data, np.float16).reshape(-1, dimensions).astype(np.float32)


def unit(rows: Rows) -> Rows:
    """(n, dimensions), each row of unit length; 0 stays 0."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    found: Rows = (rows / np.where(lengths > 0.0, lengths, 1.0)[:, None]).astype(rows.dtype)
    return found
