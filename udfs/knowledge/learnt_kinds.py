"""What is learnt, kind by kind: the prefix of its keys, its facts, the step that makes its record, and how these are written.

All records go to the topic `knowledge`, whose epochs are whole: the fold and the learn job walk through this one table.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from schemas.codec import Codec, StateCodec
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    ACTION_KNOWLEDGE_STATE,
    ITEM_KNOWLEDGE,
    ITEM_KNOWLEDGE_STATE,
    PAST_SESSION,
    ActionKnowledge,
    ItemKnowledge,
    PastSession,
)
from schemas.state.lessons import (
    ACTION_FACT,
    ITEM_FACT,
    SESSION_FACT,
    ActionFact,
    ItemFact,
    Lesson,
    SessionFact,
)
from udfs.knowledge.learn_items import learn_action, learn_item, learn_session

Fact = ItemFact | ActionFact | SessionFact
Learnt = ItemKnowledge | ActionKnowledge | PastSession
ACTION: Final = "action"
SESSION: Final = "session"


class LearntKind(NamedTuple):
    """`learn` makes of what was known (None = nothing) and of an epoch's facts the record at its end.

    `state` keeps the record for the next epoch that teaches something of the same key; None = nothing is kept.
    """

    fact: StateCodec[Any]
    learn: Callable[[Any, Sequence[Any], int], Learnt]
    record: Codec[Any]
    state: StateCodec[Any] | None = None


_ENTRY: Final = LearntKind(ITEM_FACT, learn_item, ITEM_KNOWLEDGE, ITEM_KNOWLEDGE_STATE)
KINDS: Final[dict[str, LearntKind]] = {
    "item": _ENTRY,
    "category": _ENTRY,
    ACTION: LearntKind(ACTION_FACT, learn_action, ACTION_KNOWLEDGE, ACTION_KNOWLEDGE_STATE),
    SESSION: LearntKind(SESSION_FACT, learn_session, PAST_SESSION),
}
"""By the prefix of their keys: `item/ID`, `category/NAME`, `action/KEY`, `session/HASH`."""


def kind_of(key: str) -> LearntKind:
    """The kind of what is learnt under a key; KeyError where there is none such."""
    return KINDS[key.partition("/")[0]]


def facts_of(lesson: Lesson) -> Iterator[tuple[str, Fact]]:
    """The facts of a lesson, each with the key under which it is learnt."""
    for action in lesson.actions:
        yield f"{ACTION}/{action.key}", action
    for fact in lesson.items:
        yield f"{fact.kind}/{fact.item_id}", fact
    if lesson.ended is not None:
        yield f"{SESSION}/{lesson.ended.session_hash}", lesson.ended
