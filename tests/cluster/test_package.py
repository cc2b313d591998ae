"""The archive for a cluster: all that the job needs, the same bytes each time; which code it is."""

import shutil
import tarfile
from pathlib import Path

import pytest

from jobs.code import IMPORTED, OtherCode, check_code, code_digest
from jobs.config import PROJECT, Config, config_from
from schemas.errors import ConfigError
from scripts.ops.package import describe, package


def config_of(home: Path) -> Config:
    return config_from({"KAIROS_HOME": str(home)})


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(config_of(PROJECT / ".kairos"), tmp_path_factory.mktemp("out") / "k.tar.gz")


def test_the_archive_holds_code_lock_jars_and_a_guide(archive: Path) -> None:
    with tarfile.open(archive) as file:
        names = set(file.getnames())
        guide = file.extractfile("k/README")
        assert guide is not None
        text = guide.read().decode()
    wanted = {
        "k/code/jobs/run_decide.py", "k/code/schemas/avro/event.v1.avsc", "k/lock/uv.lock",
        "k/lib/flink-python-2.3.0.jar", "k/conf/config.yaml",
    }  # fmt: skip
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name]
    assert f"code {code_digest()}, for Flink 2.3.0" in text
    found = describe(archive)
    assert any(jar.startswith("flink-sql-connector-kafka") for jar in found["jars"])
    assert found["modules"] > 50


def test_the_same_project_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = package(config_of(PROJECT / ".kairos"), tmp_path / "k.tar.gz")
    assert again.read_bytes() == archive.read_bytes()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        package(config_of(PROJECT / ".kairos"), tmp_path / "none" / "k.tar.gz")


def test_a_task_manager_with_other_code_refuses_a_job(tmp_path: Path) -> None:
    check_code(None)
    check_code(IMPORTED)
    with pytest.raises(OtherCode, match="`kairos upgrade` brings them"):
        check_code("0123456789abcdef")
    for name in ("schemas", "jobs"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    before = code_digest(tmp_path)
    (tmp_path / "jobs" / "decide.py").write_text("changed = True\n")
    assert code_digest(tmp_path) != before
