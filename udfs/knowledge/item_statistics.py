"""What the stream has taught about items, epoch by epoch; and the trending boards made from it."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from math import log2
from sys import intern
from typing import Final, NamedTuple, TypeVar

from schemas.knowledge import EpochEnd, ItemKnowledge, ItemRecord, PastSession
from schemas.limits import BOARD_MAX, EPOCHS_KEPT, ITEMS_KNOWN_MAX, SESSIONS_REMEMBERED_MAX
from udfs.fading import SHORT_HALF_LIFE_MS
from udfs.knowledge.past_sessions import PastSessions
from udfs.knowledge.whole_epochs import Key, OfEpoch, Whole, WholeEpochs

ALL: Final = ""
"""The board of all categories."""

KEPT_MAX: Final = {
    "item": ITEMS_KNOWN_MAX,
    "category": ITEMS_KNOWN_MAX,
    "session": SESSIONS_REMEMBERED_MAX,
}
"""By kind: as much as is known at all."""

Rank = tuple[float, str]
Taught = ItemKnowledge | PastSession
V = TypeVar("V", bound=OfEpoch)


class _Epoch(NamedTuple):
    """An epoch that came into force, and how many past sessions were known then."""

    epoch: int
    effective_from_ms: int
    sessions: int


class _Board(NamedTuple):
    """The best ranks of one category at the end of an epoch, best first."""

    epoch: int
    ranks: list[Rank]


class ItemStatistics:
    """Item knowledge and past sessions by epoch: the newest, and what the last `kept` held before.

    `learn` takes records; an epoch becomes visible once its end marker is there and `advance` has
    reached its time. About 1 kB an item with few links, 4 kB with full ones.
    """

    def __init__(self, kept: int = EPOCHS_KEPT) -> None:
        self._kept = kept
        self.sessions = PastSessions()
        self._epochs = [_Epoch(0, 0, 0)]
        self._items: dict[str, list[ItemKnowledge]] = {}
        self._categories: dict[str, list[ItemKnowledge]] = {}
        self._boards: dict[str, list[_Board]] = {}
        self._places: dict[str, dict[str, float]] = {}
        self._coming = WholeEpochs[Taught](_key_of, KEPT_MAX)

    @property
    def epoch(self) -> int:
        """The newest epoch in force; 0 = none."""
        return self._epochs[-1].epoch

    @property
    def epochs_dropped(self) -> int:
        """Epochs without an end that were forgotten, at the bound of how many are kept."""
        return self._coming.dropped

    def learn(self, record: ItemRecord) -> bool:
        """Takes a record of an epoch; True where it completes one. A repeat changes nothing."""
        if isinstance(record, EpochEnd):
            return self._coming.end(record)
        self._coming.take(record)
        return False

    def advance(self, now_ms: int) -> None:
        """Brings into force every complete epoch whose time has come."""
        for whole in self._coming.due(now_ms):
            self._apply(whole)

    def epoch_at(self, now_ms: int) -> int:
        """The newest epoch in force at `now_ms`, as far back as epochs are kept."""
        in_force = (one for one in reversed(self._epochs) if one.effective_from_ms <= now_ms)
        return next(in_force, self._epochs[0]).epoch

    def item(self, item_id: str, epoch: int) -> ItemKnowledge | None:
        """What was known of the item in `epoch`."""
        return _at(self._items.get(item_id), epoch)

    def category(self, name: str, epoch: int) -> ItemKnowledge | None:
        """What was known of the category in `epoch`."""
        return _at(self._categories.get(name), epoch)

    def trending(self, category: str, epoch: int) -> Iterator[str]:
        """At most BOARD_MAX items of the category (or ALL), the most wanted of late first."""
        board = _at(self._boards.get(category), epoch)
        return (item_id for _, item_id in (board.ranks if board else ()))

    def sessions_at(self, epoch: int) -> int:
        """How many past sessions were known in `epoch`; of one that is forgotten nothing is."""
        return next((one.sessions for one in reversed(self._epochs) if one.epoch <= epoch), 0)

    def _apply(self, whole: Whole[Taught]) -> None:
        effective_from_ms, epoch, records = whole
        changed: dict[str, list[Rank]] = {}
        for record in records:
            if isinstance(record, PastSession):
                self.sessions.add(record)
                continue
            self._add(self._items if record.kind == "item" else self._categories, record)
            if record.kind == "item" and record.interest_short > 0.0:
                for category in {ALL, record.category or ALL}:
                    changed.setdefault(category, []).append((_rank(record), record.item_id))
        for category, ranks in changed.items():
            self._raise(category, ranks, epoch)
        self._epochs.append(_Epoch(epoch, effective_from_ms, self.sessions.count))
        _forget(self._epochs, epoch - self._kept)

    def _add(self, known: dict[str, list[ItemKnowledge]], record: ItemKnowledge) -> None:
        versions = known.pop(record.item_id, [])
        versions.append(record)
        _forget(versions, record.epoch - self._kept)
        # at the end: the first is the one that changed longest ago; the catalogue's string for the id
        known[intern(record.item_id)] = versions
        if len(known) > ITEMS_KNOWN_MAX:
            del known[next(iter(known))]

    def _raise(self, category: str, ranks: list[Rank], epoch: int) -> None:
        """Puts items on their board: all ranks fade alike, so those that did not change keep order."""
        boards = self._boards.setdefault(category, [])
        places = self._places.setdefault(category, {})
        ordered = boards[-1].ranks.copy() if boards else []
        for rank, item_id in ranks:
            before = places.get(item_id)
            if before is not None:
                del ordered[bisect_left(ordered, (before, item_id))]
            insort(ordered, (rank, item_id))
            places[item_id] = rank
            if len(ordered) > BOARD_MAX:
                del places[ordered.pop()[1]]
        boards.append(_Board(epoch, ordered))
        _forget(boards, epoch - self._kept)


def _key_of(record: Taught) -> Key:
    if isinstance(record, PastSession):
        return "session", record.session_hash
    return record.kind, record.item_id


def _rank(item: ItemKnowledge) -> float:
    """Less is better: the logarithm of the interest, as it would be at one common time."""
    return -(log2(item.interest_short) + item.at_ms / SHORT_HALF_LIFE_MS)


def _forget(versions: list[V], epoch: int) -> None:
    """Drops what no view of `epoch` or later sees."""
    while len(versions) > 1 and versions[1].epoch <= epoch:
        del versions[0]


def _at(versions: list[V] | None, epoch: int) -> V | None:
    for one in reversed(versions or ()):
        if one.epoch <= epoch:
            return one
    return None
