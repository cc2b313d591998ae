"""A body of which one event is no JSON: that one is refused, by its place and in words, the others are taken. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats.json_values import fault_of, members_of, values_of

LISTS: Final = (b"events", b"events_in_session")
"""The members of a body that hold events."""
BROKEN: Final = "broken json"
"""The one name of what stands in the place of an event that is none."""
WHY_MAX: Final = 200

Faults = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def repaired(body: bytes) -> bytes | None:
    """The body with a mark in the place of each event that cannot be decoded; None where there is no such event."""
    if body.lstrip()[:1] == b"[":
        return _list(body)
    members = members_of(body)
    found = {name: fixed for name in LISTS if (fixed := _list(members.get(name, b""))) is not None}
    if not found:
        return None
    pairs = (b'"' + name + b'":' + value for name, value in (members | found).items())
    return b"{" + b",".join(pairs) + b"}"


def check_whole(given: object) -> None:
    """Raises InvalidEvent for what `repaired` put into the place of an event."""
    if isinstance(given, Mapping) and given.keys() == {BROKEN}:
        raise InvalidEvent("malformed", str(given[BROKEN])[:WHY_MAX])


def _list(data: bytes) -> bytes | None:
    """A list with its broken elements marked; None where none is, or it is no list."""
    if data.lstrip()[:1] != b"[":
        return None
    values, is_broken = [], False
    for value in values_of(data):
        try:
            msgspec.json.decode(value)
        except Faults as error:
            is_broken = True
            values.append(msgspec.json.encode({BROKEN: fault_of(value, error)[:WHY_MAX]}))
        else:
            values.append(value)
    return b"[" + b",".join(values) + b"]" if is_broken else None
