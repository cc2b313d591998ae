"""A topic of another team as events, items, or facts of people: what is new on it since the last time, into our log."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Message

from jobs.config import Config
from jobs.event_format import format_of
from jobs.learning.trust import keys_of
from jobs.publish import AHEAD_MS, Log, now_ms
from log.following import log_record
from log.group_reading import read_for_group
from schemas.counted import counted
from schemas.dead_letters import dead_letter
from schemas.doors import check_at_door
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats.profile_rows import profile_of_json
from schemas.items import Item
from schemas.topics import TABLE
from scripts.console import say, show, show_json
from scripts.exit_codes import passed
from scripts.files.event_files import assuming
from scripts.files.file_records import Record
from scripts.files.foreign_records import json_of
from scripts.files.import_files import masking_by
from scripts.files.import_profiles import ProfileRows
from scripts.files.input_files import is_usable
from scripts.files.item_files import ItemForm, found_in
from scripts.files.items_here import LINGER_MS
from scripts.files.publish_items import KnownItems, published_items
from scripts.files.sorted_events import Encoded
from scripts.files.topic_events import TopicEvents, events_in, reader_of
from scripts.ops.status import running_kafka
from scripts.policy.policy_versions import announced, in_force
from scripts.privacy.list_of_erased import LeftOut, list_of_erased

GROUP: Final = "kairos-{prefix}{purpose}-{topic}"
"""The consumer group that keeps how far a topic was read for a purpose."""


def file_or_topic(
    files: Sequence[Path] | None,
    topic: str | None,
    *,
    is_complete: bool = False,
    follows: bool = False,
) -> list[Path]:
    """The files, or none where a topic is named; ConfigError where both are or neither is, or what is of the other one."""
    if bool(files) is (topic is not None):
        raise ConfigError("a file or --topic says what is read, and one of them is wanted")
    if topic is not None and is_complete:
        raise ConfigError("--complete is of a file: on a topic a null value takes out its item")
    if topic is None and follows:
        raise ConfigError("--follow is of a --topic")
    return list(files or ())


class Taken(msgspec.Struct):
    """What became of the records: so much was `written`; `unchanged` said what was known, or nothing that counts; `left_out` were none."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    left_out: int = 0
    erased: int = 0

    def refuse(self, message: Message, why: str) -> None:
        """Counts a record that is none; the first is said, by its place."""
        self.left_out += 1
        if self.left_out == 1:
            say(f"left out: {message.topic()}/{message.partition()} at {message.offset()}: {why}")


def items_of_topic(
    config: Config, topic: str, form: ItemForm, *, is_followed: bool, is_json: bool
) -> int:
    """Puts what a topic says of items into the catalogue, and takes out those whose value is null; the exit code.

    What is as it was writes nothing, so a batch that is read again changes nothing.
    """
    kafka = running_kafka(config)
    log = Log(kafka, config.topic_prefix, linger_ms=LINGER_MS)
    known = KnownItems(published_items(kafka, config.topic_prefix))
    taken, read = Taken(), json_of(config)

    def take(message: Message) -> None:
        at_ms = now_ms() + AHEAD_MS
        try:
            new = _gone(message, known, at_ms) if message.value() is None else _changed(read(message.value() or b""), form, known, at_ms)  # fmt: skip
        except InvalidEvent as error:
            taken.refuse(message, error.message)
            return
        for item in new:
            log.item(item)
        taken.written += len(new)
        taken.unchanged += not new

    return _read(config, kafka, (topic, "items", is_followed), log, take, taken, is_json=is_json)


def _gone(message: Message, known: KnownItems, at_ms: int) -> list[Item]:
    """The version that takes out the item of a record's key, where it is there."""
    held = known.newest.get((message.key() or b"").decode(errors="replace"))
    if held is None or held.is_gone:
        return []
    item = msgspec.structs.replace(held, is_gone=True, effective_from_ms=max(at_ms, held.effective_from_ms))  # fmt: skip
    known.hold(item)
    return [item]


def _changed(said: bytes, form: ItemForm, known: KnownItems, at_ms: int) -> list[Item]:
    """What a record makes new; raises InvalidEvent where it says no item."""
    found = found_in(Record(0, said), form)
    if found.given is None:
        raise InvalidEvent("invalid_value", found.fault)
    return known.take([found.given], at_ms, at_ms)


