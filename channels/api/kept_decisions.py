"""The decisions that the API has read lately: by what they were made on, and the newest of each person and placement."""

from collections import OrderedDict
from typing import NamedTuple, TypeVar

from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.events import Event

K = TypeVar("K")
V = TypeVar("V")
Cause = tuple[str, str, str]
"""Session, event id and placement: an event's id is its session's own affair, others may use the same."""
Whose = tuple[str, str]
"""Person and placement."""


class Kept(NamedTuple):
    """The bytes of a decision, and whose it is."""

    data: bytes
    whose: Whose


def cause_of(one: Event | Decision, placement: str) -> Cause:
    """What a decision is waited for by: of the event that asks, and of the decision on it, the same."""
    return one.session_id, one.event_id, placement


class KeptDecisions:
    """At most `count_max` of each; the oldest goes. Written by one thread; `find` and `newest` may be asked by others."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._recent: OrderedDict[Cause, Kept] = OrderedDict()
        self._causes: dict[Whose, set[Cause]] = {}
        self._newest: OrderedDict[Whose, tuple[int, bytes]] = OrderedDict()

    def add(self, decision: Decision, data: bytes) -> None:
        """Keeps a decision, with its record's bytes."""
        whose = decision.person, decision.placement
        cause = cause_of(decision, decision.placement)
        self._forget(cause)
        self._recent[cause] = Kept(data, whose)
        self._causes.setdefault(whose, set()).add(cause)
        if len(self._recent) > self._count_max:
            self._forget(next(iter(self._recent)))
        before = self._newest.get(whose)
        if before is None or before[0] < decision.sequence:
            keep(self._newest, whose, (decision.sequence, data), self._count_max)

    def take_back(self, person: str, placement: str) -> set[str]:
        """Forgets all that was decided for the person there; in which of their sessions that was."""
        self._newest.pop((person, placement), None)
        causes = {*self._causes.get((person, placement), ())}
        for cause in causes:
            self._forget(cause)
        return {session_id for session_id, _, _ in causes}

    def find(self, cause: Cause) -> Decision | None:
        """The decision on this event."""
        found = self._recent.get(cause)
        return DECISION.decode(found.data) if found is not None else None

    def newest(self, person: str, placement: str) -> Decision | None:
        """The person's newest decision of the placement."""
        found = self._newest.get((person, placement))
        return DECISION.decode(found[1]) if found is not None else None

    def _forget(self, cause: Cause) -> None:
        found = self._recent.pop(cause, None)
        if found is None:
            return
        causes = self._causes[found.whose]
        causes.discard(cause)
        if not causes:
            del self._causes[found.whose]


def keep(kept: "OrderedDict[K, V]", key: K, value: V, count_max: int) -> None:
    """Puts it in as the newest; beyond `count_max` the oldest goes."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > count_max:
        kept.popitem(last=False)
