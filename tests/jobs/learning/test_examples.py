"""Training examples: the features of a decision's moment, joined to what came strictly after."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.fold.fold import FoldRules
from jobs.fold.learner import Learner
from jobs.learning.answers import NEXT, Answer, Joiner, Question, Sample
from jobs.learning.examples import Collected, collect
from models.scorer import Matrix
from schemas.codec import EVENT
from schemas.erasures import ErasureKey, erasure_record
from schemas.events import Event
from schemas.knowledge import KnowledgeRecord
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from tests.builders import NOON, make_catalogue, make_knowledge, make_record
from tests.jobs.learning.asked import at, request
from udfs.explain.tracing import Tracing
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.erasures import Erasures
from udfs.policy.compile_policy import compile_policy

RULES = FoldRules(EVENT.decode, "seed", tracing=Tracing(0.0))


def test_people_who_do_not_agree_to_analytics_are_no_examples() -> None:
    clicked = at(2, "ranking_clicked", "i2", request_id="r1")

    def found(**said: Any) -> int:
        asks = msgspec.structs.replace(request(1, "r1", "i1", "i2"), **said)
        return len(collected(asks, clicked)[1])

    assert found() == found(consent=("analytics",)) == 1
    assert found(consent=("personalisation",)) == 0
    objects = at(0, "consent_changed", consent=["analytics"], properties={"objection": "profiling"})
    assert collected(objects, request(1, "r1", "i1", "i2"), clicked)[1] == []


def test_people_who_were_erased_are_no_examples_and_are_counted() -> None:
    asks, clicked = request(1, "r1", "i1", "i2"), at(2, "ranking_clicked", "i2", request_id="r1")
    key, knowledge, memory = ErasureKey(b"k" * 32), make_knowledge(*make_catalogue(10)), Memory()
    knowledge.erasures = Erasures(key)
    knowledge.erasures.add(erasure_record(key, "person", asks.anonymous_id, clicked.event_time_ms))
    log = [make_record(event, offset) for offset, event in enumerate((asks, clicked))]
    found = collect(log, knowledge, RULES, None, memory)  # type: ignore[arg-type]
    assert (found.examples, found.erased, memory.groups) == (0, 2, [])


class Group(NamedTuple):
    time_ms: int
    session_id: str
    features: Matrix
    positive: int | None

    def feature(self, name: str) -> float:
        assert self.positive is not None
        return float(self.features[self.positive, FEATURE_SPACE.places[name]])


class Memory:
    """Takes what a file of examples would."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def add(
        self, time_ms: int, session_id: str, group_name: str, features: Matrix,
        positive: int | None, weight: float = 1.0,
    ) -> None:  # fmt: skip
        self.groups.append(Group(time_ms, session_id, features.copy(), positive))


def collected(
    *events: Event, taught: Iterable[KnowledgeRecord] | None = None
) -> tuple[Collected, list[Group]]:
    """What the events give with a catalogue of i0, i1 …"""
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    return collected_from(log, taught)


def collected_from(
    log: list[LogRecord],
    taught: Iterable[KnowledgeRecord] | None = None,
    placement: str | None = None,
) -> tuple[Collected, list[Group]]:
    memory = Memory()
    knowledge = make_knowledge(*make_catalogue(10))
    found = collect(log, knowledge, RULES, taught, memory, placement)  # type: ignore[arg-type]
    return found, memory.groups


# --- joining ----------------------------------------------------------------------------------


def test_a_decision_is_joined_to_the_next_item_of_its_session() -> None:
    found, (group,) = collected(at(0, "product_viewed", "i1"), at(60, "product_viewed", "i2"))
    assert found == Collected(
        events=2, answered=1, decisions=1, examples=1, from_ms=NOON, to_ms=NOON + MINUTE_MS
    )
    assert group.feature("item_price") == pytest.approx(np.log1p(make_catalogue()[2].price or 0))
    assert group.features.shape == (10, FEATURE_SPACE.count)
    assert (group.time_ms, group.session_id) == (NOON, "s1")


def test_a_placement_is_learnt_by_its_own_decisions() -> None:
    """Two looks at items, and a list of the caller's: each is asked for by its own events."""
    events = [
        at(0, "product_viewed", "i1"), at(60, "product_viewed", "i2"),
        request(120, "r1", "i3", "i4"), at(130, "ranking_clicked", "i4", request_id="r1"),
    ]  # fmt: skip
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    shapes = {name: [len(one.features) for one in collected_from(log, None, name)[1]] for name in ("next_item", "rerank", "none", None)}  # fmt: skip
    assert shapes == {"next_item": [10], "rerank": [2], "none": [], None: [10, 2]}
    assert collected_from(log, None, "none")[0].answered == 0


