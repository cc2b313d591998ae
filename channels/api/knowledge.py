"""What the API knows of the engine's knowledge: the policy in force, and the catalogue.

One thread reads `control` and `items` from their beginning and goes on. As everywhere, what holds at a
time is the newest with `effective_from_ms` not after it.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from log.following import Follower, Taken, Topics
from log.unusable import Aside, Unusable
from schemas.codec import ITEM
from schemas.items import Item, is_within
from schemas.policy import Policy
from schemas.signed_control import ControlKeys, read_control
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import ITEMS

SNAPSHOT_S: Final = 1.0
"""A change of the catalogue is in its lists after about so long."""

logger = logging.getLogger(__name__)


InArms = Callable[[Mapping[str, str]], Policy]
"""The policy of who is in these arms (experiment -> arm)."""


class Version(NamedTuple):
    """One version of the policy: of those in force the one with the highest time and offset counts."""

    effective_from_ms: int
    offset: int
    version: str
    policy: Policy
    in_arms: InArms


class Snapshot(NamedTuple):
    """The catalogue at a moment: items by id in the order in which they came, and ids by category."""

    items: dict[str, Item]
    by_category: dict[str, list[str]]
    catalogue_ms: int


NO_ITEMS: Final = Snapshot({}, {}, 0)


class KnowledgeReader:
    """The policy and the catalogue as of any time since the newest.

    `read_policy` makes a policy, and what arms make of it, of a control record's payload and raises ConfigError where the engine
    would refuse it, too; `keys` are those that may publish. What comes and cannot be used is put `aside`: here and not
    by the engine's operators, of which there are many. All methods may be called from any thread.
    """

    def __init__(
        self,
        kafka: str,
        prefix: str,
        read_policy: Callable[[bytes], tuple[Policy, InArms]],
        keys: ControlKeys,
        aside: Aside | None = None,
    ) -> None:
        self._topics = (prefix + CONTROL_TOPIC, prefix + ITEMS)
        self.follower = Follower(
            kafka, "knowledge", Topics(self._topics, "beginning"), self._take,
            Unusable(logger, aside), rest=self._renew, on_complete=self._complete, wait_ms=500,
        )  # fmt: skip
        self._read_policy = read_policy
        self._keys, self._aside = keys, aside
        self._policies: list[Version] = []
        self._items: dict[str, list[tuple[int, int, Item]]] = {}
        self._next_snapshot_s = 0.0
        self._pending_ms: list[int] = []
        self.snapshot = NO_ITEMS
        """The items that are there; made in the thread, because many take long."""

    @property
    def is_complete(self) -> bool:
        """Whether both topics were read to where they ended."""
        return self.follower.is_complete

    @property
    def is_current(self) -> bool:
        """Whether they are read on, too."""
        return self.is_complete and self.follower.is_connected

    def start(self) -> None:
        """Begins to read."""
        self.follower.start()

    def close(self) -> None:
        """Ends the thread."""
        self.follower.stop()
        if self._aside is not None:
            self._aside.close()

    def policy_at(self, now_ms: int) -> Version | None:
        """The version of the policy in force; None = none is known."""
        held = [one for one in self._policies if one.effective_from_ms <= now_ms]
        return max(held, key=lambda one: one[:2], default=None)

    def item_at(self, item_id: str, now_ms: int) -> Item | None:
        """The item as it is now, `is_gone` included; None = the catalogue never had it."""
        held = [one for one in self._items.get(item_id, ()) if one[0] <= now_ms]
        return max(held, key=lambda one: one[:2])[2] if held else None

    # --- the thread ---------------------------------------------------------------------------------

    def _take(self, taken: Taken) -> None:
        """One record; one that cannot be used leaves everything as it was, as in the engine."""
        record = taken.record
        if record.topic == self._topics[0]:
            self._take_control(record.offset, record.value)
        else:
            self._take_item(record.offset, ITEM.decode(record.value))

    def _take_control(self, offset: int, value: bytes) -> None:
        control = read_control(value, self._keys)
        if control.kind == "policy" and control.payload is not None:
            read = self._read_policy(control.payload)
            found = Version(control.effective_from_ms, offset, control.version, *read)
            self._policies = _without_past(self._policies, found)

    def _take_item(self, offset: int, item: Item) -> None:
        held = self._items.get(item.item_id, [])
        kept = [one for one in held if one[1] != offset]
        kept.append((item.effective_from_ms, offset, item))
        self._items[item.item_id] = _newest_of(kept)
        self._pending_ms.append(item.effective_from_ms)

    def _complete(self) -> None:
        self._renew(is_due=True)

    def _renew(self, *, is_due: bool = False) -> None:
        """Makes the snapshot anew where a version has come into force since the last one."""
        now_s, now_ms = time.monotonic(), time.time_ns() // 1_000_000
        if not is_due and (
            now_s < self._next_snapshot_s or min(self._pending_ms, default=now_ms + 1) > now_ms
        ):
            return
        self._next_snapshot_s = now_s + SNAPSHOT_S
        self._pending_ms = [one for one in self._pending_ms if one > now_ms]
        self.snapshot = self._made(now_ms)

    def _made(self, now_ms: int) -> Snapshot:
        items = {}
        by_category: dict[str, list[str]] = {}
        catalogue_ms = 0
        for item_id in self._items:
            item = self.item_at(item_id, now_ms)
            if item is None:
                continue
            catalogue_ms = max(catalogue_ms, item.effective_from_ms)
            if not item.is_gone:
                items[item_id] = item
                by_category.setdefault(item.category or "", []).append(item_id)
        return Snapshot(items, by_category, catalogue_ms)


def _without_past(held: Sequence[Version], found: Version) -> list[Version]:
    """With one more version, and without those that can be in force no more."""
    now_ms = time.time_ns() // 1_000_000
    all_of_them = [one for one in held if one.offset != found.offset] + [found]
    past = sorted((one for one in all_of_them if one.effective_from_ms <= now_ms), key=_order)
    return past[-1:] + [one for one in all_of_them if one.effective_from_ms > now_ms]


def _order(one: Version) -> tuple[int, int]:
    return one.effective_from_ms, one.offset


def _newest_of(held: Sequence[tuple[int, int, Item]]) -> list[tuple[int, int, Item]]:
    now_ms = time.time_ns() // 1_000_000
    past = [one for one in held if one[0] <= now_ms]
    return sorted(past, key=lambda one: one[:2])[-1:] + [one for one in held if one[0] > now_ms]


def first_available(
    snapshot: Snapshot,
    count: int,
    passed: Iterable[str] = (),
    withheld: Collection[str] = (),
    refused: Collection[str] = (),
) -> list[Item]:
    """The catalogue's first items that are not sold out, but for those `passed` over, the categories `withheld`, and those `refused` with
    all below them.
    """
    left_out = frozenset(passed)
    there = (
        item
        for item in snapshot.items.values()
        if item.stock != 0
        and item.item_id not in left_out
        and item.category not in withheld
        and not (refused and is_within(item.category, refused))
    )
    return list(islice(there, count))
