"""The records of any file, one after the other: JSON values, rows of CSV, TSV or Parquet, each as one JSON object.

A row that cannot be read costs itself. Values of a table in text stay the texts that they are; what is empty says nothing.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, TextIO

import msgspec
import pyarrow as pa

from schemas.errors import UnusableInput
from scripts.console import say as say_it
from scripts.files.csv_rows import Row, read_rows
from scripts.files.input_files import (
    BOM,
    LINE_BYTES_MAX,
    SAMPLE,
    UNREADABLE,
    UTF_16,
    chunks_of,
    open_text,
    read_values,
)
from scripts.files.parquet_rows import plain_value

Kind = Literal["json", "csv", "parquet", "xml"]
PARQUET: Final = b"PAR1"
DELIMITERS: Final = ",;\t|"
TABLES: Final = re.compile(r"\.(csv|tsv|tab|txt)(\.\w{2,4})?$", re.IGNORECASE)
"""Names of files whose first line is a header even where it names one column only."""
NUMBER: Final = re.compile(r"[+-]?\d[\d.,]*")
SURROGATE: Final = re.compile("[\ud800-\udfff]")
BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]")
LATIN: Final = "cp1252"
NUL_SHARE: Final = 20
ROWS: Final = 1_000
"""Rows of Parquet that are held at a time."""
COLUMNS_MAX: Final = 2_000
LINE_CHARS_MAX: Final = LINE_BYTES_MAX
NAMES_SHOWN: Final = 9


class Record(NamedTuple):
    """A record: its number from 0 (of its line, row, or place in an array), its JSON; or why it is none, and then its bytes."""

    number: int
    raw: bytes
    fault: str = ""


def kind_of(path: Path) -> Kind:
    """What a file is by its beginning; what is none of these is taken for JSON, and refused where it is read."""
    first = next(chunks_of(path), b"")
    if first.startswith(PARQUET):
        return "parquet"
    if first.startswith(UTF_16):  # as spreadsheets write a table
        is_json = first[:SAMPLE].decode("utf-16", "replace").lstrip()[:1] in ("{", "[")
        return "json" if is_json else "csv"
    begun = first.removeprefix(BOM)[:SAMPLE].lstrip()
    if begun.startswith(b"<"):
        return "xml"
    if not begun or begun[:1] in b'{["' or _is_binary(begun):
        return "json"
    line = begun.splitlines()[0]
    has_columns = any(mark.encode() in line for mark in DELIMITERS) and b"{" not in line
    return "csv" if has_columns or TABLES.search(path.name) else "json"


def names_in(path: Path) -> list[str]:
    """The columns of a table in text, as far as its beginning tells them."""
    first = next(chunks_of(path), b"")[:SAMPLE]
    encoding = "utf-16" if first.startswith(UTF_16) else "utf-8-sig"
    text = first.decode(encoding, "replace").lstrip()
    line = text.splitlines()[0] if text else ""
    return max((_parted(line, one) for one in DELIMITERS), key=len)


def read_records(path: Path, say: Callable[[str], None] = say_it) -> Iterator[Record]:
    """The records of a file of any of these kinds, lazily. `say`: what is to be told of a table as a whole.

    Raises ConfigError where it cannot be opened, UnusableInput where it is none of them.
    """
    kind = kind_of(path)
    if kind == "csv":
        yield from _csv_records(path, say)
    elif kind == "parquet":
        yield from _parquet_records(path)
    else:
        yield from (Record(number, raw) for number, raw in read_values(path))


# --- text ---------------------------------------------------------------------------------------


def _csv_records(path: Path, say: Callable[[str], None]) -> Iterator[Record]:
    encoding = _encoding(path)
    if encoding == LATIN:
        say(f"{path.name} is no UTF-8: read as Windows-1252; save it as UTF-8 where letters look wrong")  # fmt: skip
    with open_text(path, encoding) as text:
        lines = _bounded(text)
        first = next((line for line in lines if line.strip()), "")
        delimiter = _delimiter(path, first)
        rows = read_rows(_again(first, lines), delimiter)
        header = next(rows, Row(0, "", []))
        names = _header(path, header)
        if "" in names:
            say(f"{path.name}: a column without a name is not read")
        yield from (one for row in rows if (one := _record(row, names)) is not None)


def _encoding(path: Path) -> str:
    """UTF-8 where anything in it beyond ASCII is; Windows-1252 where there are such bytes and none of them is."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    has_bad = False
    for number, chunk in enumerate(chunks_of(path)):
        if number == 0 and chunk.startswith(UTF_16):
            return "utf-16"
        if number == 0 and _is_binary(chunk[:SAMPLE]):
            raise UnusableInput(f"{path} is no text (or UTF-16 without its mark): save it as UTF-8")
        content = chunk.removeprefix(BOM) if number == 0 else chunk
        found = BEYOND_ASCII.findall(decoder.decode(content))
        if any(not SURROGATE.match(one) for one in found):
            return "utf-8-sig"
        has_bad = has_bad or bool(found)
    return LATIN if has_bad else "utf-8-sig"


