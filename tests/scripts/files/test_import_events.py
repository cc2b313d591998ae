"""What becomes of the lines of files: in the log, there twice, dead letters. The log is a list here."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jobs.publish import Log, now_ms
from schemas.codec import EVENT
from schemas.dead_letters import DeadLetter, Masking
from schemas.events import Event
from schemas.formats import FORMATS
from schemas.formats.field_names import Notices
from schemas.topics import EVENTS
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Imported, read_json_lines, write_events
from scripts.files.import_files import summary
from scripts.files.item_files import read_items
from tests.builders import NOON


class Written(Log):
    """A log that keeps what is written, without a server: the events without their times of import, which are in `imported_ms`."""

    def __init__(self) -> None:
        self._format, self._prefix = FORMATS["kairos"], ""
        self.events: list[Event] = []
        self.imported_ms: list[int | None] = []
        self.letters: list[DeadLetter] = []

    def _write(
        self, topic: str, key: str, value: bytes, time_ms: int, *_: object, **__: object
    ) -> None:
        event = EVENT.decode(value)
        assert (topic, key, time_ms) == (EVENTS, event.session_id, event.event_time_ms)
        self.imported_ms.append(event.imported_at_ms)
        self.events.append(replace(event, imported_at_ms=None))

    def dead_letter(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def flush(self) -> None:
        pass


def line(event_id: str, time_ms: int = NOON, **fields: Any) -> str:
    said = {
        "event_id": event_id, "event_type": "page_viewed", "event_time_ms": time_ms,
        "session_id": "s1", "anonymous_id": "a1",
    }  # fmt: skip
    return json.dumps(said | fields)


def imported(tmp_path: Path, *lines: str) -> tuple[Imported, Written]:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines))
    log = Written()
    return write_events(log, read_json_lines(path, NOON)), log


def test_an_event_that_was_imported_before_is_imported_now(tmp_path: Path) -> None:
    begun_ms = now_ms()
    _, log = imported(tmp_path, line("a", imported_at_ms=NOON), line("b"))
    assert all(one is not None and one >= begun_ms for one in log.imported_ms)
    assert len(log.imported_ms) == 2


def test_a_file_ordered_newest_first_is_written_in_order_of_time(tmp_path: Path) -> None:
    done, log = imported(tmp_path, *(line(str(at), NOON - at * 3_600_000) for at in range(50)))
    assert done == (50, 50, 0, 0, None, 0)
    times = [event.event_time_ms for event in log.events]
    assert times == sorted(times)


def test_every_line_is_accounted_for(tmp_path: Path) -> None:
    done, log = imported(
        tmp_path,
        line("a"), "", line("b", NOON - 1), "junk", line("a"), line("a", session_id="s2"),
        line("late", NOON + 3_600_000), line("who", event_type="identified"),
        line("nobody", event_type="identified", person_id="undefined"),
        line("tick", event_type="clock_ticked"),
    )  # fmt: skip
    assert (done.read, done.events, done.duplicates, done.invalid) == (9, 3, 1, 5)
    assert done.read == done.events + done.duplicates + done.invalid
    assert [(one.offset, one.reason) for one in log.letters] == [
        (3, "malformed"), (6, "ahead_of_log"), (7, "invalid_value"), (8, "invalid_value"),
        (9, "invalid_value"),
    ]  # fmt: skip
    assert {one.topic for one in log.letters} == {"import:events.jsonl"}
    assert done.first_fault is not None
    assert done.first_fault.startswith("events.jsonl, line 4: ")
    assert summary(done).startswith("9 read, 3 events written, 1 there twice, 5 dead letters; the")


@pytest.mark.parametrize(
    ("lines", "is_usable"),
    [
        ([], False), (["junk"], False), ([line("a")], True), ([line("a"), "junk"], True),
        ([line("a"), "junk", "junk"], False), ([line("a"), line("a"), "junk", "junk"], True),
    ],
)  # fmt: skip
def test_nothing_or_mostly_bad_is_not_usable(
    tmp_path: Path, lines: list[str], is_usable: bool
) -> None:
    assert imported(tmp_path, *lines)[0].is_usable is is_usable


def test_properties_that_are_null_or_numbers_are_no_reason_to_lose_a_purchase(
    tmp_path: Path,
) -> None:
    said = {"coupon": None, "boxes": 2, "gift": True, "weight": 1.5, "note": "x"}
    done, log = imported(tmp_path, line("p", event_type="purchase_completed", properties=said))
    assert done.invalid == 0
    assert log.events[0].properties == {"boxes": "2", "gift": "true", "weight": "1.5", "note": "x"}


def test_a_text_cut_inside_an_emoji_is_said_in_words(tmp_path: Path) -> None:
    broken = line("a", query="x").replace('"x"', '"shoe \\ud83d"')
    done, log = imported(tmp_path, broken, line("b"))
    assert (done.events, done.invalid) == (1, 1)
    assert "cut inside a character" in log.letters[0].message


def test_a_mistake_in_the_items_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id": "i1"}\n{"item_id": ""}\n')
    with pytest.raises(Exception, match="line 2"):
        list(read_items(path))


def test_files_given_together_are_one_log(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("\n".join((line("a2", NOON - 1), "junk")))
    second.write_text("\n".join((line("b1", NOON - 2), line("b3", NOON), line("a2", NOON - 1))))
    log = Written()
    done = write_events(log, EventFiles([first, second]).read(NOON))
    assert [event.event_id for event in log.events] == ["b1", "a2", "b3"]
    assert (done.read, done.events, done.duplicates, done.invalid) == (5, 3, 1, 1)
    assert [one.topic for one in log.letters] == ["import:a.jsonl"]


def test_names_that_nobody_reads_are_counted_and_strictly_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        "\n".join(
            (line("a"), line("b", user_id="u"), line("c", user_id="u"), line("d", product_id="p"))
        )
    )
    notices = Notices()
    log = Written()
    assert write_events(log, read_json_lines(path, NOON, notices)).events == 4
    assert [(one.field, one.meant, one.at, one.times) for one in notices] == [
        ("user_id", "person_id", 1, 2), ("product_id", "item_ids", 3, 1),
    ]  # fmt: skip
    assert [one.item_ids for one in log.events] == [(), (), (), ("p",)]
    strictly = write_events(Written(), read_json_lines(path, NOON, Notices(), is_strict=True))
    assert (strictly.events, strictly.invalid) == (2, 2)
    assert strictly.first_fault is not None
    assert "line 2: `user_id` is no field" in strictly.first_fault


def test_what_is_declared_sensitive_is_masked_in_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(line("a", event_time_ms="yesterday", attribute="religion", value="zoroastrian"))
    for hidden in (frozenset({"religion"}), frozenset[str]()):
        log = Written()
        assert write_events(log, read_json_lines(path, NOON), masking=Masking(hidden)).invalid == 1
        assert (b"zoroastrian" in log.letters[0].raw) is not bool(hidden)


def test_an_items_title_is_told(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id":"a","title":"Shoe"}')
    said: list[str] = []
    assert [one.name for one in read_items(path, said.append)] == [None]
    assert said == [
        "items.jsonl: `title` is no field, and not read: `name` is meant? (1 line, the first: 1)"
    ]
