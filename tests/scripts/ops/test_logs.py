"""Logs are shown from their newest lines on, and followed over restarts, which begin a new file."""

from pathlib import Path

import pytest

from jobs.config import Config, config_from
from schemas.errors import ConfigError
from scripts.ops import logs
from scripts.ops.logs import FILES, Log, show_logs


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "logs").mkdir()
    return config_from({"KAIROS_HOME": str(tmp_path)})


def test_what_comes_is_told_once_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    log = Log(path)
    assert (log.newest(5), log.more()) == ([], [])
    path.write_text("one\ntwo\nthr")
    assert log.more() == ["one", "two"]
    with path.open("a") as file:
        file.write("ee\n")
    assert (log.more(), log.more()) == (["three"], [])
    again = Log(path)
    assert (again.newest(2), again.more()) == (["two", "three"], [])


def test_a_successor_and_an_emptied_log_are_read_from_their_beginning(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    path.write_text("before\n" * 9)
    log = Log(path)
    log.newest(1)
    path.replace(tmp_path / "kafka.log.1")
    assert log.more() == [], "it is being started"
    path.write_text("after\n" * 10)
    assert log.more() == ["after"] * 10
    path.write_text("emptied\n")
    assert log.more() == ["emptied"]


def test_one_service_or_all_with_their_names(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (config.home / "logs" / "valkey.log").write_text("ready\n\x1b[2Jsteered\n")
    (config.home / "logs" / "decide.log").write_text("decides\n" * 99)
    show_logs(config, "redis", None, is_followed=False)
    assert capsys.readouterr().out == "ready\n\\x1b[2Jsteered\n"
    show_logs(config, None, 1, is_followed=False)
    assert capsys.readouterr().out == "redis      | \\x1b[2Jsteered\nflink      | decides\n"
    show_logs(config, "flink", None, is_followed=False)
    assert capsys.readouterr().out.count("decides") == logs.LINES

    def comes(_: float) -> None:
        if (config.home / "logs" / "api.log").exists():
            raise KeyboardInterrupt
        (config.home / "logs" / "api.log").write_text("asked\n")

    monkeypatch.setattr("scripts.ops.logs.time.sleep", comes)
    with pytest.raises(KeyboardInterrupt):
        show_logs(config, None, 1, is_followed=True)
    assert capsys.readouterr().out.endswith("api        | asked\n")


def test_what_cannot_be_shown_says_what_can(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"nothing has been logged in .*: `kairos up` starts it"):
        show_logs(config, None, None, is_followed=False)
    with pytest.raises(ConfigError, match=r"^api has not logged anything in "):
        show_logs(config, "api", None, is_followed=False)
    with pytest.raises(ConfigError, match=f"no service 'valkey': name one of {', '.join(FILES)}$"):
        show_logs(config, "valkey", None, is_followed=False)
