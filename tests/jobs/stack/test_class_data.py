"""Class data on a real JVM: noted by a first start, made by the second, mapped by all later ones, and never in the way."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from jobs.config import PROJECT
from jobs.stack import class_data
from jobs.stack.alone import alone
from jobs.stack.class_data import ClassData
from jobs.stack.jars import jar_paths
from jobs.stack.java import java_command, java_home

CLASSES = 2_000
"""Fewer than the tool of these tests loads."""


@pytest.fixture(scope="module")
def jars() -> tuple[Path, ...]:
    return jar_paths("kafka", PROJECT / ".kairos" / "jars", print)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(class_data.NOTED_MIN, "kafka", CLASSES)
    # at low priority on a busy machine it takes as long as it takes
    monkeypatch.setattr(class_data, "MAKE_S_MAX", 600.0)
    return tmp_path / "data"


def of(jars: tuple[Path, ...], folder: Path, *options: str) -> ClassData:
    return ClassData("kafka", jars, options, folder)


def run(jars: tuple[Path, ...], *options: str) -> "subprocess.CompletedProcess[str]":
    """A start that loads some thousand classes."""
    command = java_command(jars, "kafka.tools.StorageTool", ["random-uuid"], options)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_third_start_maps_what_the_first_has_noted(
    jars: tuple[Path, ...], folder: Path
) -> None:
    said: list[str] = []

    def options() -> tuple[str, ...]:
        return of(jars, folder).at_start(said.append)

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


def test_another_class_path_has_its_own_and_what_nobody_uses_goes(
    jars: tuple[Path, ...], folder: Path
) -> None:
    run(jars, *of(jars, folder).at_start())
    (before,) = of(jars, folder).at_start()
    run(jars[1:], *of(jars[1:], folder).at_start())
    (after,) = of(jars[1:], folder).at_start()
    assert before != after
    archive = Path(before.partition("=")[2])
    assert archive.exists(), "another checkout may use it"
    os.utime(archive, (0, 0))
    assert of(jars[1:], folder).at_start() == (after,)
    assert not archive.exists()
    assert run(jars, before).returncode == 0, "a JVM whose archive is gone starts without it"


def noted(jars: tuple[Path, ...], folder: Path, pid: int, lines: int) -> Path:
    """A list as a JVM leaves it, of classes that are not there."""
    (noting,) = of(jars, folder).at_start()
    path = Path(noting.partition("=")[2].replace("%p", f"pid{pid}"))
    path.write_text("no/Such id: 1\n" * lines)
    return path


def test_a_list_that_is_being_written_or_was_broken_off_is_not_used(
    jars: tuple[Path, ...], folder: Path
) -> None:
    noted(jars, folder, os.getpid(), CLASSES)
    noted(jars, folder, 2**22 + 1, CLASSES - 1)
    (noting,) = of(jars, folder).at_start()
    assert noting.startswith("-XX:DumpLoadedClassList=")


def test_beside_a_jvm_that_runs_it_is_made_once_that_loads_no_more(
    jars: tuple[Path, ...], folder: Path
) -> None:
    data = of(jars, folder)
    (noting,) = data.at_once()
    run(jars, noting)
    [ended] = folder.glob("*.list")
    running = ended.rename(str(ended).replace(ended.suffixes[-2], f".pid{os.getpid()}"))
    assert not data.make_beside(lambda: False)
    assert data.at_once() == (noting,), "nobody waits for it"
    with running.open("a") as file:
        file.write("half/a/li")
    past_s = running.stat().st_mtime - class_data.SETTLED_S - 1
    os.utime(running, (past_s, past_s))
    assert not data.make_beside(lambda: True)
    assert not list(folder.glob("*.jsa")), "the end came before"
    assert data.make_beside(lambda: False)
    (shared,) = data.at_once()
    assert run(jars, shared, "-Xshare:on").returncode == 0
    assert running.exists(), "it is written by that JVM"


def test_a_jvm_that_makes_no_archive_is_asked_again_after_a_day(
    jars: tuple[Path, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(jars, folder, 2**22 + 1, CLASSES)
    assert of(jars, folder, "-XX:NoSuchOption").at_start() == ()
    noted_again = folder / f"{next(folder.glob('*.jsa')).stem}.pid{2**22 + 1}.list"
    noted_again.write_text("no/Such id: 1\n" * CLASSES)
    with monkeypatch.context() as patch:
        patch.setattr(class_data, "_run", lambda *_: pytest.fail("asked again"))
        assert of(jars, folder).at_start() == ()
    [refused] = folder.glob("*.jsa")
    os.utime(refused, (0, 0))
    (noting,) = of(jars, folder).at_start()
    assert noting.startswith("-XX:DumpLoadedClassList=")


@pytest.mark.parametrize("why", ["the end comes", "it takes too long", "another is at it"])
def test_what_was_broken_off_is_no_refusal(
    jars: tuple[Path, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    noted(jars, folder, 2**22 + 1, CLASSES)
    if why == "it takes too long":
        monkeypatch.setattr(class_data, "MAKE_S_MAX", 0.0)
    with contextlib.ExitStack() as stack:
        if why == "another is at it":
            stack.enter_context(alone(folder, "none", ".classes-kafka.lock"))
        data = of(jars, folder)
        (noting,) = data.at_start(is_ending=lambda: why == "the end comes")
    assert noting.startswith("-XX:DumpLoadedClassList=")
    assert not list(folder.glob("*.jsa"))


def test_a_folder_that_cannot_be_written_is_no_hindrance(
    jars: tuple[Path, ...], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert of(jars, in_the_way / "data").at_start() == ()
    assert (java_home() / "release").is_file(), "which the name of an archive is made from"
