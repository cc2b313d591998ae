"""One thing is one thing wherever a command counts: `1 action`, never `1 actions`."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from jobs.config import PROJECT
from schemas.counted import counted

NOUNS: Final = {
    "actions", "candidates", "decisions", "duplicates", "entries", "epochs", "events", "examples", "exposures", "features", "files",
    "items", "lines", "mistakes", "models", "packages", "people", "policies", "records", "rows", "rules", "traces", "vectors",
}  # fmt: skip
"""What commands count."""


def test_a_number_stands_with_the_right_form_of_its_noun() -> None:
    assert counted(0, "action") == "0 actions"
    assert counted(1, "action") == "1 action"
    assert counted(1_234, "line") == "1,234 lines"
    assert (counted(1, "person", "people"), counted(2, "person", "people")) == (
        "1 person",
        "2 people",
    )


def counted_by_hand(source: str) -> Iterator[str]:
    """Where a text puts a number before a plural; a bound in capitals, and `1 of 3 lines`, are no such places."""
    for text in ast.walk(ast.parse(source)):
        if not isinstance(text, ast.JoinedStr):
            continue
        parts = text.values
        for at, (number, after) in enumerate(pairwise(parts)):
            if not isinstance(number, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            before = parts[at - 1] if at else None
            is_of = isinstance(before, ast.Constant) and str(before.value).endswith(" of ")
            words = str(after.value).split()
            is_plural = (
                str(after.value).startswith(" ") and words and words[0].strip(".,;:)") in NOUNS
            )
            if is_plural and not is_of and not ast.unparse(number.value).isupper():
                yield f"{text.lineno}: {ast.unparse(number.value)} {words[0]}"


def test_no_command_counts_by_hand() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{one}"
        for path in sorted((PROJECT / "scripts").rglob("*.py"))
        if not {"bench", "demo"} & {*path.parts}
        for one in counted_by_hand(path.read_text())
    ]
    assert found == []


def test_a_count_by_hand_is_found() -> None:
    assert list(
        counted_by_hand('f"{n} of {m:,} lines; {n:,} lines, {N_MAX} lines, {n} times"')
    ) == ["1: n lines,"]
