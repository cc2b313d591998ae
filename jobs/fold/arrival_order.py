"""A person's news in the order in which the live job took it, as far as the log of decisions tells.

Live, news of a person's simultaneous sessions is taken as it arrives. The decisions of a person lie in one
partition in the order in which they were made, so that order is known for events that were decided on;
the others are taken as they lie in the log, partitions merged by time, and never before what came before
them in their session.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from jobs.audit.logged import EventKey
from jobs.fold.fold import Fold, Folded, FoldRules
from schemas.limits import SECOND_MS
from schemas.state.inputs import Claim
from schemas.state.session import SessionNews
from udfs.inputs import PersonInput
from udfs.knowledge.knowledge import Knowledge
from udfs.results import SessionResult


class ArrivalFold(Fold):
    """The sessions of the fold, and their news and claims as soon as they are there; nothing is decided."""

    def __init__(self, knowledge: Knowledge, rules: FoldRules) -> None:
        super().__init__(knowledge, rules)
        self._delay_ms = SECOND_MS

    def _emit(self, result: SessionResult) -> Iterator[Folded]:
        for one in result.told:
            if isinstance(one, SessionNews):
                yield Folded(news=one)
            elif isinstance(one, Claim):
                yield Folded(moved=one)


class LiveOrder:
    """Takes the news of one person in the order of the log and hands it out in the order of their decisions.

    An event that should have come and has not for `wait_ms` of event time is not waited for.
    """

    def __init__(self, decided: Iterable[EventKey], wait_ms: int) -> None:
        self._expected = deque(decided)
        self._later = set(self._expected)
        self._waiting: list[PersonInput] = []
        self._wait_ms = wait_ms

    def offer(self, news: PersonInput) -> Iterator[PersonInput]:
        """What can be taken now that this is here."""
        self._waiting.append(news)
        yield from self._free()
        while self._waiting and self._waiting[0].order_ms < news.order_ms - self._wait_ms:
            self._give_up()
            yield from self._free()

    def rest(self) -> Iterator[PersonInput]:
        """All that still waits."""
        while self._waiting:
            self._give_up()
            yield from self._free()

    def _give_up(self) -> None:
        self._later.discard(self._expected.popleft())

    def _free(self) -> Iterator[PersonInput]:
        while (at := self._first_free()) is not None:
            news = self._waiting.pop(at)
            if self._expected and event_key_of(news) == self._expected[0]:
                self._give_up()
            yield news

    def _first_free(self) -> int | None:
        blocked: set[str] = set()
        for at, news in enumerate(self._waiting):
            event = event_key_of(news)
            is_due = event not in self._later or event == self._expected[0]
            if is_due and news.session_id not in blocked:
                return at
            blocked.add(news.session_id)
        return None


def event_key_of(news: PersonInput) -> EventKey | None:
    """What a decision may have been made on; None where the news is no event."""
    if not isinstance(news, SessionNews) or news.kind != "event" or news.event is None:
        return None
    return news.session_id, news.event.event_id
