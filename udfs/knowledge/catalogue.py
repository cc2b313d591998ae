"""The catalogue: each item's versions in time, its prices in one currency, and the items of a category from the newest on."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from itertools import islice
from sys import intern
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from schemas.currencies import Rates
from schemas.items import Item
from schemas.limits import EVENT_TIME_MAX_MS
from udfs.knowledge.search_index import SearchIndex
from udfs.knowledge.versions import Entry, Timeline

ALL: Final = ""
"""The category that holds every item."""
SETTLED_MAX: Final = 10_000
"""Lists that are kept of a catalogue in which nothing changes: some 4 MB."""
SAID_RARELY: Final = ("place", "regions", "available_dates")
SEARCHED_MAX: Final = 256
"""What so many queries have found, likewise: some 8 MB."""
T = TypeVar("T")


class Catalogue:
    """Items by id and category; the order of any two does not depend on records of later times."""

    def __init__(self) -> None:
        self._items: dict[str, Timeline[Item]] = {}
        self._latest: dict[str, Item] = {}
        """Each item's last version, which is the one in force in nearly every case."""
        self._newest: dict[str, list[tuple[int, str]]] = {ALL: []}
        self._times: list[int] = []
        self._words = SearchIndex()
        self.fields_said: set[str] = set()
        """Of SAID_RARELY what any item says, were it later: of the others nobody need look at each item."""
        self._rates: Timeline[Rates] | None = None
        self._rates_seen: tuple[int, Rates | None] = (-1, None)
        """Those of the moment that was asked about last, which is the same all through a decision."""
        self._priced: dict[str, tuple[Item, Rates, Item]] = {}
        """Of each item whose price is in another currency than the common one: how it is written, by which rates it was converted, and what it became."""
        self.revision = 0
        """Another one with each record: an item may come late and hold since long ago."""
        self._settled: dict[tuple[str, ...], list[Any]] = {}
        self._settled_at = (0, 0)
        self._searched: dict[tuple[str, str], dict[str, float]] = {}
        self._searched_at = (0, 0)

    def add(self, item: Item, position: int) -> None:
        """Adds one version of an item; `position` is its offset in the topic `items`."""
        item = _shared(item)
        self.revision += 1
        self.fields_said.update(name for name in SAID_RARELY if getattr(item, name))
        timeline = self._items.setdefault(item.item_id, Timeline())
        before_ms = timeline.first_ms
        timeline.add(Entry(item.effective_from_ms, position, "", item))
        latest = timeline.at(EVENT_TIME_MAX_MS)
        if latest is not None:
            self._latest[item.item_id] = latest.value
        self._words.add(item)
        if timeline.first_ms < before_ms < EVENT_TIME_MAX_MS:
            self._place_older(item.item_id, before_ms, timeline.first_ms)
        for category in {ALL, item.category or ALL}:
            place = (-timeline.first_ms, item.item_id)
            members = self._newest.setdefault(category, [])
            at = bisect_left(members, place)
            if at == len(members) or members[at] != place:
                members.insert(at, place)
        self._note_time(item.effective_from_ms)

    def add_rates(self, rates: Entry[Rates]) -> None:
        """Adds one version of the rates: from its time on prices are another, so it counts as a record of the catalogue."""
        self.revision += 1
        self._rates = self._rates or Timeline()
        self._rates.add(rates)
        self._rates_seen = -1, None
        self._note_time(rates.effective_from_ms)

    def _note_time(self, from_ms: int) -> None:
        at = bisect_left(self._times, from_ms)
        if at == len(self._times) or self._times[at] != from_ms:
            self._times.insert(at, from_ms)

    def at(self, item_id: str, time_ms: int) -> Item | None:
        """The item as it is at `time_ms`; None if it is unknown, not yet there or gone.

        Where there are rates its price is in their base; missing, where its currency has no rate.
        """
        item = self.as_written(item_id, time_ms)
        return item if item is None or self._rates is None else self._in_base(item, time_ms)

    def as_written(self, item_id: str, time_ms: int) -> Item | None:
        """The same, its price in its own currency."""
        item = self._version(item_id, time_ms)
        return item if item is not None and not item.is_gone else None

    def rates_at(self, time_ms: int) -> Rates | None:
        """The rates in force at `time_ms`; None = there are none, and amounts are compared as they stand."""
        if self._rates is None:
            return None
        if self._rates_seen[0] != time_ms:
            entry = self._rates.at(time_ms)
            self._rates_seen = time_ms, entry.value if entry is not None else None
        return self._rates_seen[1]

    def _in_base(self, item: Item, time_ms: int) -> Item:
        rates, known = self.rates_at(time_ms), self._priced.get(item.item_id)
        if rates is None or item.price is None:
            return item
        if known is None or known[0] is not item or known[1] is not rates:
            if rates.is_base(item.currency):
                return item
            price = rates.in_base(item.price, item.currency)
            found = replace(item, price=price, currency=item.currency if price is None else rates.base)  # fmt: skip
            known = self._priced[item.item_id] = item, rates, found
        return known[2]

    def is_gone(self, item_id: str, time_ms: int) -> bool:
        """Whether the item has been taken from the catalogue; False if it was never in it."""
        item = self._version(item_id, time_ms)
        return item is not None and item.is_gone

    def names(self, item_id: str, time_ms: int) -> bool:
        """Whether it holds the item at `time_ms`, be it one that is gone."""
        return self._version(item_id, time_ms) is not None

    def is_empty(self, time_ms: int) -> bool:
        """Whether it holds nothing at `time_ms`, not even an item that is gone."""
        oldest = self._newest[ALL][-1:]
        return not oldest or -oldest[0][0] > time_ms

    def newest(self, category: str, time_ms: int) -> Iterator[Item]:
        """The items of a category (or ALL) at `time_ms`, the newest in the catalogue first."""
        members = self._newest.get(category, ())
        for at in range(bisect_left(members, (-time_ms, "")), len(members)):
            item = self.at(members[at][1], time_ms)
            if item is not None and category in (ALL, item.category):
                yield item

    def newest_of(self, category: str, count: int, time_ms: int) -> list[Item]:
        """The first `count` of `newest`."""
        key = ("newest", category, str(count))
        return self.settled(
            key, time_ms, lambda: list(islice(self.newest(category, time_ms), count))
        )

    def at_once(self, time_ms: int) -> dict[str, Item]:
        """Every item at `time_ms`, by its id."""
        found = ((item_id, self.at(item_id, time_ms)) for item_id in self._items)
        return {item_id: item for item_id, item in found if item is not None}

    def search(self, query: str, language: str, time_ms: int) -> dict[str, float]:
        """Of each item that a query in a language finds at `time_ms` how well it answers, above 0 to 1; the best first. Not to be changed by the caller."""
        state = self.time_at(time_ms), self.revision
        if state != self._searched_at or len(self._searched) >= SEARCHED_MAX:
            self._searched, self._searched_at = {}, state
        found = self._searched.get((query, language))
        if found is None:
            self._words.build(lambda: (one.value for line in self._items.values() for one in line))
            found = self._words.find(query, language, lambda item_id: self.at(item_id, time_ms))
            self._searched[query, language] = found
        return found

    def settled(self, key: tuple[str, ...], time_ms: int, make: Callable[[], list[T]]) -> list[T]:
        """What `make` finds in the catalogue at `time_ms`, made once for as long as nothing in it changes.

        Nothing of one revision changes between `time_at` and the moment asked about. Not to be changed by the caller.
        """
        state = self.time_at(time_ms), self.revision
        if state != self._settled_at:
            self._settled, self._settled_at = {}, state
        found: list[T] | None = self._settled.get(key)
        if found is None:
            if len(self._settled) >= SETTLED_MAX:
                self._settled.clear()
            found = self._settled[key] = make()
        return found

    def time_at(self, time_ms: int) -> int:
        """The newest time of any record in force at `time_ms`; 0 = none."""
        newest = bisect_right(self._times, time_ms)
        return self._times[newest - 1] if newest else 0

    def before(self, position: int) -> "Catalogue":
        """It as it was before the record at `position` came."""
        found = Catalogue()
        for timeline in self._items.values():
            for entry in timeline:
                if entry.position < position:
                    found.add(entry.value, entry.position)
        for rates in self._rates or ():
            found.add_rates(rates)
        return found

    def prune(self, before_ms: int) -> None:
        """Forgets versions that no event at or after `before_ms` can see."""
        for timeline in self._items.values():
            timeline.prune(before_ms)
        if self._rates is not None:
            self._rates.prune(before_ms)
            self._rates_seen = -1, None
        keep_from = bisect_right(self._times, before_ms) - 1
        del self._times[: max(0, keep_from)]

    def _version(self, item_id: str, time_ms: int) -> Item | None:
        """What is in force at `time_ms`, be it gone."""
        latest = self._latest.get(item_id)
        if latest is None or latest.effective_from_ms <= time_ms:
            return latest
        entry = self._items[item_id].at(time_ms)
        return entry.value if entry is not None else None

    def _place_older(self, item_id: str, before_ms: int, first_ms: int) -> None:
        """Places an item anew that turns out to be older: records may come in any order."""
        for members in self._newest.values():
            at = bisect_left(members, (-before_ms, item_id))
            if at < len(members) and members[at] == (-before_ms, item_id):
                del members[at]
                insort(members, (-first_ms, item_id))


