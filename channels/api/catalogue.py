"""The catalogue as a shop shows it: items by category, words or ids."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from channels.api.bodies import CategoriesOut, CategoryOut, ItemOut, ItemsOut
from channels.api.knowledge import Snapshot
from schemas.items import Item
from schemas.links import is_link_name, link_fault

WORDS_MAX: Final = 8
"""Words of a query that count."""


def find_items(
    snapshot: Snapshot,
    category: str,
    query: str,
    ids: Sequence[str] | None,
    offset: int,
    limit: int,
) -> ItemsOut:
    """Items of a category (and those below it) that hold all words; or those with these ids, in their order."""
    found = _in_category(snapshot, category) if ids is None else _by_ids(snapshot, ids)
    words = query.lower().split()[:WORDS_MAX]
    hits = [one for one in found if _holds(one, words)]
    page = hits[offset : offset + limit]
    return ItemsOut(tuple(map(item_out, page)), len(hits))


def categories_of(snapshot: Snapshot) -> CategoriesOut:
    """Every category that has items of its own."""
    return CategoriesOut(
        tuple(
            CategoryOut(name, len(ids))
            for name, ids in sorted(snapshot.by_category.items())
            if name
        )
    )


def item_out(item: Item) -> ItemOut:
    """The item as it goes over HTTP, without links that a page may not follow."""
    attributes = {
        name: text
        for name, text in item.attributes.items()
        if not is_link_name(name) or not link_fault(text)
    }
    image = item.image if item.image is not None and not link_fault(item.image) else None
    return ItemOut(
        item.item_id, item.name, item.category, item.brand, item.price, item.currency, item.stock,
        item.tags, attributes, item.text, image,
    )  # fmt: skip


def ids_asked(
    snapshot: Snapshot, exact: Sequence[str] | None, listed: Sequence[str] | None
) -> list[str] | None:
    """The ids that are asked for, None where none are: `exact` ones, and `listed` ones with commas between them.

    A list that is itself the id of an item is that one.
    """
    if exact is None and listed is None:
        return None
    apart = ([one] if one in snapshot.items else one.split(",") for one in listed or ())
    return [*(exact or ()), *chain.from_iterable(apart)]


def _by_ids(snapshot: Snapshot, ids: Sequence[str]) -> Iterator[Item]:
    return (snapshot.items[one] for one in ids if one in snapshot.items)


def _in_category(snapshot: Snapshot, category: str) -> Iterator[Item]:
    if not category:
        yield from snapshot.items.values()
        return
    for name, ids in snapshot.by_category.items():
        if name == category or name.startswith(f"{category}/"):
            yield from (snapshot.items[one] for one in ids)


def _holds(item: Item, words: Iterable[str]) -> bool:
    if not words:
        return True
    text = " ".join((item.name or "", item.brand or "", item.category or "", *item.tags)).lower()
    return all(word in text for word in words)