def profiles_of_topic(
    config: Config, topic: str, how: ProfileRows, *, is_followed: bool, is_json: bool
) -> int:
    """Puts what a topic says of people into the log, at its own time or that of its record; the exit code."""
    kafka = running_kafka(config)
    erased = list_of_erased(kafka, config)
    log = Log(kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
    taken, read = Taken(), json_of(config)

    def take(message: Message) -> None:
        if message.value() is None:
            taken.unchanged += 1
            return
        default_ms = how.default_ms or log_record(message).timestamp_ms
        try:
            said = read(message.value() or b"")
            event = profile_of_json(said, default_ms, how.renames).event
            check_at_door(event, now_ms())
        except InvalidEvent as error:
            taken.refuse(message, error.message)
            return
        if erased.drops(event, None):
            taken.erased += 1
            return
        for one in assumed(event, how.consent):
            log.event(one)
            taken.written += 1

    return _read(config, kafka, (topic, "profiles", is_followed), log, take, taken, is_json=is_json)


def events_of_topic(
    config: Config, topic: str, how: TopicEvents, *, is_followed: bool, is_json: bool
) -> int:
    """Puts the events of a topic into the log, each keyed by its session; what is none becomes a dead letter of that topic. The exit code."""
    reader = reader_of(config, how)
    kafka = running_kafka(config)
    is_erased = LeftOut(list_of_erased(kafka, config), format_of(config).decode)
    log = Log(kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
    newest = in_force(announced(kafka, config.topic_prefix, keys_of(config)), now_ms())
    masking = masking_by(newest.policy if newest is not None else None, config)
    taken = Taken()

    def put(event: Event) -> None:
        check_at_door(event, now_ms())
        value = log.to_import(event)
        if is_erased(Encoded(event.event_time_ms, event.session_id, event.event_id, value)):
            taken.erased += 1
            return
        log.imported(event.session_id, value, event.event_time_ms)
        taken.written += 1

    def take(message: Message) -> None:
        record = log_record(message)
        for one in events_in(reader, record) if message.value() is not None else (None,):
            try:
                if isinstance(one, InvalidEvent):
                    raise one
                taken.unchanged += one is None
                for event in assumed(one, how.consent):
                    put(event)
            except InvalidEvent as error:
                log.dead_letter(dead_letter(record, error, masking))
                taken.refuse(message, error.message)

    return _read(config, kafka, (topic, "events", is_followed), log, take, taken, is_json=is_json)


def assumed(event: Event | None, granted: frozenset[str] | None) -> list[Event]:
    """The event, if there is one, with what is granted where it says nothing of consent."""
    if event is None:
        return []
    found = [event] if granted is None else assuming([event], granted)
    return [one for one in found if isinstance(one, Event)]


def _read(
    config: Config, kafka: str, what: tuple[str, str, bool], log: Log, take: Callable[[Message], None], taken: Taken,
    *, is_json: bool,
) -> int:  # fmt: skip
    topic, purpose, is_followed = what
    if topic in {config.topic_prefix + one.name for one in TABLE}:
        raise ConfigError(f"{topic} is a topic of ours: what is in it is there already")
    group = GROUP.format(prefix=config.topic_prefix, purpose=purpose, topic=topic)
    with suppress(KeyboardInterrupt):  # what is not written yet is read again the next time
        for batch in read_for_group(kafka, topic, group, is_followed=is_followed):
            for message in batch:
                take(message)
            log.flush()
            taken.read += len(batch)
    if is_json:
        show_json(msgspec.to_builtins(taken))
    else:
        show(", ".join(_words(taken, purpose)))
    return passed(is_usable(taken.read - taken.left_out, taken.left_out) or not taken.read)


def _words(taken: Taken, purpose: str) -> Iterator[str]:
    yield f"{counted(taken.read, 'record')} read"
    yield f"{taken.written:,} {purpose} written"
    if taken.unchanged > 0:
        yield f"{taken.unchanged:,} as they were"
    if taken.left_out:
        yield f"{taken.left_out:,} left out"
    if taken.erased:
        yield f"{taken.erased:,} left out, of people who were erased"
