"""Items that came into the log too late for the time of a catalogue to tell who had them.

A decision names the newest time from which a record of its catalogue holds. An item that is published to hold from
no later than what was there already changes that time by nothing: whoever decided before it came, and whoever after,
name the same. The records lie in the order in which they came, so the catalogue of before can be made again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.codec import ITEM
from schemas.errors import InvalidEvent
from schemas.limits import EVENT_TIME_MAX_MS
from schemas.records import LogRecord
from udfs.knowledge.catalogue import Catalogue, CatalogueUntil

CUTS_MAX: Final = 8
"""Catalogues of before that are tried for one decision, the newest first."""
SEEN_MAX: Final = 64


class Cut(NamedTuple):
    """Items that came together, from `position` on, to hold from `effective_from_ms`."""

    position: int
    effective_from_ms: int
    item_ids: tuple[str, ...]


class LateItems:
    """The late items of a whole catalogue, and what of it live had when.

    `unknown_until`: of a cut, the newest time of a decision that was made without it. `named`: times of decisions and
    of the catalogues that they name; one that names an older catalogue than there is says that no event before it
    was taken with a newer one.
    """

    def __init__(
        self,
        whole: Catalogue,
        cuts: Iterable[Cut] = (),
        unknown_until: Mapping[Cut, int] = {},
        named: Iterable[tuple[int, int]] = (),
    ) -> None:
        self._whole, self._cuts, self._unknown_until = whole, tuple(cuts), unknown_until
        self._before = lru_cache(maxsize=CUTS_MAX)(whole.before)
        self._seen = lru_cache(maxsize=SEEN_MAX)(self._as_seen)
        self._newest: Cut | None = None
        pairs = sorted(named)
        self._times = [time_ms for time_ms, _ in pairs]
        self._oldest = list(accumulate((at for _, at in reversed(pairs)), min))[::-1]

    def catalogues(self, time_ms: int) -> Iterator[tuple[Cut, Catalogue]]:
        """Of each cut in force at `time_ms`, what was there before it; the one that was `met` last comes first."""
        found = [one for one in self._cuts if one.effective_from_ms <= time_ms][-CUTS_MAX:]
        found.sort(key=lambda one: (one == self._newest, one.position), reverse=True)
        return ((one, self._before(one.position)) for one in found)

    def met(self, cut: Cut, time_ms: int) -> list[Cut]:
        """Takes note that a decision at `time_ms` saw the catalogue of before this; what of that it did not know."""
        self._newest = cut
        return [
            one
            for one in self._cuts
            if one.position >= cut.position and one.effective_from_ms <= time_ms
        ]

    def catalogue_at(self, time_ms: int) -> Catalogue:
        """What live had when it took an event of this time, as far as decisions say."""
        unknown = (one.position for one, at_ms in self._unknown_until.items() if time_ms <= at_ms)
        after = bisect_left(self._times, time_ms)
        until_ms = self._oldest[after] if after < len(self._times) else EVENT_TIME_MAX_MS
        is_older = until_ms < self._whole.time_at(time_ms)
        return self._seen(min(unknown, default=None), until_ms if is_older else None)

    def _as_seen(self, position: int | None, until_ms: int | None) -> Catalogue:
        found = self._whole if position is None else self._before(position)
        return found if until_ms is None else CatalogueUntil(found, until_ms)


def late_cuts(records: Iterable[LogRecord]) -> list[Cut]:
    """The cuts of the topic `items`, in its order."""
    cuts: list[Cut] = []
    ids: list[str] = []
    begun: tuple[int, int] | None = None
    newest_ms, last_ms = 0, -1
    for record in records:
        try:
            item = ITEM.decode(record.value)
        except InvalidEvent:
            continue  # no job takes it
        if item.effective_from_ms != last_ms:
            cuts += _closed(begun, ids)
            is_late = item.effective_from_ms <= newest_ms
            begun, ids = (record.offset, item.effective_from_ms) if is_late else None, []
            last_ms = item.effective_from_ms
        if begun is not None:
            ids.append(item.item_id)
        newest_ms = max(newest_ms, item.effective_from_ms)
    return cuts + _closed(begun, ids)


def _closed(begun: tuple[int, int] | None, ids: list[str]) -> list[Cut]:
    return [] if begun is None else [Cut(*begun, tuple(ids))]
