"""The table of what is learnt: one key, one kind, whoever walks through it."""

import pytest

from schemas.codec import HEADER_BYTES
from schemas.knowledge import LEARNT, RECORDS, EntryKind
from schemas.state.lessons import ItemFact, Lesson, SessionFact
from tests.builders import EPOCH, NOON
from tests.udfs.made_actions import fact
from udfs.knowledge.learnt_kinds import KINDS, facts_of, kind_of


def item_fact(kind: EntryKind) -> ItemFact:
    return ItemFact(kind, "a/b", NOON, "s", 1, 0, NOON, "views")


ENDED = SessionFact("hash", NOON, NOON, ("a",))
LESSON = Lesson(
    "p1", NOON, "s", 1, (fact(key="quiz"),), (item_fact("item"), item_fact("category")), ended=ENDED
)  # fmt: skip


def test_every_fact_of_a_lesson_stands_under_the_key_of_its_kind() -> None:
    keys = [key for key, _ in facts_of(LESSON)]
    assert keys == ["action/quiz", "item/a/b", "category/a/b", "session/hash"]
    assert {key.partition("/")[0] for key in keys} == KINDS.keys()


def test_every_kind_writes_its_facts_records_and_state_so_that_they_are_read_again() -> None:
    for key, taught in facts_of(LESSON):
        kind = kind_of(key)
        facts = [kind.fact.decode(kind.fact.encode(taught))]
        assert facts == [taught]
        record = kind.learn(None, facts, EPOCH)
        value = kind.record.encode(record)
        assert LEARNT[RECORDS[value[:HEADER_BYTES]]](value) == record
        if kind.state is not None:
            assert kind.state.decode(kind.state.encode(record)) == record
            again = kind.learn(record, facts, EPOCH + 1)
            assert again != record, "the next epoch goes on from this one"


def test_all_that_is_learnt_is_read_and_nothing_else_but_the_ends_of_epochs() -> None:
    records = {
        RECORDS[kind.record.encode(kind.learn(None, [one], EPOCH))[:HEADER_BYTES]]
        for kind, one in ((kind_of(key), one) for key, one in facts_of(LESSON))
    }
    assert records | {"epoch_end"} == LEARNT.keys()


def test_a_key_of_no_kind_is_a_bug() -> None:
    with pytest.raises(KeyError):
        kind_of("brand/b")
