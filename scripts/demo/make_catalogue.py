"""Makes the catalogue of the made-up shop: `python -m scripts.demo.make_catalogue` rewrites its items.jsonl."""

from pathlib import Path
from random import Random
from typing import Final

import msgspec
import yaml

from schemas.items import Item
from schemas.limits import DAY_MS

DEMO_DATA: Final = Path(__file__).parent.parent / "demo_data"
SHELVES_FILE: Final = DEMO_DATA / "shop" / "shelves.yaml"
ITEMS_FILE: Final = DEMO_DATA / "shop" / "items.jsonl"

OPENED_MS: Final = 1_704_067_200_000  # 2024-01-01: the whole catalogue holds from then on
AGE_DAYS_MAX: Final = 1_000
NUMBER_FIRST: Final = 401
LEVELS: Final = ("budget", "middle", "premium")
SOLD_OUT_SHARE: Final = 0.05
SCARCE_SHARE: Final = 0.15
FIELDS: Final = (
    "item_id", "effective_from_ms", "name", "category", "brand", "price", "currency", "stock", "tags",
    "attributes", "text", "created_ms",
)  # fmt: skip

Prices = dict[str, tuple[float, float]]
"""By level, the cheapest and the dearest."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sort of thing on a shelf, and what is true of all of that sort."""

    noun: str
    tags: tuple[str, ...]
    attributes: dict[str, str]
    texts: tuple[str, ...]


class Shelf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category: `count` items, of each kind in turn; of `choose` each item gets one value."""

    category: str
    brands: str
    count: int
    prices: Prices
    details: tuple[str, ...]
    choose: dict[str, tuple[str, ...]]
    kinds: tuple[Kind, ...]


class Shelves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All shelves, brands by department and price level, and the names that models go by."""

    brands: dict[str, dict[str, tuple[str, ...]]]
    models: tuple[str, ...]
    shelves: tuple[Shelf, ...]


def make_catalogue(shelves: Shelves) -> list[Item]:
    """The items of all shelves, numbered through; the same for the same shelves."""
    items: list[Item] = []
    for shelf in shelves.shelves:
        models = Random(shelf.category).sample(shelves.models, shelf.count)
        for place, model in enumerate(models):
            item_id = f"SKU-{NUMBER_FIRST + len(items)}"
            items.append(_item(item_id, shelf, place, model, shelves.brands[shelf.brands]))
    return items


def read_shelves(path: Path = SHELVES_FILE) -> Shelves:
    """What the shop sells."""
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Shelves)


def items_text(items: list[Item]) -> str:
    """The items as JSON Lines, without the fields that none of them has."""
    return "".join(
        msgspec.json.encode({name: getattr(item, name) for name in FIELDS}).decode() + "\n"
        for item in items
    )


def _item(
    item_id: str, shelf: Shelf, place: int, model: str, brands: dict[str, tuple[str, ...]]
) -> Item:
    """The item at a place of its shelf; texts and levels go round, so that they meet in new pairs."""
    chance = Random(f"{shelf.category} {place}")
    turn, at = divmod(place, len(shelf.kinds))
    kind, level = shelf.kinds[at], LEVELS[(turn + at) % len(LEVELS)]
    told = turn // len(kind.texts)
    text = f"{kind.texts[turn % len(kind.texts)]} {shelf.details[(told + at) % len(shelf.details)]}"
    brand = chance.choice(brands[level])
    chosen = {name: chance.choice(values) for name, values in shelf.choose.items()}
    return Item(
        item_id=item_id,
        effective_from_ms=OPENED_MS,
        name=f"{brand} {model} {kind.noun}",
        category=shelf.category,
        brand=brand,
        price=_price(shelf.prices[level], chance),
        currency="EUR",
        stock=_stock(chance),
        tags=kind.tags,
        attributes=kind.attributes | chosen | _reviews(level, chance),
        text=text,
        created_ms=OPENED_MS - chance.randint(1, AGE_DAYS_MAX) * DAY_MS,
    )


def _price(between: tuple[float, float], chance: Random) -> float:
    """A price as shops write it, 89.95."""
    return round(chance.uniform(*between)) - 0.05


def _stock(chance: Random) -> int:
    drawn = chance.random()
    if drawn < SOLD_OUT_SHARE:
        return 0
    if drawn < SOLD_OUT_SHARE + SCARCE_SHARE:
        return chance.randint(1, 4)
    return chance.randint(5, 120)


def _reviews(level: str, chance: Random) -> dict[str, str]:
    """How buyers rated it, of 5 stars, and how many did; dearer things are liked a little better."""
    stars = min(4.9, chance.uniform(3.4, 4.6) + 0.15 * LEVELS.index(level))
    return {"rating": f"{stars:.1f}", "reviews": str(chance.randint(3, 480))}


if __name__ == "__main__":
    ITEMS_FILE.write_text(items_text(make_catalogue(read_shelves())), encoding="utf-8")
