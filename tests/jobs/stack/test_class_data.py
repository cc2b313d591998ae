"""Class data on a real JVM: noted by a first start, made by the second, mapped by all later ones, and never in the way."""

import os
import subprocess
from pathlib import Path

import pytest

from jobs.config import PROJECT
from jobs.stack import class_data
from jobs.stack.class_data import shared_classes
from jobs.stack.jars import jar_paths
from jobs.stack.java import java_command, java_home

CLASSES = 2_000
"""Fewer than the tool of these tests loads."""


@pytest.fixture(scope="module")
def jars() -> tuple[Path, ...]:
    return jar_paths("kafka", PROJECT / ".kairos" / "jars", print)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(class_data, "NOTED_MIN", CLASSES)
    return tmp_path / "data"


def run(jars: tuple[Path, ...], *options: str) -> "subprocess.CompletedProcess[str]":
    """A start that loads some thousand classes."""
    command = java_command(jars, "kafka.tools.StorageTool", ["random-uuid"], options)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_third_start_maps_what_the_first_has_noted(
    jars: tuple[Path, ...], folder: Path
) -> None:
    said: list[str] = []

    def options() -> tuple[str, ...]:
        return shared_classes("kafka", jars, folder, (), said.append)

    (noting,) = options()
    assert noting.startswith("-XX:DumpLoadedClassList=")
    assert run(jars, noting).returncode == 0
    assert not said
    (shared,) = options()
    assert len(said) == 1
    [archive] = folder.glob("classes-*")  # the list is gone
    assert shared == f"-XX:SharedArchiveFile={archive}"
    # with `on` a JVM that cannot use it would not start
    assert run(jars, shared, "-Xshare:on").returncode == 0
    loaded = run(jars, shared, "-Xlog:class+load").stdout.splitlines()
    ours = [one for one in loaded if " kafka." in one or "org.apache.kafka." in one]
    assert sum("shared objects file" in one for one in ours) > len(ours) / 2 > 10
    assert options() == (shared,)
    assert len(said) == 1


def test_what_belongs_to_another_class_path_is_made_anew_and_replaced(
    jars: tuple[Path, ...], folder: Path
) -> None:
    run(jars, *shared_classes("kafka", jars, folder))
    (before,) = shared_classes("kafka", jars, folder)
    run(jars[1:], *shared_classes("kafka", jars[1:], folder))
    (after,) = shared_classes("kafka", jars[1:], folder)
    assert before != after
    assert [f"-XX:SharedArchiveFile={one}" for one in folder.iterdir() if one.suffix == ".jsa"] == [
        after
    ]
    assert run(jars, before).returncode == 0, "a JVM whose archive is gone starts without it"


def noted(jars: tuple[Path, ...], folder: Path, pid: int, lines: int) -> Path:
    """A list as a JVM leaves it, of classes that are not there."""
    (noting,) = shared_classes("kafka", jars, folder)
    path = Path(noting.partition("=")[2].replace("%p", f"pid{pid}"))
    path.write_text("no/Such id: 1\n" * lines)
    return path


def test_a_list_that_is_being_written_or_was_broken_off_is_not_used(
    jars: tuple[Path, ...], folder: Path
) -> None:
    noted(jars, folder, os.getpid(), CLASSES)
    noted(jars, folder, 2**22 + 1, CLASSES - 1)
    (noting,) = shared_classes("kafka", jars, folder)
    assert noting.startswith("-XX:DumpLoadedClassList=")


def test_a_jvm_that_makes_no_archive_is_not_asked_again(
    jars: tuple[Path, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(jars, folder, 2**22 + 1, CLASSES)
    assert shared_classes("kafka", jars, folder, ("-XX:NoSuchOption",)) == ()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked again"))
    assert shared_classes("kafka", jars, folder) == ()


def test_a_folder_that_cannot_be_written_is_no_hindrance(
    jars: tuple[Path, ...], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert shared_classes("kafka", jars, in_the_way / "data") == ()
    assert (java_home() / "release").is_file(), "which the name of an archive is made from"
