"""What a text rests on: facts of an item that it tells, so that it is shown only for as long as they hold."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.items import Item
from schemas.numbers import Line, Name, Said

SAID_MAX: Final = 1_000
"""Letters of one value that are compared; a longer one is cut."""
CHECKED: Final[Mapping[str, Callable[[Item], object]]] = {
    "item.name": lambda item: item.name,
    "item.category": lambda item: item.category,
    "item.brand": lambda item: item.brand,
    "item.currency": lambda item: item.currency,
    "item.price": lambda item: item.price,
    "item.stock": lambda item: item.stock,
    "item.is_in_stock": lambda item: item.stock != 0,
    "item.tags": lambda item: list(item.tags),
    "item.attributes": lambda item: sorted(item.attributes.items()),
}
"""The attributes that the catalogue alone says; what depends on the visit is of the moment, and expires with the decision."""


class RestsOn(Struct, frozen=True):
    """What was told of an item: `said` by attribute. `is_reason`: it stands in the reason of that item's place in the slate."""

    item_id: Name
    said: Annotated[dict[Line, Said], Meta(max_length=len(CHECKED))]
    is_reason: bool = False


def rests_on(item: Item | None, names: Iterable[str], is_reason: bool = False) -> RestsOn | None:
    """What a text that tells these attributes rests on; None where nothing of it can be checked later."""
    checked = sorted(CHECKED.keys() & set(names))
    if item is None or not checked:
        return None
    return RestsOn(item.item_id, {name: _said(name, item) for name in checked}, is_reason)


def holds(one: RestsOn, item: Item | None) -> bool:
    """Whether all that was told is still so; of an item that is not known, or gone, nothing is."""
    if item is None or item.is_gone:
        return False
    return all(name in CHECKED and _said(name, item) == value for name, value in one.said.items())


def _said(name: str, item: Item) -> str:
    return str(CHECKED[name](item))[:SAID_MAX]
