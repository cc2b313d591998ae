"""Epochs of what the stream teaches, on their way into force: whole, and each in its time.

An epoch is taken once its end marker is there; what no marker ends was half-written, by a writer that was restarted.
All markers have one key. Where Kafka has compacted the topic, the newest marker of that part is left, and the newest
record of each item, so what lies in front of the first marker that a reader meets was complete once: it comes into force
with that marker, never earlier. That costs no field on the wire: of later markers nothing in front is ever missing, and
a half-written record that is kept has taken the place of the one before it, so nothing truer is left of its item.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from schemas.knowledge import EpochEnd
from schemas.limits import EPOCH_RECORDS_MAX, OPEN_EPOCHS_MAX

Key = tuple[str, str]
"""What a record is about: its kind and its name."""


class OfEpoch(Protocol):
    """What an epoch has taught."""

    @property
    def epoch(self) -> int:
        """Its number."""


R = TypeVar("R", bound=OfEpoch)


class Whole(NamedTuple, Generic[R]):
    """A complete epoch with its records, in the order of their epochs and keys."""

    effective_from_ms: int
    epoch: int
    records: list[R]


class WholeEpochs(Generic[R]):
    """The epochs that are not complete yet, and those that wait for their time.

    `kept_max`, by kind: so many keys are kept of the epochs in front of the first marker beyond OPEN_EPOCHS_MAX, of
    each its newest record; the one taught longest ago goes.
    """

    def __init__(self, key_of: Callable[[R], Key], kept_max: Mapping[str, int]) -> None:
        self._key_of, self._kept_max = key_of, kept_max
        self._open: dict[int, dict[Key, R]] = {}
        self._before: dict[str, dict[Key, R]] = {kind: {} for kind in kept_max}
        self._complete: deque[Whole[R]] = deque()
        self._newest = 0
        self._seam: _Seam[R] | None = None
        self.dropped = 0
        """Epochs without an end that were forgotten, at the bound of how many are kept."""

    def take(self, record: R) -> None:
        """Takes a record of an epoch; one of an epoch that is complete changes nothing."""
        key = self._key_of(record)
        if record.epoch > self._newest:
            _put(self._open.setdefault(record.epoch, {}), key, record)
        elif self._seam is not None:
            _put(self._seam.again, key, record)
        if len(self._open) > OPEN_EPOCHS_MAX:
            self._close_oldest(record.epoch)

    def end(self, marker: EpochEnd) -> bool:
        """Takes the end of an epoch; True where it completes one. A repeat changes nothing."""
        is_first, is_new = self._newest == 0, marker.epoch > self._newest
        if self._seam is not None:
            self._complete.extend(self._seam.told_again())
            if is_new:
                self._seam = None
        if not is_new:
            return False
        records = self._all_before(marker.epoch) if is_first else self._of(marker.epoch)
        whole = Whole(marker.effective_from_ms, marker.epoch, records)
        self._complete.append(whole)
        if is_first:
            self._seam = _Seam(whole, self._key_of)
        self._newest = marker.epoch
        # what is left was half-written, by a writer that was restarted
        self._open = {epoch: one for epoch, one in self._open.items() if epoch > marker.epoch}
        return True

    def due(self, now_ms: int) -> Iterator[Whole[R]]:
        """The complete epochs whose time has come, in their order, each once."""
        while self._complete and self._complete[0].effective_from_ms <= now_ms:
            yield self._complete.popleft()

    def _close_oldest(self, but: int) -> None:
        """Keeps one open epoch less; in front of the first marker its records are kept, as they may be all that is left."""
        records = self._open.pop(min(epoch for epoch in self._open if epoch != but))
        if self._newest:
            self.dropped += 1
            return
        for key, record in records.items():
            kept = self._before[key[0]]
            if key not in kept or kept[key].epoch < record.epoch:
                kept.pop(key, None)
                kept[key] = record
            if len(kept) > self._kept_max[key[0]]:
                del kept[next(iter(kept))]

    def _of(self, epoch: int) -> list[R]:
        of_epoch = self._open.get(epoch, {})
        return [of_epoch[key] for key in sorted(of_epoch)]

    def _all_before(self, epoch: int) -> list[R]:
        """The newest record of each key up to this epoch. What is of later ones is written again behind it."""
        before = [one for kept in self._before.values() for one in kept.values()]
        known = [one for of_epoch in self._open.values() for one in of_epoch.values()]
        self._before = {kind: {} for kind in self._kept_max}
        ordered = _in_order((one for one in (*before, *known) if one.epoch <= epoch), self._key_of)
        newest = {self._key_of(one): one for one in ordered}
        return _in_order(newest.values(), self._key_of)


class _Seam(Generic[R]):
    """Behind the first marker: what a restarted writer has written again of the epochs in front of it.

    The compacted part may end within that, and then holds what is written again instead of what was in front. So what
    is newer than what came with the marker is taken, up to the first epoch that ends behind it.
    """

    def __init__(self, first: Whole[R], key_of: Callable[[R], Key]) -> None:
        self._first, self._key_of = first, key_of
        self._epochs = {key_of(one): one.epoch for one in first.records}
        self.again: dict[Key, R] = {}

    def told_again(self) -> Iterator[Whole[R]]:
        """What was written again since the last marker and is new, in force with the first."""
        epochs = self._epochs
        found = [one for key, one in self.again.items() if one.epoch > epochs.get(key, 0)]
        self.again = {}
        epochs.update((self._key_of(one), one.epoch) for one in found)
        if found:
            yield self._first._replace(records=_in_order(found, self._key_of))


def _put(records: dict[Key, R], key: Key, record: R) -> None:
    if key in records or len(records) < EPOCH_RECORDS_MAX:
        records[key] = record


def _in_order(records: Iterable[R], key_of: Callable[[R], Key]) -> list[R]:
    return sorted(records, key=lambda one: (one.epoch, key_of(one)))
