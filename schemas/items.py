"""Item: one article of the catalogue from a point in time on; topic `items`."""

from array import array
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import force_setattr

from schemas.errors import InvalidEvent
from schemas.events import Id, Price, Text
from schemas.limits import (
    DATES_PER_ITEM_MAX,
    EMBEDDING_MAX,
    REGIONS_PER_ITEM_MAX,
)
from schemas.numbers import Count, Float32, Latitude, Longitude, Moment, Whole
from schemas.thread_safe_types import prepared
from schemas.times import day_number

Long = Annotated[str, Meta(max_length=20_000)]
DAY_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
REGION_PATTERN: Final = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?\Z"
Day = Annotated[str, Meta(pattern=DAY_PATTERN, max_length=10)]
"""A date of the calendar, "2026-07-01", wherever that is."""
Region = Annotated[str, Meta(pattern=REGION_PATTERN, max_length=6)]
"""A country by its code of ISO 3166-1 ("DE"), or a part of one by that of ISO 3166-2 ("US-CA")."""


Uncatalogued = Literal["when_empty", "never", "always"]
"""Items that `items` does not hold are learnt of, and offered by us: while it holds none at all, never, or always."""


class Point(Struct, frozen=True):
    """A place on the earth, in degrees (WGS 84): north and east are positive."""

    latitude: Latitude
    longitude: Longitude


class AvailableDates(Struct, frozen=True):
    """Days on which an item is to be had, `first` and `last` among them."""

    first: Day
    last: Day

    def __post_init__(self) -> None:
        """Raises ValueError for a day that no calendar has, and for an end before its beginning."""
        if day_number(self.first) > day_number(self.last):
            raise ValueError(f"`first` {self.first} is after `last` {self.last}")


class Item(Struct, frozen=True):
    """An item as it is from `effective_from_ms` on. `category` is a path, "Sport/Shoes".

    `stock` null means unknown (and so available); `is_gone` takes the item from the catalogue. `currency` is a code of ISO 4217. `regions`: where it
    is delivered to or sold, none = everywhere; `available_dates`: when it is to be had, none = always. `embedding` is the owner's vector of it, whose
    numbers have 32 bits, whichever way they come.
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
    place: Point | None = None
    regions: Annotated[tuple[Region, ...], Meta(max_length=REGIONS_PER_ITEM_MAX)] = ()
    available_dates: Annotated[tuple[AvailableDates, ...], Meta(max_length=DATES_PER_ITEM_MAX)] = ()
    embedding: Annotated[tuple[Float32, ...], Meta(max_length=EMBEDDING_MAX)] = ()

    def __post_init__(self) -> None:
        """A number of a text becomes what the log can hold of it, so that a replay has the same."""
        if self.embedding:
            force_setattr(self, "embedding", tuple(array("f", self.embedding)))


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
