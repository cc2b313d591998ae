"""Which events a policy decides is said where it is published and where older events are imported."""

from pathlib import Path

import msgspec
import pytest

from jobs.config import config_from
from schemas.policy import DEFAULT_POLICY, Policy
from scripts.change import Change
from scripts.files import import_files
from scripts.files.event_files import EventFiles
from scripts.policy.governing import governs_from, ungoverned
from scripts.policy.policy_versions import PolicyVersion
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written, line
from udfs.knowledge.erasures import Erasures

FIRST = PolicyVersion(0, 0, "default-1", "default", DEFAULT_POLICY)
LIVE = PolicyVersion(NOON, 1, "mine", "default", Policy())
COMING = PolicyVersion(NOON + 9_000, 2, "next", "default", Policy(currency="USD"))
NOW = NOON + 5_000
SAID = (
    "the oldest of these events is of 2023-11-14T22:13:19.999+00:00, and the live policy mine decides from "
    "2023-11-14T22:13:20.000+00:00 on: before that it is policy default-1. "
    "`kairos policy publish FILE --effective-from 2023-11-14T22:13:19.999+00:00` before an import reaches back"
)


def test_events_that_are_older_than_the_live_policy_are_told_with_the_policy_of_then() -> None:
    assert ungoverned([FIRST, LIVE, COMING], NOON - 1, NOW) == SAID
    alone = ungoverned([LIVE], NOON - 1, NOW)
    assert alone is not None
    assert "before that it is no policy, so nothing is decided for them" in alone


def test_events_that_the_live_policy_decides_need_no_word() -> None:
    assert ungoverned([FIRST, LIVE], NOON, NOW) is None
    assert ungoverned([FIRST], 1, NOW) is None
    assert ungoverned([], 1, NOW) is None


def test_a_publication_says_what_decides_on_history() -> None:
    said = governs_from(Change("mine", NOON, "default-1", None))
    assert said.startswith("what happened before 2023-11-14T22:13:20.000+00:00, imported history")
    assert said.endswith("is decided by default-1: --effective-from TIME reaches back")
    assert "is decided by no policy" in governs_from(Change("mine", NOON, None, None))


def test_an_import_says_so_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(line("e1", NOON - 1))
    monkeypatch.setattr(import_files, "running_kafka", lambda _: "")
    monkeypatch.setattr(import_files, "Log", lambda *_, **__: Written())
    monkeypatch.setattr(import_files, "now_ms", lambda: NOW)
    monkeypatch.setattr(import_files, "announced", lambda *_: [FIRST, LIVE])
    monkeypatch.setattr(import_files, "list_of_erased", lambda *_: Erasures())
    files = EventFiles([file], "kairos", None, is_strict=False)
    config = config_from({"KAIROS_HOME": str(tmp_path / "home")})
    assert import_files.run(config, files, None, is_json=True) == 0
    assert SAID in " ".join(capsys.readouterr().err.split())


def test_an_import_says_nothing_of_names_that_the_live_policy_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(
        line("e1", NOON, event_type="known") + "\n" + line("e2", NOON, event_type="other")
    )
    knows = msgspec.convert({"events": [{"name": "known"}]}, Policy)
    monkeypatch.setattr(import_files, "running_kafka", lambda _: "")
    monkeypatch.setattr(import_files, "Log", lambda *_, **__: Written())
    monkeypatch.setattr(import_files, "now_ms", lambda: NOW)
    monkeypatch.setattr(import_files, "announced", lambda *_: [LIVE._replace(policy=knows)])
    monkeypatch.setattr(import_files, "list_of_erased", lambda *_: Erasures())
    config = config_from({"KAIROS_HOME": str(tmp_path / "home")})
    assert import_files.run(config, EventFiles([file]), None, is_json=True) == 0
    said = capsys.readouterr().err
    assert "`other` is no type of ours" in said
    assert "`known`" not in said
