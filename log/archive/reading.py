"""An archive of topics: Parquet files by day, and beside them what says that they are whole.

    DIR/TOPIC/day=2026-11-21/p0-FIRST-END.parquet       records of one day, of the offsets [FIRST, END)
    DIR/TOPIC/segments/p0-FIRST-END.json                the files of these offsets, with their checksums

A segment's JSON is written last: what has none is not there. It holds the checksum of the one before it, so
that each vouches for all before. DIR may be anything that fsspec writes.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import fsspec
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from msgspec import Struct

from schemas.errors import ConfigError
from schemas.records import LogRecord

SEGMENTS: Final = "segments"
PART: Final = ".part"
MANIFEST_BYTES_MAX: Final = 1_000_000


class Raw(NamedTuple):
    """A record as Kafka holds it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class File(Struct, frozen=True):
    """One Parquet file of a segment; times are those of its records."""

    path: str
    rows: int
    sha256: str


class Segment(Struct, frozen=True):
    """The offsets [first, end) of a partition; `newest_ms` is the highest timestamp among their records."""

    topic: str
    partition: int
    first: int
    end: int
    newest_ms: int
    files: tuple[File, ...]
    previous: str = ""

    @property
    def name(self) -> str:
        """Of its JSON and its files, without what comes behind."""
        return f"p{self.partition}-{self.first:020d}-{self.end:020d}"


