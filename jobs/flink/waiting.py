"""What a person has not taken yet: in Flink's state until the watermark has come to its time."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from jobs.flink.plain_state import BytesByNumber


class Ordered(Protocol):
    """What a person takes in the order of its time, then session, then position."""

    @property
    def order_ms(self) -> int:
        """The session's running maximum of event time."""

    @property
    def session_id(self) -> str:
        """The session it is of."""

    @property
    def position(self) -> int:
        """Its number in the session."""


T = TypeVar("T", bound=Ordered)


class Waiting(Generic[T]):
    """What the current person has not taken yet, news or lessons, in Flink's state, by its time."""

    def __init__(self, context: Any, decode: Callable[[bytes], T]) -> None:
        self._by_time = BytesByNumber(context, "waiting")
        self._decode = decode

    def put(self, time_ms: int, value: bytes, timers: Any) -> None:
        """Keeps it until the watermark has come to its time."""
        before = self._by_time.get(time_ms)
        timers.register_event_time_timer(time_ms)
        self._by_time.put(time_ms, pack([*unpack(before), value]))

    def take(self, time_ms: int) -> list[T]:
        """Removes and returns what waits for this moment, in order."""
        waiting = self._by_time.get(time_ms)
        if waiting is None:
            return []
        self._by_time.remove(time_ms)
        return self._in_order([waiting])

    def take_all(self) -> list[T]:
        """Removes and returns all that waits, in order."""
        if self._by_time.is_empty():
            return []
        waiting = list(self._by_time.values())
        self._by_time.clear()
        return self._in_order(waiting)

    def _in_order(self, packed: Iterable[bytes]) -> list[T]:
        found = (self._decode(one) for some in packed for one in unpack(some))
        return sorted(found, key=lambda one: (one.order_ms, one.session_id, one.position))


def pack(values: list[bytes]) -> bytes:
    """Several values as one, for Flink's state and rows."""
    return msgspec.msgpack.encode(values)


def unpack(data: bytes | None) -> list[bytes]:
    """The inverse of `pack`; nothing in nothing."""
    return [] if data is None else msgspec.msgpack.decode(data, type=list[bytes])
