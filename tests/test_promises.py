"""What SECURITY.md and the threat model promise names the test that holds it, and what any page or comment names is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = ("SECURITY.md", "docs/threat-model.md")
NAMED: Final = re.compile(r"(?:^|[\s`(])(?P<file>[\w./-]*)::(?P<name>test_\w+)")
ITEM: Final = re.compile(r"^- .*(?:\n  .*)*", re.MULTILINE)


def named(text: str) -> Iterator[tuple[str, str]]:
    """File and test; a test without a file is of the file named before it."""
    file = ""
    for one in NAMED.finditer(text):
        file = one["file"] or file
        yield file, one["name"]


def promises(page: str) -> list[str]:
    """The rows of its table and the items of its lists."""
    text = (ROOT / page).read_text()
    rows = [one for one in text.splitlines() if one.startswith("| ")]
    return [one for one in rows if not one.startswith(("| who,", "| ---"))] + ITEM.findall(text)


@pytest.mark.parametrize("page", PAGES)
def test_each_promise_names_a_test(page: str) -> None:
    found = promises(page)
    assert len(found) > 5
    assert [one for one in found if not list(named(one))] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_a_page_names_is_there(page: str) -> None:
    missing = []
    for file, name in named((ROOT / page).read_text()):
        path = ROOT / file
        if not path.is_file() or not re.search(
            rf"^ *(?:async )?def {name}\(", path.read_text(), re.MULTILINE
        ):
            missing.append(f"{file}::{name}")
    assert missing == []


def test_a_promise_without_a_test_and_a_test_that_is_gone_are_found() -> None:
    assert list(named("- Nothing happens.")) == []
    assert list(named("(`tests/a.py::test_b`, `::test_c[x]`)")) == [
        ("tests/a.py", "test_b"),
        ("tests/a.py", "test_c"),
    ]


OURS: Final = re.compile(
    r"(?<![\w./-])((?:tests|udfs|jobs|scripts|channels|schemas|models|log|docs|docker)/[\w/-]+\.\w+)"
)
WRITTEN: Final = ("*.md", "docs/*.md", "*/**/*.py", "pyproject.toml", "Makefile", ".ci/run")
PAST: Final = ("CHANGELOG.md", "tests/test_promises.py")


def gone(text: str) -> set[str]:
    """The files of the project that a text names and that are not there."""
    return {one for one in OURS.findall(text) if not (ROOT / one).exists()}


def test_every_file_that_a_page_or_a_comment_names_is_there() -> None:
    pages = [
        path
        for pattern in WRITTEN
        for path in ROOT.glob(pattern)
        if not path.relative_to(ROOT).parts[0].startswith((".venv", ".kairos"))
    ]
    assert len(pages) > 500
    missing = {
        str(path.relative_to(ROOT)): found
        for path in pages
        if str(path.relative_to(ROOT)) not in PAST and (found := gone(path.read_text()))
    }
    assert missing == {}


def test_a_file_that_is_gone_is_found() -> None:
    assert gone("see `udfs/nothing.py`, docs/benchmarks.md") == {"udfs/nothing.py"}