class CatalogueUntil(Catalogue):
    """A catalogue as somebody saw it who had no record of after `until_ms`; a view, not a copy."""

    def __init__(self, whole: Catalogue, until_ms: int) -> None:
        self._items, self._latest = whole._items, whole._latest
        self._newest, self._times = whole._newest, whole._times
        self._words = whole._words
        self._rates, self._rates_seen, self._priced = whole._rates, (-1, None), {}
        self.fields_said = whole.fields_said
        self._until_ms = until_ms
        self.revision = whole.revision
        self._settled, self._settled_at = {}, (0, 0)
        self._searched, self._searched_at = {}, (0, 0)

    def newest(self, category: str, time_ms: int) -> Iterator[Item]:
        """As of `until_ms` at the latest."""
        return super().newest(category, min(time_ms, self._until_ms))

    def is_empty(self, time_ms: int) -> bool:
        """As of `until_ms` at the latest."""
        return super().is_empty(min(time_ms, self._until_ms))

    def time_at(self, time_ms: int) -> int:
        """`until_ms` at the latest."""
        return super().time_at(min(time_ms, self._until_ms))

    def rates_at(self, time_ms: int) -> Rates | None:
        """Those of `until_ms` at the latest."""
        return super().rates_at(min(time_ms, self._until_ms))

    def _version(self, item_id: str, time_ms: int) -> Item | None:
        return super()._version(item_id, min(time_ms, self._until_ms))


def _shared(item: Item) -> Item:
    """The item with names that are the same strings wherever they are kept: less to hold, and to fetch."""
    category = intern(item.category) if item.category is not None else None
    brand = intern(item.brand) if item.brand is not None else None
    return replace(item, item_id=intern(item.item_id), category=category, brand=brand)
