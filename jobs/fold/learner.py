"""What the learn job computes, in one process: news in, whole epochs of knowledge and outcomes out."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from schemas.knowledge import (
    EpochEnd,
    KnowledgeRecord,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.outcomes import Outcome
from schemas.state.lessons import LearnerMemory, Lesson
from schemas.state.outcomes import OutcomeMemory
from schemas.state.session import SessionNews
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learnt_kinds import Fact, Learnt, facts_of, kind_of
from udfs.outcomes.join import Joined, expire_outcomes
from udfs.outcomes.join_lesson import bears_on_outcomes, join_lesson, lessons_of
from udfs.take_lessons import take_lesson

WRITER: Final = "0"


class Learned(NamedTuple):
    """What is written to `outcomes`, and what to count."""

    outcomes: tuple[Outcome, ...] = ()
    counts: tuple[str, ...] = ()


NOTHING_LEARNED: Final = Learned()


class Learner:
    """The steps of all that is learnt, for news that comes in the order of its time."""

    def __init__(self) -> None:
        self._known: dict[str, Learnt] = {}
        self._epochs: dict[int, dict[str, list[Fact]]] = {}
        self._asked: dict[str, bytes] = {}
        self._shown: dict[str, bytes] = {}
        self._people: dict[str, LearnerMemory] = {}
        self._outcomes: dict[str, OutcomeMemory] = {}
        self._timers: list[tuple[int, str]] = []

    def add(self, news: SessionNews, knowledge: Knowledge) -> Learned:
        """Takes the facts of one piece of news into the epoch of its time, and what it brings about; `knowledge` says which items are known."""
        outcomes: list[Outcome] = []
        counts: list[str] = []
        for lesson in self._lessons(news, knowledge):
            taken = take_lesson(self._people.get(lesson.person), lesson, knowledge.assumed)
            self._people.pop(lesson.person, None)
            if taken.memory is not None:
                self._people[lesson.person] = taken.memory
            for key, fact in facts_of(taken.lesson):
                of_epoch = self._epochs.setdefault(epoch_of(news.order_ms), {})
                of_epoch.setdefault(key, []).append(fact)
            counts += taken.counts
            if bears_on_outcomes(taken):
                before = self._outcomes.get(lesson.person)
                joined = join_lesson(before, taken, knowledge, knowledge.assumed)
                self._keep(lesson.person, joined)
                outcomes += joined.outcomes
                counts += joined.counts
        return Learned(tuple(outcomes), tuple(counts))

    def expire(self, now_ms: int) -> Learned:
        """What becomes an outcome by `now_ms` because nothing more was done."""
        outcomes: list[Outcome] = []
        counts: list[str] = []
        while self._timers and self._timers[0][0] <= now_ms:
            set_ms, person = heappop(self._timers)
            memory = self._outcomes.get(person)
            if memory is None or memory.timer_ms != set_ms:
                continue  # another one was set since
            joined = expire_outcomes(memory, person, set_ms)
            self._keep(person, joined)
            outcomes += joined.outcomes
            counts += joined.counts
        return Learned(tuple(outcomes), tuple(counts))

    def _keep(self, person: str, joined: Joined) -> None:
        if joined.memory is None:
            self._outcomes.pop(person, None)
            return
        self._outcomes[person] = joined.memory
        heappush(self._timers, (joined.memory.timer_ms, person))

    def close(self, now_ms: int) -> Iterator[KnowledgeRecord]:
        """The records of every epoch that has ended at `now_ms`, in the order of their keys, each with its end."""
        while self._epochs and epoch_end_ms(epoch := next(iter(self._epochs))) <= now_ms:
            taught = self._epochs.pop(epoch)
            yield from (self._learn(key, taught[key], epoch) for key in sorted(taught))
            yield EpochEnd(WRITER, epoch, effective_from_ms(epoch), len(taught))

    def _learn(self, key: str, facts: list[Fact], epoch: int) -> Learnt:
        """The record of a key; what is known of it is kept for its next epoch."""
        kind = kind_of(key)
        record = kind.learn(self._known.get(key), facts, epoch)
        if kind.state is not None:
            self._known[key] = record
        return record

    def _lessons(self, news: SessionNews, knowledge: Knowledge) -> tuple[Lesson, ...]:
        """What the news teaches, by the memory of its session."""
        asked = self._asked.pop(news.session_id, b"")
        shown = self._shown.pop(news.session_id, b"")
        told = lessons_of(asked, shown, news, knowledge)
        if told.asked:
            self._asked[news.session_id] = told.asked
        if told.shown:
            self._shown[news.session_id] = told.shown
        return told.lessons
