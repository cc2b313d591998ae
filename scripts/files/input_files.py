"""Files as people have them -> the JSON values in them, one by one: compressed, with a BOM, lines, arrays, pretty.

What cannot be what was asked for (binary, UTF-16, a table) is said at once, before anything is done with it.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Final, NamedTuple, TextIO

import pyarrow as pa

from schemas.errors import ConfigError, UnusableInput
from schemas.formats.json_values import values_of
from schemas.limits import EVENT_BYTES_MAX

CHUNK: Final = 1 << 20
LINE_BYTES_MAX: Final = 2 * EVENT_BYTES_MAX
"""Of a longer line only the beginning is held, so that it is one bad line and no full memory."""
WHOLE_BYTES_MAX: Final = 1 << 30
"""An array, or pretty JSON, is held in memory: at most so many bytes of it, decompressed."""
UNREADABLE: Final = (OSError, EOFError, zlib.error, pa.ArrowException)
SAMPLE: Final = 1 << 16
BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
COMPRESSED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
KINDS: Final = {
    b"PAR1": "a Parquet file: --mapping reads its rows as events, --items as items, and `kairos convert` those that it knows",
    b"PK\x03\x04": "a zip archive (or a spreadsheet): unpack it first",
    b"BZh": "compressed by bzip2: gzip and zstd are read",
    b"\xfd7zXZ": "compressed by xz: gzip and zstd are read",
    b"SQLite format": "a database: export it as JSON Lines",
    b"%PDF": "a PDF file",
    b"<": "XML or HTML: JSON Lines are wanted",
}
TABLE: Final = (
    "a table (CSV): --mapping says what its rows are, --items reads it as items, "
    "and `--format snowplow` where it is Snowplow's"
)
_HEADING: Final = re.compile(rb'"?[A-Za-z_][\w .-]*"?(?:[,;\t] ?"?[A-Za-z_][\w .-]*"?)+')
"""A line of names with one kind of mark or another between them: no JSON begins so."""


class Line(NamedTuple):
    """One value of a file: its number from 0 (of its line, or of its place in an array) and its bytes."""

    number: int
    raw: bytes


def is_usable(good: int, bad: int) -> bool:
    """Whether a file is what it is taken for: something in it is, and at least half of it."""
    return good > 0 and bad <= good


def read_values(path: Path) -> Iterator[Line]:
    """The values of a file that are not blank, each with its number.

    Raises ConfigError where it cannot be opened, UnusableInput where it holds no lines of JSON.
    """
    with _opened(path) as file:
        first = _first(path, file)
        if _HEADING.fullmatch(first[:SAMPLE].partition(b"\n")[0].rstrip()):
            raise UnusableInput(f"{path} is {TABLE}")
        rest = iter(lambda: _read(path, file), b"")
        if _is_one_text(first):
            yield from _whole(path, first, rest)
        else:
            yield from _lines(first, rest)


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[TextIO]:
    """The text of a file, of a table say; bytes that are none in its encoding (None: it must be UTF-8) are kept as surrogates, so that one bad row is one.

    Raises as `read_values` does.
    """
    if encoding is None:
        with _opened(path) as file:
            _first(path, file)
    named = encoding or "utf-8-sig"
    with TextIOWrapper(_opened(path), named, "surrogateescape", newline="") as text:
        try:
            yield text
        except (*UNREADABLE, UnicodeError) as error:
            raise UnusableInput(f"{path} cannot be read to its end: {error}") from error


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, decompressed; raises as `read_values` does."""
    with _opened(path) as file:
        yield from iter(lambda: _read(path, file), b"")


def _opened(path: Path) -> IO[bytes]:
    """The file, decompressed where its first bytes say that it is compressed."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        codec = next((name for mark, name in COMPRESSED.items() if magic.startswith(mark)), None)
        # the system's file itself: names are no URIs here, so none chooses a codec by its ending
        opened: IO[bytes] = (
            path.open("rb") if codec is None else pa.CompressedInputStream(str(path), codec)
        )
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    return opened


def _read(path: Path, file: IO[bytes]) -> bytes:
    try:
        return file.read(CHUNK)
    except UNREADABLE as error:
        raise UnusableInput(f"{path} cannot be read to its end: {error}") from error


def _first(path: Path, file: IO[bytes]) -> bytes:
    """Its beginning without a BOM; raises UnusableInput where it is no text."""
    first = _read(path, file)
    for mark, kind in KINDS.items():
        if first.startswith(mark):
            raise UnusableInput(f"{path} is {kind}")
    if first.startswith(UTF_16):
        raise UnusableInput(f"{path} is UTF-16: save it as UTF-8")
    if b"\0" in first[:SAMPLE]:
        raise UnusableInput(f"{path} is no text (or UTF-16): JSON Lines in UTF-8 are wanted")
    return first.removeprefix(BOM)


def _is_one_text(first: bytes) -> bool:
    """Whether it is an array, or has values over several lines."""
    begun = first.lstrip()
    if begun.startswith(b"["):
        return True
    line = begun.splitlines()[0].strip() if begun else b""
    # an object whose bracket stays open at the end of its line goes on in the next
    return line == b"{" or (line.startswith(b"{") and line.endswith((b",", b"[")))


def _whole(path: Path, first: bytes, rest: Iterator[bytes]) -> Iterator[Line]:
    parts, size = [first], len(first)
    for chunk in rest:
        size += len(chunk)
        if size > WHOLE_BYTES_MAX:
            raise UnusableInput(
                f"{path} is one JSON text of more than {WHOLE_BYTES_MAX:,} bytes: write JSON Lines"
            )
        parts.append(chunk)
    yield from (Line(number, raw) for number, raw in enumerate(values_of(b"".join(parts))))


def _lines(first: bytes, rest: Iterator[bytes]) -> Iterator[Line]:
    """Lines that end in LF, CR LF, or, in a file that begins without an LF, CR."""
    end = b"\r" if b"\n" not in first and b"\r" in first else b"\n"
    number, held = 0, b""
    for chunk in chain([first], rest):
        *lines, tail = chunk.split(end)
        if lines:
            lines[0], held = held + lines[0], b""
        for line in lines:
            if stripped := line.strip():
                yield Line(number, stripped)
            number += 1
        if len(held) <= LINE_BYTES_MAX:
            held += tail
    if stripped := held.strip():
        yield Line(number, stripped)
