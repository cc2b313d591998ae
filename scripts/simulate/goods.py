"""What a world's shop sells: its items, and what only the people know of them."""

from collections.abc import Iterable
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from schemas.items import Item
from scripts.simulate.world import Catalogue

BRANDS: Final = ("Ostrava", "Lindqvist", "Marlow", "Tervo", "Okafor")
QUALITY_MIN: Final = 0.4
LIKED_BY_QUALITY: Final = 3.0
"""Of two items on a shelf the better one is looked at by itself as much more often as this power of their qualities says."""
LEVELS: Final = 2
"""Of the path of a category so many count for what people like: "Sports/Running" of "Sports/Running/Shoes"."""


class Thing(NamedTuple):
    """An item as people see it. `shelf`: the place of its category; `quality`, from 0.4 to 1, stands nowhere in the catalogue."""

    item_id: str
    shelf: int
    price: float
    quality: float
    currency: str


class Shelf(NamedTuple):
    """The things of one category, never none; `weights`: how much each draws, added up."""

    category: str
    things: tuple[Thing, ...]
    weights: tuple[float, ...]

    def take(self, chance: Random) -> Thing:
        """One of them, as likely as it draws."""
        return chance.choices(self.things, cum_weights=self.weights)[0]


class Goods(NamedTuple):
    """All that is sold, by shelf and by id."""

    items: tuple[Item, ...]
    shelves: tuple[Shelf, ...]
    things: dict[str, Thing]


def made_items(catalogue: Catalogue, currency: str, seed: str) -> list[Item]:
    """Items of the world's making, evenly over its categories."""
    chance = Random(f"{seed}/catalogue")
    names = catalogue.categories
    found = []
    for number in range(catalogue.items):
        category = names[number % len(names)]
        price = chance.lognormvariate(0.0, catalogue.price.spread) * catalogue.price.median
        brand = chance.choice(BRANDS)
        what = category.rpartition("/")[2]
        found.append(
            Item(
                f"item-{number + 1:04}", name=f"{brand} {what} {number + 1}", category=category, brand=brand,
                price=round(max(0.5, price), 2), currency=currency,
            )
        )  # fmt: skip
    return found


def goods_of(items: Iterable[Item], currency: str, seed: str) -> Goods:
    """The items that have a category and a price, with a quality each; the others are in the catalogue, and nobody is after them."""
    items = tuple(items)
    chance = Random(f"{seed}/quality")
    by_category: dict[str, list[Thing]] = {}
    places: dict[str, int] = {}
    for item in items:
        quality = chance.uniform(QUALITY_MIN, 1.0)
        if item.category is None or not item.price or item.is_gone:
            continue
        category = "/".join(item.category.split("/")[:LEVELS])
        shelf = places.setdefault(category, len(places))
        thing = Thing(item.item_id, shelf, item.price, quality, item.currency or currency)
        by_category.setdefault(category, []).append(thing)
    shelves = [
        Shelf(name, tuple(things), tuple(accumulate(one.quality**LIKED_BY_QUALITY for one in things)))
        for name, things in by_category.items()
    ]  # fmt: skip
    known = {one.item_id: one for things in by_category.values() for one in things}
    return Goods(items, tuple(shelves), known)
