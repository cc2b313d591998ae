"""The catalogue of the demo shop, derived from what its events say of their products."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from schemas.formats.snowplow_goods import Product, products_of
from schemas.formats.snowplow_row import entities_of
from schemas.items import Item
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, read_snowplow

ITEMS_FILE: Final = DEMO_FOLDER / "items.jsonl"
FIELDS: Final = (
    "item_id", "effective_from_ms", "name", "category", "brand", "price", "currency", "stock",
)  # fmt: skip
NAMES: Final = {
    ("1234", "Cloth"): "Cotton shirt",
    ("1235", "Shoes"): "Canvas shoes",
    ("1236", "Ball"): "Leather ball",
    ("1236", "Hats"): "Felt hat",
    ("1237", "Beanies"): "Wool beanie",
    ("1238", "Ball"): "Rubber ball",
    ("productId", "product/category"): "Sample item",
}
"""Made up, by id and category: the events name no product, and a person who watches reads names."""


def derive_items(path: Path, app_ids: Collection[str] | None = None) -> list[Item]:
    """One item for each product, and one more each time that its description changed.

    It counts from the time of the first event with that description on. The events name neither
    the stock nor, in the demo shop, the product: the stock stays unknown, the name is made up (`NAMES`).
    """
    items: list[Item] = []
    newest: dict[str, Product] = {}
    for row in read_snowplow(path, app_ids).rows:
        for product in products_of(entities_of(msgspec.json.decode(row.raw))):
            described = product._replace(quantity=None)
            if newest.get(product.item_id) != described:
                newest[product.item_id] = described
                items.append(_item(described, row.event.event_time_ms))
    return items


def items_text(items: list[Item]) -> str:
    """The items as JSON Lines, with the fields that are derived."""
    return "".join(
        msgspec.json.encode({name: getattr(item, name) for name in FIELDS}).decode() + "\n"
        for item in items
    )


def _item(product: Product, time_ms: int) -> Item:
    return Item(
        item_id=product.item_id,
        effective_from_ms=time_ms,
        name=product.name or NAMES.get((product.item_id, product.category or "")),
        category=product.category,
        brand=product.brand,
        price=product.price,
        currency=product.currency,
    )


if __name__ == "__main__":
    ITEMS_FILE.write_text(items_text(derive_items(DEMO_FOLDER, DEMO_APP_IDS)), encoding="utf-8")
