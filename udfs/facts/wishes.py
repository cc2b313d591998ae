"""Wishes: what a person says that they want more or less of; it counts before anything that is inferred of them.

A `preference_stated` whose attribute is one of WISHED says all wishes of that name: `Sports/Running, -Kitchen` is more of the one and less
of the other, and an empty value takes them back. What other names say is for the rules of a policy alone.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.items import Item
from udfs.knowledge.category_facts import LEVELS
from udfs.moment import Moment

CATEGORY: Final = "category"
WISHED: Final = (CATEGORY, "topic", "brand", "price_level", "size")
"""Attributes that mean something to the engine: a category and all beneath it, a tag, a brand, budget, middle or premium, and a size."""
SIZES: Final = ("size", "sizes")
"""Attributes under which an item lists the sizes that it is there in."""
LESS: Final = "-"
WISHES_MAX: Final = 32
"""Of one name; the rest of a longer list is not heard."""


class Said(NamedTuple):
    """What is wanted more of and less of, in the order in which it was said: as it was written, by what it is compared as."""

    more: Mapping[str, str]
    less: Mapping[str, str]


Wishes = Mapping[str, Said]
"""By the names of WISHED; those that nothing is said of are not in it."""


@lru_cache(maxsize=4_096)
def said_in(value: str) -> Said:
    """The wishes in a stated value."""
    named = [one.strip() for one in value.split(",")][:WISHES_MAX]
    less = [one[1:].strip() for one in named if one.startswith(LESS)]
    more = [one for one in named if not one.startswith(LESS)]
    return Said(*({one.lower(): one for one in said if one} for said in (more, less)))


def wishes_of(moment: Moment) -> Wishes | None:
    """What the person wishes, else what was said in this visit; None where nothing is, as of most people."""
    state, context = moment.state, moment.context
    if not state.preferences and not context.preferences:
        return None
    own = {name: said for name, said in context.preferences.items() if name not in state.preferences_ms}  # fmt: skip
    told = own | state.preferences
    found = {name: said_in(told[name]) for name in WISHED if name in told}
    return {name: said for name, said in found.items() if any(said)} or None


def stated_first(moment: Moment, name: str, inferred: Iterable[str]) -> list[str]:
    """The names of what is inferred, after those that the person stated, without those that they want less of."""
    value = moment.state.preferences.get(name) if moment.state.preferences else None
    if not value:
        return list(inferred)
    said = said_in(value)
    more = [one for one in said.more.values() if name != "price_level" or one in LEVELS]
    return [*more, *(one for one in inferred if one not in more and not is_among(one, said.less))]


def is_among(path: str, named: Mapping[str, str]) -> str:
    """The first of those that a category (or a name) is, or is beneath; empty = none. Capitals count for nothing."""
    own = path.lower()
    if own in named:
        return named[own]
    return next((said for one, said in named.items() if own.startswith(one + "/")), "")


def meets(name: str, wanted: Mapping[str, str], item: Item, level: str) -> str:
    """Which of the wanted the item is, of the name; empty = none. `level` is the level of its price."""
    if not wanted:
        return ""
    if name == CATEGORY:
        return is_among(item.category, wanted) if item.category else ""
    if name == "brand":
        return wanted.get(item.brand.lower(), "") if item.brand else ""
    if name == "topic":
        return next((wanted[tag] for tag in map(str.lower, item.tags) if tag in wanted), "")
    return wanted.get(level, "") if name == "price_level" else ""


def lacks_size(wanted: Mapping[str, str], item: Item) -> bool:
    """Whether the item lists sizes of a kind that is wanted, numbers or letters, and none of them is wanted."""
    listed = next((item.attributes[name] for name in SIZES if name in item.attributes), "")
    sizes = listed.lower().replace(",", " ").split()
    if not sizes or any(one in wanted for one in sizes):
        return False
    return any(_is_number(one) == _is_number(size) for one in wanted for size in sizes)


def _is_number(size: str) -> bool:
    return size[:1].isdigit()
