"""Rows of CSV: as the csv module reads them where they are good; a broken one costs itself."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.files.csv_rows import read_rows

FIELD = st.text(alphabet='ab,"\n\r ü', max_size=6)


def rows_of(text: str) -> list[list[str] | None]:
    return [row.values for row in read_rows(StringIO(text, newline=""))]


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=20))
def test_good_rows_are_read_as_they_were_written(rows: list[tuple[str, str, str]]) -> None:
    out = StringIO(newline="")
    csv.writer(out).writerows([("a", "b", "c"), *rows])
    assert rows_of(out.getvalue()) == [["a", "b", "c"], *map(list, rows)]


@pytest.mark.parametrize("at", [0, 1, 2_500, 4_999])
def test_a_stray_opening_quote_costs_one_row_of_5000(at: int) -> None:
    lines = [f'{number},x,"q{number}"\r\n' for number in range(5_000)]
    lines[at] = f'{at},"x,q{at}\r\n'
    rows = list(read_rows(StringIO("id,a,b\r\n" + "".join(lines), newline="")))
    assert len(rows) == 5_001
    (bad,) = [row for row in rows if row.values is None]
    assert (bad.line, bad.text) == (at + 1, lines[at])
    assert "quote is opened and not closed" in bad.fault


def test_every_broken_row_is_told_with_its_line() -> None:
    text = 'a,b\n1,"2\n3,4\n5,"6\n7,8\n'
    assert [(row.line, row.values) for row in read_rows(StringIO(text, newline=""))] == [
        (0, ["a", "b"]), (1, None), (2, ["3", "4"]), (3, None), (4, ["7", "8"]),
    ]  # fmt: skip


def test_a_quote_within_a_field_is_a_quote() -> None:
    assert rows_of('a,b\n5" tv,"x"y\n') == [["a", "b"], ['5" tv', "xy"]]


def test_a_field_beyond_the_readers_limit_costs_its_row() -> None:
    found = rows_of("a,b\n1," + "x" * 200_000 + "\n2,y\n")
    assert found == [["a", "b"], None, ["2", "y"]]
