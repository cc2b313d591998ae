"""What all that a person may be told has in common on the wire and in state: the tag of the union comes first."""

from typing import Final

from msgspec import Struct
from msgspec.msgpack import Decoder

from schemas.numbers import Name, Whole


class InputHead(Struct, array_like=True, frozen=True):
    """What every input begins with, in every version: its kind, whose it is, and when it is their turn."""

    kind: Name
    person: Name
    order_ms: Whole


_HEAD: Final = Decoder(InputHead)


def head_of(data: bytes) -> InputHead:
    """The head of an input; the rest of its bytes, behind that of its version, is passed over."""
    return _HEAD.decode(memoryview(data)[1:])
