import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import left_out

PROJECT = Path(__file__).resolve().parents[3]
LAUNCHER = PROJECT / "kairos"
# Stands in for Python: says what it was called with, where, and by which process.
PYTHON = '#!/bin/sh\necho "$$ $PWD $PYTHONPATH" "$@"\n'
UV = '#!/bin/sh\n[ "$1" = --version ] || echo "$*" >>"$UV_CALLS"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "the project"
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(LAUNCHER, root / "kairos")
    for name in ("uv.lock", "pyproject.toml", ".python-version"):
        (root / name).write_text(name, encoding="utf-8")
    script(root / ".venv" / "bin" / "python", PYTHON)
    script(tmp_path / "bin" / "uv", UV)
    return root


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def environment(launcher: Path) -> dict[str, str]:
    tools = launcher.parent.parent / "bin"
    return {"PATH": f"{tools}:/usr/bin:/bin", "UV_CALLS": str(tools / "calls")}


def run(launcher: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    settings = environment(launcher) | changes
    return subprocess.run(
        (launcher, *arguments), cwd="/", env=settings, capture_output=True, text=True, check=False
    )


def calls(project: Path) -> list[str]:
    written = project.parent / "bin" / "calls"
    return written.read_text(encoding="utf-8").splitlines() if written.exists() else []


def test_the_launcher_is_valid_shell() -> None:
    subprocess.run(("sh", "-n", LAUNCHER), check=True)
    assert os.access(LAUNCHER, os.X_OK)


def test_it_synchronises_once_until_the_lock_changes(project: Path) -> None:
    said = [run(project / "kairos", "status") for _ in range(2)]
    assert [one.returncode for one in said] == [0, 0]
    assert calls(project) == [f"sync --quiet --frozen --project {project}"]
    assert len(said[0].stderr.splitlines()) == 1, (
        "one line where the package manager has over a hundred"
    )
    assert said[1].stderr == ""
    (project / "uv.lock").write_text("newer", encoding="utf-8")
    run(project / "kairos", "status")
    assert len(calls(project)) == 2


def test_a_failed_synchronisation_is_tried_again(project: Path) -> None:
    script(project.parent / "bin" / "uv", '#!/bin/sh\n[ "$1" = --version ]\n')
    done = run(project / "kairos", "status")
    assert done.returncode == 2
    assert "connect to the internet and start again" in done.stderr
    script(project.parent / "bin" / "uv", UV)
    assert run(project / "kairos", "status").returncode == 0
    assert len(calls(project)) == 1


def test_arguments_and_the_working_folder_are_kept(project: Path) -> None:
    said = run(project / "kairos", "import", "my file.jsonl").stdout.split(" ", 1)[1]
    assert said == f"/ {project} -P -m scripts import my file.jsonl\n"


def test_tests_run_in_the_project(project: Path) -> None:
    said = run(project / "kairos", "test", "-k", "x").stdout.split(" ", 1)[1]
    few = "-m not stack and not cluster and not browser and not long"
    assert said == f"{project} {project} -P -m pytest -n 2 {few} -k x\n"
    said = run(project / "kairos", "test", "--all", "-m", "cluster").stdout.split(" ", 1)[1]
    assert said == f"{project} {project} -P -m pytest -n 2 -m cluster\n"


def test_all_tests_are_suites_one_after_the_other(project: Path) -> None:
    """Each test is of exactly one of them."""
    said = run(project / "kairos", "test", "--all", "-k", "x").stdout.splitlines()
    calls = [one for one in said if " -m pytest -n 2 -m " in one]
    suites = [one.partition("-n 2 -m ")[2].removesuffix(" -k x") for one in calls]
    marks = ("stack", "cluster", "browser", "long")
    for has in product((False, True), repeat=len(marks)):
        marked = dict(zip(marks, has, strict=True))
        assert sum(bool(eval(one, {}, marked)) for one in suites) == 1, marked


def test_a_suite_that_fails_is_named_at_the_end_and_the_others_run(project: Path) -> None:
    fails = '#!/bin/sh\ncase "$*" in *"cluster or browser"*) exit 1 ;; *stack*) exit 5 ;; esac\n'
    script(project / ".venv" / "bin" / "python", fails)
    done = run(project / "kairos", "test", "--all")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "== not green: tests that are cluster or browser"


def test_a_symbolic_link_finds_the_project(project: Path) -> None:
    link = project.parent / "bin" / "link"
    link.symlink_to("../the project/kairos")
    run(project / "kairos")
    assert f" {project} -P" in run(link, UV_CALLS=str(link.with_name("calls"))).stdout


def test_the_launchers_process_becomes_python(project: Path) -> None:
    launcher = project / "kairos"
    with subprocess.Popen(
        (launcher,), env=environment(launcher), stdout=subprocess.PIPE, text=True
    ) as process:
        said, _ = process.communicate()
    assert said.split()[0] == str(process.pid)


def test_without_uv_and_without_python_it_says_so(project: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in ("sh", "dirname", "readlink", "cat", "cksum", "mkdir"):
        (bare / tool).symlink_to(shutil.which(tool) or "")
    done = run(project / "kairos", PATH=str(bare))
    assert done.returncode == 2
    assert "install Python 3.11" in done.stderr
    script(bare / "python3", "#!/bin/sh\nexit 1\n")
    done = run(project / "kairos", PATH=str(bare))
    assert done.returncode == 2
    assert "neither ensurepip nor pip" in done.stderr


def test_what_was_left_out_is_said_last() -> None:
    said = run(LAUNCHER, "test", "-n", "0", "-q", "tests/jobs/stack/test_causes.py").stdout
    assert said.splitlines()[-1] == left_out(
        "not stack and not cluster and not browser and not long"
    )


def test_what_was_left_out_is_named_by_its_marks_or_by_what_was_asked() -> None:
    assert left_out("not stack and not long") == (
        "left out: tests marked stack, long; `./kairos test --all` has them"
    )
    assert left_out("(cluster or browser) and not long") == (
        "left out: tests not ((cluster or browser) and not long); `./kairos test --all` has them"
    )
