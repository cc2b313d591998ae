"""docs/troubleshooting.md: each message that it explains is one that the code says, and every one has a cause and a remedy."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from jobs.config import PROJECT

PAGE: Final = (PROJECT / "docs" / "troubleshooting.md").read_text()
FOLDERS: Final = ("channels", "jobs", "log", "models", "schemas", "scripts", "udfs")
ROW: Final = re.compile(
    r"^\| (?P<message>`` [^|]+ ``|`[^`|]+`) \| (?P<why>[^|]+) \| (?P<do>[^|]+) \|$", re.M
)
BLANK: Final = "…"
"""Stands in a message for what is filled in."""


def unquoted(code: str) -> str:
    """What stands between the backticks, which may be two and a space where the message has some itself."""
    return code[3:-3] if code.startswith("`` ") else code[1:-1]


ROWS: Final = [
    (unquoted(one["message"]), one["why"].strip(), one["do"].strip()) for one in ROW.finditer(PAGE)
]


def texts_in(source: str) -> set[str]:
    """Every text of a source but its docstrings, with BLANK for what is filled in."""
    found = set()
    tree = ast.parse(source)
    docs = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in docs:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (
                str(one.value) if isinstance(one, ast.Constant) else BLANK for one in node.values
            )
            found.add("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(re.sub(r"\{[^}]*\}", BLANK, node.value))
    return found


@cache
def texts() -> tuple[str, ...]:
    """Every text of the code, but those that stand in for others' names only."""
    paths = (path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))
    found = set().union(*(texts_in(Path(one).read_text()) for one in paths))
    return tuple(one for one in found if " " in one)


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one[0][:60])
def test_a_message_is_one_that_the_code_says(row: tuple[str, str, str]) -> None:
    message, why, do = row
    assert any(message in one for one in texts()), "no such message: was it changed?"
    assert why
    assert do


def test_every_row_of_the_page_is_looked_at() -> None:
    lines = [one for one in PAGE.splitlines() if one.startswith("| `")]
    assert len(lines) == len(ROWS) > 50
    assert len({message for message, _, _ in ROWS}) == len(ROWS)


def test_a_message_that_was_changed_is_found() -> None:
    source = 'raise E(f"no {kind} at {place}: " "start it")\nHEAD = "see {file}"'
    assert "no … at …: start it" in texts_in(source)
    assert "see …" in texts_in(source)
    assert not any("no … in …" in one for one in texts_in(source))
