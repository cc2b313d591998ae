"""Ids of lines that have none: made of what a line says, so that the same file imported again says the same."""

import json
from collections import Counter
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from schemas.limits import EVENT_BYTES_MAX

BEGINNING: Final = "made-"
DIGITS: Final = 32
"""Of the hash, hexadecimal."""


class Identified(Struct):
    """Of a line nothing but its id, so that one that has it costs next to nothing."""

    event_id: Any = None


IDENTIFIED: Final = msgspec.json.Decoder(Identified)
RAW: Final = msgspec.json.Decoder(dict[str, Raw])
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class MadeIds:
    """Of one file: lines without an `event_id` get one from a hash of their content and their number among equal lines.

    Neither blanks nor the order of fields are content. 150 bytes of memory for each line without an id.
    """

    def __init__(self) -> None:
        self._equal: Counter[bytes] = Counter()

    def named(self, line: bytes) -> bytes | None:
        """The line with an id; None where it has its own, or is no object that could have one."""
        if len(line) > EVENT_BYTES_MAX:
            return None
        try:
            if IDENTIFIED.decode(line).event_id is not None:
                return None
            fields = RAW.decode(line)
            content = _content(line)
        except UNREADABLE:
            return None
        self._equal[content] += 1
        made = f"{BEGINNING}{content.hex()}-{self._equal[content]}"
        # the other values stay the bytes that they are
        return msgspec.json.encode(fields | {"event_id": Raw(msgspec.json.encode(made))})


def _content(line: bytes) -> bytes:
    said = {name: one for name, one in msgspec.json.decode(line).items() if one is not None}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()[: DIGITS // 2]
