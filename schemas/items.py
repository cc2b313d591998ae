"""Item: one article of the catalogue from a point in time on; topic `items`."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

from schemas.errors import InvalidEvent
from schemas.events import Id, Price, Text
from schemas.numbers import Count, Moment, Whole
from schemas.thread_safe_types import prepared

Long = Annotated[str, Meta(max_length=20_000)]


Uncatalogued = Literal["when_empty", "never", "always"]
"""Items that `items` does not hold are learnt of, and offered by us: while it holds none at all, never, or always."""


class Item(Struct, frozen=True):
    """An item as it is from `effective_from_ms` on. `category` is a path, "Sport/Shoes".

    `stock` null means unknown (and so available); `is_gone` takes the item from the catalogue.
    """

    item_id: Id
    effective_from_ms: Moment = 0
    name: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    price: Price | None = None
    currency: Text | None = None
    stock: Count | None = None
    tags: Annotated[tuple[Text, ...], Meta(max_length=64)] = ()
    attributes: Annotated[dict[Text, Text], Meta(max_length=64)] = {}
    text: Long | None = None
    image: Text | None = None
    created_ms: Whole | None = None
    is_gone: bool = False


prepared(Item)


def is_within(category: str | None, wholes: Iterable[str]) -> bool:
    """Whether a category is one of `wholes`, or below one: "Sport/Shoes" is within "Sport"."""
    return category is not None and any(
        category == whole or category.startswith(f"{whole}/") for whole in wholes
    )


def item_from_fields(fields: object) -> Item:
    """The item that `fields` describes; InvalidEvent `invalid_value`."""
    try:
        return convert(fields, Item)
    except (ValidationError, RecursionError, OverflowError) as error:
        raise InvalidEvent("invalid_value", str(error)) from error
