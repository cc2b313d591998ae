"""State from elsewhere: what an older version wrote is read, what somebody else put into its place is not run."""

from pathlib import Path
from struct import Struct
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from schemas.codec import EVENT
from schemas.topics import DECISIONS, EVENTS
from tests.builders import NOON, make_catalogue, make_event
from tests.flink.runs import Line, fill_log, produce, read_outputs, start_decide

pytestmark = pytest.mark.flink

OLD: Final = Path(__file__).parent / "checkpoints" / "decide-91563e6" / "_metadata"
"""Of commit 91563e6, which pickled its state, after the events 0 to 8 of PREFIX."""
PREFIX: Final = "old."
FRAME: Final = Struct("<Q")
START: Final = b"\x80\x04\x95"


def viewed(number: int) -> Line:
    event = make_event(
        event_id=f"e{number}", event_type="product_viewed", event_time_ms=NOON + number,
        session_id=f"s{number % 3}", anonymous_id=f"a{number % 3}", item_ids=(f"i{number % 3}",),
    )  # fmt: skip
    return Line(NOON + number, event.session_id, EVENT.encode(event))


@pytest.mark.long
def test_state_that_an_older_version_pickled_is_read(kafka: str, home: Path) -> None:
    fill_log(kafka, PREFIX, [viewed(number) for number in range(9)], make_catalogue())
    job = start_decide(kafka, PREFIX, home, "--from-savepoint", OLD.parent.as_uri())
    try:
        job.wait_until_ready()
        produce(kafka, PREFIX + EVENTS, [viewed(number) for number in (4, 9, 10, 11)])
        counts = {"decisions": 0, "duplicates": 0}
        while counts["decisions"] < 3 or counts["duplicates"] < 1:
            assert job.process.poll() is None
            counts = read_counts(FlinkRest(job.rest, job.keys))
        assert (counts["events"], counts["duplicates"]) == (3, 1), "it goes on where it was made"
        assert len(read_outputs(kafka, PREFIX)[DECISIONS]) == 3
    finally:
        job.process.kill()
        job.process.communicate()


@pytest.mark.long
def test_code_in_the_place_of_state_is_not_run(kafka: str, home: Path, tmp_path: Path) -> None:
    fill_log(kafka, PREFIX, [viewed(number) for number in range(9)], make_catalogue())
    produce(kafka, PREFIX + EVENTS, [viewed(number) for number in range(12, 15)])
    with TemporaryDirectory(dir="/tmp") as folder:
        sign = Path(folder) / "ran"
        poisoned = tmp_path / "poisoned" / "_metadata"
        poisoned.parent.mkdir()
        poisoned.write_bytes(with_code(OLD.read_bytes(), f"touch {sign}"))
        job = start_decide(kafka, PREFIX, home, "--from-savepoint", poisoned.parent.as_uri())
        said, _ = job.process.communicate(timeout=120)
        assert not sign.exists(), "what lay in the checkpoint was run"
        assert job.process.returncode == 1, said
        assert "ValueError" in said


def with_code(checkpoint: bytes, command: str) -> bytes:
    """The checkpoint with a pickle of the same length that runs a command in the place of each one in it."""
    at, data = 0, bytearray(checkpoint)
    while (at := data.find(START, at)) >= 0:
        (framed,) = FRAME.unpack_from(data, at + len(START))
        length = len(START) + FRAME.size + framed
        data[at : at + length] = code(command, length)
        at += length
    assert bytes(data) != checkpoint
    return bytes(data)


def code(command: str, length: int) -> bytes:
    """A pickle of so many bytes that runs a command."""
    head, tail = b"\x80\x04cos\nsystem\n(S'" + command.encode(), b"'\ntR."
    whole = head + b" " * (length - len(head) - len(tail)) + tail
    assert len(whole) == length
    return whole
