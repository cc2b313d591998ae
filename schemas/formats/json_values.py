"""JSON cut into its values as bytes, also where some of them are broken: one bad value costs itself. Pure.

A decoder gives up a whole array for one text that was cut inside an emoji. Here only strings and brackets are looked
at, so each element is found, and is decoded (or refused) by itself.
"""

import re
from collections.abc import Iterator
from typing import Final

TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)
BLANK: Final = b" \t\r\n"
OPEN: Final = b"[{"
CLOSE: Final = b"]}"
LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a character beyond the first 65,536 (RFC 8259, section 8.2): a text that was cut inside an emoji."""


def values_of(data: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, or the values of a text that holds several, in their order.

    What follows a string that does not end is one value, the last.
    """
    begin = len(data) - len(data.lstrip(BLANK))
    is_array = data[begin : begin + 1] == b"["
    floor = 1 if is_array else 0
    depth, start = 0, begin
    for token in TOKEN.finditer(data, begin):
        mark = token.group()
        if mark in OPEN:
            depth += 1
            if is_array and depth == 1 and token.start() == begin:
                start = token.end()
        elif mark in CLOSE:
            depth -= 1
            if is_array and depth <= 0:
                yield from _value(data[start : token.start()])
                yield from _value(data[token.end() :])
                return
            if not is_array and depth <= 0:
                depth = 0
                yield from _value(data[start : token.end()])
                start = token.end()
        elif mark == b"," and depth == floor:
            yield from _value(data[start : token.start()])
            start = token.end()
    yield from _value(data[start:])


def members_of(data: bytes) -> dict[bytes, bytes]:
    """The members of a JSON object by their names as they are written, each value as its bytes; empty where it is none.

    Of a name that comes twice the last counts, as decoders have it.
    """
    found: dict[bytes, bytes] = {}
    body = data.strip(BLANK)
    if body[:1] != b"{":
        return found
    inner = body[1:-1] if body[-1:] == b"}" else body[1:]
    for member in values_of(b"[" + inner + b"]"):
        name = TOKEN.match(member)
        rest = member[name.end() :].lstrip(BLANK) if name else b""
        if name and rest[:1] == b":":
            found[name.group()[1:-1]] = rest[1:].strip(BLANK)
    return found


def fault_of(data: bytes, error: Exception) -> str:
    """What is wrong with JSON that does not decode, in words."""
    if LONE_SURROGATE.search(data):
        return "a text is cut inside a character (half of a \\ud83d\\ude00 pair)"
    if isinstance(error, UnicodeDecodeError):
        return f"its bytes are no UTF-8 (at byte {error.start})"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _value(data: bytes) -> Iterator[bytes]:
    value = data.strip(BLANK)
    if value:
        yield value