class Storage:
    """A folder, local or remote. What is put is there as a whole or not at all."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self._fs, self._root = fsspec.core.url_to_fs(uri)
        except (ValueError, ImportError, OSError) as error:
            raise ConfigError(f"archive {uri}: {error}") from error

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one of this machine."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def put(self, name: str, data: bytes) -> None:
        """Writes one file; raises ConfigError."""
        try:
            if self.folder is None:
                self._fs.pipe_file(f"{self._root}/{name}", data)
            else:
                _put(self.folder / name, data)
        except OSError as error:
            raise ConfigError(
                f"archive {self.uri}: {name} cannot be written: {error}; "
                "mend that, and the same command goes on"
            ) from error

    def get(self, name: str) -> bytes:
        """Reads one file; raises ConfigError."""
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except OSError as error:
            raise ConfigError(f"archive {self.uri}: {name} cannot be read: {error}") from error
        return data

    def names(self, folder: str) -> list[str]:
        """The files below a folder, by their names in the archive; [] if it is not there."""
        root = self._root.rstrip("/") + "/"
        try:
            found = self._fs.find(f"{root}{folder}")
        except OSError as error:
            raise ConfigError(f"archive {self.uri}: {folder} cannot be read: {error}") from error
        return sorted(str(one).removeprefix(root) for one in found)

    def remove(self, name: str) -> None:
        """Removes one file."""
        self._fs.rm_file(f"{self._root}/{name}")


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class ArchivedTopic:
    """What an archive holds of one topic; raises ConfigError where it is not whole."""

    def __init__(self, storage: Storage, topic: str) -> None:
        self.storage, self.topic = storage, topic
        self.segments: dict[int, list[Segment]] = {}
        self.seals: dict[int, str] = {}
        """By partition: the checksum of the newest segment, which vouches for all before it."""
        for name in storage.names(f"{topic}/{SEGMENTS}"):
            if not name.endswith(PART):
                self._add(name)

    def first(self, partition: int) -> int:
        """The first offset that is archived."""
        mine = self.segments.get(partition)
        return mine[0].first if mine else 0

    def end(self, partition: int) -> int:
        """The offset after the last that is archived."""
        mine = self.segments.get(partition)
        return mine[-1].end if mine else 0

    def offset_at(self, partition: int, time_ms: int) -> int:
        """The first offset whose record is of `time_ms` or later; the end if there is none."""
        for segment in self.segments.get(partition, ()):
            if segment.newest_ms >= time_ms:
                return next(
                    one.offset for one in self._rows(segment) if one.timestamp_ms >= time_ms
                )
        return self.end(partition)

    def raw(self, partition: int, first: int = 0, end: int | None = None) -> Iterator[Raw]:
        """The records of the offsets [first, end) of a partition, in order; one segment is in memory."""
        for segment in self.segments.get(partition, ()):
            if segment.end > first and (end is None or segment.first < end):
                for record in self._rows(segment):
                    if first <= record.offset and (end is None or record.offset < end):
                        yield record

    def read(self, partition: int, first: int = 0, end: int | None = None) -> Iterator[LogRecord]:
        """The same as the core takes them."""
        for one in self.raw(partition, first, end):
            key = (one.key or b"").decode(errors="replace")
            value = one.value or b""
            yield LogRecord(self.topic, partition, one.offset, one.timestamp_ms, key, value)

    def check(self) -> Iterator[Segment]:
        """Every segment, once its files have been found to be what was written."""
        for mine in self.segments.values():
            for segment in mine:
                for _ in self._rows(segment):
                    pass
                yield segment

    def _add(self, name: str) -> None:
        data = self.storage.get(name)
        try:
            segment = msgspec.json.decode(data, type=Segment)
        except msgspec.MsgspecError as error:
            raise ConfigError(f"archive {self.storage.uri}: {name} is damaged: {error}") from error
        mine = self.segments.setdefault(segment.partition, [])
        if name != f"{self.topic}/{SEGMENTS}/{segment.name}.json" or segment.topic != self.topic:
            raise ConfigError(f"archive {self.storage.uri}: {name} was altered: it is another's")
        if mine and (mine[-1].end, self.seals[segment.partition]) != (
            segment.first,
            segment.previous,
        ):
            before = f"{self.topic}/{SEGMENTS}/{mine[-1].name}.json"
            raise ConfigError(
                f"archive {self.storage.uri}: {name} does not continue {before}: "
                "one of them was altered, or what was between them is gone"
            )
        mine.append(segment)
        self.seals[segment.partition] = sha256(data).hexdigest()

    def _rows(self, segment: Segment) -> list[Raw]:
        """The records of a segment in order, all its files checked."""
        rows = [row for file in segment.files for row in self._rows_of(segment, file)]
        return sorted(rows, key=lambda row: row.offset)

    def _rows_of(self, segment: Segment, file: File) -> list[Raw]:
        data = self.storage.get(file.path)
        if sha256(data).hexdigest() == file.sha256:
            return rows_in(data, segment.partition)
        raise ConfigError(
            f"archive {self.storage.uri}: {file.path} was altered: {altered_in(data, segment)}; "
            "put back the file as it was archived"
        )


def altered_in(data: bytes, segment: Segment) -> str:
    """Which records of a file are not what their checksums say, as far as it can still be read."""
    where = f"{segment.topic}/{segment.partition}"
    try:
        table = pq.read_table(BytesIO(data))
        rows, sums = rows_in(data, segment.partition), table.column("checksum").to_pylist()
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        first = str(error).splitlines()[0][:100]
        return (
            f"it can no longer be read ({first}), of {where}/{segment.first} to {segment.end - 1}"
        )
    bad = [
        f"{where}/{row.offset}" for row, one in zip(rows, sums, strict=True) if digest(row) != one
    ]
    return f"record {', '.join(bad[:10])}" if bad else f"none of its records of {where} is"


def rows_in(data: bytes, partition: int) -> list[Raw]:
    """The records in a Parquet file."""
    names = ["offset", "timestamp", "key", "value"]
    table = pq.read_table(BytesIO(data), columns=names)
    times = table.column("timestamp").cast(pa.int64()).to_pylist()
    columns = (table.column("offset").to_pylist(), times)
    keys, values = table.column("key").to_pylist(), table.column("value").to_pylist()
    return [Raw(partition, *row) for row in zip(*columns, keys, values, strict=True)]


def digest(row: Raw) -> bytes:
    """The checksum of one record: of all that it holds and where it lies."""
    return sha256(msgspec.msgpack.encode(row)).digest()[:16]


def read_archive(
    uri: str, topic: str, partition: int, first: int = 0, end: int | None = None
) -> Iterator[LogRecord]:
    """The archived records of the offsets [first, end) of a partition, in the order of the log."""
    return ArchivedTopic(Storage(uri), topic).read(partition, first, end)
