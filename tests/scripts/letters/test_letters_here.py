"""`kairos dead-letters` over a log in memory: what is counted, shown, mended, and sent again once."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from channels.api.audit_log import AuditLog
from jobs.config import Config
from scripts.letters.find_letters import Wanted
from scripts.letters.letters_here import list_letters, repair_letters, replay_letters, show_letters
from scripts.letters.mend_letter import edits_from
from tests.builders import NOON
from tests.scripts.letters.builders import Home, fields, letter

NO_EDITS: Final = edits_from([], [], [])
RENAMED: Final = edits_from(["what=event_type"], [], [])
JSON: Final = ("json", None)
ALL: Final = Wanted()


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_they_are_counted_by_reason_the_most_frequent_first(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    home(letter(1, b"{", "malformed"), letter(2, fields(2)), letter(3, fields(3)))
    list_letters(config, ALL, is_json=True)
    first, second = said(capsys)
    assert (first["reason"], first["letters"], first["replayed"], first["example"]) == ("invalid_value", 2, 0, "events/0/3")  # fmt: skip
    assert (second["reason"], second["newest_ms"]) == ("malformed", NOON)
    list_letters(config, Wanted(reasons=["too_late"]), is_json=False)
    assert "no such dead letters" in capsys.readouterr().out


def test_a_look_at_them_stands_in_the_audit_log(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    home(letter(1, fields(1)), letter(2, fields(2)))
    show_letters(config, ALL, 1, is_json=True)
    (shown,) = said(capsys)
    assert (shown["place"], json.loads(shown["raw"])["event_id"]) == ("events/0/2", "e2")
    (look,) = AuditLog(config.home / "audit.jsonl").newest(9)
    assert (look.what, look.details["newest"]) == ("read dead letters", "events/0/2")
    list_letters(config, ALL, is_json=True)
    assert len(AuditLog(config.home / "audit.jsonl").newest(9)) == 1, (
        "counts show nothing of anybody"
    )


def test_a_repair_shows_and_writes_nothing(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = home(letter(1, fields(1)), letter(2, fields(2)), letter(3, b"{"))
    assert repair_letters(config, ALL, RENAMED, JSON, 2, is_json=True) == 1
    found = said(capsys)
    assert (found["letters"], found["events"], found["invalid"]) == (3, 2, 1)
    assert [one["place"] for one in found["shown"]] == ["events/0/2", "events/0/3"]
    assert (topic.door.events, topic.door.letters) == ([], [])
    assert repair_letters(config, Wanted(places=["events/0/1"]), RENAMED, JSON, 9, is_json=False) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert '+ event_type: "page_viewed"' in out
    assert "1 dead letter: 1 would be events, 0 still none" in out


def test_a_replay_sends_each_once_in_order_of_time_and_says_what_is_left(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = home(letter(1, fields(1)), letter(2, fields(2)), letter(3, b"{"), letter(1, fields(1)))
    assert replay_letters(config, ALL, RENAMED, JSON, is_json=True) == 1
    first = said(capsys)
    assert (first["letters"], first["sent"], first["replayed_before"], first["invalid"]) == (3, 2, 0, 1)  # fmt: skip
    assert first["first_fault"].startswith("events/0/3: malformed")
    assert [one.event_id for one in topic.door.events] == ["e2", "e1"]
    assert {one.raw for one in topic.door.letters} == {b""}
    assert replay_letters(config, ALL, RENAMED, JSON, is_json=True) == 1
    again = said(capsys)
    assert (again["sent"], again["replayed_before"], len(topic.door.events)) == (0, 2, 2)
    begun, done = list(reversed(AuditLog(config.home / "audit.jsonl").newest(9)))[:2]
    assert (begun.what, begun.outcome, done.details["sent"]) == ("dead letters replay", "begun", "2")  # fmt: skip


def test_without_an_edit_what_is_no_event_stays(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = home(letter(1, fields(1)))
    assert replay_letters(config, ALL, NO_EDITS, JSON, is_json=False) == 1
    assert "1 dead letter, 0 events sent again, 1 still no events; the first: events/0/1" in capsys.readouterr().out  # fmt: skip
    assert topic.door.letters == []


def test_of_who_was_erased_since_nothing_is_sent(
    home: Home, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = home(letter(1, fields(1, anonymous_id="mia")), letter(2, fields(2)), erased="mia")
    assert replay_letters(config, ALL, RENAMED, JSON, is_json=True) == 0
    found = said(capsys)
    assert (found["sent"], found["erased"]) == (1, 1)
    assert [one.event_id for one in topic.door.events] == ["e2"]


def test_a_mapping_mends_them(
    home: Home, config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "rules:\n  - fields: {event_id: event_id, event_type: what, event_time_ms: event_time_ms, session_id: session_id, anonymous_id: anonymous_id}\n"
    )
    topic = home(letter(1, fields(1)))
    assert replay_letters(config, ALL, NO_EDITS, (None, path), is_json=True) == 0
    assert said(capsys)["sent"] == 1
    assert [one.event_type for one in topic.door.events] == ["page_viewed"]
