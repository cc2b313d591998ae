"""Files that are in order of time as they stand are known before they are read in earnest."""

import gzip
import os
from pathlib import Path

import pytest

from schemas.errors import UnusableInput
from scripts.files.file_order import are_in_order
from scripts.files.import_events import read_json_lines, write_events
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written, line

ORDERED = [line("a"), "junk", line("b"), line("c", NOON + 1)]


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("lines", "is_so"),
    [
        (ORDERED, True), ([], True), ([line("b", NOON + 1), line("a")], False),
        ([line("a"), '{"event_id": "x"}'], False), ([line("a"), '{"timestamp": 5}'], False),
        ([line("a").replace(str(NOON), '"2023-11-14T22:13:20Z"')], False), ([line("a"), "[]"], False),
    ],
    ids=["ordered", "empty", "newest_first", "no_time", "other_name", "in_words", "no_object"],
)  # fmt: skip
def test_order_is_told_where_it_can_be(tmp_path: Path, lines: list[str], is_so: bool) -> None:
    assert are_in_order([written(tmp_path / "events.jsonl", *lines)]) is is_so


def test_files_are_in_order_one_after_the_other(tmp_path: Path) -> None:
    first = written(tmp_path / "1", line("a"), line("b", NOON + 5))
    second = written(tmp_path / "2", line("c", NOON + 5))
    assert are_in_order([first, second])
    assert not are_in_order([second, first])


def test_what_can_be_read_only_once_is_not_looked_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not are_in_order([tmp_path / "pipe"])


def test_a_file_that_breaks_off_is_known_before_its_first_event_is_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    lines = "\n".join(line(str(at), NOON + at) for at in range(1_000))
    path.write_bytes(gzip.compress(lines.encode())[:-20])
    with pytest.raises(UnusableInput):
        are_in_order([path])


def test_the_same_is_written_whether_it_is_held_or_not(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", *ORDERED, line("c", NOON + 1))
    held, passed = Written(), Written()
    earliest: list[int | None] = []
    done = [
        write_events(
            log, read_json_lines(path, NOON), before=earliest.append, is_in_order=is_in_order
        )
        for log, is_in_order in ((held, False), (passed, True))
    ]
    assert done[0] == done[1]
    assert (held.events, held.letters) == (passed.events, passed.letters)
    assert earliest == [NOON, NOON]