def test_names_of_the_senders_own_ask_and_answer_as_what_they_count_as() -> None:
    tapped = {"name": "tapped", "role": "view", "fields": {"item_ids": "sku"}}
    said = {
        "events": [tapped],
        "placements": [{"name": "p", "event_types": ["tapped"]}],
        "holdout": {"share": 0.0},
    }
    log = [make_record(at(60 * n, "tapped", properties={"sku": f"i{n}"}), n) for n in range(3)]

    def examples(**strict: bool) -> int:
        knowledge = make_knowledge(*make_catalogue(10))
        knowledge.add_policy("own", 1, 1, compile_policy(msgspec.convert(said | strict, Policy)))
        return collect(log, knowledge, RULES, None, Memory()).examples  # type: ignore[arg-type]

    assert examples() == examples(strict_events=True) == 2
    said["events"] = []
    said["placements"] = []
    assert examples() == examples(strict_events=True) == 0


def answers(*events: Event, question: Question | None = None) -> list[tuple[str, str]]:
    joiner = Joiner(question or Question(lambda one, _: one.event_type != "page_viewed"))
    return [(one.event_id, one.item_id) for event in events for one in joiner.take(event)]


@pytest.mark.parametrize("event_type", sorted(NEXT))
def test_what_answers_a_decision(event_type: str) -> None:
    asked = at(0, "cart_viewed", event_id="q")
    assert answers(asked, at(60, event_type, "i2")) == [("q", "i2")]


@pytest.mark.parametrize(
    "event_type",
    ["page_viewed", "product_removed_from_cart", "decision_exposed", "ranking_clicked"],
)
def test_what_does_not_answer_a_decision(event_type: str) -> None:
    assert answers(at(0, "cart_viewed"), at(60, event_type, "i2")) == []


def test_an_event_without_items_answers_nothing() -> None:
    assert answers(at(0, "cart_viewed", event_id="q"), at(60, "product_viewed")) == []


def test_only_the_next_item_answers_and_only_once() -> None:
    assert answers(
        at(0, "cart_viewed", event_id="q"), at(5, "page_viewed"),
        at(60, "product_viewed", "i2", event_id="v"), at(61, "product_viewed", "i3"),
    ) == [("q", "i2"), ("v", "i3")]  # fmt: skip


def test_all_that_waits_in_a_session_is_answered_at_once() -> None:
    events = [at(n, "cart_viewed", event_id=f"q{n}") for n in range(3)]
    found = answers(*events, at(60, "product_viewed", "i2"))
    assert found == [("q0", "i2"), ("q1", "i2"), ("q2", "i2")]


def test_another_session_answers_nothing() -> None:
    assert answers(at(0, "cart_viewed"), at(60, "product_viewed", "i2", session_id="s2")) == []


def test_a_rerank_is_joined_by_its_request() -> None:
    events = [
        request(0, "r1", "a", "b", "c"), request(1, "r2", "b", "c"),
        at(5, "product_viewed", "c"), at(9, "ranking_clicked", "c", request_id="r1"),
        at(10, "ranking_clicked", "b", request_id="r1"),
    ]  # fmt: skip
    assert answers(*events) == [("r1", "c")]
    _, groups = collected(*events)
    (reranked,) = [one for one in groups if len(one.features) == 3]
    assert reranked.feature("caller_position") == 2


@pytest.mark.parametrize("fields", [{"request_id": "r9"}, {}, {"session_id": "s2"}])
def test_a_click_on_another_request_answers_nothing(fields: dict[str, str]) -> None:
    fields = {"request_id": "r1"} | fields if "session_id" in fields else fields
    assert answers(request(0, "r1", "a", "b"), at(9, "ranking_clicked", "a", **fields)) == []


def test_a_repeated_event_neither_asks_nor_answers() -> None:
    view = at(0, "product_viewed", "i1", event_id="v")
    assert answers(view, view, at(9, "product_viewed", "i2")) == [("v", "i2")]


def test_what_waits_is_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.learning.answers.WAITING_MAX", 1)
    monkeypatch.setattr("jobs.learning.answers.WAITING_PER_SESSION_MAX", 2)
    one = [at(n, "cart_viewed", event_id=f"q{n}") for n in range(3)]
    assert answers(*one, at(9, "product_viewed", "i2")) == [("q1", "i2"), ("q2", "i2")]
    other = at(1, "cart_viewed", session_id="s2")
    assert answers(one[0], other, at(9, "product_viewed", "i2")) == []


