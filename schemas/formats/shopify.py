"""Shopify's products: as its REST API and `products.json` give them, and as its CSV export has them, one item for a product. Pure.

https://shopify.dev/docs/api/admin-rest/latest/resources/product · https://help.shopify.com/en/manual/products/import-export/using-csv
An item is a product and not a variant: a slate shows a shoe once, not each of its sizes. Its price is that of the cheapest variant.
"""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, Final

from schemas.errors import InvalidEvent
from schemas.formats.amounts import amount
from schemas.formats.foreign_json import first_of, id_of, part, parts, plain, text, whole
from schemas.formats.item_rows import is_nothing, item_of_row
from schemas.formats.json_lines import ReadItem
from schemas.limits import STRING_LENGTH_MAX

Given = Mapping[str, Any]
TEXT_MAX: Final = 20_000
STYLE: Final = "1,299.00"
HTML_MAX: Final = 10 * TEXT_MAX
INLINE: Final = frozenset(
    {"a", "b", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}
)
OPTIONS: Final = 3
SINGLE: Final = "title"
"""What the one option of a product without options is called."""
HANDLE: Final = ("handle", "url_handle")
SELLS_ON: Final = "continue"
"""The policy by which a variant is sold that is not there."""
HIDDEN: Final = frozenset({"draft", "archived"})
FALSE: Final = frozenset({"false", "no"})


def item_of_product(product: Given, *, is_strict: bool = False) -> ReadItem:
    """The item that a product is; raises InvalidEvent."""
    variants = parts(product, "variants")
    said: dict[str, Any] = {
        "item_id": id_of(product, "id"),
        "name": text(product, "title"),
        "text": plain_text(product.get("body_html")),
        "brand": text(product, "vendor"),
        "category": first_of(product, ("product_type", "category")),
        "tags": _tags(product.get("tags")),
        "price": _price(variants),
        "stock": stock_of(variants),
        "image": _image(product),
        "created_ms": text(product, "created_at"),
        "is_gone": _is_gone(product),
    }
    # among the attributes by name, so that no option is taken for a field of ours
    said["attributes"] = _attributes(product, variants)
    row = {name: one for name, one in said.items() if one is not None}
    return item_of_row(row, STYLE, is_strict=is_strict)


def product_of_rows(rows: Sequence[Given]) -> Given:
    """The product that rows of a CSV export of one handle are. Raises InvalidEvent where the first does not say what it is."""
    named = [{plain(name): one for name, one in row.items() if not is_nothing(one)} for row in rows]
    first = named[0]
    if "title" not in first:
        raise InvalidEvent("invalid_value", "Title: missing in the first row of its handle")
    names = [first.get(f"option{at}_name") for at in range(1, OPTIONS + 1)]
    values = [[row.get(f"option{at}_value") for row in named] for at in range(1, OPTIONS + 1)]
    options = [
        {"name": name, "values": [one for one in given if one is not None]}
        for name, given in zip(names, values, strict=True)
        if name is not None
    ]
    images = [src for row in named if (src := _first(row, "image_src", "product_image_url"))]
    return {
        "id": _first(first, *HANDLE), "handle": _first(first, *HANDLE), "title": first["title"],
        "body_html": _first(first, "body_html", "body_(html)", "description"), "vendor": first.get("vendor"),
        "product_type": first.get("type"), "category": _first(first, "product_category"), "tags": first.get("tags"),
        "status": first.get("status"), "is_published": _first(first, "published", "published_on_online_store"),
        "options": options, "images": [{"src": one} for one in images], "variants": [one for row in named if (one := _variant(row))],
    }  # fmt: skip


def _variant(row: Given) -> Given:
    """The variant of a row; empty of one that only has a further image."""
    tracker = _first(row, "variant_inventory_tracker", "inventory_tracker")
    found = {
        "price": _first(row, "variant_price", "price"),
        "sku": _first(row, "variant_sku", "sku"),
        "inventory_quantity": _first(row, "variant_inventory_qty", "inventory_quantity"),
    }
    if not any(found.values()):
        return {}
    policy = _first(row, "variant_inventory_policy", "continue_selling_when_out_of_stock")
    return found | {"inventory_management": tracker, "inventory_policy": policy}


def _first(row: Given, *names: str) -> Any:
    return next((row[name] for name in names if name in row), None)


def _tags(value: object) -> object:
    """A list, or a text with commas between, in which no other mark parts anything."""
    return [one for one in value.split(",") if one.strip()] if isinstance(value, str) else value


def _price(variants: Sequence[Given]) -> float | None:
    found = []
    for at, one in enumerate(variants):
        price = one.get("price")
        if is_nothing(price):
            continue
        try:
            found.append(amount(str(price), STYLE).number)
        except InvalidEvent as error:
            raise InvalidEvent(error.reason, f"variants[{at}].price: {error.message}") from error
    return min(found, default=None)


def stock_of(variants: Sequence[Given]) -> int | None:
    """How many there are of all variants together; None where that is not counted, and one can be bought."""
    count, is_counted = 0, bool(variants)
    for at, one in enumerate(variants):
        left = whole(one, "inventory_quantity", f"variants[{at}].")
        is_there = one.get("available")
        if is_there is False:
            continue
        is_open = one.get("inventory_policy") in (SELLS_ON, "true", "TRUE", True)
        if left is None or is_open or is_nothing(one.get("inventory_management", "shopify")):
            is_counted = False
        else:
            count += max(0, left)
    return count if is_counted else None


def _image(product: Given) -> str | None:
    images = [*parts(product, "images"), *([part(product, "image")] if "image" in product else [])]
    found = (text(one, "src", "images[].", TEXT_MAX) for one in images)
    return next((src for src in found if src and len(src) <= STRING_LENGTH_MAX), None)


def _is_gone(product: Given) -> bool:
    """Whether nobody can see it: a draft, archived, or not published."""
    published = str(product.get("is_published", "")).lower()
    is_unpublished = "published_at" in product and product["published_at"] is None
    return str(product.get("status", "")).lower() in HIDDEN or is_unpublished or published in FALSE


def _attributes(product: Given, variants: Sequence[Given]) -> dict[str, str]:
    """Its options with their values, what it is called in addresses and in the shop's stock."""
    found: dict[str, str] = {}
    for at, option in enumerate(parts(product, "options")):
        name = text(option, "name", f"options[{at}].")
        given = option.get("values")
        if name and plain(name) != SINGLE and isinstance(given, list):
            found[plain(name)] = _listed(given)
    found["handle"] = text(product, "handle") or ""
    found["sku"] = _listed([one.get("sku") for one in variants])
    return {name: value for name, value in found.items() if value}


def _listed(values: Sequence[object]) -> str:
    """Values with commas between, each once, as many as a text holds whole."""
    said = ""
    for one in dict.fromkeys(str(one).strip() for one in values if not is_nothing(one)):
        longer = f"{said},{one}" if said else one
        if len(longer) > STRING_LENGTH_MAX:
            break
        said = longer
    return said


class _Words(HTMLParser):
    """The text of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.words.append("" if tag in INLINE else " ")

    def handle_endtag(self, tag: str) -> None:
        self.words.append("" if tag in INLINE else " ")


def plain_text(html: object) -> str | None:
    """The words of a description, without its marks; of a longer one its beginning."""
    if not isinstance(html, str):
        return None
    reader = _Words()
    reader.feed(html[:HTML_MAX])
    reader.close()
    return " ".join("".join(reader.words).split())[:TEXT_MAX] or None
