"""Files with events of who was erased: import and train leave them out by the list that the log has, and say how many."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from jobs.config import Config, config_from
from jobs.fold.fold import Fold
from schemas.codec import CONTROL, EVENT
from schemas.control import Control
from schemas.erasures import ErasureKey, erasure_record
from schemas.errors import ConfigError, NotUp
from schemas.limits import MINUTE_MS
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.signed_control import OPEN
from scripts.cli import app
from scripts.files import import_files
from scripts.files.event_files import EventFiles
from scripts.files.import_events import read_json_lines, write_events
from scripts.files.import_files import run, summary
from scripts.files.sorted_events import Encoded
from scripts.policy.policy_versions import versions_in
from scripts.privacy import list_of_erased as module
from scripts.privacy.list_of_erased import LeftOut, list_here, list_of_erased
from scripts.training import train_here
from scripts.training.training import Source, from_files
from tests.builders import NOON, make_event
from tests.scripts.files.test_import_events import Written, line
from udfs.knowledge.erasures import Erasures

KEY: Final = ErasureKey(b"k" * 32)
LISTED: Final = (
    erasure_record(KEY, "person", "mia", NOON + 9),
    erasure_record(KEY, "person", "phone", NOON + 9),
    erasure_record(KEY, "session", "shared", NOON + 9),
)
LINES: Final = (
    line("before", NOON, session_id="s1", anonymous_id="phone"),
    line("named", NOON + 1, session_id="s2", anonymous_id="tv", person_id="mia"),
    line("listed", NOON + 2, session_id="shared", anonymous_id="tv"),
    line("in", NOON + 3, event_type="identified", session_id="s3", anonymous_id="tv", person_id="mia"),
    line("signed-in", NOON + 4, session_id="s3", anonymous_id="tv"),
    line("out", NOON + 5, event_type="signed_out", session_id="s3", anonymous_id="tv"),
    line("tom", NOON + 6, session_id="s3", anonymous_id="tv"),
    line("toms", NOON + 7, session_id="s4", anonymous_id="phone", person_id="tom"),
    line("after", NOON + 10, session_id="s1", anonymous_id="phone", person_id="mia"),
)  # fmt: skip
STAYS: Final = ["tom", "toms", "after"]


def erasures() -> Erasures:
    found = Erasures(KEY)
    for one in LISTED:
        found.add(one)
    return found


@pytest.mark.parametrize("order", [1, -1])
def test_an_import_leaves_out_what_erased_people_did_before(tmp_path: Path, order: int) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join((*LINES[::order], "junk", LINES[0])))
    log = Written()
    left_out = LeftOut(erasures(), EVENT.decode)
    done = write_events(log, read_json_lines(path, NOON), is_erased=left_out)
    assert [one.event_id for one in log.events] == STAYS
    assert (done.read, done.events, done.duplicates, done.invalid, done.erased) == (11, 3, 1, 1, 6)
    assert ", 6 left out, of people who were erased" in summary(done)
    assert done.is_usable, "that nobody is left is no reason to doubt the format"


@pytest.mark.parametrize(("confidence", "stays"), [("1", False), ("0.9", True), ("much", True)])
def test_who_it_is_perhaps_has_not_signed_in(confidence: str, *, stays: bool) -> None:
    said = make_event(
        event_id="in", event_type="identified", person_id="mia", session_id="s3", anonymous_id="tv",
        properties={"confidence": confidence},
    )  # fmt: skip
    later = make_event(event_id="later", event_time_ms=NOON + 1, session_id="s3", anonymous_id="tv")
    left_out = LeftOut(erasures(), EVENT.decode)
    first, second = (
        Encoded(one.event_time_ms, one.session_id, one.event_id, EVENT.encode(one))
        for one in (said, later)
    )
    assert left_out(first), "it names who was erased"
    assert left_out(second) is not stays


def test_where_nobody_was_erased_since_no_event_is_looked_at() -> None:
    def decode(_: bytes) -> Any:
        raise AssertionError("it costs nothing")

    late = Encoded(NOON + 10, "s1", "after", b"")
    assert LeftOut(erasures(), decode)(late) is False
    assert LeftOut(Erasures(KEY), decode)(late) is False


def test_who_signed_in_is_remembered_of_so_many_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SESSIONS_MAX", 1)
    left_out = LeftOut(erasures(), EVENT.decode)

    def is_erased(session_id: str, kind: str = "page_viewed", person: str | None = None) -> bool:
        event = make_event(event_type=kind, session_id=session_id, anonymous_id="tv", person_id=person)  # fmt: skip
        return left_out(Encoded(NOON, session_id, "e", EVENT.encode(event)))

    assert is_erased("s1", "identified", "mia")
    assert is_erased("s1")
    assert not is_erased("s2", "identified", "tom")
    assert not is_erased("s1"), "the jobs drop it by its visit, where that is on the list"


# --- the list -----------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A home with the key of the list, and a log in memory that has it."""
    key = tmp_path / "erasure.key"
    key.write_bytes(KEY)
    controls = (DEFAULT_CONTROL, *LISTED, Control("erasure", "junk", KEY.key_id, 0))
    records = [
        LogRecord("control", 0, offset, 0, "", value)
        for offset, value in enumerate((*map(CONTROL.encode, controls), b"junk"))
    ]
    monkeypatch.setattr(module, "has_topic", lambda *_: True)
    monkeypatch.setattr(module, "read_to_end", lambda *_: records)
    return config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_ERASURE_KEY_FILE": str(key)})


