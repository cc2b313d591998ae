"""Rows of any file as JSON records: tables as people have them, and everything else that calls itself one."""

import gzip
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import UnusableInput
from scripts.files import file_records
from scripts.files.file_records import Record, read_records

ROWS = [
    {"sku": "A1", "title": "Größe, 1"},
    {"sku": "A2", "title": 'of "two"\nlines'},
    {"sku": "A3"},
]


def table(delimiter: str = ",", end: str = "\n") -> str:
    cells = [["sku", "title"], *([row["sku"], row.get("title", "")] for row in ROWS)]
    quoted = [[f'"{one.replace(chr(34), chr(34) * 2)}"' if number else one for number, one in enumerate(row)] for row in cells]  # fmt: skip
    return end.join(delimiter.join(row) for row in quoted) + end


def found(path: Path, said: list[str] | None = None) -> list[Record]:
    return list(read_records(path, (said if said is not None else []).append))


def given(tmp_path: Path, data: bytes, name: str = "items.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        table().encode(),
        table(";").encode(),
        table("\t").encode(),
        table("|").encode(),
        table(end="\r\n").encode(),
        b"\xef\xbb\xbf" + table().encode(),
        ("\n\n" + table()).encode(),
        gzip.compress(table().encode()),
        table("\t").encode("utf-16"),
        table().encode("cp1252"),
        "\n".join(json.dumps(row) for row in ROWS).encode(),
        json.dumps(ROWS).encode(),
    ],
    ids=[
        "comma", "semicolon", "tab", "bar", "crlf", "bom", "blank_lines_first", "gzip", "utf_16", "windows", "json_lines", "array",
    ],
)  # fmt: skip
def test_all_rows_of_a_table_are_records(tmp_path: Path, data: bytes) -> None:
    assert [json.loads(one.raw) for one in found(given(tmp_path, data))] == ROWS


def test_lines_count_as_an_editor_counts_them_and_a_bad_row_costs_itself(tmp_path: Path) -> None:
    data = b'sku,title\nA,x\n"A2","two\nlines"\n\nragged\nA3,\xff\nA4,\0\nA5,"open\nA6,\xc3\xa4\n'
    rows = found(given(tmp_path, data))
    assert [(one.number, one.fault) for one in rows] == [
        (1, ""), (2, ""), (5, "1 columns, 2 wanted"), (6, "its bytes are no text in the encoding of the file"),
        (7, "it holds a NUL byte"), (8, "a quote is opened and not closed"), (9, ""),
    ]  # fmt: skip
    assert json.loads(rows[-1].raw) == {"sku": "A6", "title": "ä"}


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"sku,title,sku\na,b,c\n", "a.csv", "twice: sku"),
        (b"1,shoe,19.99\n2,sock,9\n", "a.csv", "no header"),
        (b"one\ntwo\n", "a.data", ""),
        (b",,\n1,2,3\n", "a.csv", "names no column"),
        (b"\n\n", "a.csv", ""),
        (b"sku,\xff\n1,2\n", "a.csv", ""),
        (("sku\tx\n" * 3).encode("utf-16")[:-1], "a.csv", "to its end"),
        (gzip.compress(table().encode() * 99)[:-20], "a.csv", "to its end"),
        (b"PAR1", "a.parquet", "to its end"),
        (b"PAR1" + b"\0" * 999 + b"PAR1", "a.parquet", "to its end"),
        (b"<rss></rss>", "a.xml", "XML"),
        (bytes(range(256)) * 9, "a.csv", "no text"),
        (b",".join(b"c%d" % at for at in range(3_000)) + b"\n", "a.csv", "3,000 columns"),
    ],
    ids=[
        "twice", "no_header", "one_column", "unnamed", "blank", "odd_header", "cut_utf_16", "cut_gzip", "cut_parquet",
        "no_parquet", "xml", "binary", "wide",
    ],
)  # fmt: skip
def test_what_is_no_table_is_said_or_has_no_records(
    tmp_path: Path, data: bytes, name: str, said: str
) -> None:
    path = given(tmp_path, data, name)
    if said:
        with pytest.raises(UnusableInput, match=said):
            found(path)
    else:
        assert all(
            one.fault or not one.raw.startswith(b"{") or name != "a.data" for one in found(path)
        )


