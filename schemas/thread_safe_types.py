"""Types whose decoding is worked out while modules are imported, by one thread, and never later."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def prepared(kind: type[T]) -> type[T]:
    """The same type, ready to be decoded by several threads.

    msgspec works out how a type is decoded when that is first asked for, and another thread that asks in the
    meantime crashes the process (operators of one task manager open at the same time, in one interpreter).
    """
    msgspec.json.Decoder(kind)
    return kind
