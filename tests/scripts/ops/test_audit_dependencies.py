"""The audit of dependencies: holes are named, what was not asked is not called whole, no network is no fault."""

from pathlib import Path

import msgspec
import pytest

from jobs.config import PROJECT
from scripts.ops.audit_dependencies import audit, verdict

WHOLE = {"name": "good", "version": "1", "vulns": []}
HOLE = {
    "name": "bad",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}],
}
NOT_ASKED = {"name": "unknown", "skip_reason": "not on PyPI"}


def said(*dependencies: object) -> tuple[str, bool]:
    found = verdict(msgspec.json.encode({"dependencies": dependencies, "fixes": []}), "")
    return "\n".join(found.lines), found.has_holes


def test_a_hole_is_named_with_what_mends_it() -> None:
    text, has_holes = said(WHOLE, HOLE)
    assert has_holes
    assert "bad 2: PYSEC-1, mended in 3" in text
    assert "2 of 2 packages of the lock were audited, 1 known holes" in text


def test_what_the_index_does_not_know_is_not_called_audited() -> None:
    assert said(WHOLE, NOT_ASKED) == (
        "1 of 2 packages of the lock were audited, 0 known holes",
        False,
    )
    assert said(NOT_ASKED)[0].startswith("the audit of dependencies was left out")


def test_without_a_network_it_is_left_out_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    requirements = tmp_path / "lock.txt"
    requirements.write_text(f"itsdangerous==2.2.0 --hash=sha256:{'0' * 64}\n")
    found = audit(requirements)
    assert found.has_holes is False
    assert len(found.lines) == 1
    assert found.lines[0].startswith("the audit of dependencies was left out: ")


@pytest.mark.parametrize("name", ["Makefile", ".ci/run"])
def test_modules_that_are_run_beside_the_command_are_found(name: str) -> None:
    """Python with -P looks for nothing in the folder it runs in, so the line has to say where ours are."""
    lines = [line for line in (PROJECT / name).read_text().splitlines() if "python -P -m " in line]
    assert lines
    for line in lines:
        assert line.strip().startswith("PYTHONPATH=. "), line
        module = line.partition("python -P -m ")[2].split()[0]
        assert (PROJECT / f"{module.replace('.', '/')}.py").is_file(), line
