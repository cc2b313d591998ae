"""Rows of CSV (RFC 4180) of which a broken one costs itself: after it, reading goes on at the next line that parses.

A quote that opens and never closes makes a plain reader take all lines behind it for one field. Here a row may go over
several lines only where its quotes close within ROW_LINES_MAX, and it then has as many columns as its header.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

ROW_LINES_MAX: Final = 200
ROW_CHARS_MAX: Final = 1_000_000
STILL_OPEN: Final = "unexpected end of data"
"""What the csv module says of a quote that is open at the end."""


class Row(NamedTuple):
    """The values of a row that begins at `line`, from 0; None where it cannot be read, and `fault` says why."""

    line: int
    text: str
    values: list[str] | None
    fault: str = ""


def read_rows(lines: Iterable[str], delimiter: str = ",") -> Iterator[Row]:
    """All rows, the header among them; of an empty line, no values. `lines` keep their ends."""
    source = iter(lines)
    ahead: deque[str] = deque()
    number, columns = 0, 0
    while True:
        ahead.extend(islice(source, 1 if not ahead else 0))
        if not ahead:
            return
        row, count = _row(number, ahead, source, columns, delimiter)
        columns = columns or len(row.values or ())
        yield row
        for _ in range(count):
            ahead.popleft()
        number += count


def _row(
    number: int, ahead: deque[str], source: Iterator[str], columns: int, delimiter: str
) -> tuple[Row, int]:
    """The row that begins with the first line ahead, and how many lines it takes."""
    text, first = "", None
    for count in range(1, ROW_LINES_MAX + 1):
        if count > len(ahead):
            ahead.extend(islice(source, 1))
        if count > len(ahead) or len(text) > ROW_CHARS_MAX:
            break
        text += ahead[count - 1]
        if count > 1 and '"' not in ahead[count - 1]:
            continue
        row = _parsed(number, text, delimiter, is_strict=count > 1)
        first = first or row
        if row.values is not None and (count == 1 or len(row.values) == columns):
            return row, count
        if count == 1 and row.fault != STILL_OPEN:
            break
    fault = "a quote is opened and not closed" if first and first.fault == STILL_OPEN else ""
    return Row(number, ahead[0], None, fault or (first.fault if first else "")), 1


def _parsed(number: int, text: str, delimiter: str, *, is_strict: bool) -> Row:
    try:
        return Row(number, text, next(csv.reader([text], delimiter=delimiter, strict=True), []))
    except csv.Error as error:
        fault = str(error)
    if fault != STILL_OPEN and not is_strict:
        try:  # a quote within a field is as it stands, as spreadsheets have it
            return Row(number, text, next(csv.reader([text], delimiter=delimiter), []))
        except csv.Error as error:
            fault = str(error)
    return Row(number, text, None, fault)
