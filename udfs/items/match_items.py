"""How alike items are by what the catalogue says, and what words, filters and queries say of one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from math import log
from sys import intern
from typing import Final

from schemas.items import Item
from udfs.by_identity import by_identity

WORD: Final = re.compile(r"\w+")
CACHED: Final = 65_536
WORDS_MAX: Final = 64


@lru_cache(maxsize=CACHED)
def words(text: str) -> frozenset[str]:
    """The distinct words of a text in lower case, at most WORDS_MAX, each of two letters or more."""
    found = (one for one in WORD.findall(text.lower()) if len(one) > 1)
    return frozenset(list(dict.fromkeys(found))[:WORDS_MAX])


@by_identity(CACHED)
def signs_of(item: Item) -> frozenset[str]:
    """What an item can match by: tags, `attribute=value`, brand, the words of its name."""
    named = [f"{attribute}={value}" for attribute, value in item.attributes.items()]
    own = [f"brand={item.brand}"] if item.brand else []
    said = [sign.lower() for sign in (*item.tags, *named, *own)]
    # one string for each sign, whichever item has it: sets then compare places, not letters
    return frozenset(map(intern, (*words(item.name or ""), *said)))


def filters_met(item: Item, filters: Mapping[str, str]) -> float:
    """The share of the chosen filters (value by name) that an item meets; there is one at least.

    Met by a tag, the brand, a word of the name that is no number, or an attribute of the filter's name or its plural
    (`sizes`): the value itself, or one of its words.
    """
    offered = offers_of(item)
    met = sum(
        f"{name.lower()}={value.lower()}" in offered or value.lower() in offered
        for name, value in filters.items()
    )
    return met / len(filters)


@by_identity(CACHED)
def offers_of(item: Item) -> frozenset[str]:
    """What filters can ask of an item: tags, words of its name, and `name=value` of the brand, attributes and their words."""
    return frozenset(_offered(item))


def _offered(item: Item) -> Iterator[str]:
    yield from (intern(tag.lower()) for tag in item.tags)
    yield from (one for one in words(item.name or "") if not one.isdigit())
    if item.brand:
        yield intern(f"brand={item.brand.lower()}")
    for attribute, said in item.attributes.items():
        value = said.lower()
        for name in {attribute.lower(), attribute.lower().removesuffix("s")}:
            yield from (
                intern(f"{name}={one}") for one in {value, *islice(WORD.findall(value), WORDS_MAX)}
            )


def likeness(one: Item, other: Item) -> float:
    """From 0 to 1: the share of signs in common (Jaccard) and how near the prices are."""
    return likeness_of(signs_of(one), one.price, signs_of(other), other.price)


def likeness_of(
    signs: frozenset[str], price: float | None, others: frozenset[str], other_price: float | None
) -> float:
    """The likeness of two items by their signs and prices."""
    common = overlap(signs, others)
    if common and price and other_price:
        near = 1.0 / (1.0 + abs(log(price / other_price)))
        return 0.7 * common + 0.3 * near
    return common


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index: what they share over what either has; 0 where both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def covered(asked: Iterable[str], offered: frozenset[str]) -> float:
    """The share of what was asked for that is offered; 0 where nothing was."""
    wanted = set(asked)
    return len(wanted & offered) / len(wanted) if wanted else 0.0
