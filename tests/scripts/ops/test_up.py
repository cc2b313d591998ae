"""What runs in the background is followed by its log: its progress is shown once, and why it ended is the error."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.ops import up
from scripts.ops.background import Said
from scripts.ops.home_note import read_note


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command shows of it."""
    lines: list[str] = []
    monkeypatch.setattr(up, "say", lines.append)
    return lines


def test_the_engine_notes_what_it_grants_where_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Started:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> "Started":
            return self

        def __exit__(self, *_: object) -> None: ...

        def start(self) -> None: ...

        def await_learn(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(up, "Engine", Started)
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_CONSENT": "email"})
    with pytest.raises(KeyboardInterrupt):
        up.hold_engine(config, has_jobs=True, prepare=None)
    assert read_note(tmp_path).consent == "email"


def follow(log: Path, says: str) -> None:
    """Follows a process that says this and ends; raises ConfigError as `kairos up` does."""
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", f"print({says!r})"], stdout=output)
        try:
            up._await_up(process, Said(log, is_new=True))
        finally:
            process.wait()


def test_progress_is_shown_until_all_is_up(shown: list[str], tmp_path: Path) -> None:
    follow(tmp_path / "log", "starting kafka\nstarting decide\nUP\nstarting decide")
    assert shown == ["starting kafka", "starting decide"]


@pytest.mark.parametrize(
    ("says", "reason"),
    [("starting kafka\nkairos: no space is left", "^no space is left$"), ("", "it ended; see ")],
)
def test_why_it_ended_is_the_error_and_told_once(
    shown: list[str], tmp_path: Path, says: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        follow(tmp_path / "log", says)
    assert [line for line in shown if line] == [line for line in says.splitlines()[:1] if line]


def test_ctrl_c_stops_what_was_started_and_says_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit('ended in order')); "
        "print('starting kafka', flush=True); time.sleep(600)"
    )
    began: list[subprocess.Popen[bytes]] = []
    lines: list[str] = []

    def start(log: Path, *words: str) -> "subprocess.Popen[bytes]":
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            began.append(
                subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output)
            )
        return began[0]

    def say(line: str) -> None:
        lines.append(line)
        if line == "starting kafka":
            raise KeyboardInterrupt

    monkeypatch.setattr(up, "start", start)
    monkeypatch.setattr(up, "say", say)
    with pytest.raises(KeyboardInterrupt):
        up.start_engine(config_from({"KAIROS_HOME": str(tmp_path)}), has_jobs=True, has_shop=False)
    assert began[0].poll() == 1
    assert (tmp_path / "logs" / "supervisor.log").read_text().endswith("ended in order\n")
    assert lines[1:] == [
        f"stopping all; the log, the store and the checkpoints in {tmp_path} are kept: `kairos up` goes on from them"
    ]


def test_who_does_not_end_in_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "STOP_S_MAX", 0.1)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        up._stop(process)
    assert process.returncode == -9


def test_of_a_log_that_goes_on_only_what_is_new_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert (Said(log, is_new=False).more(), Said(log, is_new=True).last()) == ([], "")
    log.write_text("one\ntwo\n")
    said = Said(log, is_new=False)
    assert (said.more(), said.last()) == ([], "two")
    log.write_text("one\ntwo\nthree\n")
    assert (said.more(), said.more(), said.last()) == (["three"], [], "three")
    assert Said(log, is_new=True).more() == ["one", "two", "three"]
