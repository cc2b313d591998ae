"""What the command line prints: lines on the terminal, one JSON object where a program reads."""

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

PIPED_WIDTH: Final = 160
"""Columns of a table that goes to a file or another program."""
STDOUT: Final = Console(
    highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH
)
STDERR: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line of progress, on standard error, so that `--json` stays readable for programs."""
    STDERR.print(line, markup=False, style="dim")


def show(line: str) -> None:
    """One line of result."""
    STDOUT.print(line, markup=False)


def show_json(value: Any) -> None:
    """The one object of a `--json` run."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for at, column in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    STDOUT.print(table)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` of all lie (nearest rank); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _text(cell: object) -> str:
    return f"{cell:,.1f}" if isinstance(cell, float) else str(cell)
