"""What the learn job computes, in one process: facts of news in, whole epochs of knowledge out."""

from collections.abc import Iterator
from typing import Final

from schemas.knowledge import (
    EpochEnd,
    ItemKnowledge,
    KnowledgeRecord,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.session import SessionNews
from udfs.learn_facts import ItemFact, SessionFact, item_facts, session_fact
from udfs.learn_items import learn_item, past_session

WRITER: Final = "0"
Key = tuple[str, str]


class Learner:
    """The item step of every item, for news that comes in the order of its time."""

    def __init__(self) -> None:
        self._known: dict[Key, ItemKnowledge] = {}
        self._facts: dict[int, dict[Key, list[ItemFact]]] = {}
        self._sessions: dict[int, list[SessionFact]] = {}

    def add(self, news: SessionNews) -> None:
        """Takes the facts of one piece of news into the epoch of its time."""
        session = session_fact(news)
        if session is not None:
            self._sessions.setdefault(epoch_of(session.order_ms), []).append(session)
            self._facts.setdefault(epoch_of(session.order_ms), {})
        for fact in item_facts(news):
            of_epoch = self._facts.setdefault(epoch_of(fact.order_ms), {})
            of_epoch.setdefault((fact.kind, fact.item_id), []).append(fact)

    def close(self, now_ms: int) -> Iterator[KnowledgeRecord]:
        """The records of every epoch that has ended at `now_ms`, each with its end marker."""
        while self._facts and epoch_end_ms(epoch := next(iter(self._facts))) <= now_ms:
            records: list[KnowledgeRecord] = []
            for key, facts in sorted(self._facts.pop(epoch).items()):
                known = self._known[key] = learn_item(self._known.get(key), facts, epoch)
                records.append(known)
            sessions = sorted(self._sessions.pop(epoch, ()), key=lambda one: one.session_hash)
            records += [past_session(one, epoch) for one in sessions]
            yield from records
            yield EpochEnd(WRITER, epoch, effective_from_ms(epoch), len(records))
