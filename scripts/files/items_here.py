"""`kairos items`: the catalogue of this deployment: put in, looked at, taken out; each change is one more version in the log."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.publish import AHEAD_MS, Log, now_ms
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.items import Item
from scripts.console import say, show, show_json, show_table
from scripts.files.event_lines import without_defaults
from scripts.files.item_files import AUTO, Given, ItemForm
from scripts.files.publish_items import (
    Taken,
    decided_of,
    flink_of,
    late_warning,
    published_items,
    read_catalogue,
    versions_to_write,
)
from scripts.ops.home_note import note_import
from scripts.ops.rates_on_control import lines_of
from scripts.ops.status import running_kafka
from scripts.times import utc

LINGER_MS: Final = 100.0
"""Nobody waits for a single record of an import; full batches cost all of them less."""
COLUMNS: Final = ("item", "name", "category", "price", "stock", "since")


class ItemsFile(NamedTuple):
    """A file of the catalogue, and how it is read; `is_partial`: lines that are no items are left out."""

    path: Path
    is_partial: bool
    form: ItemForm = AUTO

    def read(self) -> list[Given]:
        """Its items; raises ConfigError."""
        return read_catalogue(self.path, self.is_partial, say, self.form)


class Complete(NamedTuple):
    """A file is all of the catalogue: what it does not hold is taken out, most of all there is only if that `is_forced`."""

    is_forced: bool = False


def put_catalogue(
    config: Config,
    kafka: str,
    log: Log,
    catalogue: Sequence[Given],
    first_ms: int | None,
    complete: Complete | None = None,
) -> list[Item]:
    """Writes what the log does not have of a catalogue; returns when every operator has taken it.

    Where it is `complete`, the other items are taken out from now on. What does not say when holds from `first_ms` on (None, or ahead: from now on) if it is new, from now on if it is changed.
    """
    at_ms = now_ms()
    known = list(published_items(kafka, config.topic_prefix))
    new_ms = at_ms + AHEAD_MS if first_ms is None else min(first_ms, at_ms)
    new = versions_to_write(catalogue, known, new_ms, at_ms + AHEAD_MS)
    gone = taken_out(catalogue, held_at(known, at_ms + AHEAD_MS), complete, at_ms + AHEAD_MS)
    warning = late_warning(new, at_ms, decided_of(kafka, config.topic_prefix))
    _write(config, log, [*new, *gone])
    say(f"{counted(len(new), 'item')} written, {len(catalogue) - len(new):,} were there already")
    if complete is not None:
        say(f"{counted(len(gone), 'item')} taken out: the file does not hold them any more")
    if warning is not None:
        say(f"warning: {warning}")
    return [*new, *gone]


def taken_out(
    catalogue: Sequence[Given], held: dict[str, Item], complete: Complete | None, at_ms: int
) -> list[Item]:
    """The versions that take out what a complete catalogue does not hold; ConfigError where that is most of what is there."""
    if complete is None:
        return []
    named = {one.item.item_id for one in catalogue}
    there = [one for one in held.values() if not one.is_gone]
    gone = [one for one in there if one.item_id not in named]
    if len(gone) * 2 > len(there) and not complete.is_forced:
        raise ConfigError(
            f"{len(gone):,} of {counted(len(there), 'item')} are not in the file, so more than half would be taken out: nothing was written. "
            "Is it whole? --force takes them out all the same"
        )
    return [msgspec.structs.replace(one, is_gone=True, effective_from_ms=at_ms) for one in gone]


def import_items(
    config: Config,
    file: ItemsFile,
    from_ms: int | None,
    complete: Complete | None = None,
    *,
    is_json: bool,
) -> None:
    """Puts a file's items into the catalogue; new ones hold from `from_ms` on, None: from now on. Raises ConfigError."""
    if complete is not None and file.is_partial:
        raise ConfigError("--complete says that the file holds all, and --partial that it may not")
    catalogue = file.read()
    kafka = running_kafka(config)
    written = put_catalogue(config, kafka, _log(config, kafka), catalogue, from_ms, complete)
    note_import(config, [file.path])
    named = {one.item.item_id for one in catalogue}
    gone = sum(one.item_id not in named for one in written)
    if is_json:
        told = {"read": len(catalogue), "written": len(written) - gone}
        show_json(told if complete is None else told | {"taken_out": gone})
    else:
        new = len(written) - gone
        show(f"{counted(len(catalogue), 'item')} read, {new:,} of them new or changed")
    for line in lines_of(config, kafka, (one.item for one in catalogue)):
        say(line)


