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
from schemas.session import SessionNews
from udfs.knowledge import Knowledge
from udfs.learn_facts import (
    ActionFact,
    ItemFact,
    SessionFact,
    action_facts,
    item_facts,
    session_fact,
)
from udfs.learn_items import learn_action, learn_item, past_session

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

    def add(self, news: SessionNews, knowledge: Knowledge) -> None:
        """Takes the facts of one piece of news into the epoch of its time; `knowledge` says which items are known."""
        for action in action_facts(news):
            self._epoch(news).actions.setdefault(action.key, []).append(action)
        for fact in item_facts(news, knowledge):
            self._epoch(news).items.setdefault((fact.kind, fact.item_id), []).append(fact)
        session = session_fact(news, knowledge)
        if session is not None:
            self._epoch(news).sessions.append(session)

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

    def _epoch(self, news: SessionNews) -> Facts:
        return self._epochs.setdefault(epoch_of(news.order_ms), Facts({}, {}, []))
