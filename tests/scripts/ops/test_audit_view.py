"""The audit log as the console shows it: each change once."""

from pathlib import Path

import pytest

from channels.api.audit_log import Actor, AuditLog
from schemas.errors import ConfigError
from scripts.ops.audit_view import changes_of

ANNA, BERT = Actor("anna", "marketer", "127.0.0.1"), Actor("bert", "operator", "127.0.0.1")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    times = iter(range(1, 1000))
    return AuditLog(tmp_path / "audit.jsonl", lambda: float(next(times)))


def shown(log: AuditLog, count: int = 100) -> list[tuple[str, str, str, str]]:
    return [
        (one["who"], one["what"], one["outcome"], one["details"].get("version", ""))
        for one in changes_of(log.newest(count))
    ]


def test_a_change_is_shown_once_with_how_it_ended(log: AuditLog) -> None:
    log.append(ANNA, "sign in", "done", {})
    with log.recording(ANNA, "policy publish", {"version": "v1"}) as details:
        details["replaces"] = "v0"
    with pytest.raises(ConfigError), log.recording(BERT, "policy rollback", {"version": "v0"}):
        raise ConfigError("no")
    assert shown(log) == [
        ("bert", "policy rollback", shown(log)[0][2], "v0"),
        ("anna", "policy publish", "done", "v1"),
        ("anna", "sign in", "done", ""),
    ]
    assert "no" in shown(log)[0][2]
    change = changes_of(log.newest(9))[1]
    assert change["details"] == {"version": "v1", "replaces": "v0"}
    assert (change["begun_ms"], change["at_ms"]) == (2_000, 3_000)


def test_changes_that_overlap_are_told_apart(log: AuditLog) -> None:
    with log.recording(ANNA, "policy publish", {"version": "v1"}):
        with log.recording(ANNA, "policy publish", {"version": "v2"}):
            pass
        log.append(BERT, "policy publish", "begun", {"version": "v3"})
    assert shown(log) == [
        ("anna", "policy publish", "done", "v1"),
        ("bert", "policy publish", "begun", "v3"),
        ("anna", "policy publish", "done", "v2"),
    ]


def test_of_the_oldest_the_end_alone_may_be_known(log: AuditLog) -> None:
    with log.recording(ANNA, "policy publish", {"version": "v1"}):
        pass
    assert shown(log, 1) == [("anna", "policy publish", "done", "v1")]


def test_the_same_change_made_twice_is_two(log: AuditLog) -> None:
    for _ in range(2):
        with log.recording(ANNA, "model rollback", {}):
            pass
    assert shown(log) == [("anna", "model rollback", "done", "")] * 2
