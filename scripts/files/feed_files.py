"""Product feeds as files hold them -> their entries one by one: XML without anything that could harm, exports of several rows a product."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.parsers import expat

from schemas.errors import InvalidEvent, UnusableInput
from schemas.formats.foreign_json import plain
from schemas.formats.json_lines import decoded
from schemas.formats.json_values import values_of
from schemas.formats.shopify import HANDLE, product_of_rows
from schemas.limits import ITEM_BYTES_MAX
from scripts.files.file_records import Record
from scripts.files.input_files import WHOLE_BYTES_MAX, chunks_of

DEPTH_MAX: Final = 50
ENTRIES: Final = frozenset({"item", "entry"})
ROWS_MAX: Final = 2_500
"""Rows of one product: Shopify has at most 2,048 variants of one."""


class Product(NamedTuple):
    """An entry of a feed: where it begins, from 0, what it says; or why it says nothing."""

    number: int
    said: dict[str, Any]
    fault: str = ""


# --- XML ----------------------------------------------------------------------------------------


class _Harmful(Exception):
    """XML of a kind that no feed is, and that could fill the memory or ask for other files."""


class _Entries:
    """What a parser of RSS or Atom calls; entries that are complete lie in `found`."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self.found: list[Product] = []
        self._depth, self._entry_depth = 0, 0
        self._line, self._size = 0, 0
        self._said: dict[str, list[str]] = {}
        self._words: list[str] = []

    def _refuse(self, *_: object) -> None:
        raise _Harmful("it has a DTD, which no feed needs")

    def _start(self, name: str, given: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _Harmful(f"it is nested more than {DEPTH_MAX} deep")
        if not self._entry_depth:
            if _local(name) in ENTRIES:
                self._entry_depth, self._size, self._said = self._depth, 0, {}
                self._line = self.parser.CurrentLineNumber - 1
        elif self._depth == self._entry_depth + 1:
            self._words = [given["href"]] if "href" in given else []

    def _say(self, words: str) -> None:
        if self._entry_depth:
            self._size += len(words)
            # what lies deeper (shipping, tax) is no attribute of an item
            if self._size <= ITEM_BYTES_MAX and self._depth == self._entry_depth + 1:
                self._words.append(words)

    def _end(self, name: str) -> None:
        if self._entry_depth and self._depth == self._entry_depth + 1:
            words = "".join(self._words).strip()
            if words:
                self._said.setdefault(_local(name), []).append(words)
        elif self._depth == self._entry_depth:
            said = {
                one: words[0] if len(words) == 1 else words for one, words in self._said.items()
            }
            fault = (
                f"more than {ITEM_BYTES_MAX:,} characters" if self._size > ITEM_BYTES_MAX else ""
            )
            self.found.append(Product(self._line, dict(said), fault))
            self._entry_depth = 0
        self._depth -= 1


def xml_entries(path: Path) -> Iterator[Product]:
    """The entries of an RSS or Atom feed while it is read; raises UnusableInput where it is none."""
    entries, count = _Entries(), 0
    try:
        for chunk in chunks_of(path):
            entries.parser.Parse(chunk, False)
            count += len(entries.found)
            yield from entries.found
            entries.found.clear()
        entries.parser.Parse(b"", True)
    except _Harmful as error:
        raise UnusableInput(f"{path} is no feed: {error}") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnusableInput(f"{path} cannot be read to its end: {error}") from error
    if not count:
        raise UnusableInput(
            f"{path} is XML or HTML without any <item> or <entry>: it is no feed of products"
        )


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


# --- Shopify ------------------------------------------------------------------------------------


def products_in_json(path: Path) -> Iterator[Product]:
    """The products of a `products.json`: `{"products": [...]}`; raises UnusableInput beyond the bound."""
    data = bytearray()
    for chunk in chunks_of(path):
        data += chunk
        if len(data) > WHOLE_BYTES_MAX:
            raise UnusableInput(f"{path} has more than {WHOLE_BYTES_MAX:,} bytes: take it in pages")
    begin = data.find(b"[")
    for number, raw in enumerate(values_of(bytes(data[begin:])) if begin >= 0 else ()):
        if raw.strip(b"} \t\r\n"):
            yield _product(number, raw)


def products_in_lines(records: Iterable[Record]) -> Iterator[Product]:
    """Products that stand in a file as JSON, one a value."""
    for record in records:
        if record.fault:
            yield Product(record.number, {}, record.fault)
        else:
            yield _product(record.number, record.raw)


def _product(number: int, raw: bytes) -> Product:
    try:
        said = decoded(raw, 20 * ITEM_BYTES_MAX)
    except InvalidEvent as error:
        return Product(number, {}, error.message)
    return Product(number, said) if isinstance(said, dict) else Product(number, {}, "no product")


def products_in_rows(records: Iterable[Record]) -> Iterator[Product]:
    """The products of a CSV export, in which the rows of one handle follow each other."""
    rows: list[dict[str, Any]] = []
    handle, begin, fault = "", 0, ""
    for record in records:
        row = {} if record.fault else decoded(record.raw, len(record.raw))
        assert isinstance(row, dict)
        named = handle if record.fault else _handle(row)
        if named != handle:
            yield from _grouped(begin, rows, fault)
            rows, handle, begin, fault = [], named, record.number, ""
        if record.fault or len(rows) >= ROWS_MAX:
            # whose row it is cannot be told, so the product that it stands in is not whole
            fault = f"line {record.number + 1}: {record.fault or 'too many rows of one handle'}"
        else:
            rows.append(row)
    yield from _grouped(begin, rows, fault)


def _handle(row: dict[str, Any]) -> str:
    return next((str(one) for name, one in row.items() if plain(name) in HANDLE), "")


def _grouped(begin: int, rows: list[dict[str, Any]], fault: str) -> Iterator[Product]:
    if fault:
        yield Product(begin, {}, fault)
    elif rows:
        try:
            yield Product(begin, dict(product_of_rows(rows)))
        except InvalidEvent as error:
            yield Product(begin, {}, error.message)
