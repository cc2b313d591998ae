"""What people say that they want more or less of, at work: candidates are fetched for it, raised and lowered by it, and say so."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice, zip_longest
from typing import Final, NamedTuple

from schemas.items import Item
from udfs.facts.item import price_level
from udfs.facts.wishes import Wishes, lacks_size, meets
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.catalogue import ALL
from udfs.moment import Moment

MORE_WEIGHT: Final = 5.0
"""By so much what is wanted more of is raised, like a boost of the policy, once for each name that it meets ..."""
LESS_WEIGHT: Final = 0.01
"""... and what is wanted less of lowered: behind all else of a hundred candidates, and not out of the list."""
WISHED_FOR: Final = "wished_for"
"""The source of a candidate that was fetched for what a person said."""
STATED: Final = "stated"
STATED_PRICE: Final = "stated_price"
"""The sentences that say so."""
FETCHED: Final = ("category", "topic", "brand")
"""Names whose items are fetched from the catalogue; price levels and sizes only order what is there."""
FETCHED_MAX: Final = 16
FETCHED_SHARE: Final = 3
"""At most one in so many candidates is fetched for it."""
LOOKED_AT_MAX: Final = 500
"""The newest items of the catalogue among which they are looked for, beside those of the very category."""


class Heeded(NamedTuple):
    """What the wishes make of one candidate: its weight, by which names, and the sentence where something raises it."""

    weight: float
    by: Mapping[str, str]
    reason: str
    what: str


def wanted_by(wishes: Wishes | None, moment: Moment, count: int) -> list[str]:
    """Items of the catalogue that the person wants more of, for `count` candidates: those of the very category first, then the newest."""
    if wishes is None:
        return []
    liked = {name: wishes[name].more for name in FETCHED if name in wishes and wishes[name].more}
    if not liked:
        return []
    catalogue, now_ms = moment.knowledge.catalogue, moment.now_ms

    def found() -> list[str]:
        own = [
            catalogue.newest_of(one, FETCHED_MAX, now_ms)
            for one in liked.get("category", {}).values()
        ]
        newest = islice(catalogue.newest(ALL, now_ms), LOOKED_AT_MAX)
        looked_at = chain(chain.from_iterable(zip_longest(*own)), newest)
        met = (one.item_id for one in looked_at if one is not None and _is_liked(liked, one))
        return list(islice(dict.fromkeys(met), FETCHED_MAX))

    key = (WISHED_FOR, *(f"{name}={one}" for name, more in liked.items() for one in more.values()))
    return catalogue.settled(key, now_ms, found)[: min(FETCHED_MAX, count // FETCHED_SHARE)]


def heed_wishes(
    wishes: Wishes | None, candidates: Sequence[Retrieved], moment: Moment
) -> dict[int, Heeded]:
    """By the place of each candidate that anything is wished of; nothing where nobody wishes anything."""
    if wishes is None:
        return {}
    found = {at: _heeded(wishes, one, moment) for at, one in enumerate(candidates)}
    return {at: one for at, one in found.items() if one is not None}


def _heeded(wishes: Wishes, candidate: Retrieved, moment: Moment) -> Heeded | None:
    item = candidate.item
    if item is None:
        return None
    level = price_level(moment, candidate) or "" if "price_level" in wishes else ""
    weight, by, reason, what = 1.0, {}, "", ""
    for name, said in wishes.items():
        if name == "size":
            factor, met = (LESS_WEIGHT, "") if lacks_size(said.more, item) else (1.0, "")
        elif meets(name, said.less, item, level):
            factor, met = LESS_WEIGHT, ""
        else:
            met = meets(name, said.more, item, level)
            factor = MORE_WEIGHT if met else 1.0
        if factor != 1.0:
            weight *= factor
            by[f"said.{name}"] = f"x{factor:g}"
        if met and not what:
            reason = STATED_PRICE if name == "price_level" else STATED
            what = met.rsplit("/", 1)[-1]
    if not by:
        return None
    return Heeded(weight, by, reason if weight > 1.0 else "", what)


def _is_liked(liked: Mapping[str, Mapping[str, str]], item: Item) -> bool:
    return any(meets(name, more, item, "") for name, more in liked.items())
