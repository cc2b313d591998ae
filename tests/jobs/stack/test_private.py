"""A home is its owner's alone, and what a child is told is what it reads."""

import stat
import sys
from pathlib import Path

import pytest

from jobs.config import config_from
from jobs.stack.doctor import checks
from jobs.stack.environment import (
    api_environment,
    job_environment,
    plain_environment,
    store_environment,
)
from jobs.stack.private import make_private
from jobs.stack.process import Child, Process
from jobs.stack.stack import Stack
from tests.jobs.stack.conftest import JARS

SECRET = "hush-hush-hush-hush-hush-hush-hush-hush"


def others(path: Path) -> int:
    """What group and others may do."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077


def everything_in(home: Path) -> list[Path]:
    return [home, *(one for one in home.rglob("*") if not one.is_symlink())]


def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "home")
    assert stat.S_IMODE((tmp_path / "a" / "home").stat().st_mode) == 0o700


def test_an_open_home_of_before_is_closed_with_all_that_is_in_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    config = config_from({"KAIROS_HOME": str(home)})
    (home / "kafka" / "log").mkdir(parents=True)
    (home / "jars").mkdir()
    shared = tmp_path / "shared"
    shared.mkdir()
    (home / "link").symlink_to(shared)
    key = home / "kafka" / "log" / "key"
    key.write_text("secret")
    for path, mode in (
        (key, 0o644),
        (home / "kafka", 0o755),
        (home / "jars", 0o755),
        (home, 0o755),
        (shared, 0o755),
    ):
        path.chmod(mode)
    assert not next(one for one in checks(config) if one.name == "home").is_ok
    make_private(home)
    assert [one for one in (home, key.parent, key, home / "kafka") if others(one)] == []
    assert others(home / "jars") == others(shared) == 0o055, "caches of public files may be shared"
    assert next(one for one in checks(config) if one.name == "home").is_ok


@pytest.mark.e2e
def test_what_the_servers_and_the_stack_write_is_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    with Stack(home, jars=JARS) as stack:
        stack.start()
        found = {one for one in everything_in(home) if others(one)}
    assert found == set()
    assert (home / "kafka" / "log" / "meta.properties").exists()


def test_what_a_child_writes_is_closed_to_others(tmp_path: Path) -> None:
    code = "import os; open('made', 'w').close(); os.mkdir('folder')"
    child = Child("writes", (sys.executable, "-c", code), lambda _: True, folder=tmp_path)
    with Process(child, tmp_path / "logs") as process:
        process.wait_until_done()
    assert {others(tmp_path / one) for one in ("made", "folder")} == {0}


def test_each_child_is_told_only_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_API_SECRET", SECRET)
    config = config_from({"KAIROS_API_SECRET": SECRET, "KAIROS_SEED": "mine"})
    assert api_environment(config)["KAIROS_API_SECRET"] == SECRET
    jobs = job_environment(config)
    assert jobs["KAIROS_SEED"] == "mine"
    for environment in (jobs, store_environment(config), plain_environment()):
        assert SECRET not in environment.values()
        assert [one for one in environment if one.startswith("KAIROS_API")] == []


def test_a_server_is_told_none_of_our_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIROS_API_SECRET", SECRET)
    child = Child("server", ("sleep", "600"), lambda _: True)
    with Process(child, tmp_path) as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"KAIROS" not in environment