def test_the_list_is_that_of_control(config: Config) -> None:
    found = list_of_erased("kafka", config)
    assert (len(found), found.newest_ms) == (3, NOON + 9)
    assert found.is_erased("person", "mia", NOON)


def test_without_its_key_nothing_is_taken(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KAIROS_ERASURE_KEY_FILE"):
        list_of_erased("kafka", config_from({"KAIROS_HOME": str(tmp_path / "other")}))


def test_a_log_without_control_has_no_list(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_topic", lambda *_: False)
    assert len(list_of_erased("kafka", config)) == 0


def test_where_no_log_runs_it_is_said_that_no_list_is_known(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(_: Config) -> str:
        raise NotUp("down")

    monkeypatch.setattr(module, "running_kafka", down)
    assert list_here(config) is None
    assert "no list of who was erased is known" in capsys.readouterr().err
    monkeypatch.setattr(module, "running_kafka", lambda _: "kafka")
    found = list_here(config)
    assert found is not None
    assert len(found) == 3
    assert capsys.readouterr().err == ""


# --- who asks for it ----------------------------------------------------------------------------


def test_the_command_import_asks_for_the_list(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    path, log = tmp_path / "events.jsonl", Written()
    path.write_text("\n".join(LINES))
    monkeypatch.setattr(import_files, "running_kafka", lambda _: "kafka")
    monkeypatch.setattr(import_files, "Log", lambda *_, **__: log)
    policies = versions_in(module.read_to_end("kafka", ["control"]), OPEN)  # type: ignore[attr-defined]
    monkeypatch.setattr(import_files, "announced", lambda *_: policies)
    assert run(config, EventFiles([path]), None, is_json=True) == 0
    assert json.loads(capsys.readouterr().out)["erased"] == 6
    assert [one.event_id for one in log.events] == STAYS


def test_training_on_a_file_leaves_them_out_and_counts_them(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(LINES))
    source = from_files([path], None, config, lambda _: erasures())
    fold = Fold(source.knowledge, source.rules)
    assert len(list(fold.run(source.log))) > 0
    assert fold.erased == 4, "the session step knows no person who was erased, so s3 is a visitor's"
    assert "mia" not in fold.persons or fold.persons["mia"].first_ms == NOON + 10


def test_the_command_train_asks_for_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(line("a", NOON + MINUTE_MS))
    mine, sources = erasures(), list[Source]()

    def keep(_: Config, source: Source, *__: object, **___: object) -> int:
        sources.append(source)
        return 0

    monkeypatch.setattr(module, "list_here", lambda _: mine)
    monkeypatch.setattr(train_here, "train_here", keep)
    done = CliRunner().invoke(app, ["train", "--events", str(path)], standalone_mode=False)
    assert done.exception is None
    assert [one.knowledge.erasures for one in sources] == [mine]
