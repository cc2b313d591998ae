"""What the learn job computes, in one process: facts of news in, whole epochs of knowledge out."""

from collections.abc import Iterator
from typing import Final

from schemas.knowledge import (
    EpochEnd,
    KnowledgeRecord,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.state.lessons import LearnerMemory, Lesson
from schemas.state.session import SessionNews
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learnt_kinds import Fact, Learnt, facts_of, kind_of
from udfs.take_lessons import lesson_of, take_lesson

WRITER: Final = "0"


class Learner:
    """The steps of all that is learnt, for news that comes in the order of its time."""

    def __init__(self) -> None:
        self._known: dict[str, Learnt] = {}
        self._epochs: dict[int, dict[str, list[Fact]]] = {}
        self._asked: dict[str, bytes] = {}
        self._people: dict[str, LearnerMemory] = {}

    def add(self, news: SessionNews, knowledge: Knowledge) -> None:
        """Takes the facts of one piece of news into the epoch of its time; `knowledge` says which items are known."""
        lesson = self._lesson(news, knowledge)
        for key, fact in facts_of(lesson) if lesson is not None else ():
            of_epoch = self._epochs.setdefault(epoch_of(news.order_ms), {})
            of_epoch.setdefault(key, []).append(fact)

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

    def _lesson(self, news: SessionNews, knowledge: Knowledge) -> Lesson | None:
        """What counts of what the news teaches, by the memories of its session and person."""
        before = self._asked.pop(news.session_id, b"")
        asked, lesson = lesson_of(before, news, knowledge)
        if asked:
            self._asked[news.session_id] = asked
        if lesson is None:
            return None
        taken = take_lesson(self._people.get(lesson.person), lesson, knowledge.assumed)
        self._people.pop(lesson.person, None)
        if taken.memory is not None:
            self._people[lesson.person] = taken.memory
        return taken.lesson
