"""What a person waits for who has just signed in: the transfers that come before their news, in Flink's state.

Live, news of a session and what its visitor gives come by two ways, the second some milliseconds later. So news waits, with all that comes
behind it, until what it awaits is there, and a transfer waits for the news that awaits it: then live takes them as a replay does. Every
claim is answered exactly once, so nothing waits for ever.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jobs.flink.plain_state import BytesByNumber, ValueOfBytes
from schemas.limits import HELD_MAX
from schemas.state.inputs import CLAIM, TRANSFER, Transfer
from schemas.state.session import SESSION_NEWS, SessionNews
from udfs.inputs import PersonInput


class Held(Struct, array_like=True):
    """`awaited`: the transfers for which news waits; `late`: those that it has waited for long enough; `transfers` wait for their news.

    `count` inputs wait, by number.
    """

    awaited: list[bytes] = []
    late: list[bytes] = []
    transfers: list[bytes] = []
    count: int = 0


NOTHING: Final = msgspec.msgpack.encode(Held())


class Holding:
    """Of the current key: what it may take now, and what waits."""

    def __init__(self, context: Any, decode: Callable[[bytes], PersonInput]) -> None:
        self._head = ValueOfBytes(context, "awaits")
        self._inputs = BytesByNumber(context, "held")
        self._decode = decode
        self._waiting: set[str] = set()
        """Keys that this instance knows to wait for something."""

    def admit(self, given: PersonInput, *, is_busy: bool) -> list[PersonInput]:
        """What is to be taken now that this has come, in order.

        `is_busy`: this instance has acted for the key lately, so it knows whether anything waits.
        """
        awaits = given.awaits if isinstance(given, SessionNews) else (given.transfer_id,)
        if is_busy and not awaits and given.person not in self._waiting:
            return [given]  # as nearly always
        held = self._load()
        if isinstance(given, Transfer):
            taken = self._arrived(held, given)
        elif held.awaited:
            taken = self._hold(held, given)
        else:
            taken = self._take(held, given)
        self._store(given.person, held)
        return taken

    def _arrived(self, held: Held, given: Transfer) -> list[PersonInput]:
        if given.transfer_id in held.late:
            held.late.remove(given.transfer_id)
            return [given]
        held.transfers.append(TRANSFER.encode(given))
        if given.transfer_id not in held.awaited:
            return []  # its news is still on the way
        held.awaited.remove(given.transfer_id)
        return [] if held.awaited else self._go_on(held)

    def _hold(self, held: Held, given: PersonInput) -> list[PersonInput]:
        self._inputs.put(held.count, _encoded(given))
        held.count += 1
        if held.count <= HELD_MAX:
            return []
        held.late, held.awaited = [*held.late, *held.awaited], []
        return self._go_on(held)

    def _take(self, held: Held, given: PersonInput) -> list[PersonInput]:
        """An input that nothing is in front of, behind the transfers that it awaits; nothing where one of them is not here."""
        awaits = given.awaits if isinstance(given, SessionNews) else ()
        here = {TRANSFER.decode(one).transfer_id for one in held.transfers}
        missing = [one for one in awaits if one not in here and one not in held.late]
        if missing:
            held.awaited = missing
            return self._hold(held, given)
        mine = [one for one in map(TRANSFER.decode, held.transfers) if one.transfer_id in awaits]
        mine.sort(key=lambda one: (one.order_ms, one.session_id, one.position))
        held.transfers = [
            one for one in held.transfers if TRANSFER.decode(one).transfer_id not in awaits
        ]
        if held.late and isinstance(given, SessionNews):
            given = replace(given, is_merging=True)
        return [*mine, given]

    def _go_on(self, held: Held) -> list[PersonInput]:
        """All that waits, up to the next that awaits something which is not here."""
        inputs = [self._decode(self._inputs.take(number)) for number in range(held.count)]
        held.count = 0
        taken: list[PersonInput] = []
        for one in inputs:
            taken += self._hold(held, one) if held.awaited else self._take(held, one)
        return taken

    def _load(self) -> Held:
        data = self._head.value()
        return Held() if data is None else msgspec.msgpack.decode(data, type=Held)

    def _store(self, person: str, held: Held) -> None:
        data = msgspec.msgpack.encode(held)
        if data == NOTHING:
            self._head.clear()
            self._waiting.discard(person)
        else:
            self._head.update(data)
            self._waiting.add(person)


def _encoded(given: PersonInput) -> bytes:
    if isinstance(given, SessionNews):
        return SESSION_NEWS.encode(given)
    return TRANSFER.encode(given) if isinstance(given, Transfer) else CLAIM.encode(given)
