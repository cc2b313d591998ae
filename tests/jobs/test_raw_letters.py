"""KAIROS_DEAD_LETTER_RAW: who sets it keeps what was sent, at every door and in the job alike; what is declared sensitive never."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from jobs import knowledge_feed
from jobs.config import config_from
from jobs.empty_knowledge import empty_knowledge
from jobs.job_settings import job_settings
from jobs.knowledge_feed import open_feed
from schemas.dead_letters import DeadLetter, Masking, dead_letter
from schemas.errors import InvalidEvent
from schemas.formats.json_lines import event_from_json
from schemas.records import LogRecord
from scripts.files.import_events import read_json_lines, write_events
from scripts.replay.replay_begin import fixed
from scripts.replay.replay_run import Asked
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written
from udfs.knowledge.knowledge import Knowledge
from udfs.track_session import track_session

MAIL: Final = "anna@example.org"
ODD: Final = json.dumps({"event_type": "", "query": MAIL, "properties": {"religion": "jedi", "ip": "203.0.113.9"}}).encode()  # fmt: skip
KEEPS: Final = {"KAIROS_DEAD_LETTER_RAW": "yes"}


def refused(knowledge: Knowledge) -> DeadLetter:
    record = LogRecord("events", 0, 0, NOON, "s", ODD)
    (letter,) = track_session(None, record, event_from_json, knowledge, 0).outputs
    assert isinstance(letter, DeadLetter)
    return letter


@pytest.mark.parametrize("given", [{}, {"KAIROS_DEAD_LETTER_RAW": "no"}, KEEPS])
def test_what_folds_beside_the_job_keeps_what_the_setting_says(given: dict[str, str]) -> None:
    raw = refused(empty_knowledge(config_from(given))).raw
    assert (MAIL.encode() in raw, b"203.0.113.9" in raw) == (given == KEEPS, given == KEEPS)
    assert len(raw) == len(ODD)


@pytest.mark.parametrize("given", [{}, KEEPS])
def test_the_job_keeps_what_the_setting_says(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_feed, "read_to_end", lambda *_: [])
    settings = job_settings("decide", config_from(given), "nowhere:1", {})
    knowledge = open_feed(settings, ["control"], lambda _: None).knowledge
    assert (MAIL.encode() in refused(knowledge).raw) == bool(given)


def test_a_replay_that_goes_on_keeps_what_it_began_with() -> None:
    asked: dict[str, Any] = {
        "from_ms": None, "to_ms": None, "policy": None, "model": None, "then_live": False, "source_prefix": "", "source_format": "kairos",
        "lateness_ms": 0, "seed": "s",
    }  # fmt: skip
    assert fixed(config_from(), Asked(**asked, keeps_raw=True)).dead_letter_raw
    assert not fixed(config_from(KEEPS), Asked(**asked)).dead_letter_raw


@pytest.mark.parametrize("keeps", [True, False])
def test_an_import_keeps_what_it_is_told(tmp_path: Path, *, keeps: bool) -> None:
    path, log = tmp_path / "events.jsonl", Written()
    path.write_bytes(ODD)
    write_events(log, read_json_lines(path, NOON), masking=Masking(keeps=keeps))
    assert (MAIL.encode() in log.letters[0].raw) is keeps


def test_what_is_declared_sensitive_and_what_the_message_says_are_masked_all_the_same() -> None:
    masking = Masking(frozenset({"religion"}), keeps=True)
    record = LogRecord("events", 0, 0, NOON, "s", ODD)
    letter = dead_letter(record, InvalidEvent("malformed", f"of {MAIL}"), masking)
    assert b"jedi" not in letter.raw
    assert MAIL.encode() in letter.raw
    assert MAIL not in letter.message
