"""From which checkpoint a run goes on, and what is tidied up; settings that must not be lost."""

import os
from pathlib import Path

import pytest

from jobs.flink.settings import (
    CHECKPOINTS_KEPT,
    RunSettings,
    copy_code,
    flink_settings,
    folder_uri,
    local_path,
    newest_checkpoint,
    newest_state,
)


def run_settings(tmp_path: Path, **changes: object) -> RunSettings:
    run = RunSettings(
        2, True, 1_000, tmp_path.as_uri(), None, tmp_path, (), "localhost", 8081, is_remote=False
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


def test_a_stopped_job_goes_on_from_its_savepoint_which_is_never_deleted(tmp_path: Path) -> None:
    checkpoints, savepoints = tmp_path / "checkpoints", tmp_path / "savepoints"
    assert newest_state(checkpoints, savepoints) is None
    older = write_checkpoint(savepoints, "savepoint-1", at=10)
    stopped = write_checkpoint(savepoints, "savepoint-2", at=20)
    write_checkpoint(savepoints, "savepoint-3", at=30, is_complete=False)
    assert newest_state(checkpoints, savepoints) == stopped, "stopping deletes the checkpoints"
    went_on = write_checkpoint(checkpoints, "run-b/chk-1", at=25)
    assert newest_state(checkpoints, savepoints) == went_on
    assert newest_state(checkpoints, None) == went_on
    assert older.is_dir()


@pytest.mark.parametrize("name", ["plain", "with space", "a%20b", "c#d?e"])
def test_a_folder_is_named_as_flink_reads_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    assert folder_uri(folder) == f"file://{folder}"
    assert local_path(folder_uri(folder)) == folder
    assert folder_uri(folder_uri(folder) + "/") == folder_uri(folder)


def test_a_path_is_found_in_any_form_of_a_files_uri() -> None:
    for uri in ("file:/a b", "file:///a b", "file://localhost/a b"):
        assert local_path(uri) == Path("/a b")
    assert local_path("s3://bucket/a") is None
    assert local_path("/a") is None


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
