"""Files of events as a log: in order of time, readable again, lines unchanged."""

from pathlib import Path

import msgspec
import pytest

from schemas.errors import ConfigError, UnusableInput
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from scripts.files.event_lines import EventLines, lines_of, write_lines
from tests.builders import NOON, make_event


def line(event_id: str, time_ms: int, session_id: str = "s1") -> bytes:
    return msgspec.json.encode(
        make_event(event_id=event_id, event_time_ms=time_ms, session_id=session_id)
    )


def test_lines_are_put_in_order_of_time_then_of_the_files() -> None:
    lines = [line("c", NOON + 2), line("a", NOON), b"junk", line("d", NOON + 2, "s2"), b"{}"]
    log = EventLines(lines)
    records = list(log)
    assert [record.value for record in records] == [lines[1], lines[0], lines[3]]
    assert [(one.timestamp_ms, one.key, one.offset) for one in records] == [
        (NOON, "s1", 0), (NOON + 2, "s1", 1), (NOON + 2, "s2", 2),
    ]  # fmt: skip
    assert (len(log), log.invalid) == (3, 2)
    assert list(log) == records


def test_nothing_is_a_log_too() -> None:
    assert list(EventLines([])) == []


def test_written_events_are_read_as_they_were(tmp_path: Path) -> None:
    events = [
        make_event(),
        make_event(
            event_id="e2", event_type="ranking_requested", price=0.0, quantity=0, consent=[],
            candidates=[{"item_id": "a", "position": 0, "features": {"x": 0.0}}],
            properties={"k": ""}, context={"device": "tablet"},
        ),
    ]  # fmt: skip
    path = tmp_path / "events.jsonl"
    assert write_lines(events, path) == 2
    read = [event_from_json(one.raw) for one in lines_of([path, path])]
    assert read == events * 2
    assert b"null" not in path.read_bytes()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(lines_of([tmp_path / "none"]))
    with pytest.raises(ConfigError, match="cannot be written"):
        write_lines(list[Event](), tmp_path / "none" / "out")


def test_files_of_which_nothing_or_too_little_is_an_event_are_no_input() -> None:
    said: list[str] = []
    good = line("a", NOON)
    assert len(EventLines([good, b"junk"]).check(said.append)) == 1
    (told,) = said
    assert told.startswith("1 line is no event and left out; the first: malformed: ")
    for lines in ([], [b"junk"], [good, b"junk", b"{}"]):
        with pytest.raises(UnusableInput, match=r"lines are no events|no event in the files"):
            EventLines(lines).check(said.append)


def test_names_that_nobody_reads_are_said_with_the_first_line_of_each() -> None:
    said: list[str] = []
    odd = line("b", NOON).replace(b'"session_id"', b'"user_id":"u","session_id"')
    assert len(EventLines([line("a", NOON), odd, odd]).check(said.append)) == 3
    assert said == [
        "`user_id` is no field, and not read: `person_id` is meant? (2 lines, the first: 2)"
    ]
