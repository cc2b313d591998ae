"""Records of erased people taken out of an archive: files written anew, and the chain of checksums with them.

First the new files and a journal of what they replace, then the segments one by one, then the old files go. Whatever
interrupts it, the same command goes on from the journal; until then the archive is refused as broken.
"""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from log.archive.reading import SEGMENTS, ArchivedTopic, File, Segment, Storage
from log.archive.writing import Topic
from schemas.errors import InvalidEvent

JOURNAL: Final = "erasure.json"
Belongs = Callable[[Any], bool]
"""Whether a decoded record is of who is erased."""


class Taken(NamedTuple):
    """What was taken out of the archive of one topic."""

    records: int = 0
    files: int = 0


class Journal(Struct, frozen=True):
    """Segments as they are to be, and the files that nobody names any more."""

    segments: tuple[Segment, ...]
    gone: tuple[str, ...]


def take_out(storage: Storage, topic: Topic, belongs: Belongs) -> Taken:
    """Takes the records out that belong to who is erased; raises ConfigError where the archive is not whole."""
    _finish(storage, topic.name)
    archived = ArchivedTopic(storage, topic.name)
    wanted: list[Segment] = []
    gone: list[str] = []
    records = 0
    for mine in archived.segments.values():
        previous = mine[0].previous if mine else ""
        for segment in mine:
            left, taken = _without(storage, topic, segment, belongs)
            records += taken
            gone += [one.path for one in segment.files if one not in left.files]
            left = msgspec.structs.replace(left, previous=previous)
            previous = sha256(_encoded(left)).hexdigest()
            if left != segment:
                wanted.append(left)
    if wanted:
        journal = Journal(tuple(wanted), tuple(gone))
        storage.put(f"{topic.name}/{JOURNAL}", msgspec.json.encode(journal))
        _finish(storage, topic.name)
    return Taken(records, len(gone))


def _finish(storage: Storage, topic: str) -> None:
    """Does what the journal says, again where that was interrupted."""
    name = f"{topic}/{JOURNAL}"
    held = set(storage.names(topic))
    if name not in held:
        return
    journal = msgspec.json.decode(storage.get(name), type=Journal)
    for segment in journal.segments:
        storage.put(f"{topic}/{SEGMENTS}/{segment.name}.json", _encoded(segment))
    for path in journal.gone:
        if path in held:
            storage.remove(path)
    storage.remove(name)


def _encoded(segment: Segment) -> bytes:
    return msgspec.json.format(msgspec.json.encode(segment))


def _without(
    storage: Storage, topic: Topic, segment: Segment, belongs: Belongs
) -> tuple[Segment, int]:
    """The segment without these records, its new files written; how many they are."""
    files: list[File] = []
    taken, newest_ms = 0, 0
    for file in segment.files:
        table = pq.read_table(BytesIO(storage.get(file.path)))
        keeps = [not _is_theirs(topic, one, belongs) for one in table.column("value").to_pylist()]
        left = table.filter(pa.array(keeps)) if not all(keeps) else table
        taken += len(table) - len(left)
        if len(left):
            newest = pc.max(left.column("timestamp").cast(pa.int64())).as_py()
            newest_ms = max(newest_ms, newest)
        if left is table:
            files.append(file)
        elif len(left):
            files.append(_written(storage, segment, file, left))
    if not taken:
        return segment, 0
    return msgspec.structs.replace(segment, files=tuple(files), newest_ms=newest_ms), taken


def _written(storage: Storage, segment: Segment, file: File, table: Any) -> File:
    out = BytesIO()
    pq.write_table(table, out, compression="zstd")
    digest = sha256(out.getvalue()).hexdigest()
    path = f"{file.path.rpartition('/')[0]}/{segment.name}.{digest[:8]}.parquet"
    storage.put(path, out.getvalue())
    return File(path, len(table), digest)


def _is_theirs(topic: Topic, value: bytes | None, belongs: Belongs) -> bool:
    try:
        return belongs(topic.decode(value or b""))
    except InvalidEvent:
        return False
