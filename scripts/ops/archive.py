"""`kairos archive`: what is archived, with progress, until it is done or for ever; and whether it is whole."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct

from jobs.config import Config
from jobs.event_format import format_of
from log.archive.reading import ArchivedTopic, Segment, Storage
from log.archive.writing import Archiver, Topic, decisions_topic, read_raw
from log.bounds import bounds
from log.kafka import has_topic
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.topics import DECISIONS, EVENTS
from scripts.console import say, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.ops.status import running_kafka
from scripts.progress import Watched
from scripts.times import utc

FOLDER: Final = "archive"
"""In KAIROS_HOME, unless another is named."""
LOCK: Final = ".lock"
FOLLOW_S: Final = 600.0
"""Following, what has come since is archived so often: files stay few."""
POLL_S: Final = 1.0


class Archived(Struct):
    """What one run has archived of one topic, and how far that goes; `seals` vouch for all of it."""

    topic: str
    records: int
    segments: int
    files: int
    ends: dict[int, int]
    seals: dict[int, str]


class Checked(Struct):
    """What a check found of one topic: `compared` archived records are still in Kafka, `altered` differ there."""

    topic: str
    records: int
    files: int
    compared: int
    altered: list[str]
    ends: dict[int, int]
    seals: dict[int, str]


def default_uri(config: Config) -> str:
    """Where an archive is, where nothing else is said."""
    return str(config.home / FOLDER)


def archived_topics(config: Config) -> tuple[Topic, ...]:
    """What is archived: `events` and `decisions`."""
    events = Topic(config.topic_prefix + EVENTS, Event, format_of(config).decode)
    return events, decisions_topic(config.topic_prefix, DECISIONS)


@contextmanager
def held(storage: Storage) -> Iterator[None]:
    """Nobody else archives to the same folder of this machine meanwhile; raises ConfigError."""
    if storage.folder is None:
        yield
        return
    try:
        storage.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(storage.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigError(
            f"archive {storage.uri}: {error}; name another folder with --to"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ConfigError(
            f"archive {storage.uri}: another `kairos archive` is at work there"
        ) from error
    try:
        yield
    finally:
        os.close(lock)


def run(
    config: Config, to: str | None, until_ms: int | None, *, is_following: bool, is_json: bool
) -> None:
    """Archives what has come, once or until interrupted, and says what; raises ConfigError."""
    if is_following and until_ms is not None:
        raise ConfigError("--follow has no end: leave --until out")
    kafka, storage = running_kafka(config), Storage(to or default_uri(config))
    with held(storage):
        if is_following:
            for done in follow(kafka, config, storage):
                show_archived(storage.uri, done)
            return
        done = archive(kafka, config, storage, until_ms)
    if is_json:
        show_json([fields(one) for one in done])
    else:
        show_archived(storage.uri, done)


def verify(config: Config, uri: str | None, *, is_json: bool) -> int:
    """Checks an archive, against Kafka where that answers; the exit code, 1 where a record was altered."""
    try:
        kafka = running_kafka(config)
    except ConfigError as error:
        say(f"the files alone are checked: {error}")
        kafka = None
    storage = Storage(uri or default_uri(config))
    found = check(kafka, config, storage)
    if is_json:
        show_json([fields(one) for one in found])
    else:
        show_checked(storage.uri, found)
    return passed(not is_altered(found))


def archive(kafka: str, config: Config, storage: Storage, until_ms: int | None) -> list[Archived]:
    """Archives what has come since the last time; raises ConfigError."""
    return [
        _archive(Archiver(kafka, storage, topic), topic, until_ms)
        for topic in archived_topics(config)
    ]


def follow(kafka: str, config: Config, storage: Storage) -> Iterator[list[Archived]]:
    """Archives now and then, until interrupted; what was done each time."""
    while True:
        yield archive(kafka, config, storage, None)
        due_s = time.monotonic() + FOLLOW_S
        while time.monotonic() < due_s:
            time.sleep(POLL_S)


def _archive(archiver: Archiver, topic: Topic, until_ms: int | None) -> Archived:
    spans = archiver.left(until_ms)
    total = sum(end - first for first, end in spans.values())
    found = Archived(topic.name, 0, 0, 0, {}, {})

    def segments() -> Iterator[Segment]:
        for partition, (first, end) in sorted(spans.items()):
            yield from archiver.archive(partition, first, end)

    for segment in segments():
        rows = sum(file.rows for file in segment.files)
        found.records += rows
        found.segments += 1
        found.files += len(segment.files)
        say(f"{topic.name}: {found.records:,} of {total:,} records, to {utc(segment.newest_ms)}")
    found.seals = archiver.seals
    found.ends = archiver.ends
    return found


def show_archived(uri: str, done: list[Archived]) -> None:
    """One line per topic."""
    for one in done:
        show(
            f"{one.topic}: {counted(one.records, 'record')} in {counted(one.files, 'file')} added to {uri}"
        )


def check(kafka: str | None, config: Config, storage: Storage) -> list[Checked]:
    """Reads every file of the archive, and compares with what Kafka still holds, if there is one."""
    found = []
    for topic in archived_topics(config):
        archived = ArchivedTopic(storage, topic.name)
        ends = {at: archived.end(at) for at in archived.segments}
        one = Checked(topic.name, 0, 0, 0, [], ends, archived.seals)
        total = sum(len(mine) for mine in archived.segments.values())
        for segment in Watched(f"checking {topic.name}", archived.check(), total):
            one.records += sum(file.rows for file in segment.files)
            one.files += len(segment.files)
        if kafka is not None and has_topic(kafka, topic.name):
            _compare(kafka, archived, one)
        found.append(one)
    if not any(one.records for one in found):
        raise ConfigError(
            f"{storage.uri} holds no archive of {', '.join(one.topic for one in found)}"
        )
    return found


def _compare(kafka: str, archived: ArchivedTopic, found: Checked) -> None:
    """Record by record, where both have it."""
    lows, ends = bounds(kafka, archived.topic)
    for at in archived.segments:
        first, end = (
            max(lows.get(at, 0), archived.first(at)),
            min(ends.get(at, 0), archived.end(at)),
        )
        if first >= end:
            continue
        theirs = read_raw(kafka, archived.topic, at, first, end)
        other = next(theirs, None)
        for mine in archived.raw(at, first, end):
            while other is not None and other.offset < mine.offset:
                other = next(theirs, None)
            found.compared += 1
            if mine != other:
                found.altered.append(f"{archived.topic}/{at}/{mine.offset}")


def show_checked(uri: str, found: list[Checked]) -> None:
    """One line per topic, and what was altered."""
    for one in found:
        show(
            f"{one.topic}: {counted(one.records, 'record')} in {counted(one.files, 'file is as it was', 'files are as they were')} archived"
        )
        if one.compared:
            show(f"  {one.compared:,} of them are in Kafka, too: {len(one.altered):,} differ there")
        for place in one.altered[:20]:
            show(f"  ALTERED in Kafka since: {place}")
    rows = [
        (one.topic, at, one.ends[at], seal)
        for one in found
        for at, seal in sorted(one.seals.items())
    ]
    show_table(
        "",
        ("topic", "partition", "ends at", "seal: keep it elsewhere, it vouches for all before"),
        rows,
    )


def is_altered(found: list[Checked]) -> bool:
    """Whether Kafka holds another record than the archive."""
    return any(one.altered for one in found)


def opened(uri: str | None, config: Config, name: str) -> ArchivedTopic | None:
    """What an archive holds of a topic; None where none is named. Raises ConfigError if that is no archive."""
    if uri is None:
        return None
    found = ArchivedTopic(Storage(uri), config.topic_prefix + name)
    if name == EVENTS and not found.segments:
        raise ConfigError(
            f"{uri} holds no archive of {config.topic_prefix + name}: `kairos archive --to {uri}` makes one"
        )
    return found


def fields(one: Any) -> dict[str, Any]:
    """A result as builtins."""
    return {name: getattr(one, name) for name in one.__struct_fields__}
