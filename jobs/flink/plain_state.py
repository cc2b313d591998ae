"""Bytes in Flink's keyed state, as they are: nothing that a checkpoint holds is ever unpickled.

PyFlink offers two types for bytes. In thread mode the one, `PRIMITIVE_ARRAY(BYTE)`, hands out a tuple of numbers; the
other, `PICKLED_BYTE_ARRAY`, unpickles what it reads, so whoever can write to the folder of checkpoints runs code here.
A type that PyFlink does not know is neither converted (Java's byte[] is Python's bytes) nor, in Java, any other than the
pickled one's byte[]: so state that was written pickled is still read, by `bytes_in`, which runs nothing.
"""

from collections.abc import Iterator
from io import BytesIO
from pickletools import genops
from typing import Any, Final

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

PLAIN: Final = b"\x01"
"""In front of what is written since there is this module."""
PICKLED: Final = b"\x80"
"""What every pickle of an older version begins with."""
BYTES: Final = "bytes"
PICKLE_OF_BYTES: Final = ["PROTO", BYTES, "MEMOIZE", "STOP"]
OPERATIONS: Final = {
    "PROTO": "PROTO",
    "SHORT_BINBYTES": BYTES,
    "BINBYTES": BYTES,
    "BINBYTES8": BYTES,
    "MEMOIZE": "MEMOIZE",
    "STOP": "STOP",
}
"""Those that Python wrote for bytes, beside the frames; the three sizes of one are the same to us."""


class PlainBytes(TypeInformation):  # type: ignore[misc]
    """Bytes, handed between Flink's state and Python without a conversion."""


class ValueOfBytes:
    """One value of the current key."""

    def __init__(self, context: Any, name: str) -> None:
        self._state = context.get_state(ValueStateDescriptor(name, PlainBytes()))

    def value(self) -> bytes | None:
        """What is kept, if anything."""
        data = self._state.value()
        return None if data is None else bytes_in(data)

    def update(self, data: bytes) -> None:
        """Keeps `data` instead."""
        self._state.update(PLAIN + data)

    def clear(self) -> None:
        """Keeps nothing."""
        self._state.clear()


class BytesByNumber:
    """The current key's values by whole number."""

    def __init__(self, context: Any, name: str) -> None:
        self._state = context.get_map_state(MapStateDescriptor(name, Types.LONG(), PlainBytes()))

    def get(self, number: int) -> bytes | None:
        """What is kept under it, if anything."""
        data = self._state.get(number)
        return None if data is None else bytes_in(data)

    def put(self, number: int, data: bytes) -> None:
        """Keeps `data` under it."""
        self._state.put(number, PLAIN + data)

    def take(self, number: int) -> bytes:
        """Removes and returns what is kept under it; KeyError where that is nothing."""
        found = self.get(number)
        if found is None:
            raise KeyError(number)
        self.remove(number)
        return found

    def remove(self, number: int) -> None:
        """Keeps nothing under it."""
        self._state.remove(number)

    def contains(self, number: int) -> bool:
        """Whether anything is kept under it."""
        return bool(self._state.contains(number))

    def is_empty(self) -> bool:
        """Whether nothing is kept at all."""
        return bool(self._state.is_empty())

    def values(self) -> Iterator[bytes]:
        """All that is kept, in no order."""
        return map(bytes_in, self._state.values())

    def clear(self) -> None:
        """Keeps nothing."""
        self._state.clear()


def bytes_in(data: bytes) -> bytes:
    """The bytes that were put into the state, also by an older version, which pickled them; ValueError for anything else."""
    if data[:1] == PLAIN:
        return data[1:]
    if data[:1] == PICKLED:
        return _unpickled(data)
    raise ValueError("state that this program has not written")


def _unpickled(data: bytes) -> bytes:
    """The one object in a pickle, which is bytes. It is read as data, operation by operation; none is run."""
    names: list[str] = []
    found: Any = None
    stream = BytesIO(data)
    for operation, argument, _ in genops(stream):
        if operation.name == "FRAME":
            continue
        name = OPERATIONS.get(operation.name)
        if name is None or len(names) == len(PICKLE_OF_BYTES):
            raise ValueError(f"state with a pickle of more than bytes: {operation.name}")
        names.append(name)
        if name == BYTES:
            found = argument
    if names != PICKLE_OF_BYTES or not isinstance(found, bytes) or stream.read(1):
        raise ValueError("state with a pickle of something else than bytes")
    return found
