"""Hostile records of every topic: a value within bounds or InvalidEvent, never anything else; and the core goes on."""

import os
import random
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import Trust
from schemas.codec import DECISION, EVENT, TRACE, Codec
from schemas.errors import InvalidEvent
from schemas.formats.json_lines import event_from_json, item_from_json
from schemas.knowledge import effective_from_ms, epoch_end_ms, epoch_of
from schemas.limits import EVENT_BYTES_MAX, MINUTE_MS, RECORD_BYTES_MAX
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.topics import CONTROL, EVENTS, ITEMS, KNOWLEDGE
from tests.builders import NOON, make_epoch, make_event, make_learnt, make_record
from tests.examples.write import CODECS
from tests.hostile.records import REAL, RECORDS, hostile_record, hostile_value, is_within_bounds
from udfs.explain.tracing import Room, Tracing
from udfs.knowledge.knowledge import Knowledge

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "10000"))
"""Of the longer run: HOSTILE_EXAMPLES=100000 ./kairos test tests/hostile -m long."""
in_ci = settings(derandomize=True, max_examples=200)
at_length = settings(max_examples=EXAMPLES)
seeds = st.integers(0, 2**40)
MEMORY_MAX = 96 * 1024 * 1024
RULES = FoldRules(EVENT.decode, "seed", tracing=Tracing(room=Room(RECORD_BYTES_MAX, EVENTS)))


def decode_every_way(data: bytes) -> None:
    """Every reader of one value: what it gives is within bounds, and can be written again."""
    for codec in CODECS.values():
        try:
            value = codec.decode(data)
        except InvalidEvent:
            continue
        assert is_within_bounds(value)
        assert codec.decode(codec.encode(value)) == value


@given(seeds)
@in_ci
def test_a_hostile_record_is_a_value_within_bounds_or_invalid(seed: int) -> None:
    decode_every_way(hostile_record(seed)[1])


@pytest.mark.long
@given(seeds)
@at_length
def test_many_hostile_records_are_values_within_bounds_or_invalid(seed: int) -> None:
    decode_every_way(hostile_record(seed)[1])


@given(st.binary(max_size=3_000))
@in_ci
def test_noise_is_invalid_as_json_too(data: bytes) -> None:
    for decode in (event_from_json, item_from_json):
        with pytest.raises(InvalidEvent):
            decode(data)


@pytest.mark.parametrize("topic", sorted(RECORDS))
def test_decoding_a_topics_hostile_records_takes_bounded_memory(topic: str) -> None:
    tracemalloc.start()
    try:
        for seed in range(150):
            decode_every_way(hostile_value(topic, seed))
        decode_every_way(REAL[topic][0] + bytes(2 * EVENT_BYTES_MAX))
        assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX
    finally:
        tracemalloc.stop()


def test_the_same_seed_gives_the_same_bytes_and_most_are_no_noise() -> None:
    assert [hostile_record(seed) for seed in range(300)] == [hostile_record(seed) for seed in range(300)]  # fmt: skip
    assert {hostile_record(seed)[0] for seed in range(300)} == set(RECORDS)
    found: Counter[str] = Counter()
    for seed in range(400):
        try:
            CODECS["event"].decode(hostile_value(EVENTS, seed))
            found["taken"] += 1
        except InvalidEvent as error:
            found[error.reason] += 1
    assert {"taken", "invalid_value", "malformed", "not_single_object", "unknown_schema"} <= set(found)  # fmt: skip


# --- the core -------------------------------------------------------------------------------------------


