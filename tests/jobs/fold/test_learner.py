"""The learner: whole epochs, each once and in order, of what happened in them."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.events import Event
from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    ItemKnowledge,
    KnowledgeRecord,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_MS, MINUTE_MS
from schemas.records import LogRecord
from schemas.state.lessons import ItemFact
from schemas.state.session import SessionNews
from tests.builders import NOON, make_event, make_knowledge, track_all
from tests.logs import shopping_log
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import item_facts, session_fact
from udfs.knowledge.learn_items import learn_item

EPOCH = epoch_of(NOON)
LOG = [
    LogRecord("events", 0, offset, line.timestamp_ms, line.key, line.value)
    for offset, line in enumerate(shopping_log(300, seed=3, hours=1))
]
NEWS = [
    one.news for one in Fold(make_knowledge(), FoldRules(EVENT.decode, "seed")).run(LOG) if one.news
]


def viewed(item_id: str, time_ms: int = NOON, **fields: object) -> Event:
    return make_event(
        event_id=f"{item_id}-{time_ms}", event_type="product_viewed", item_ids=[item_id],
        event_time_ms=time_ms, **fields,
    )  # fmt: skip


def learner_of(*events: Event) -> Learner:
    """A learner that was told the news of one session."""
    learner, knowledge = Learner(), make_knowledge()
    for one in track_all(list(events))[1]:
        learner.add(one, knowledge)
    return learner


def learn(news: list[SessionNews], closing_ms: set[int]) -> list[KnowledgeRecord]:
    """Everything learnt from `news`, with more moments of closing than are needed."""
    learner = Learner()
    records: list[KnowledgeRecord] = []
    for one in news:
        for now_ms in sorted(ms for ms in closing_ms if ms < one.order_ms):
            records += learner.close(now_ms)
        records += learner.close(one.order_ms)
        learner.add(one, Knowledge())
    return [*records, *learner.close(news[-1].order_ms + EPOCH_MS)]


def test_an_epoch_is_written_after_its_end_and_once() -> None:
    learner = learner_of(viewed("a"))
    assert list(learner.close(epoch_end_ms(EPOCH) - 1)) == []
    item, end = learner.close(epoch_end_ms(EPOCH))
    assert isinstance(item, ItemKnowledge)
    assert (item.item_id, item.views, item.epoch) == ("a", 1.0, EPOCH)
    assert end == EpochEnd("0", EPOCH, effective_from_ms(EPOCH), 1)
    assert list(learner.close(NOON + MINUTE_MS)) == []


def test_every_epoch_with_facts_has_one_end_with_the_number_of_its_records() -> None:
    records = learn(NEWS, set())
    ends = [one for one in records if isinstance(one, EpochEnd)]
    assert [one.epoch for one in ends] == sorted({one.epoch for one in ends})
    counts: dict[int, int] = defaultdict(int)
    at = 0
    for record in records:
        assert record.epoch == ends[at].epoch  # all of one epoch, then its end
        assert record.effective_from_ms == effective_from_ms(record.epoch)
        if isinstance(record, EpochEnd):
            assert record.records == counts[record.epoch] > 0
            at += 1
        else:
            counts[record.epoch] += 1


def test_what_is_learnt_is_what_the_facts_of_each_epoch_make() -> None:
    """By hand: all facts of the whole log, grouped, one step per item and epoch."""
    facts: dict[tuple[str, str], dict[int, list[ItemFact]]] = defaultdict(lambda: defaultdict(list))
    for news in NEWS:
        for fact in item_facts(news, Knowledge()):
            facts[fact.kind, fact.item_id][epoch_of(news.order_ms)].append(fact)
    expected: dict[tuple[str, str, int], ItemKnowledge] = {}
    for (kind, item_id), epochs in facts.items():
        known = None
        for epoch in sorted(epochs):
            known = expected[kind, item_id, epoch] = learn_item(known, epochs[epoch], epoch)
    records = [one for one in learn(NEWS, set()) if isinstance(one, ItemKnowledge)]
    assert {(one.kind, one.item_id, one.epoch): one for one in records} == expected
    assert len(records) == len(expected)


def test_every_session_that_ended_is_remembered_once() -> None:
    ended = {
        fact.session_hash: fact.item_ids for one in NEWS if (fact := session_fact(one, Knowledge()))
    }
    found = [one for one in learn(NEWS, set()) if isinstance(one, PastSession)]
    assert {one.session_hash: one.item_ids for one in found} == ended
    assert len(found) == len(ended) > 10


@given(st.sets(st.integers(NEWS[0].order_ms, NEWS[-1].order_ms), max_size=30))
@settings(max_examples=15)
def test_when_epochs_are_closed_changes_nothing(closing_ms: set[int]) -> None:
    assert learn(NEWS, closing_ms) == learn(NEWS, set())


def test_an_epoch_in_which_nothing_happened_is_not_written() -> None:
    later = NOON + 10 * EPOCH_MS
    records = learner_of(viewed("a"), viewed("a", later)).close(later + EPOCH_MS)
    ends = [one.epoch for one in records if isinstance(one, EpochEnd)]
    assert ends == [EPOCH, EPOCH + 10]


def test_what_was_known_fades_into_the_next() -> None:
    later = NOON + 10 * EPOCH_MS
    records = list(learner_of(viewed("a"), viewed("a", later)).close(later + EPOCH_MS))
    views = [one.views for one in records if isinstance(one, ItemKnowledge)]
    assert views == [1.0, pytest.approx(2.0, rel=1e-4)]
    assert views[1] < 2.0


def test_an_epoch_in_which_only_a_session_ended_is_written() -> None:
    end_ms = NOON + 10 * EPOCH_MS
    ended = make_event(event_id="end", event_type="session_ended", event_time_ms=end_ms)
    records = list(learner_of(viewed("a"), ended).close(end_ms + EPOCH_MS))
    session, end = records[-2:]
    assert isinstance(session, PastSession)
    assert (session.item_ids, session.epoch, session.ended_ms) == (("a",), EPOCH + 10, end_ms)
    assert isinstance(end, EpochEnd)
    assert end.records == 1


# --- actions ------------------------------------------------------------------------------------


def exposed(number: int, time_ms: int = NOON) -> Event:
    return make_event(
        event_id=f"exposed-{number}", event_type="decision_exposed", event_time_ms=time_ms,
        item_ids=["a"], properties={"action_id": "quiz", "placement": "hero"},
        decision_id=identify_decision("a1", "s1", "asked", "home"),
    )  # fmt: skip


ASKED = make_event(event_id="asked", placements=["home"])


def test_actions_come_before_items_and_sessions_in_the_order_of_their_keys() -> None:
    learner = learner_of(
        exposed(1), exposed(2), make_event(event_id="e", event_type="session_ended")
    )
    records = list(learner.close(epoch_end_ms(EPOCH)))
    names = [
        f"{one.kind}/{one.key}" if isinstance(one, ActionKnowledge)
        else f"{one.kind}/{one.item_id}" if isinstance(one, ItemKnowledge)
        else "end"
        for one in records
    ]  # fmt: skip
    assert names == ["action/quiz", "action/quiz\thero\tbrowsing", "item/a", "end"]
    assert isinstance(records[-1], EpochEnd)
    assert records[-1].records == 3


def test_what_is_known_of_an_action_goes_on_from_epoch_to_epoch() -> None:
    later = NOON + 10 * EPOCH_MS
    records = learner_of(ASKED, exposed(1), exposed(2, later)).close(later + EPOCH_MS)
    found = [one for one in records if isinstance(one, ActionKnowledge) and one.key == "quiz"]
    assert [one.exposures_total for one in found] == [1, 2]
    assert found[1].exposures == pytest.approx(2.0, rel=1e-4)


def test_log_told_twice_teaches_the_same() -> None:
    log = [exposed(number, NOON + 300 * number) for number in range(9)]
    close_ms = NOON + MINUTE_MS
    assert list(learner_of(*log).close(close_ms)) == list(learner_of(*log).close(close_ms))
    assert list(learner_of(*log, *log).close(close_ms)) == list(learner_of(*log).close(close_ms))