def _is_binary(sample: bytes) -> bool:
    """Whether so much of it is NUL that it is no text; a few cost the rows in which they stand."""
    return sample.count(0) * NUL_SHARE > len(sample)


def _bounded(text: TextIO) -> Iterator[str]:
    """Lines with their ends; of one beyond the bound only the beginning."""
    while line := text.readline(LINE_CHARS_MAX):
        yield line
        while len(line) == LINE_CHARS_MAX and not line.endswith(("\n", "\r")):
            line = text.readline(LINE_CHARS_MAX)


def _again(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _delimiter(path: Path, header: str) -> str:
    """What parts the header into the most columns."""
    found = {one: len(_parted(header, one)) for one in DELIMITERS}
    best = max(DELIMITERS, key=lambda one: found[one])
    if found[best] < 2 and not TABLES.search(path.name):
        raise UnusableInput(f"{path} is neither JSON nor a table with a header of several columns")
    return best


def _parted(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _header(path: Path, row: Row) -> list[str]:
    """The names of the columns; raises UnusableInput where the first line is none."""
    names = [name.strip() for name in row.values or ()]
    if not any(names):
        raise UnusableInput(
            f"{path} has no header: {row.fault or 'its first line names no column'}"
        )
    if any(NUMBER.fullmatch(name) for name in names):
        raise UnusableInput(f"{path}: its first line is no header, which names the columns")
    if len(names) > COLUMNS_MAX:
        raise UnusableInput(f"{path} has {len(names):,} columns, at most {COLUMNS_MAX:,} are read")
    if any(SURROGATE.search(name) or "\0" in name for name in names):
        raise UnusableInput(f"{path}: its header is no text")
    check_twice(path, names)
    return names


def check_twice(path: Path, names: Iterable[str]) -> None:
    """Raises UnusableInput where two columns have one name: which of them counts is not guessed."""
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise UnusableInput(
            f"{path} has these columns twice: {', '.join(twice[:NAMES_SHOWN])[:200]}"
        )


def _record(row: Row, names: Sequence[str]) -> Record | None:
    """The row as JSON; None of an empty one."""
    if row.values is not None and not any(value.strip() for value in row.values):
        return None
    raw = row.text.encode("utf-8", "surrogateescape")
    if row.values is None:
        return Record(row.line, raw, row.fault)
    if len(row.values) != len(names):
        return Record(row.line, raw, f"{len(row.values)} columns, {len(names)} wanted")
    if "\0" in row.text:
        return Record(row.line, raw, "it holds a NUL byte")
    if SURROGATE.search(row.text):
        return Record(row.line, raw, "its bytes are no text in the encoding of the file")
    said = {name: value for name, value in zip(names, row.values, strict=True) if name and value.strip()}  # fmt: skip
    return Record(row.line, msgspec.json.encode(said))


# --- Parquet ------------------------------------------------------------------------------------


def _parquet_records(path: Path) -> Iterator[Record]:
    """Rows from 0; a few at a time lie in memory."""
    from pyarrow.parquet import ParquetFile  # half a second, which files of text need not wait for

    try:
        with ParquetFile(path, pre_buffer=False) as file:
            names = file.schema_arrow.names
            if len(names) > COLUMNS_MAX:
                raise UnusableInput(f"{path} has {len(names):,} columns, at most {COLUMNS_MAX:,} are read")  # fmt: skip
            check_twice(path, names)
            number = 0
            for batch in file.iter_batches(batch_size=ROWS):
                for row in _rows(batch):
                    yield _of_parquet(number, row)
                    number += 1
    except UNREADABLE as error:
        raise UnusableInput(f"{path} cannot be read to its end: {error}") from error


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, object]]:
    """The batch's rows as Python has them."""
    columns = [
        # in nanoseconds they would be values of another library
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    yield from pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist()


def _of_parquet(number: int, row: dict[str, object]) -> Record:
    try:
        said = {name: plain_value(value) for name, value in row.items() if value is not None}
        return Record(number, msgspec.json.encode(said))
    except (ValueError, RecursionError) as error:
        return Record(number, b"", str(error)[:200])
