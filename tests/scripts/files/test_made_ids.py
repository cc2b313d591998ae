"""A file whose lines have no ids says the same however often it is read."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold
from schemas.codec import EVENT
from schemas.formats.field_names import Notices
from schemas.formats.json_lines import read_event
from schemas.records import LogRecord
from scripts.files.event_lines import EventLines, lines_of
from scripts.files.import_events import read_json_lines, write_events
from scripts.files.made_ids import MadeIds
from scripts.files.told_names import in_words
from tests.builders import NOON, make_catalogue, make_knowledge
from tests.jobs.fold.test_fold import RULES, outputs
from tests.scripts.files.test_import_events import Written


def line(at: int = 0, **fields: Any) -> str:
    """A line without an id, as a shop's export has it."""
    said = {
        "event_type": "product_viewed", "event_time_ms": NOON + at * 1_000, "session_id": "s1",
        "anonymous_id": "a1", "item_ids": [f"i{at}"],
    }  # fmt: skip
    return json.dumps(said | fields)


def export(tmp_path: Path, name: str = "events.jsonl") -> Path:
    """Twelve lines, of which the last two are equal."""
    path = tmp_path / name
    path.write_text("\n".join((*(line(at) for at in range(11)), line(10))))
    return path


def ids_of(path: Path) -> list[str]:
    log = Written()
    write_events(log, read_json_lines(path, NOON + 60_000))
    return [one.event_id for one in log.events]


def test_equal_lines_are_events_of_their_own_and_have_the_same_ids_again(tmp_path: Path) -> None:
    ids = ids_of(export(tmp_path))
    assert len(set(ids)) == 12
    assert (ids[-2][-2:], ids[-1][-2:], ids[-2][:-2]) == ("-1", "-2", ids[-1][:-2])
    assert ids_of(export(tmp_path, "again.jsonl")) == ids


def test_blanks_order_and_null_are_no_content(tmp_path: Path) -> None:
    plain = line(price=1.5)
    said = json.loads(plain)
    other = json.dumps(dict(reversed(said.items())) | {"event_id": None, "page": None}, indent=1)
    named = [MadeIds().named(one.encode()) for one in (plain, other, line(price=1.25))]
    first, same, different = (read_event(one or b"").event for one in named)
    assert first.event_id.startswith("made-")
    assert same == first
    assert different.event_id != first.event_id


@pytest.mark.parametrize("raw", [b'{"event_id": "e"}', b"junk", b"[1]", b'{"a": ', b"\xff", b"7"])
def test_what_has_an_id_or_is_no_object_stays_as_it_is(raw: bytes) -> None:
    assert MadeIds().named(raw) is None


def test_a_line_that_is_no_event_keeps_its_bytes_and_its_own_fault(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join((line(), line(event_type="danced\n"))))
    log = Written()
    assert write_events(log, read_json_lines(path, NOON)).invalid == 1
    assert log.letters[0].raw == line(event_type="danced\n").encode()
    assert log.letters[0].reason == "invalid_value"


def test_that_ids_were_made_is_told_at_every_door(tmp_path: Path) -> None:
    path = export(tmp_path)
    notices = Notices()
    list(read_json_lines(path, None, notices))
    lines = EventLines(lines_of([path]))
    told = "`event_id` is missing, and made of what the line says (12 lines, the first: 1)"
    assert [in_words(one) for one in notices] == [in_words(one) for one in lines.notices] == [told]
    made = [msgspec.json.decode(one.value)["event_id"] for one in lines]
    assert made == ids_of(path)


def test_in_the_fold_a_second_import_of_the_file_changes_nothing(tmp_path: Path) -> None:
    path = export(tmp_path)
    log = Written()
    for _ in range(2):
        write_events(log, read_json_lines(path, NOON + 60_000))
    records = [
        LogRecord("events", 0, at, one.event_time_ms, one.session_id, EVENT.encode(one))
        for at, one in enumerate(log.events)
    ]
    assert len(records) == 24
    found = []
    for several in (records[:12], records):
        fold = Fold(make_knowledge(*make_catalogue()), RULES)
        folded = list(fold.run(several))
        counts = [name for one in folded for name in one.counts]
        found.append((outputs(folded), counts.count("duplicates"), counts.count("events")))
    (once, _, _), (twice, duplicates, events) = found
    assert once == twice
    assert (duplicates, events) == (12, 12)
