"""A catalogue of a file into the log: which versions it holds that the log has not, and from when on they hold.

An item that names no `effective_from_ms` holds from the earliest event that came with it if it is new, else from now on;
one that is as it was writes nothing, so the same file twice changes nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from jobs.config import Config
from jobs.flink.counted import read_counts, read_instances
from jobs.flink.rest import FlinkRest, rest_of
from log.kafka import read_to_end
from log.range import LogRange
from schemas.codec import ITEM
from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent
from schemas.formats.field_names import Notices
from schemas.items import Item
from schemas.topics import DECISIONS, ITEMS
from scripts.files.item_files import AUTO, Given, ItemForm, items_in
from scripts.files.told_names import in_words
from scripts.progress import TOLD_FROM_S, Watched
from scripts.times import utc

TAKEN_S_MAX: Final = 60.0
POLL_S: Final = 0.3
APPLIED: Final = "knowledge_applied"
SEEN: Final = (APPLIED, "knowledge_refused")


def read_catalogue(
    path: Path, is_partial: bool, say: Callable[[str], None], form: ItemForm = AUTO
) -> list[Given]:
    """All items of a file. ConfigError names the line at fault; with `is_partial` it is said and left out.

    What nobody reads of them is said; if the `form` is strict, such a line is at fault.
    """
    found, faults, notices = [], 0, Notices()
    for one in items_in(path, form, say):
        if one.given is not None:
            notices.add(one.notes, one.number)
            found.append(one.given)
            continue
        fault = f"{path}, line {one.number + 1}: {one.fault}"
        if not is_partial:
            raise ConfigError(
                f"{fault}; nothing was written: mend it, or leave such lines out by --partial"
            )
        faults += 1
        if faults == 1:
            say(f"left out: {fault}")
    if faults > 1:
        say(f"left out: {counted(faults, 'item')} in all")
    for notice in notices:
        say(f"{path.name}: {in_words(notice)}")
    return found


def published_items(kafka: str, prefix: str) -> Iterator[Item]:
    """Every version of every item of the log, in its order."""
    for record in Watched("reading the catalogue", read_to_end(kafka, [prefix + ITEMS])):
        try:
            yield ITEM.decode(record.value)
        except InvalidEvent:
            continue  # the jobs count and name it


def versions_to_write(
    given: Iterable[Given], known: Iterable[Item], first_ms: int, changed_ms: int
) -> list[Item]:
    """What of a catalogue is new to the log, which holds the `known` versions: see `KnownItems.take`."""
    return KnownItems(known).take(given, first_ms, changed_ms)


class KnownItems:
    """The versions that a log holds, and by item the `newest`."""

    def __init__(self, known: Iterable[Item]) -> None:
        self._versions: dict[tuple[str, int], Item] = {}
        self.newest: dict[str, Item] = {}
        for one in known:
            self.hold(one)

    def hold(self, item: Item) -> None:
        """Notes that the log holds it."""
        self._versions[item.item_id, item.effective_from_ms] = item
        held = self.newest.get(item.item_id)
        if held is None or held.effective_from_ms <= item.effective_from_ms:
            self.newest[item.item_id] = item

    def take(self, given: Iterable[Given], first_ms: int, changed_ms: int) -> list[Item]:
        """What of these is new, noted from now on; the one that holds first comes first, so that the newest time of a
        catalogue that is read in part says which part.

        An item that does not say when holds from `first_ms` on if it is new, from `changed_ms` if it is changed.
        """
        found = []
        for item, is_timed in given:
            held = self.newest.get(item.item_id)
            version = item if is_timed else _as_of(item, held, first_ms, changed_ms)
            if version is not None and self._of(version) != version:
                self.hold(version)
                found.append(version)
        return sorted(found, key=lambda one: one.effective_from_ms)

    def _of(self, version: Item) -> Item | None:
        return self._versions.get((version.item_id, version.effective_from_ms))


def _as_of(item: Item, held: Item | None, first_ms: int, changed_ms: int) -> Item | None:
    """The item with the time from which on it holds; None where it is as the newest version is."""
    if held is None:
        return msgspec.structs.replace(item, effective_from_ms=first_ms)
    as_held = msgspec.structs.replace(item, effective_from_ms=held.effective_from_ms)
    if as_held == held:
        return None
    return msgspec.structs.replace(item, effective_from_ms=max(changed_ms, held.effective_from_ms))


def decided_of(kafka: str, prefix: str) -> Callable[[int], int]:
    """How many decisions the log holds from a time on."""
    return lambda since_ms: len(LogRange(kafka, prefix + DECISIONS, since_ms, None))


def late_warning(new: Sequence[Item], at_ms: int, decided: Callable[[int], int]) -> str | None:
    """What is said of items that hold from before they were published; `decided`: decisions from a time on."""
    late = [item for item in new if item.effective_from_ms < at_ms]
    if not late:
        return None
    since_ms = min(item.effective_from_ms for item in late)
    count = decided(since_ms)
    if not count:
        return None
    return (
        f"{len(late):,} of the items hold from {utc(since_ms)} on, and {counted(count, 'decision was', 'decisions were')} made since: these rest "
        "on what was known then. A replay would make others; `kairos verify replay` tells which, and names the items"
    )


class Taken:
    """Waits until every operator of the decide job has taken what is written meanwhile to `items`."""

    def __init__(self, flink: FlinkRest | None) -> None:
        self._flink = flink
        self._before = self._now()

    def wait(self, records: int, say: Callable[[str], None]) -> None:
        """Returns once that is so; says so where no job answers or it takes too long."""
        if not records or self._flink is None or self._before is None:
            return
        try:
            wanted = self._before + records * read_instances(self._flink, APPLIED)
        except ConfigError:
            return
        begun_s = time.monotonic()
        deadline_s, told_s = begun_s + TAKEN_S_MAX, begun_s + TOLD_FROM_S
        while (now := self._now()) is not None and now < wanted:
            if time.monotonic() > told_s:
                told_s = deadline_s
                say(f"waiting until the decide job has taken {counted(records, 'item')}")
            if time.monotonic() > deadline_s:
                say(
                    f"the decide job has not taken {counted(records, 'item')} within {TAKEN_S_MAX:.0f} s: "
                    "its first decisions may not know them"
                )
                return
            time.sleep(POLL_S)

    def _now(self) -> int | None:
        if self._flink is None:
            return None
        try:
            counts = read_counts(self._flink)
        except (ConfigError, KeyError):
            return None
        return sum(counts[name] for name in SEEN)


def flink_of(config: Config) -> FlinkRest | None:
    """The Flink of the decide job, if it is known where that answers."""
    from scripts.ops.status import api_targets

    try:
        address = api_targets(config).flink
    except ConfigError:
        return None
    return rest_of(config, address) if address is not None else None
