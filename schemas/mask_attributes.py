"""What is told under certain names, in the raw bytes of a record that could not be used: `*` for each byte, so as many as before.

In JSON, whole or broken, that is what stands under such a name at any depth, and `value` beside an `attribute` of such a name. In Avro the text right
behind such a name; a number there (a candidate's feature) is not told from other bytes, and stays.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct, field

NO_NAMES: Final[frozenset[str]] = frozenset()
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_UNION: Final = b"\x02"
"""In front of what may be missing and is there."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


class Span(NamedTuple):
    """Bytes from `begin` to before `end`."""

    begin: int
    end: int


class _Frame(Struct):
    """An object or list that is open. `is_hidden`: all in it goes; `is_named`: its `attribute` is one of the names."""

    is_hidden: bool = False
    key: str | None = None
    is_named: bool = False
    values: list[Span] = field(default_factory=list)


@lru_cache(maxsize=64)
def in_small_letters(names: tuple[str, ...]) -> frozenset[str]:
    """Names as they are compared."""
    return frozenset(map(str.lower, names))


def mask_named(raw: bytes, names: frozenset[str]) -> bytes:
    """The bytes without what is told under these names, which are in small letters; the same object where there are no names."""
    if not names:
        return raw
    is_json = raw.lstrip()[:1] in (b"{", b"[")
    masked = bytearray(raw)
    for begin, end in _in_json(raw, names) if is_json else _in_avro(raw, names):
        masked[begin:end] = b"*" * (end - begin)
    return bytes(masked)


def _in_json(raw: bytes, names: frozenset[str]) -> Iterator[Span]:
    frames, last = [_Frame()], Span(0, 0)
    for token in _TOKEN.finditer(raw):
        sign, frame = token[0], frames[-1]
        if sign in (b"{", b"["):
            frames.append(_Frame(frame.is_hidden or frame.key in names))
        elif sign in (b"}", b"]"):
            yield from _closed(frames.pop() if len(frames) > 1 else frame)
        elif sign == b":":
            frame.key = _text(raw[last.begin : last.end])
        elif sign == b",":
            frame.key = None
        else:
            last = Span(*token.span())
            if frame.is_hidden or frame.key in names:
                yield _inner(raw, last)
            elif frame.key == "attribute":
                frame.is_named = _text(sign) in names
            elif frame.key == "value":
                frame.values.append(_inner(raw, last))
    for frame in frames:  # of what was cut
        yield from _closed(frame)


def _closed(frame: _Frame) -> Iterable[Span]:
    return frame.values if frame.is_named else ()


def _inner(raw: bytes, token: Span) -> Span:
    """What is between the quotation marks of a text; of anything else all."""
    if raw[token.begin : token.begin + 1] != b'"':
        return token
    has_end = token.end > token.begin + 1 and raw[token.end - 1 : token.end] == b'"'
    return Span(token.begin + 1, token.end - has_end)


def _text(token: bytes) -> str:
    """What a token says, in small letters."""
    try:
        return str(json.loads(token)).lower()
    except ValueError:
        return token.decode(errors="replace").strip('"').lower()


def _in_avro(raw: bytes, names: frozenset[str]) -> Iterator[Span]:
    for name in sorted(names):
        text = name.encode()
        for found in re.finditer(re.escape(_length(len(text)) + text), raw, re.IGNORECASE):
            at = found.end()
            behind = _text_at(raw, at + 1) if raw[at : at + 1] == _UNION else None
            behind = behind or _text_at(raw, at)
            if behind is not None:
                yield behind


def _length(count: int) -> bytes:
    """As Avro writes it: zigzag, seven bits in a byte, the low ones first."""
    rest, found = 2 * count, bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((*found, rest))


def _text_at(raw: bytes, at: int) -> Span | None:
    """The text whose length begins at `at`; None where none can."""
    length = shift = 0
    for byte in raw[at : at + 4]:
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    begin, end = at, at + length // 2
    if length % 2 or length == 0 or end > len(raw):
        return None
    try:
        text = raw[begin:end].decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else Span(begin, end)
