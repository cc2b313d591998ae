"""What people did after events that ask for a decision, and a sample of that to learn from."""

from collections.abc import Callable
from heapq import heappush, heappushpop
from typing import Any, Final, NamedTuple

from schemas.events import Event
from udfs.draw import draw

EXAMPLES_MAX: Final = 20_000
"""Decisions made to learn from; beyond it they are sampled by a seeded hash (Sample)."""
SAMPLED_FROM_MAX: Final = 4 * EXAMPLES_MAX
WAITING_MAX: Final = 1_000_000
"""Sessions, and requests, that wait for an answer; at the bound the one that began first goes."""
WAITING_PER_SESSION_MAX: Final = 8
SEEN_MAX: Final = 2_000_000
"""Events known as seen, by hash: one that is repeated neither asks nor answers. The oldest goes."""
REQUESTED: Final = "ranking_requested"
CHOSEN: Final = "ranking_clicked"
NEXT: Final = frozenset(
    {"product_viewed", "product_added_to_cart", "purchase_completed", "content_read"}
)

EventKey = tuple[str, str]
"""Session id and event id."""


class Question(NamedTuple):
    """Which events ask for a decision (by the event, and by what its sender called it), and the types of event whose item answers it.

    A `ranking_requested` is always answered by the `ranking_clicked` that names it.
    """

    asks: Callable[[Event, str], bool]
    answers: frozenset[str] = NEXT


class Answer(NamedTuple):
    """The item that a person took at `answered_ms`, after the event that asked at `time_ms`."""

    session_id: str
    event_id: str
    time_ms: int
    item_id: str
    answered_ms: int

    @property
    def key(self) -> EventKey:
        """Names the event that asked."""
        return self.session_id, self.event_id


class Joiner:
    """Joins the events that ask to what answers them in their session, in the order of the log.

    A session is its session_id, however long it is silent in between. The first answer counts.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._asked: dict[str, list[tuple[str, int]]] = {}
        self._requested: dict[EventKey, int] = {}
        self._seen: dict[int, None] = {}

    def take(self, event: Event, own_name: str = "") -> list[Answer]:
        """The answers that this event gives; it may ask itself. `own_name`: what its sender called it, where a policy says what it counts as."""
        if self._is_repeated(event):
            return []
        found = [
            Answer(event.session_id, event_id, time_ms, event.item_ids[0], event.event_time_ms)
            for event_id, time_ms in self._answered(event)
        ]
        if self._question.asks(event, own_name):
            self._wait(event)
        return found

    def _is_repeated(self, event: Event) -> bool:
        name = hash((event.session_id, event.event_id))
        is_repeated = name in self._seen
        self._seen[name] = None
        _bound(self._seen, SEEN_MAX)
        return is_repeated

    def _answered(self, event: Event) -> list[tuple[str, int]]:
        if not event.item_ids:
            return []
        if event.event_type == CHOSEN:
            request_id = event.request_id or ""
            time_ms = self._requested.pop((event.session_id, request_id), None)
            return [] if time_ms is None else [(request_id, time_ms)]
        if event.event_type in self._question.answers:
            return self._asked.pop(event.session_id, [])
        return []

    def _wait(self, event: Event) -> None:
        if event.event_type == REQUESTED:
            self._requested[event.session_id, event.event_id] = event.event_time_ms
            _bound(self._requested, WAITING_MAX)
            return
        mine = self._asked.setdefault(event.session_id, [])
        mine.append((event.event_id, event.event_time_ms))
        del mine[:-WAITING_PER_SESSION_MAX]
        _bound(self._asked, WAITING_MAX)


def _bound(waiting: dict[Any, Any], count_max: int) -> None:
    if len(waiting) > count_max:
        del waiting[next(iter(waiting))]


class Sample:
    """At most EXAMPLES_MAX of the answers, chosen by a hash of the event that asked.

    If there are more, those of the newer half of the time are taken, so that each has at least half
    of what the statistics will learn before it; for that SAMPLED_FROM_MAX are kept on the way.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._kept: list[tuple[float, Answer]] = []
        self.offered = 0

    def add(self, answer: Answer) -> None:
        """Offers an answer to the sample."""
        self.offered += 1
        entry = (-draw(self._seed, answer.session_id, answer.event_id), answer)
        if len(self._kept) < SAMPLED_FROM_MAX:
            heappush(self._kept, entry)
        else:
            heappushpop(self._kept, entry)

    def chosen(self) -> dict[EventKey, Answer]:
        """The sample, by the event that asked."""
        ordered = sorted(self._kept, key=lambda entry: (entry[1].time_ms, entry[1].key))
        newer = ordered[-max(EXAMPLES_MAX, len(ordered) // 2) :]
        drawn = sorted(newer, reverse=True)[:EXAMPLES_MAX]
        return {answer.key: answer for _, answer in drawn}
