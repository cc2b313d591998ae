"""Topics into an archive: read partition by partition, written in segments, each of them once.

What has been archived says itself where to go on. Memory holds one segment.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import TopicPartition

from log.archive.reading import PART, SEGMENTS, ArchivedTopic, File, Raw, Segment, Storage, digest
from log.bounds import bounds
from log.kafka import messages_of
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event

ROWS_MAX: Final = 50_000
BYTES_MAX: Final = 32 * 2**20
"""A segment ends with the record that reaches one of these."""

SCHEMA: Final = [
    pa.field("partition", pa.int32()),
    pa.field("offset", pa.int64()),
    pa.field("timestamp", pa.timestamp("ms", "UTC")),
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("checksum", pa.binary(16)),
]
TEXT: Final = pa.string()
PLAIN: Final[dict[Any, dict[str, Any]]] = {
    Event: {
        "event_id": TEXT, "event_type": TEXT, "event_time_ms": pa.int64(), "session_id": TEXT,
        "anonymous_id": TEXT, "person_id": TEXT,
    },
    Decision: {
        "decision_id": TEXT, "event_id": TEXT, "event_time_ms": pa.int64(), "person": TEXT,
        "placement": TEXT, "action_id": TEXT, "action_probability": pa.float64(),
    },
}  # fmt: skip
"""What analysts find in columns of their own, by what the topic holds; null where a record is none."""

Decode = Callable[[bytes], Any]


class Topic(NamedTuple):
    """A topic that is archived: its name in Kafka, what it holds, how that is read."""

    name: str
    kind: type
    decode: Decode


def decisions_topic(prefix: str, name: str) -> Topic:
    """The topic of decisions."""
    return Topic(prefix + name, Decision, DECISION.decode)


class Archiver:
    """Archives one topic, from where its archive ends."""

    def __init__(self, kafka: str, storage: Storage, topic: Topic) -> None:
        self._kafka, self._storage, self._topic = kafka, storage, topic
        self._archived = ArchivedTopic(storage, topic.name)
        self._remove_rest()

    def left(self, until_ms: int | None) -> dict[int, tuple[int, int]]:
        """By partition: from which offset to before which there is something to archive, as of now.

        Raises ConfigError where what should come next is gone from Kafka, or is another topic's.
        """
        lows, ends = bounds(self._kafka, self._topic.name)
        _, wanted = bounds(self._kafka, self._topic.name, None, until_ms)
        found = {}
        for partition, low in lows.items():
            archived = self._archived.end(partition)
            self._check(partition, archived, low, ends[partition])
            found[partition] = (max(low, archived), wanted[partition])
        return {at: span for at, span in found.items() if span[0] < span[1]}

    def archive(self, partition: int, first: int, end: int) -> Iterator[Segment]:
        """Archives the offsets [first, end) of a partition; yields what is there, segment by segment."""
        rows: list[Raw] = []
        size = 0
        for row in read_raw(self._kafka, self._topic.name, partition, first, end):
            rows.append(row)
            size += len(row.value or b"") + len(row.key or b"")
            if len(rows) >= ROWS_MAX or size >= BYTES_MAX:
                yield self._write(partition, first, row.offset + 1, rows)
                first, rows, size = row.offset + 1, [], 0
        if first < end:
            yield self._write(partition, first, end, rows)

    @property
    def ends(self) -> dict[int, int]:
        """By partition, the offset after the last that is archived."""
        return {at: self._archived.end(at) for at in self._archived.segments}

    @property
    def seals(self) -> dict[int, str]:
        """By partition, what vouches for all that is archived."""
        return self._archived.seals

    def _write(self, partition: int, first: int, end: int, rows: list[Raw]) -> Segment:
        newest_ms = max((row.timestamp_ms for row in rows), default=0)
        previous = self._archived.seals.get(partition, "")
        segment = Segment(self._topic.name, partition, first, end, newest_ms, (), previous)
        by_day: dict[str, list[tuple[Raw, Any]]] = {}
        for row in rows:
            held = self._decoded(row)
            by_day.setdefault(_day(row, held), []).append((row, held))
        files = []
        for day, pairs in sorted(by_day.items()):
            path = f"{self._topic.name}/day={day}/{segment.name}.parquet"
            data = _parquet(pairs, self._topic.kind)
            self._storage.put(path, data)
            files.append(File(path, len(pairs), sha256(data).hexdigest()))
        segment = msgspec.structs.replace(segment, files=tuple(files))
        data = msgspec.json.format(msgspec.json.encode(segment))
        self._storage.put(f"{self._topic.name}/{SEGMENTS}/{segment.name}.json", data)
        self._archived.segments.setdefault(partition, []).append(segment)
        self._archived.seals[partition] = sha256(data).hexdigest()
        return segment

    def _decoded(self, row: Raw) -> Any:
        try:
            return self._topic.decode(row.value or b"")
        except InvalidEvent:
            return None

    def _remove_rest(self) -> None:
        """Removes what an interrupted run has left: files of no segment."""
        known = {
            file.path
            for mine in self._archived.segments.values()
            for segment in mine
            for file in segment.files
        }
        for name in self._storage.names(self._topic.name):
            is_data = f"/{SEGMENTS}/" not in name and name.endswith(".parquet")
            if name.endswith(PART) or (is_data and name not in known):
                self._storage.remove(name)

    def _check(self, partition: int, archived: int, low: int, end: int) -> None:
        place = f"{self._topic.name}/{partition}"
        if archived and low > archived:
            raise ConfigError(
                f"{place}: offsets {archived} to {low - 1} were deleted before they were archived, and "
                f"{self._storage.uri} would have a hole: archive to another folder, and more often than "
                "the topic's retention"
            )
        if end < archived:
            raise ConfigError(
                f"{place} ends at {end}, and {self._storage.uri} holds it to {archived}: it is another "
                "topic of the same name; archive that to another folder"
            )
        if self._archived.first(partition) < archived and low < archived <= end:
            self._compare_last(partition, archived - 1)

    def _compare_last(self, partition: int, offset: int) -> None:
        """Raises ConfigError where the newest archived record is another one in Kafka."""
        archived = list(self._archived.raw(partition, offset))
        held = list(read_raw(self._kafka, self._topic.name, partition, offset, offset + 1))
        if archived and held and archived[-1] != held[0]:
            raise ConfigError(
                f"{self._topic.name}/{partition}/{offset} is another record in {self._storage.uri}: "
                "one of them was altered, or it is another topic of the same name"
            )


def read_raw(kafka: str, topic: str, partition: int, first: int, end: int) -> Iterator[Raw]:
    """The records of the offsets [first, end) of a partition; ConfigError where the first of them are gone."""
    with closing(messages_of(kafka, TopicPartition(topic, partition, first), end)) as messages:
        for one in messages:
            yield Raw(partition, one.offset(), one.timestamp()[1], one.key(), one.value())


def _day(row: Raw, held: Any) -> str:
    """The day of the event in UTC; of what is none, the day of the record."""
    time_ms = row.timestamp_ms if held is None else held.event_time_ms
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def _parquet(pairs: list[tuple[Raw, Any]], kind: type) -> bytes:
    columns: dict[str, Any] = {
        name: [row[at] for row, _ in pairs] for at, name in enumerate(Raw._fields)
    }
    columns["timestamp"] = columns.pop("timestamp_ms")
    columns["checksum"] = [digest(row) for row, _ in pairs]
    fields = list(SCHEMA)
    for name, of_type in PLAIN[kind].items():
        columns[name] = [None if held is None else getattr(held, name) for _, held in pairs]
        fields.append(pa.field(name, of_type))
    out = BytesIO()
    table = pa.table(columns, schema=pa.schema(fields))
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()
