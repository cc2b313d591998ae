"""What the learn job computes, in one process: facts of news in, whole epochs of knowledge out."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    ItemKnowledge,
    KnowledgeRecord,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.state.lessons import ActionFact, ItemFact, LearnerMemory, Lesson, SessionFact
from schemas.state.session import SessionNews
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_items import learn_action, learn_item, past_session
from udfs.take_lessons import lesson_of, take_lesson

WRITER: Final = "0"
Key = tuple[str, str]


class Facts(NamedTuple):
    """What one epoch has taught so far."""

    actions: dict[str, list[ActionFact]]
    items: dict[Key, list[ItemFact]]
    sessions: list[SessionFact]


class Learner:
    """The steps of every item and action, for news that comes in the order of its time."""

    def __init__(self) -> None:
        self._actions: dict[str, ActionKnowledge] = {}
        self._items: dict[Key, ItemKnowledge] = {}
        self._epochs: dict[int, Facts] = {}
        self._asked: dict[str, bytes] = {}
        self._people: dict[str, LearnerMemory] = {}

    def add(self, news: SessionNews, knowledge: Knowledge) -> None:
        """Takes the facts of one piece of news into the epoch of its time; `knowledge` says which items are known."""
        lesson = self._lesson(news, knowledge)
        for action in lesson.actions if lesson is not None else ():
            self._epoch(news).actions.setdefault(action.key, []).append(action)
        for fact in lesson.items if lesson is not None else ():
            self._epoch(news).items.setdefault((fact.kind, fact.item_id), []).append(fact)
        if lesson is not None and lesson.ended is not None:
            self._epoch(news).sessions.append(lesson.ended)

    def close(self, now_ms: int) -> Iterator[KnowledgeRecord]:
        """The records of every epoch that has ended at `now_ms`, in the order of their keys, each with its end."""
        while self._epochs and epoch_end_ms(epoch := next(iter(self._epochs))) <= now_ms:
            taught = self._epochs.pop(epoch)
            records: list[KnowledgeRecord] = []
            for name, actions in sorted(taught.actions.items()):
                action = self._actions[name] = learn_action(self._actions.get(name), actions, epoch)
                records.append(action)
            for key, facts in sorted(taught.items.items()):
                item = self._items[key] = learn_item(self._items.get(key), facts, epoch)
                records.append(item)
            sessions = sorted(taught.sessions, key=lambda one: one.session_hash)
            records += [past_session(one, epoch) for one in sessions]
            yield from records
            yield EpochEnd(WRITER, epoch, effective_from_ms(epoch), len(records))

    def _lesson(self, news: SessionNews, knowledge: Knowledge) -> Lesson | None:
        """What counts of what the news teaches, by the memories of its session and person."""
        before = self._asked.pop(news.session_id, b"")
        asked, lesson = lesson_of(before, news, knowledge)
        if asked:
            self._asked[news.session_id] = asked
        if lesson is None or not lesson.is_personal:
            return lesson
        taken = take_lesson(self._people.get(lesson.person), lesson)
        self._people[lesson.person] = taken.memory
        return taken.lesson

    def _epoch(self, news: SessionNews) -> Facts:
        return self._epochs.setdefault(epoch_of(news.order_ms), Facts({}, {}, []))
