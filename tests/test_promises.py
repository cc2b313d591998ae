"""What SECURITY.md and the threat model promise names the test that holds it, and what any page or comment names is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from msgspec import inspect

from schemas.policy import Policy
from udfs.policy.compile_action import STAGES

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = ("SECURITY.md", "docs/threat-model.md", "docs/privacy.md")
NAMED: Final = re.compile(r"(?:^|[\s`(])(?P<file>[\w./-]*)::(?P<name>test_\w+)")
HEADS: Final = ("| who,", "| place |", "| room |", "| ---")
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
    return [one for one in rows if not one.startswith(HEADS)] + ITEM.findall(text)


@pytest.mark.parametrize("page", PAGES)
def test_each_promise_names_a_test(page: str) -> None:
    found = promises(page)
    assert len(found) > 5
    assert [one for one in found if not list(named(one))] == []


@pytest.mark.parametrize("page", [*PAGES, "docs/consent.md"])
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


LATER: Final = re.compile(
    r"later (?:issue|version|release)|next (?:issue|release)|some day|\b(?:TODO|FIXME|XXX)\b"
    r"|will be (?:built|added|enforced|made)|is planned|coming soon",
    re.IGNORECASE,
)


def put_off(text: str) -> set[str]:
    """What a text promises for another time."""
    return set(LATER.findall(text))


def test_nothing_is_promised_for_another_time() -> None:
    found = {
        str(path.relative_to(ROOT)): words
        for pattern in WRITTEN
        for path in ROOT.glob(pattern)
        if path.relative_to(ROOT).parts[0] not in (".venv", ".kairos", "tests")
        if str(path.relative_to(ROOT)) not in PAST and (words := put_off(path.read_text()))
    }
    assert found == {}


def test_what_is_put_off_is_found() -> None:
    assert put_off("Merging comes with a later issue.") == {"later issue"}
    assert put_off("The pages of a later session") == set()


IDLE: Final = {"Placement.page", "Policy.currency"}
"""Of a policy: what nothing decides by."""


def read_in(folder: str, files: str = "*.py") -> set[str]:
    """Every name that is read of something in a folder: `.name`."""
    return {
        node.attr
        for path in (ROOT / folder).rglob(files)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }


def fields_of(kind: inspect.Type, seen: set[type]) -> Iterator[tuple[type, str]]:
    """Each object in a policy with each of its fields, from the policy down."""
    match kind:
        case inspect.StructType() if kind.cls not in seen:
            seen.add(kind.cls)
            for field in kind.fields:
                yield kind.cls, field.name
                yield from fields_of(field.type, seen)
        case inspect.VarTupleType():
            yield from fields_of(kind.item_type, seen)
        case inspect.UnionType():
            for one in kind.types:
                yield from fields_of(one, seen)


def test_each_field_of_a_policy_is_read_by_the_core_or_a_verdict_or_says_that_nothing_is_decided_by_it() -> (
    None
):
    used = read_in("udfs") | read_in("models/experiments", "reading.py") | {*STAGES}
    used -= {"currency"}  # which is read of events
    fields = list(fields_of(inspect.type_info(Policy), set()))
    assert len(fields) > 80
    unread = {(of.__name__, name) for of, name in fields if name not in used}
    assert ("Policy", "currency") in unread
    assert [one for one in unread if ".".join(one) not in IDLE] == []


def test_what_nothing_is_decided_by_says_so() -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    for name in ("page", "currency"):
        (row,) = (one for one in page.splitlines() if one.startswith(f"| `{name}` |"))
        assert "for people who read the policy" in row
