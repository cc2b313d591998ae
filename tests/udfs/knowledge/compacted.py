"""Topics of knowledge as Kafka's compaction leaves them, and what a decision sees of them."""

from typing import TypeVar

from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    KnowledgeRecord,
    PastSession,
    effective_from_ms,
)
from udfs.knowledge.item_statistics import ALL
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.past_sessions import PastSessions

Log = list[KnowledgeRecord]
T = TypeVar("T")


def key_of(record: KnowledgeRecord) -> str:
    """The key in Kafka."""
    if isinstance(record, EpochEnd):
        return "epoch-end"
    if isinstance(record, PastSession):
        return f"session/{record.session_hash}"
    if isinstance(record, ActionKnowledge):
        return f"action/{record.key}"
    return f"{record.kind}/{record.item_id}"


def compacted(log: Log, cut: int) -> list[tuple[int, KnowledgeRecord]]:
    """The log with its places, where of what lies before `cut` the newest record of each key is left."""
    newest = {key_of(one): place for place, one in enumerate(log[:cut])}
    places = [*sorted(newest.values()), *range(cut, len(log))]
    return [(place, log[place]) for place in places]


def view(knowledge: Knowledge, epoch: int, names: dict[str, set[str]]) -> object:
    """All that a decision can see of an epoch; `names` are those of each kind, and of categories the boards."""
    statistics = knowledge.statistics
    return (
        statistics.epoch_at(effective_from_ms(epoch)),
        {name: statistics.item(name, epoch) for name in names["item"]},
        {name: statistics.category(name, epoch) for name in names["category"]},
        {name: list(statistics.trending(name, epoch)) for name in (ALL, *names["category"])},
        {name: knowledge.actions.action(name, epoch) for name in names["action"]},
        statistics.sessions_at(epoch),
        _near(statistics.sessions, statistics.sessions_at(epoch), sorted(names["item"])[:5], epoch),
    )


def _near(sessions: PastSessions, count: int, item_ids: list[str], epoch: int) -> object:
    """The scores of what past sessions went on with, by item: numbers are given as sessions come."""
    found = sessions.near(item_ids, effective_from_ms(epoch), count)
    if found is None:
        return None
    return {
        name: [round(float(scores[number]), 9) for scores in found]
        for number, name in enumerate(sessions.ids)
        if number < len(found.touched)
    }


def names_in(log: Log) -> dict[str, set[str]]:
    """The names of all that a log tells of, by kind."""
    found: dict[str, set[str]] = {"item": set(), "category": set(), "action": set()}
    for one in log:
        kind, _, name = key_of(one).partition("/")
        if kind in found:
            found[kind].add(name)
    return found
