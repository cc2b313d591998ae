"""What the command line prints: lines on the terminal, one JSON object where a program reads."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # what prints is loaded when something is printed: `--version` needs none of it
    from rich.console import Console

PIPED_WIDTH: Final = 160
"""Columns of a table that goes to a file or another program."""
STEERING: Final = ("Cc", "Cf", "Zl", "Zp", "Cs")
"""Unicode's control and format characters, line and paragraph separators, lone surrogates."""
JOINERS: Final = "\u200c\u200d"
"""Letters of many scripts are written with these."""


@cache
def stdout() -> "Console":
    """Where results go."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(highlight=False, soft_wrap=True, width=width)


@cache
def stderr() -> "Console":
    """Where progress and complaints go."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line of progress, on standard error, so that `--json` stays readable for programs."""
    stderr().print(_lines(line), markup=False, style="dim")


def show(line: str) -> None:
    """One line of result."""
    stdout().print(_lines(line), markup=False)


def complain(line: str) -> None:
    """What went wrong, on standard error."""
    stderr().print(_lines(line), markup=False, style="red")


def show_json(value: Any) -> None:
    """The one object of a `--json` run."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold")
    for at, column in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(cell)) for cell in row))
    stdout().print(table)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` of all lie (nearest rank); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def harmless(text: str) -> str:
    """The text with what would steer a terminal (escapes, line ends, turned writing) spelled out.

    Ids, queries and names come from anybody: shown as they are, they could rewrite what an operator reads.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(one.encode("unicode_escape").decode() if _steers(one) else one for one in text)


def _steers(one: str) -> bool:
    return unicodedata.category(one) in STEERING and one not in JOINERS


def _lines(text: str) -> str:
    return "\n".join(map(harmless, text.expandtabs().split("\n")))


def _text(cell: object) -> str:
    return f"{cell:,.1f}" if isinstance(cell, float) else harmless(str(cell))
