"""What the catalogue says of a category: which of its prices are low and high, which tags its items have."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from schemas.limits import TOPIC_LENGTH_MAX
from udfs.knowledge.catalogue import ALL, Catalogue

LEVELS: Final = ("", "budget", "middle", "premium")
"""Price levels by their number; 0 = unknown."""
BUDGET: Final = 1
MIDDLE: Final = 2
PREMIUM: Final = 3
PRICES_MIN: Final = 3
"""Fewer prices than that have no levels."""
LOOKED_AT_MAX: Final = 512
"""The newest items of a category speak for it: a catalogue may hold a hundred thousand."""
FACTS_KEPT: Final = 1_024
TAGS_PER_ITEM: Final = 16
WORD: Final = re.compile(r"\w+")
WORDS_MAX: Final = 128
PHRASE_MAX: Final = 3
"""Words of the longest tag that is found in a text."""


class CategoryFacts(NamedTuple):
    """A price up to `low` is budget, one above `high` premium; None: too few prices differ.

    `tags` are the tags of its items by the words that name them.
    """

    low: float | None
    high: float | None
    tags: Mapping[str, str]


def category_facts(catalogue: Catalogue, category: str, now_ms: int) -> CategoryFacts:
    """The facts of a category (or ALL) at `now_ms`; kept for as long as the catalogue is the same."""
    return _facts(catalogue, category, catalogue.time_at(now_ms), catalogue.revision)


def price_level(facts: CategoryFacts, price: float) -> int:
    """BUDGET, MIDDLE or PREMIUM: in which third of the category's prices it lies; 0 = unknown."""
    if facts.low is None or facts.high is None:
        return 0
    return BUDGET if price <= facts.low else PREMIUM if price > facts.high else MIDDLE


def level_of(catalogue: Catalogue, category: str | None, price: float | None, now_ms: int) -> int:
    """The level of a price in its category; 0 where either is unknown."""
    if not category or price is None:
        return 0
    return price_level(category_facts(catalogue, category, now_ms), price)


def topics_of(tags: tuple[str, ...]) -> list[str]:
    """The tags of an item as topics: in lower case, the first TAGS_PER_ITEM."""
    return [tag.lower() for tag in tags[:TAGS_PER_ITEM] if len(tag) <= TOPIC_LENGTH_MAX]


def topics_in(text: str, facts: CategoryFacts) -> list[str]:
    """The tags that a text names, in its order; of a long one its first WORDS_MAX words."""
    found = [facts.tags[one] for one in _phrases(text) if one in facts.tags]
    return list(dict.fromkeys(found))


def _phrases(text: str) -> Iterator[str]:
    words = WORD.findall(text.lower())[:WORDS_MAX]
    for start in range(len(words)):
        for length in range(1, PHRASE_MAX + 1):
            if start + length <= len(words):
                yield " ".join(words[start : start + length])


@lru_cache(maxsize=FACTS_KEPT)
def _facts(catalogue: Catalogue, category: str, catalogue_ms: int, revision: int) -> CategoryFacts:
    """Nothing of this revision changes between `catalogue_ms` and the moment asked about, so it stands for that."""
    items = list(islice(catalogue.newest(category, catalogue_ms), LOOKED_AT_MAX))
    topics = {topic for item in items for topic in topics_of(item.tags)}
    tags = {" ".join(WORD.findall(topic)): topic for topic in sorted(topics)}
    prices = sorted(item.price for item in items if item.price is not None)
    if category == ALL or len(prices) < PRICES_MIN or prices[0] == prices[-1]:
        return CategoryFacts(None, None, tags)
    low, high = prices[-(-len(prices) // 3) - 1], prices[-(-2 * len(prices) // 3) - 1]
    return CategoryFacts(low, high, tags)