def list_items(config: Config, most: int, *, is_json: bool) -> None:
    """Shows the items that are in the catalogue now, by id, `most` of them."""
    here = items_in_force(running_kafka(config), config.topic_prefix)
    if is_json:
        show_json([msgspec.to_builtins(one) for one in here[:most]])
        return
    title = f"{most:,} of {len(here):,} items" if len(here) > most else counted(len(here), "item")
    show_table(title, COLUMNS, [_row(one) for one in here[:most]])


def show_item(config: Config, item_id: str, *, is_json: bool) -> None:
    """Shows every version of an item, the newest first; raises ConfigError where there is none."""
    published = published_items(running_kafka(config), config.topic_prefix)
    versions = [one for one in published if one.item_id == item_id]
    if not versions:
        raise ConfigError(f"no item {item_id!r} was ever published: see `kairos items list`")
    ordered = sorted(versions, key=lambda one: one.effective_from_ms)  # stable: as in the log
    if is_json:
        show_json([msgspec.to_builtins(one) for one in reversed(ordered)])
        return
    now = held_at(ordered, now_ms()).get(item_id)
    for one in reversed(ordered):
        is_now = ", in force" if one is now else ""
        show(f"from {_since(one.effective_from_ms)} on{is_now}: {_said(one)}")


def remove_items(config: Config, item_ids: Sequence[str], *, is_json: bool) -> None:
    """Takes items out of the catalogue from now on: they are not offered any more, and their history stays.

    Raises ConfigError, and removes none, where one of them is not there.
    """
    kafka = running_kafka(config)
    at_ms = now_ms() + AHEAD_MS
    held = held_at(published_items(kafka, config.topic_prefix), at_ms)
    gone = [one for one in item_ids if one not in held or held[one].is_gone]
    if gone:
        raise ConfigError(f"not in the catalogue: {', '.join(gone)}; nothing was removed")
    removed = [
        msgspec.structs.replace(held[one], is_gone=True, effective_from_ms=at_ms)
        for one in dict.fromkeys(item_ids)
    ]
    _write(config, _log(config, kafka), removed)
    names = [one.item_id for one in removed]
    words = f"removed from {utc(at_ms)} on: {', '.join(names)}"
    show_json({"removed": names, "effective_from_ms": at_ms}) if is_json else show(words)


def items_in_force(kafka: str, prefix: str) -> list[Item]:
    """The items that are in the catalogue now, by id."""
    held = held_at(published_items(kafka, prefix), now_ms())
    return [one for _, one in sorted(held.items()) if not one.is_gone]


def held_at(published: Iterable[Item], time_ms: int) -> dict[str, Item]:
    """The version of each item that holds at a time, gone ones too; `published` in the log's order."""
    found: dict[str, Item] = {}
    for one in published:
        held = found.get(one.item_id)
        is_newer = held is None or held.effective_from_ms <= one.effective_from_ms
        if one.effective_from_ms <= time_ms and is_newer:
            found[one.item_id] = one
    return found


def _log(config: Config, kafka: str) -> Log:
    return Log(kafka, config.topic_prefix, linger_ms=LINGER_MS)


def _write(config: Config, log: Log, items: Sequence[Item]) -> None:
    """Writes versions, and waits until every operator of the decide job has them."""
    taken = Taken(flink_of(config))
    for item in items:
        log.item(item)
    log.flush()
    taken.wait(len(items), say)


def _row(item: Item) -> tuple[object, ...]:
    return (
        item.item_id, item.name or "", item.category or "",
        "" if item.price is None else f"{item.price:,.2f} {item.currency or ''}".strip(),
        "" if item.stock is None else item.stock, _since(item.effective_from_ms),
    )  # fmt: skip


def _since(time_ms: int) -> str:
    return utc(time_ms) if time_ms else "the beginning"


def _said(item: Item) -> str:
    """What the version says, as a line of a file says it."""
    if item.is_gone:
        return "removed"
    untimed = msgspec.structs.replace(item, effective_from_ms=0)
    return msgspec.json.encode(without_defaults(untimed)).decode()
