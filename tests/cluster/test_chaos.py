"""How long decisions were away after a kill; what a supervisor is asked for and keeps; offsets in a savepoint."""

import struct
from pathlib import Path

from jobs.flink.savepoint_offsets import offsets_in
from jobs.stack.process import LOG_BYTES_MAX, Child, Process
from jobs.stack.wanted import Wanted, read_wanted, write_wanted
from scripts.ops.chaos import recovered

NOON = 1_800_000_000_000


def arrivals(*spans: tuple[int, int], lag_ms: int = 10) -> list[tuple[int, int]]:
    """A decision each 10 ms in each span of milliseconds after NOON."""
    times = [NOON + ms for begin, end in spans for ms in range(begin, end, 10)]
    return [(ms, ms - lag_ms) for ms in times]


def test_away_until_the_end_of_the_longest_silence() -> None:
    flowing = arrivals((0, 300), (8_000, 11_100))
    assert recovered(flowing, NOON, NOON + 11_100) == (8.0, 8.0)


def test_nothing_is_said_while_it_is_silent_or_has_just_begun() -> None:
    assert recovered([], NOON, NOON + 9_000) is None
    assert recovered(arrivals((0, 300)), NOON, NOON + 9_000) is None
    assert recovered(arrivals((0, 300), (8_000, 9_000)), NOON, NOON + 9_000) is None


def test_caught_up_once_a_decision_is_younger_than_a_second() -> None:
    behind = arrivals((0, 300)) + arrivals((8_000, 10_000), lag_ms=5_000)
    assert recovered(behind, NOON, NOON + 12_000) is None
    found = recovered(behind + arrivals((10_000, 12_000)), NOON, NOON + 12_000)
    assert found == (8.0, 10.0)


def test_a_machine_that_never_catches_up_is_not_waited_for_for_ever() -> None:
    behind = arrivals((0, 300)) + arrivals((8_000, 60_000), lag_ms=5_000)
    assert recovered(behind, NOON, NOON + 40_000) is None
    assert recovered(behind, NOON, NOON + 60_000) == (8.0, None)


def test_a_name_is_never_used_again(tmp_path: Path) -> None:
    two = Wanted().resized(2)
    assert two.names == ("task-manager-1", "task-manager-2")
    upgraded = two.with_new(2).without(two.names)
    assert upgraded.names == ("task-manager-3", "task-manager-4")
    assert upgraded.resized(1).resized(2).names == ("task-manager-3", "task-manager-5")
    marked = upgraded.given(upgraded.names, "c").without(["task-manager-3"])
    assert marked.codes == {"task-manager-4": "c"}
    assert read_wanted(tmp_path) is None
    write_wanted(tmp_path, marked)
    assert read_wanted(tmp_path) == marked


def test_offsets_are_found_where_the_connector_writes_them(tmp_path: Path) -> None:
    def split(topic: str, partition: int, offset: int) -> bytes:
        name = topic.encode()
        return struct.pack(f">H{len(name)}siqq", len(name), name, partition, offset, -(2**63))

    data = b"\x00junk" + split("events", 0, 12) + split("my.events", 0, 99) + b"events" + bytes(9)
    (tmp_path / "_metadata").write_bytes(data)
    (tmp_path / "state").write_bytes(split("events", 3, 7) + struct.pack(">H6s", 6, b"events"))
    assert offsets_in(tmp_path.as_uri(), "events") == {0: 12, 3: 7}
    assert offsets_in("s3://bucket/savepoint", "events") == {}


def test_a_log_is_bounded_and_may_be_deleted_while_it_is_written(tmp_path: Path) -> None:
    with Process(Child("none", ("true",), lambda _: True), tmp_path) as process:
        with process.log.open("ab") as log:
            log.truncate(LOG_BYTES_MAX + 1)
        process.bound_log()
        assert process.log.stat().st_size == 0
        process.log.unlink()
        process.bound_log()
