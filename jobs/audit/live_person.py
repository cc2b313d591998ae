"""One person whose decisions are made again in the order of live: what was taken of late, and what comes next."""

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from jobs.fold.arrival_order import LiveOrder
from schemas.state.person import PersonState
from udfs.inputs import PersonInput

ENDS_NEAR: Final = 48
"""News before a decision among which ends of sessions may have come after it: live waits for the watermark."""
TRIES_MAX: Final = 1_000
"""Orders that are tried for one person."""


class Step(NamedTuple):
    """News that was taken, the person's state before it, and its decisions that differ."""

    news: PersonInput
    before: bytes
    differing: frozenset[str]


class Person:
    """One person on the way: what was taken of late, and what comes next."""

    def __init__(self, order: LiveOrder) -> None:
        self.order = order
        self.state: PersonState | None = None
        self.done: deque[Step] = deque(maxlen=ENDS_NEAR)
        self.coming: deque[PersonInput] = deque()
        self.held: list[PersonInput] | None = None
        """Ends that live has not found yet, once it has found one late: of imported visits they come in one go."""
        self.gave: set[bytes] = set()
        """The transfers that answer claims on them so far."""
        self.tries_left = TRIES_MAX
        self.is_simultaneous = False
        self._has_ended = False
        self._last_ms: dict[str, int] = {}

    def see(self, news: PersonInput, wait_ms: int) -> None:
        """Takes note of when each session was last heard of.

        Of imported history the end of a silent session comes behind whatever is imported until the watermark is looked at.
        """
        self.is_simultaneous |= self._has_ended and news.kind == "event"
        self._has_ended |= news.kind == "ended"
        others = (at for session, at in self._last_ms.items() if session != news.session_id)
        self.is_simultaneous |= any(at >= news.order_ms - wait_ms for at in others)
        self._last_ms[news.session_id] = news.order_ms

    def holds_back(self, news: PersonInput) -> bool:
        """Whether this is an end that is found later, as those before it were."""
        if self.held is None or news.kind != "ended":
            return False
        self.held.append(news)
        return True

    def found_before(self, news: PersonInput) -> Iterator[PersonInput]:
        """The held ends that are found by now in any case: the session goes on."""
        held = self.held or []
        while any(one.session_id == news.session_id for one in held):
            yield held.pop(0)

    def step_back(self, count: int) -> None:
        """Has the last steps not taken: others come in their place."""
        for _ in range(count):
            self.done.pop()

    def may_try(self) -> bool:
        """Whether one more order may be tried; it counts as tried."""
        self.tries_left -= 1
        return self.tries_left >= 0