def test_an_answer_that_was_no_candidate_is_no_example() -> None:
    found, groups = collected(at(0, "product_viewed", "i1"), at(60, "product_viewed", "never seen"))
    assert groups == []
    assert (found.answered, found.decisions, found.examples) == (1, 1, 0)


def test_no_events_give_no_examples() -> None:
    assert collected() == (Collected(0, 0, 0, 0, 0, 0), [])


def test_broken_records_are_passed_over() -> None:
    log = [
        make_record(at(0, "product_viewed", "i1")),
        LogRecord("events", 0, 1, NOON, "s1", b"junk"),
    ]
    found, _ = collected_from(log)
    assert (found.events, found.from_ms, found.to_ms) == (1, NOON, NOON)


# --- the sample -------------------------------------------------------------------------------


def make_answer(number: int) -> Answer:
    return Answer("s", f"e{number}", NOON + number, "i", NOON + number + 1)


def sample(count: int, seed: str = "seed", order: Iterable[int] | None = None) -> set[int]:
    found = Sample(seed)
    for number in order if order is not None else range(count):
        found.add(make_answer(number))
    assert found.offered == count
    return {answer.time_ms - NOON for answer in found.chosen().values()}


@pytest.fixture
def at_most_10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.learning.answers.EXAMPLES_MAX", 10)
    monkeypatch.setattr("jobs.learning.answers.SAMPLED_FROM_MAX", 40)


@pytest.mark.usefixtures("at_most_10")
def test_few_are_all_taken() -> None:
    assert sample(10) == set(range(10))


@pytest.mark.usefixtures("at_most_10")
def test_of_more_the_newer_half_is_drawn_from() -> None:
    assert sample(14) == set(range(4, 14))
    chosen = sample(40)
    assert len(chosen) == 10
    assert min(chosen) >= 20
    assert chosen == sample(40)
    assert chosen != sample(40, seed="another")


@pytest.mark.usefixtures("at_most_10")
def test_of_very_many_the_newer_half_is_drawn_from_in_bounded_memory() -> None:
    found = Sample("seed")
    for number in range(5_000):
        found.add(make_answer(number))
    assert len(found._kept) == 40
    chosen = [answer.time_ms - NOON for answer in found.chosen().values()]
    assert len(chosen) == 10
    assert min(chosen) > 1_500  # the newer half of 40 drawn evenly from 5,000


@pytest.mark.usefixtures("at_most_10")
def test_the_sample_does_not_depend_on_the_order() -> None:
    assert sample(100, order=range(99, -1, -1)) == sample(100)


# --- nothing of the future --------------------------------------------------------------------


@given(st.sampled_from([f"i{n}" for n in range(2, 9)]))
def test_the_answer_moves_the_label_and_nothing_else(next_item: str) -> None:
    def group(item_id: str) -> Group:
        _, (one,) = collected(at(0, "product_viewed", "i1"), at(60, "product_viewed", item_id))
        return one

    one, other = group("i2"), group(next_item)
    assert one.features.tobytes() == other.features.tobytes()
    assert (one.positive == other.positive) == (next_item == "i2")


def views() -> list[Event]:
    """Ten sessions that look at the same three items, one after another."""
    return [
        at(600 * session + 10 * step, "product_viewed", f"i{step + 1}", session_id=f"s{session}",
           anonymous_id=f"a{session}")
        for session in range(10)
        for step in range(3)
    ]  # fmt: skip


def test_statistics_grow_with_the_log() -> None:
    _, groups = collected(*views())
    interest = [group.feature("item_interest") for group in groups]
    assert not np.isfinite(interest[0]) or interest[0] == 0
    assert interest[-1] > interest[2] > 0


def test_recorded_knowledge_gives_what_the_fold_learns_itself() -> None:
    """The topic `knowledge` holds what the same log taught: the vectors are the same."""
    learner, records = Learner(), []
    from jobs.fold.fold import Fold

    log = [make_record(event, offset) for offset, event in enumerate(views())]
    knowledge = make_knowledge(*make_catalogue(10))
    for one in Fold(knowledge, RULES).run(log):
        if one.news is not None:
            records += list(learner.close(one.news.order_ms))
            learner.add(one.news, knowledge)
    records += list(learner.close(NOON + HOUR_MS * 100))
    _, own = collected(*views())
    _, recorded = collected(*views(), taught=records)
    assert len(own) == 20
    assert [one.features.tobytes() for one in recorded] == [one.features.tobytes() for one in own]
    _, untaught = collected(*views(), taught=[])
    assert [one.features.tobytes() for one in untaught] != [one.features.tobytes() for one in own]
