"""Who looked: one entry for a reader, a subject and a while, people under pseudonyms, nothing shown that cannot be noted."""

from pathlib import Path

import pytest

from channels.api.audit_log import READ, Actor, AuditLog, is_change, is_look, verify
from channels.api.read_log import EVERY_S, LOOKS_MAX, ReadLog
from channels.security.pseudonyms import Pseudonyms
from schemas.errors import ConfigError

ANNA = Actor("anna", "viewer", "127.0.0.1")
BERT = Actor("bert", "operator", "127.0.0.1")
CUSTOMER = "carla@example.com"


class Clock:
    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reads(tmp_path: Path, clock: Clock) -> ReadLog:
    return ReadLog(AuditLog(tmp_path / "audit.jsonl"), lambda: Pseudonyms(b"k" * 32), clock)


def test_a_page_that_refreshes_is_one_look(reads: ReadLog, clock: Clock) -> None:
    for _ in range(100):
        reads.looked(ANNA, "read person", [CUSTOMER], {})
        clock.now_s += EVERY_S / 100
    assert len(reads.log.newest(999)) == 1
    reads.looked(ANNA, "read person", [CUSTOMER], {})
    reads.looked(BERT, "read person", [CUSTOMER], {})
    reads.looked(ANNA, "read person", ["other"], {})
    reads.looked(ANNA, "read limits", [CUSTOMER], {})
    assert len(reads.log.newest(999)) == 5


def test_the_log_holds_a_keyed_hash_and_finds_whom_one_asks_for(reads: ReadLog) -> None:
    reads.looked(ANNA, "read decision", [CUSTOMER, "", CUSTOMER], {"decision": "d1"})
    reads.looked(BERT, "read person", ["s1", CUSTOMER], {})
    reads.looked(BERT, "read person", ["other"], {})
    reads.looked(BERT, "read dead letters", [], {})
    text = reads.log.path.read_text(encoding="utf-8")
    for one in (CUSTOMER, "s1", "other"):
        assert f'"{one}"' not in text
        assert f" {one}" not in text
    found = reads.looks_at(CUSTOMER, 9)
    assert [(one.who, one.what) for one in found] == [
        ("bert", "read person"),
        ("anna", "read decision"),
    ]
    assert len(found[1].details["persons"].split()) == 1
    assert found[1].details["decision"] == "d1"
    assert [one.who for one in reads.looks_at("s1", 9)] == ["bert"]
    assert reads.looks_at("nobody", 9) == []
    other_key = ReadLog(reads.log, lambda: Pseudonyms(b"j" * 32))
    assert other_key.looks_at(CUSTOMER, 9) == []


def test_looks_and_changes_are_told_apart_in_one_whole_chain(reads: ReadLog) -> None:
    reads.log.append(BERT, "policy publish", "done", {})
    reads.looked(ANNA, "read person", [CUSTOMER], {})
    assert [one.what for one in reads.log.newest(9, is_change)] == ["policy publish"]
    assert [one.outcome for one in reads.log.newest(9, is_look)] == [READ]
    assert verify(reads.log.path).faults == []


def test_what_is_remembered_is_bounded(reads: ReadLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AuditLog, "append", lambda *_: None)
    for number in range(LOOKS_MAX + 500):
        reads.looked(ANNA, "read person", [str(number)], {})
    assert len(reads._looks) == LOOKS_MAX


def test_nothing_is_shown_where_it_cannot_be_noted(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    reads = ReadLog(AuditLog(tmp_path / "audit.jsonl"), lambda: Pseudonyms(b"k" * 32))
    for _ in range(2):  # what was not written does not count as written
        with pytest.raises(ConfigError, match="nothing of people is shown until it can"):
            reads.looked(ANNA, "read person", [CUSTOMER], {})
