"""A small world of items of a few styles: people touch items of one style in a session, and what is said of an item names its style, in its own words."""

import random
from collections.abc import Iterator
from typing import Final

from schemas.items import Item

STYLES: Final = ("oak", "steel", "velvet", "rattan")
PER_STYLE: Final = 30
NOISE: Final = ("table", "lamp", "chair", "stool", "shelf", "frame", "large", "small")


def style_of(item_id: str) -> str:
    """The style of an item, of those that were touched and of new ones."""
    return item_id.split("-", maxsplit=1)[0]


def item_of(style: str, number: int, *, has_embedding: bool = False, has_words: bool = True) -> Item:  # fmt: skip
    """An item that says its style by a word of it, or by an embedding."""
    chance = random.Random(f"{style}{number}")
    words = [f"{style}{chance.randrange(4)}", *chance.sample(NOISE, 3)] if has_words else []
    at = STYLES.index(style)
    embedding = [float(at == one) + chance.gauss(0.0, 0.2) for one in range(len(STYLES))]
    return Item(
        f"{style}-{number}", 0, " ".join(words) or None, "Home",
        embedding=tuple(embedding) if has_embedding else (),
    )  # fmt: skip


def catalogue(**said: bool) -> dict[str, Item]:
    """PER_STYLE items of each style that people touch, and as many new ones that nobody did."""
    numbers = range(2 * PER_STYLE)
    found = (item_of(style, number, **said) for style in STYLES for number in numbers)
    return {one.item_id: one for one in found}


def sessions(count: int, seed: int = 1) -> Iterator[list[str]]:
    """Sessions of three to six items, nine of ten of one style."""
    chance = random.Random(seed)
    for _ in range(count):
        style = chance.choice(STYLES)
        styles = (style if chance.random() < 0.9 else chance.choice(STYLES) for _ in range(chance.randint(3, 6)))  # fmt: skip
        yield [f"{one}-{chance.randrange(PER_STYLE)}" for one in styles]
