"""Records are taken out of an archive, which is whole before and after, and goes on where it was interrupted."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from log.archive import erasing
from log.archive.erasing import take_out
from log.archive.reading import ArchivedTopic, File, Raw, Segment, Storage
from log.archive.writing import Topic, _parquet
from schemas.codec import EVENT
from schemas.errors import ConfigError
from schemas.events import Event
from tests.builders import NOON, make_event

TOPIC = Topic("replay-1.events", Event, EVENT.decode)
HERS = b"mia"


def rows(first: int, end: int) -> list[tuple[Raw, Event]]:
    found = []
    for offset in range(first, end):
        who = "mia" if offset % 3 == 0 else "tom"
        event = make_event(event_id=f"e{offset}", session_id=who, anonymous_id=who, query=f"{who}@shop")  # fmt: skip
        found.append((Raw(0, offset, NOON + offset, who.encode(), EVENT.encode(event)), event))
    return found


def made(folder: Path) -> Storage:
    """Three segments: of both, of hers alone, of his alone."""
    storage, previous = Storage(str(folder)), ""
    spans = [rows(0, 9), list(rows(9, 10)), rows(10, 12)]
    for pairs in spans:
        first, end = pairs[0][0].offset, pairs[-1][0].offset + 1
        name = Segment(TOPIC.name, 0, first, end, 0, ()).name
        path = f"{TOPIC.name}/day=2023-11-14/{name}.parquet"
        data = _parquet(pairs, Event)
        storage.put(path, data)
        newest_ms = pairs[-1][0].timestamp_ms
        file = File(path, len(pairs), sha256(data).hexdigest())
        segment = Segment(TOPIC.name, 0, first, end, newest_ms, (file,), previous)
        encoded = msgspec.json.format(msgspec.json.encode(segment))
        storage.put(f"{TOPIC.name}/segments/{name}.json", encoded)
        previous = sha256(encoded).hexdigest()
    return storage


def is_hers(event: Event) -> bool:
    return event.session_id == "mia"


def offsets(storage: Storage) -> list[int]:
    return [one.offset for one in ArchivedTopic(storage, TOPIC.name).raw(0)]


def holds(folder: Path) -> bool:
    """Whether any byte of any file, unpacked or not, names her."""
    import pyarrow.parquet as pq

    for path in folder.rglob("*"):
        if path.is_file() and (HERS in path.read_bytes()):
            return True
        if path.suffix == ".parquet" and "mia" in str(pq.read_table(BytesIO(path.read_bytes())).to_pylist()):  # fmt: skip
            return True
    return False


def test_their_records_go_and_all_others_stay_where_they_were(tmp_path: Path) -> None:
    storage = made(tmp_path)
    before = list(ArchivedTopic(storage, TOPIC.name).raw(0))
    assert holds(tmp_path)
    assert take_out(storage, TOPIC, is_hers) == (4, 2)
    assert not holds(tmp_path)
    left = ArchivedTopic(storage, TOPIC.name)
    assert list(left.raw(0)) == [one for one in before if one.offset % 3]
    assert (left.first(0), left.end(0)) == (0, 12), "the next archiving goes on behind"
    assert [len(one.files) for one in left.check()] == [1, 0, 1]
    assert left.offset_at(0, NOON + 9) == 10
    assert take_out(storage, TOPIC, is_hers) == (0, 0)


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_whatever_interrupts_it_the_same_again_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    storage, count = made(tmp_path), 0
    put, remove = Storage.put, Storage.remove

    def counted(*_: object) -> None:
        nonlocal count
        count += 1
        if count == stop_at:
            raise ConfigError("the power is off")

    def failing_put(self: Storage, name: str, data: bytes) -> None:
        counted()
        put(self, name, data)

    def failing_remove(self: Storage, name: str) -> None:
        counted()
        remove(self, name)

    monkeypatch.setattr(Storage, "put", failing_put)
    monkeypatch.setattr(Storage, "remove", failing_remove)
    with pytest.raises(ConfigError, match="power"):
        take_out(storage, TOPIC, is_hers)
    take_out(storage, TOPIC, is_hers)
    assert offsets(storage) == [1, 2, 4, 5, 7, 8, 10, 11]
    assert not holds(tmp_path)
    assert not (tmp_path / TOPIC.name / erasing.JOURNAL).exists()


def test_of_an_archive_without_them_no_file_is_touched(tmp_path: Path) -> None:
    storage = made(tmp_path)
    files = {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*") if one.is_file()}
    assert take_out(storage, TOPIC, lambda _: False) == (0, 0)
    assert {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*") if one.is_file()} == files
