"""A key's state in Flink, and its one timer."""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final, Generic, Protocol, TypeVar

from jobs.flink.plain_state import ValueOfBytes
from schemas.codec import StateCodec
from schemas.limits import BUSY_KEYS_MAX

TIME: Final = Struct("<q")
NEVER_MS: Final = -1


class Timed(Protocol):
    """State that knows when it wants to be called next."""

    timer_ms: int


S = TypeVar("S", bound=Timed)


class TimedState(Generic[S]):
    """One key's state with the time of its pending Flink timer, kept as 8 bytes in front.

    The state's own `timer_ms` moves with every event; Flink's timer is only set again when it has
    fired too early, so each key has one timer however many events it gets. With `look_again_ms` (of the state
    and the watermark) Flink's is set for later where the state's time has passed already, and put off
    with every change until then; the one of before is ignored when it fires.

    Every change is written to Flink at once; the decoded states of the keys that were busy last are
    kept beside it, because reading one back costs more than the step itself. An instance owns its
    keys from open() on, so what it wrote last is what Flink holds.
    """

    def __init__(
        self,
        context: Any,
        name: str,
        codec: StateCodec[S],
        look_again_ms: Callable[[S, int], int] | None = None,
    ) -> None:
        self._cell = ValueOfBytes(context, name)
        self._codec = codec
        self._look_again_ms = look_again_ms
        self._pending_ms = NEVER_MS
        self._busy: dict[str, tuple[S, int]] = {}

    def is_busy(self, key: str) -> bool:
        """Whether this instance has taken something for `key` lately."""
        return key in self._busy

    def load(self, key: str) -> S | None:
        """The state of `key`, which is the current key."""
        kept = self._busy.get(key)
        if kept is not None:
            state, self._pending_ms = kept
            return state
        data = self._cell.value()
        if data is None:
            self._pending_ms = NEVER_MS
            return None
        (self._pending_ms,) = TIME.unpack_from(data)
        return self._codec.decode(data[TIME.size :])

    def load_due(self, key: str, fired_ms: int, timers: Any) -> S | None:
        """The state if the timer that fired is its own and due; one that is early is set again."""
        state = self.load(key)
        if state is None or fired_ms != self._pending_ms:
            return None
        self._pending_ms = NEVER_MS
        if state.timer_ms > fired_ms:
            # as it was due when the event came: the watermark may have jumped past it since
            self._keep(key, state, state.timer_ms, timers)
            return None
        return state

    def store(self, key: str, state: S | None, timers: Any) -> None:
        """Keeps the state of `key`, which was loaded last, and sees to its timer.

        Of a key without state none is left: Flink would keep its name until the timer fires, for a person 400 days.
        """
        if state is None:
            self._busy.pop(key, None)
            self._cell.clear()
            if self._pending_ms != NEVER_MS:
                timers.delete_event_time_timer(self._pending_ms)
                self._pending_ms = NEVER_MS
            return
        due_ms = state.timer_ms
        if self._look_again_ms is not None:
            due_ms = self._look_again_ms(state, timers.current_watermark())
        self._keep(key, state, due_ms, timers)

    def _keep(self, key: str, state: S, due_ms: int, timers: Any) -> None:
        is_put_off = self._pending_ms < due_ms != state.timer_ms
        if self._pending_ms == NEVER_MS or due_ms < self._pending_ms or is_put_off:
            self._pending_ms = due_ms
            timers.register_event_time_timer(due_ms)
        self._cell.update(TIME.pack(self._pending_ms) + self._codec.encode(state))
        self._busy.pop(key, None)  # to the end: the first is the one that was busy longest ago
        self._busy[key] = state, self._pending_ms
        if len(self._busy) > BUSY_KEYS_MAX:
            del self._busy[next(iter(self._busy))]