def test_what_is_told_of_a_table_as_a_whole(tmp_path: Path) -> None:
    said: list[str] = []
    rows = found(given(tmp_path, ",sku,title\n0,A,Größe\n".encode("cp1252")), said)
    assert json.loads(rows[0].raw) == {"sku": "A", "title": "Größe"}
    assert [one.split(": ")[0].split(" is")[0] for one in said] == ["items.csv", "items.csv"]
    assert "Windows-1252" in said[0]
    assert "without a name" in said[1]


def test_a_field_of_ten_megabytes_is_one_bad_row(tmp_path: Path) -> None:
    data = b"sku,title\nA," + b"x" * 10_000_000 + b"\nB,y\n"
    long, good = found(given(tmp_path, data))
    assert "field limit" in long.fault
    assert len(long.raw) <= file_records.LINE_CHARS_MAX
    assert json.loads(good.raw) == {"sku": "B", "title": "y"}


VALUES: dict[str, tuple[pa.Array, Any]] = {
    "id": (pa.array([1001.0]), 1001.0),
    "nan": (pa.array([float("nan")]), None),
    "price": (pa.array([Decimal("19.99")]), 19.99),
    "number": (pa.array([Decimal("12345678901234567890")]), "12345678901234567890"),
    "time": (pa.array([datetime(2026, 1, 31, 12, tzinfo=UTC)], pa.timestamp("ns", "UTC")), "2026-01-31T12:00:00+00:00"),
    "day": (pa.array([date(2026, 1, 31)]), "2026-01-31"),
    "tags": (pa.array([["a", "b"]]), ["a", "b"]),
    "map": (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), {"a": 1}),
    "struct": (pa.array([{"a": {"b": True}}]), {"a": {"b": True}}),
    "bytes": (pa.array([b"text"]), "text"),
    "dictionary": (pa.array(["a"]).dictionary_encode(), "a"),
}  # fmt: skip


def test_values_of_parquet_are_those_of_json(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({name: values for name, (values, _) in VALUES.items()}), path)
    (row,) = found(path)
    assert json.loads(row.raw) == {name: wanted for name, (_, wanted) in VALUES.items()}


def test_what_json_cannot_say_of_a_row_of_parquet_is_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"a": [1.0, float("inf")], "b": [b"\xff", b"y"]}), path)
    assert [(one.number, bool(one.fault)) for one in found(path)] == [(0, True), (1, True)]


def test_rows_come_while_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_records, "ROWS", 10)
    parquet, text = tmp_path / "a.parquet", tmp_path / "a.csv"
    pq.write_table(pa.table({"sku": list(range(95))}), parquet, row_group_size=20)
    text.write_text("sku,x\n" + "a,b\n" * 95)
    for path in (parquet, text):
        rows: Iterator[Record] = read_records(path)
        assert next(rows).number in (0, 1)
        assert sum(1 for _ in rows) == 94


def test_no_bytes_at_all_crash_the_reader(tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"sku": [f"s{at}" for at in range(50)], "price": [1.5] * 50}), path)
    seeds = [
        table().encode(),
        table("\t").encode("utf-16"),
        path.read_bytes(),
        b"PAR1",
        b"\xff\xfe",
        b"",
    ]
    for number in range(200):
        data = bytearray(chance.choice(seeds))
        data = data[: chance.randrange(len(data) + 1)] + chance.randbytes(chance.randrange(9))
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(data) + 1)
            data[at : at + 1] = chance.randbytes(1)
        broken = given(tmp_path, bytes(data), f"broken{number}.csv")
        with suppress(UnusableInput):
            assert all(one.fault or one.raw for one in found(broken))
