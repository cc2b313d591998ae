"""The archive: every record once, whatever interrupts it; what was altered is refused, what is missing is said."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from confluent_kafka import KafkaError, TopicPartition

from log import bounds, clients, kafka
from log import range as log_range
from log.archive import writing as archive_write
from log.archive.reading import ArchivedTopic, Raw, Storage, read_archive, rows_in
from log.archive.writing import Archiver, Topic
from log.range import LogRange
from schemas.codec import EVENT
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import DAY_MS
from scripts.ops.archive import held
from tests.builders import NOON, make_event

TOPIC = Topic("events", Event, EVENT.decode)
READ_RAW = archive_write.read_raw
ROWS = 7
"""Records of a segment here."""


class Broker:
    """One topic of two partitions in memory, in the place of Kafka."""

    def __init__(self) -> None:
        self.records: dict[int, list[Raw]] = {0: [], 1: []}
        self.lows = {0: 0, 1: 0}
        self.is_there = True

    def add(self, count: int, from_ms: int = NOON, step_ms: int = DAY_MS // 8) -> None:
        for number in range(count):
            time_ms = from_ms + number * step_ms
            event = make_event(event_id=f"e{from_ms}-{number}", event_time_ms=time_ms)
            partition = number % 2
            mine = self.records[partition]
            value = EVENT.encode(event) if number % 5 else b"junk"
            mine.append(Raw(partition, len(mine), time_ms, b"\xff key", value))

    def forget(self, count: int) -> None:
        for partition in self.lows:
            self.lows[partition] += count

    def bounds(
        self, _: str, __: str, from_ms: int | None = None, to_ms: int | None = None
    ) -> tuple[dict[int, int], dict[int, int]]:
        ends = {at: len(mine) for at, mine in self.records.items()}

        def at_time(time_ms: int) -> dict[int, int]:
            return {
                at: next((one.offset for one in mine if one.timestamp_ms >= time_ms), ends[at])
                for at, mine in self.records.items()
            }

        wanted = ends if to_ms is None else at_time(to_ms)
        starts = self.lows if from_ms is None else at_time(from_ms)
        return {at: min(max(self.lows[at], starts[at]), wanted[at]) for at in ends}, wanted

    def read_raw(self, _: str, __: str, partition: int, first: int, end: int) -> Iterator[Raw]:
        yield from self.records[partition][max(first, self.lows[partition]) : end]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    broker.add(40)
    for module in (archive_write, log_range):
        monkeypatch.setattr(module, "bounds", broker.bounds)
    monkeypatch.setattr(archive_write, "read_raw", broker.read_raw)
    monkeypatch.setattr(log_range, "has_topic", lambda *_: broker.is_there)
    monkeypatch.setattr(archive_write, "ROWS_MAX", ROWS)
    return broker


def run(folder: Path, until_ms: int | None = None, segments: int = 1_000) -> int:
    """Archives at most so many segments; how many it was."""
    archiver, count = Archiver("", Storage(str(folder)), TOPIC), 0
    for partition, (first, end) in archiver.left(until_ms).items():
        for _ in archiver.archive(partition, first, end):
            count += 1
            if count == segments:
                return count
    return count


def archived(folder: Path) -> ArchivedTopic:
    return ArchivedTopic(Storage(str(folder)), "events")


def everything(folder: Path) -> dict[int, list[Raw]]:
    found = archived(folder)
    return {partition: list(found.raw(partition)) for partition in found.segments}


def test_every_record_is_archived_once_whenever_it_is_interrupted(
    broker: Broker, tmp_path: Path
) -> None:
    while run(tmp_path, segments=1):
        left = tmp_path / "events" / "day=2020-01-01" / "p0-0-9.parquet"
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"of a segment that was never finished")
        (left.parent / "p0-1-2.parquet.part").write_bytes(b"half")
    assert everything(tmp_path) == broker.records
    assert not left.exists(), "what was left is gone"
    assert run(tmp_path) == 0
    broker.add(6, NOON + 9 * DAY_MS)
    assert run(tmp_path) == 2
    assert everything(tmp_path) == broker.records


def test_files_are_by_day_of_the_event_with_columns_for_analysts(
    broker: Broker, tmp_path: Path
) -> None:
    run(tmp_path)
    days = sorted(one.name for one in (tmp_path / "events").glob("day=*"))
    assert days[0] == "day=2023-11-14"
    assert len(days) == 6
    table = pq.read_table(tmp_path / "events" / days[1])
    assert set(table.column("event_type").to_pylist()) == {"page_viewed", None}
    times = table.column("event_time_ms").to_pylist()
    assert {time_ms // DAY_MS for time_ms in times if time_ms} == {NOON // DAY_MS + 1}


def test_only_what_is_before_a_time(broker: Broker, tmp_path: Path) -> None:
    run(tmp_path, until_ms=NOON + DAY_MS)
    assert {
        one.timestamp_ms < NOON + DAY_MS for mine in everything(tmp_path).values() for one in mine
    } == {True}
    run(tmp_path)
    assert everything(tmp_path) == broker.records


def test_it_stands_before_what_kafka_holds_without_gap_or_repeat(
    broker: Broker, tmp_path: Path
) -> None:
    run(tmp_path)
    broker.add(8, NOON + 9 * DAY_MS)
    broker.forget(15)
    spans = LogRange("", "events", None, None, archived(tmp_path)).spans
    assert spans == {0: (0, 20, 24), 1: (0, 20, 24)}
    late = LogRange("", "events", NOON + 6 * DAY_MS, None, archived(tmp_path)).spans
    assert late == {0: (20, 20, 24), 1: (20, 20, 24)}
    early = LogRange("", "events", NOON + DAY_MS, NOON + 2 * DAY_MS, archived(tmp_path)).spans
    assert early == {0: (4, 8, 8), 1: (4, 8, 8)}
    broker.is_there = False
    alone = LogRange("", "events", None, None, archived(tmp_path))
    assert alone.begins_at_first
    found = list(alone)
    assert [len(alone), len(found)] == [40, 40]
    assert [one.timestamp_ms for one in found] == sorted(one.timestamp_ms for one in found)
    one = next(read_archive(str(tmp_path), "events", 1, 3))
    assert (one.topic, one.partition, one.offset, one.key) == ("events", 1, 3, "\ufffd key")


def test_what_is_in_neither_is_said(broker: Broker, tmp_path: Path) -> None:
    run(tmp_path)
    broker.add(20, NOON + 9 * DAY_MS)
    broker.forget(25)
    with pytest.raises(ConfigError, match="ends before offset 20, Kafka begins at 25"):
        LogRange("", "events", None, None, archived(tmp_path))
    with pytest.raises(ConfigError, match="20 to 24 were deleted before they were archived"):
        run(tmp_path)


def test_another_topic_of_the_same_name_is_refused(broker: Broker, tmp_path: Path) -> None:
    run(tmp_path)
    broker.records[0][-1] = broker.records[0][-1]._replace(value=b"other")
    with pytest.raises(ConfigError, match="events/0/19 is another record"):
        run(tmp_path)
    for mine in broker.records.values():
        del mine[3:]
    with pytest.raises(ConfigError, match="it is another topic of the same name"):
        run(tmp_path)
    with pytest.raises(ConfigError, match="it is another topic of the same name"):
        LogRange("", "events", None, None, archived(tmp_path))


def files_of(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.rglob(f"*{suffix}"))


@pytest.mark.parametrize("draw", range(6))
def test_a_flipped_bit_in_a_file_is_found_and_named(
    broker: Broker, tmp_path: Path, draw: int
) -> None:
    run(tmp_path)
    file = files_of(tmp_path, ".parquet")[draw]
    data = bytearray(file.read_bytes())
    data[len(data) * draw // 6] ^= 4
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=rf"{file.name} was altered: .*events/[01]"):
        list(archived(tmp_path).check())


def test_a_record_that_was_replaced_is_named(broker: Broker, tmp_path: Path) -> None:
    run(tmp_path)
    file = next(one for one in files_of(tmp_path, ".parquet") if "/day=2023-11-15/p0" in str(one))
    table = pq.read_table(file, partitioning=None)
    offset = rows_in(file.read_bytes(), 0)[0].offset
    values = [b"forged", *table.column("value").to_pylist()[1:]]
    at = table.schema.get_field_index("value")
    pq.write_table(table.set_column(at, table.schema.field(at), [values]), file)
    with pytest.raises(ConfigError, match=f"record events/0/{offset};"):
        list(archived(tmp_path).check())


def test_segments_vouch_for_those_before_them(broker: Broker, tmp_path: Path) -> None:
    run(tmp_path)
    first, second, *_ = files_of(tmp_path, ".json")
    data = json.loads(first.read_text())
    first.write_text(json.dumps(data | {"newest_ms": 0}))
    with pytest.raises(ConfigError, match="does not continue"):
        archived(tmp_path)
    first.write_text("{")
    with pytest.raises(ConfigError, match="is damaged"):
        archived(tmp_path)
    first.write_bytes(second.read_bytes())
    with pytest.raises(ConfigError, match="it is another's"):
        archived(tmp_path)
    first.unlink()
    assert archived(tmp_path).first(0) == ROWS, "the oldest may have been given up"
    broker.add(2 * ROWS, NOON + 9 * DAY_MS)
    run(tmp_path)
    middle = files_of(tmp_path, ".json")[1]
    middle.unlink()
    with pytest.raises(ConfigError, match="what was between them is gone"):
        archived(tmp_path)


def test_two_do_not_archive_to_one_folder_and_a_full_disk_is_said(
    broker: Broker, tmp_path: Path
) -> None:
    storage = Storage(str(tmp_path / "a"))
    with (
        held(storage),
        pytest.raises(ConfigError, match="another `kairos archive` is at work"),
        held(storage),
    ):
        pass
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ConfigError, match="name another folder"), held(Storage(str(blocked / "a"))):
        pass
    (tmp_path / "b" / "events").mkdir(parents=True)
    (tmp_path / "b" / "events" / "day=2023-11-14").write_bytes(b"a file where a folder should be")
    with pytest.raises(ConfigError, match=r"cannot be written: .*the same command goes on"):
        run(tmp_path / "b")


def test_any_file_system_will_do(broker: Broker) -> None:
    storage = Storage("memory://archived")
    archiver = Archiver("", storage, TOPIC)
    for partition, (first, end) in archiver.left(None).items():
        list(archiver.archive(partition, first, end))
    found = ArchivedTopic(storage, "events")
    assert {at: list(found.raw(at)) for at in found.segments} == broker.records
    with pytest.raises(ConfigError, match="archive nosuch://x"):
        Storage("nosuch://x")


class Gone:
    """In the place of a consumer and of what it answers: the records to be read next are not there."""

    def __init__(self, settings: dict[str, Any]) -> None:
        assert settings["auto.offset.reset"] == "error"

    def assign(self, _: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def poll(self, _: float) -> "Gone":
        return self

    def consume(self, *_: Any) -> list["Gone"]:
        return [self]

    def error(self) -> KafkaError:
        return KafkaError(KafkaError._AUTO_OFFSET_RESET)

    def topic(self) -> str:
        return "events"

    def partition(self) -> int:
        return 1


READERS: list[Callable[[], Any]] = [
    lambda: archive_write.read_raw("", "events", 1, 3, 9),
    lambda: kafka.read_place("", TopicPartition("events", 1, 3), 9),
    lambda: kafka.read_before("", {"events": {1: 9}}),
    lambda: kafka.read_partition("", "events", 9),
    lambda: bounds.first_times("", "events", {1: 3}, {1: 9}),
]


@pytest.mark.parametrize("read", READERS)
def test_records_that_retention_deletes_before_they_are_read_are_missed(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any]
) -> None:
    monkeypatch.setattr(clients, "Consumer", Gone)
    with pytest.raises(ConfigError, match="events/1: the records to be read next are gone"):
        list(read())


def test_nothing_is_archived_of_what_is_gone_before_it_was_read(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "Consumer", Gone)
    monkeypatch.setattr(archive_write, "read_raw", READ_RAW)
    with pytest.raises(ConfigError, match="are gone from Kafka"):
        run(tmp_path)
    assert archived(tmp_path).segments == {}