class Engine:
    """A feed of knowledge and a fold that learns, as one process: hostile records in, decisions out."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.knowledge = Knowledge()
        self.feed = KnowledgeFeed(self.knowledge, lambda one: self.counts.update([one]), Trust())
        self.offset = 0
        self.tell(CODECS["control"].encode(DEFAULT_CONTROL))

    def tell(self, value: bytes, timestamp_ms: int = NOON) -> None:
        """One record of control, items or knowledge."""
        self.offset += 1
        self.feed.apply(value, self.offset, timestamp_ms)

    def decisions(self, log: list[LogRecord], learner: Learner | None = None) -> list[str]:
        """The events that were decided on."""
        found = []
        for one in Fold(self.knowledge, RULES, learner).run(log):
            for letter in one.dead_letters:
                assert is_within_bounds(letter)
            for decision, trace in one.decisions:
                pairs: list[tuple[Codec[Any], Any]] = [(DECISION, decision), (TRACE, trace)]
                for codec, value in pairs:
                    written = codec.encode(value)
                    assert len(written) <= RECORD_BYTES_MAX
                    assert codec.decode(written) == value
                found.append(decision.event_id)
        return found


def honest(event_id: str, offset: int, time_ms: int = NOON + MINUTE_MS) -> LogRecord:
    return make_record(
        make_event(event_id=event_id, event_time_ms=time_ms, session_id="honest", placements=["home"], item_ids=["i1"]),
        offset,
    )  # fmt: skip


def told(seed: int, count: int = 8) -> list[bytes]:
    """Values for what the operators take as knowledge."""
    topics = (CONTROL, ITEMS, KNOWLEDGE, KNOWLEDGE, KNOWLEDGE)
    return [hostile_value(topics[n % len(topics)], seed * count + n) for n in range(count)]


def survive_knowledge(seed: int) -> None:
    """Hostile knowledge, then what is honest: it is learnt, and decided on."""
    engine = Engine()
    for value in told(seed):
        engine.tell(value)
    epoch = epoch_of(NOON)
    for record in make_epoch(make_learnt("i1", epoch, views=3.0), epoch=epoch):
        name = {"ItemKnowledge": "item_knowledge", "EpochEnd": "epoch_end"}[type(record).__name__]
        engine.tell(CODECS[name].encode(record), epoch_end_ms(epoch))
    policy = engine.knowledge.policy_at(NOON + MINUTE_MS)
    assert policy is not None
    # a byte may have been changed in the name of a placement: then that is the policy
    is_placed = any(one.placement.name == "home" for one in policy.placements)
    assert ("e2" in engine.decisions([honest("e1", 0), honest("e2", 1)])) == is_placed
    engine.knowledge.advance(effective_from_ms(epoch))
    known = engine.knowledge.statistics.item("i1", epoch)
    assert known is not None
    assert known.views == 3.0


@given(seeds)
@settings(in_ci, max_examples=60)
def test_hostile_knowledge_ends_nothing_and_does_not_stop_learning(seed: int) -> None:
    survive_knowledge(seed)


@pytest.mark.long
@given(seeds)
@settings(at_length, max_examples=max(1, EXAMPLES // 10))
def test_much_hostile_knowledge_ends_nothing(seed: int) -> None:
    survive_knowledge(seed)


def survive_events(seed: int) -> None:
    """Hostile events between honest ones, of the same session and of others, with a learner at work."""
    engine = Engine()
    chance = random.Random(seed)
    log = [honest("e1", 0)]
    for n in range(6):
        value = hostile_value(EVENTS, seed * 6 + n)
        try:
            key = EVENT.decode(value).session_id
        except InvalidEvent:
            key = "honest"
        log.append(LogRecord(EVENTS, 0, n + 1, NOON + n, chance.choice((key, "honest")), value))
    log.append(honest("e2", 7, NOON + 2 * MINUTE_MS))
    found = engine.decisions(log, Learner())
    assert "e1" in found
    assert "e2" in found


@given(seeds)
@settings(in_ci, max_examples=60)
def test_hostile_events_end_nothing_and_the_honest_ones_are_decided_on(seed: int) -> None:
    survive_events(seed)


@pytest.mark.long
@given(seeds)
@settings(at_length, max_examples=max(1, EXAMPLES // 10))
def test_many_hostile_events_end_nothing(seed: int) -> None:
    survive_events(seed)


@pytest.mark.parametrize("number", [-1.0, 0.0, 5e-324, 1e12, 1e300, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["views", "interest", "interest_short", "exposures", "examined", "price"])  # fmt: skip
def test_a_decision_is_made_whatever_number_knowledge_holds(name: str, number: float) -> None:
    engine = Engine()
    epoch = epoch_of(NOON) - 10
    fields: dict[str, Any] = {name: number, "category": "C"}
    learnt = make_learnt("i1", epoch, **fields)
    for record in make_epoch(learnt, make_learnt("i2", epoch), epoch=epoch):
        kind = {"ItemKnowledge": "item_knowledge", "EpochEnd": "epoch_end"}[type(record).__name__]
        engine.tell(CODECS[kind].encode(record))
    assert engine.decisions([honest("e1", 0)]) == ["e1"]


def test_a_callers_features_at_their_extremes_are_ranked() -> None:
    for number in (1e300, -1e300, 3.5e38, 5e-324):
        given = [{"item_id": f"i{n}", "features": {"margin": number}, "price": 1e12} for n in range(3)]  # fmt: skip
        event = make_event(event_type="ranking_requested", candidates=given, session_id="honest")
        assert Engine().decisions([make_record(event)]) == ["e1"]
