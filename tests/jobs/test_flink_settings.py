"""From which checkpoint a run goes on, and what is tidied up; settings that must not be lost."""

import os
from pathlib import Path

from jobs.flink_settings import (
    CHECKPOINTS_KEPT,
    RunSettings,
    copy_code,
    flink_settings,
    newest_checkpoint,
)


def run_settings(tmp_path: Path, **changes: object) -> RunSettings:
    run = RunSettings(
        2, 1_000, tmp_path.as_uri(), None, tmp_path, (), "localhost", 8081, is_remote=False
    )
    return run._replace(**changes)  # type: ignore[arg-type]


def write_checkpoint(folder: Path, name: str, at: int, is_complete: bool = True) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "state").touch()
    if is_complete:
        (path / "_metadata").touch()
        os.utime(path / "_metadata", (at, at))
    return path


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "missing") is None


def test_newest_complete_one_of_any_run_is_taken(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "run-a/chk-900", at=10)
    newest = write_checkpoint(tmp_path, "run-b/chk-7", at=20)
    write_checkpoint(tmp_path, "run-b/chk-8", at=30, is_complete=False)
    assert newest_checkpoint(tmp_path) == newest


def test_old_and_incomplete_ones_are_deleted(tmp_path: Path) -> None:
    for at in range(CHECKPOINTS_KEPT + 2):
        write_checkpoint(tmp_path, f"run-{at}/chk-1", at)
    write_checkpoint(tmp_path, "run-x/chk-1", at=99, is_complete=False)
    newest_checkpoint(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f"run-{at}" for at in range(2, CHECKPOINTS_KEPT + 2)]


def test_an_operator_without_a_uid_is_refused_by_flink(tmp_path: Path) -> None:
    assert flink_settings(run_settings(tmp_path))["pipeline.auto-generate-uids"] == "false"


def test_state_is_restored_only_where_asked(tmp_path: Path) -> None:
    name = "execution.state-recovery.path"
    assert name not in flink_settings(run_settings(tmp_path))
    restored = flink_settings(run_settings(tmp_path, restore_from="file:///chk-1"))
    assert restored[name] == "file:///chk-1"


def test_cluster_is_given_the_jars(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    remote = flink_settings(run_settings(tmp_path, is_remote=True, jars=(jar,)))
    assert remote["execution.target"] == "remote"
    assert remote["pipeline.jars"] == jar.as_uri()


def test_cluster_is_given_our_code_with_its_wire_schemas(tmp_path: Path) -> None:
    folder = copy_code(tmp_path / "code")
    assert (folder / "schemas" / "avro" / "event.v1.avsc").is_file()
    assert (folder / "jobs" / "operators.py").is_file()
    assert not list(folder.rglob("__pycache__"))
