"""Addresses as they were sent: a `/` or `%` of an id is told from one of the path, and what is no text is told. Pure.

A server hands the path on decoded, and there `%2F` is a slash like any other: an id with one could be written and never
read. So within a segment these two are left encoded, and `id_of` decodes them.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

KEPT: Final = {"%": "%25", "/": "%2F"}


class NoText(ValueError):
    """What is percent-encoded in an address is no UTF-8."""


def path_of(raw: bytes) -> str:
    """The path whose segments are decoded but for `/` and `%` within them; raises NoText."""
    raw = raw.partition(b"?")[0]  # some servers leave the query in it
    if b"%" not in raw:
        return _text(raw)
    return "/".join(_kept(_text(unquote_to_bytes(one))) for one in raw.split(b"/"))


def check_query(raw: bytes) -> None:
    """Raises NoText where the query is no text: a letter that was lost would be another id."""
    _text(unquote_to_bytes(raw))


def id_of(segment: str) -> str:
    """The id that a segment of `path_of` stands for."""
    for sign, encoded in reversed(KEPT.items()):
        segment = segment.replace(encoded, sign)
    return segment


def _kept(text: str) -> str:
    for sign, encoded in KEPT.items():
        text = text.replace(sign, encoded)
    return text


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoText("the address is no UTF-8, as it is percent-encoded") from error
