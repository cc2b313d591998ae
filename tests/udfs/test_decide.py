"""The person step: when it decides, what, and what it says of it."""

from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.fold.fold import Fold, FoldRules
from models.scorer import ColumnScorer, Matrix
from schemas import CODE_VERSION
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.items import Item
from schemas.knowledge import EpochEnd, effective_from_ms
from schemas.limits import DAY_MS, HOUR_MS, PERSON_EXPIRY_MS
from schemas.policy import DEFAULT_POLICY, Placement, Policy, Suppression
from schemas.state.person import PERSON_STATE, PersonState, Purchase
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import (
    EPOCH,
    NOON,
    make_catalogue,
    make_event,
    make_knowledge,
    make_learnt,
    make_record,
    teach,
    teach_interest,
    track_all,
)
from udfs.decide import decide, expire_person
from udfs.draw import draw, identify_decision
from udfs.explain.tracing import Tracing
from udfs.explain.vectors import digest_of
from udfs.facts import features
from udfs.facts.fact import Column, Compute
from udfs.facts.features import FEATURE_SPACE
from udfs.facts.view import View
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.results import PersonResult, Result

CATALOGUE = make_knowledge(*make_catalogue())
OPEN = SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))


SHARES = (0.0, 0.01, 0.3, 1.0)


class LastFirst:
    """A model that turns the retrieved around."""

    version = "last-first"
    names = ("source_rank",)

    def score(self, features: Matrix) -> NDArray[np.float32]:
        return np.array(features[:, 0])

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        return np.asarray(scores, dtype=np.float64) / 100.0


def news_of(event: Event, **changes: Any) -> SessionNews:
    fields: dict[str, Any] = {
        "kind": "event", "person": "a1", "order_ms": event.event_time_ms, "session_id": "s1",
        "position": 1, "event": event, "context": OPEN,
    }  # fmt: skip
    return SessionNews(**fields | changes)


def known_person(**fields: Any) -> PersonState:
    """A person of whom we remember something."""
    return PersonState(**{"first_ms": NOON, "last_ms": NOON, "timer_ms": NOON + DAY_MS} | fields)


def asking(**fields: Any) -> Event:
    return make_event(placements=["home"], **fields)


def view(item_id: str = "i1", **fields: Any) -> Event:
    return make_event(event_type="product_viewed", item_ids=[item_id], **fields)


def made(
    event: Event, knowledge: Knowledge = CATALOGUE, state: PersonState | None = None, **changes: Any
) -> list[tuple[Decision, DecisionTrace]]:
    return list(decide(state, news_of(event, **changes), knowledge, "seed").decisions)


def one(
    event: Event, knowledge: Knowledge = CATALOGUE, state: PersonState | None = None, **changes: Any
) -> tuple[Decision, DecisionTrace]:
    found = made(event, knowledge, state, **changes)
    assert len(found) == 1
    return found[0]


def ids(decision: Decision) -> list[str]:
    return [item.item_id for item in decision.items]


def with_policy(policy: Policy, *items: Item) -> Knowledge:
    knowledge = Knowledge()
    knowledge.add_policy("p-7", 0, 0, compile_policy(policy))
    for position, item in enumerate(items or make_catalogue()):
        knowledge.add_item(item, position)
    return knowledge


# --- when -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "placements"),
    [
        (view(), ["next_item"]),
        (view(placements=["home"]), ["next_item", "home"]),
        (view(placements=["next_item"]), ["next_item"]),
        (make_event(event_type="cart_viewed"), ["cart"]),
        (make_event(event_type="product_added_to_cart", item_ids=["i1"]), ["cart"]),
        (make_event(placements=["home"]), ["home"]),
        (make_event(placements=["nowhere"]), []),
        (make_event(), []),
        (make_event(event_type="ranking_requested", candidates=[{"item_id": "i1"}]), ["rerank"]),
    ],
)
def test_a_placement_is_asked_by_type_or_by_name(event: Event, placements: list[str]) -> None:
    found = made(event)
    assert [decision.placement for decision, _ in found] == placements
    assert [trace.placement for _, trace in found] == placements


def test_without_a_policy_in_force_nothing_is_decided() -> None:
    knowledge = Knowledge()
    assert made(view(), knowledge) == []
    knowledge.add_policy("later", NOON + 1, 0, compile_policy(DEFAULT_POLICY))
    assert made(view(), knowledge) == []
    assert len(made(view(event_time_ms=NOON + 1), knowledge)) == 1


def test_late_facts_count_but_decide_nothing() -> None:
    bought = make_event(
        event_type="purchase_completed", item_ids=["i1"], value_amount=3.0, placements=["home"]
    )
    result = decide(None, news_of(bought, is_late=True), CATALOGUE, "seed")
    assert result.decisions == ()
    assert result.state is not None
    assert result.state.purchase_value == 3.0


def test_news_that_is_no_event_of_an_open_session_decides_nothing() -> None:
    asking = make_event(placements=["home"])
    assert made(asking, context=b"") == []
    assert made(asking, kind="handover") == []
    for kind in ("ended", "event"):
        news = msgspec.structs.replace(news_of(asking), kind=kind, event=None)
        assert decide(None, news, CATALOGUE, "seed").decisions == ()


# --- what -------------------------------------------------------------------------------------


def test_without_a_model_the_cold_start_ranks_and_is_named() -> None:
    knowledge = teach_interest(make_knowledge(*make_catalogue()), i7=9.0, i3=5.0)
    decision, _ = one(make_event(placements=["home"]), knowledge)
    assert ids(decision)[:2] == ["i7", "i3"]
    assert decision.versions.model == "cold_start"
    assert (decision.response_propensity, decision.propensity_source) == (0.02, "prior")
    assert [item.score for item in decision.items] == sorted(
        (item.score for item in decision.items), reverse=True
    )


def test_the_model_in_force_ranks_and_is_named() -> None:
    knowledge = make_knowledge(*make_catalogue(5))
    knowledge.add_model("control-version", NOON, 0, LastFirst())
    before, _ = one(asking(event_time_ms=NOON - 1), knowledge)
    after, trace = one(asking(), knowledge)
    assert (before.versions.model, after.versions.model) == ("cold_start", "last-first")
    assert (before.response_propensity, before.propensity_source) == (0.02, "prior")
    assert (after.response_propensity, after.propensity_source) == (0.04, "model")
    assert ids(after) == [one.item_id for one in reversed(trace.candidates)]


def test_equal_scores_keep_the_order_of_retrieval() -> None:
    decision, trace = one(make_event(placements=["home"]))
    assert ids(decision) == [one.item_id for one in trace.candidates][:8]


@pytest.mark.parametrize("size", [1, 3, 24, 100])
def test_the_slate_is_no_longer_than_its_placement(size: int) -> None:
    policy = Policy((Placement("home", size=size),))
    decision, trace = one(make_event(placements=["home"]), with_policy(policy))
    assert len(decision.items) == min(size, 40)
    assert [one.verdict for one in trace.candidates].count("chosen") == len(decision.items)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_placement_says_how_many_candidates_are_looked_for(count: int) -> None:
    policy = Policy((Placement("home", candidates=count),))
    _, trace = one(make_event(placements=["home"]), with_policy(policy))
    assert len(trace.candidates) == count


def test_a_placement_that_wants_diversity_gets_more_categories() -> None:
    wanted = {f"i{n}": 9.0 - n / 10 for n in range(0, 40, 4)} | {"i1": 1.0, "i2": 1.0, "i3": 1.0}
    slates = []
    for diversity in (0.0, 0.7):
        policy = Policy((Placement("home", size=4, diversity=diversity),))
        knowledge = teach_interest(with_policy(policy), **wanted)
        slates.append({int(name[1:]) % 4 for name in ids(one(asking(), knowledge)[0])})
    assert slates == [{0}, {0, 1, 2, 3}]


def test_verdicts_with_their_rule_are_in_the_trace() -> None:
    items = [*make_catalogue(8), Item("none-left", NOON, stock=0)]
    policy = Policy((Placement("next_item", ("product_viewed",), size=2),))
    state = known_person(
        purchases=[Purchase("i2", NOON - DAY_MS, 1.0)], dismissed={"i3": NOON - DAY_MS}
    )
    decision, trace = one(view("i1"), with_policy(policy, *items), state)
    found = {one.item_id: (one.verdict, one.rule) for one in trace.candidates}
    assert found["i1"] == ("suppressed", "current_item")
    assert found["i2"] == ("suppressed", "bought")
    assert found["i3"] == ("suppressed", "dismissed")
    assert found["none-left"] == ("suppressed", "out_of_stock")
    assert {found[item_id] for item_id in ids(decision)} == {("chosen", "ranked")}
    assert ("not_chosen", "outranked") in found.values()
    bought = next(one for one in trace.candidates if one.item_id == "i2")
    assert bought.values == {"bought_ms": str(NOON - DAY_MS)}
    assert all(one.score is not None for one in trace.candidates)
    assert not {"i1", "i2", "i3", "none-left"} & set(ids(decision))


def test_suppression_follows_the_policy() -> None:
    policy = Policy(
        (Placement("next_item", ("product_viewed",), size=24),), Suppression(current_item=False)
    )
    assert "i1" in ids(one(view("i1"), with_policy(policy))[0])


def test_what_has_gone_from_the_catalogue_is_not_offered_to_who_looked_at_it() -> None:
    items = [*make_catalogue(3), Item("i1", NOON, is_gone=True)]
    state = known_person(recent_items={"i1": NOON})
    decision, trace = one(make_event(placements=["home"]), make_knowledge(*items), state)
    assert set(ids(decision)) == {"i0", "i2"}
    assert [(c.verdict, c.rule) for c in trace.candidates if c.item_id == "i1"] == [
        ("suppressed", "gone")
    ]


def test_a_rerank_keeps_every_item_of_the_caller_once() -> None:
    asked = make_event(
        event_type="ranking_requested",
        item_ids=["i1"],
        candidates=[
            {"item_id": name} for name in ("i1", "unknown", "sold-out", "i2", "i1", "gone")
        ],
    )
    knowledge = make_knowledge(
        *make_catalogue(), Item("sold-out", 0, stock=0), Item("gone", 0, is_gone=True)
    )
    teach_interest(knowledge, i2=3.0)
    state = known_person(purchases=[Purchase("i2", NOON, None)])
    decision, trace = one(asked, knowledge, state)
    assert ids(decision) == ["i1", "unknown", "sold-out", "i2", "gone"]
    assert decision.versions.model == "last_touched"
    assert [c.item_id for c in trace.candidates] == ["i1", "unknown", "sold-out", "i2", "gone"]
    assert {c.verdict for c in trace.candidates} == {"chosen"}


def test_a_rerank_of_a_thousand_gives_a_thousand() -> None:
    asked = make_event(
        event_type="ranking_requested", candidates=[{"item_id": f"c{n}"} for n in range(1000)]
    )
    assert len(one(asked)[0].items) == 1000


def test_where_there_is_nothing_to_offer_the_decision_is_nothing() -> None:
    decision, trace = one(make_event(placements=["home"]), make_knowledge())
    assert (decision.action_id, decision.treatment_id) == ("nothing", "none")
    assert (decision.items, decision.priority) == ((), 0.0)
    assert decision.explanation
    assert decision.versions.catalogue == 0
    assert (trace.candidates, trace.features) == ((), b"")


# --- who and what nobody knows yet --------------------------------------------------------------


def test_nobody_without_history_gets_what_others_want() -> None:
    """No model, no items file, a new person in a new session."""
    knowledge = teach_interest(make_knowledge(), hit=3.0, hat=5.0)
    decision, trace = one(asking(), knowledge)
    assert ids(decision) == ["hat", "hit"]
    assert {one.source for one in trace.candidates} == {"trending"}
    assert (decision.versions.model, decision.versions.catalogue) == ("cold_start", 0)


def test_without_statistics_the_catalogue_is_offered() -> None:
    decision, _ = one(asking(), make_knowledge(*make_catalogue(3)))
    assert set(ids(decision)) == {"i0", "i1", "i2"}
    assert decision.versions.knowledge == 0


def test_an_item_that_nobody_touched_is_ranked_and_keeps_its_features() -> None:
    knowledge = make_knowledge(*make_catalogue(5), Item("new", NOON, "New", created_ms=NOON))
    teach_interest(knowledge, i1=9.0, i2=8.0)
    decision, trace = one(asking(), knowledge)
    assert set(ids(decision)) == {"i1", "i2", "i0", "i3", "i4", "new"}
    assert ids(decision)[:2] == ["i1", "i2"]
    rows = np.frombuffer(trace.features, "<f4").reshape(-1, FEATURE_SPACE.count)
    at = [one.item_id for one in trace.candidates].index("new")
    assert rows[at, FEATURE_SPACE.places["item_age"]] == 0.0
    assert rows[at, FEATURE_SPACE.places["item_interest"]] == 0.0


def test_a_rerank_of_items_never_seen_keeps_the_callers_order() -> None:
    asked = make_event(
        event_type="ranking_requested", candidates=[{"item_id": name} for name in "cab"]
    )
    assert ids(one(asked, make_knowledge())[0]) == ["c", "a", "b"]


def test_a_list_asked_for_without_any_candidate_is_answered_with_our_own() -> None:
    asked = make_event(event_type="ranking_requested")
    assert one(asked, make_knowledge())[0].action_id == "nothing"
    assert set(ids(one(asked, make_knowledge(*make_catalogue(2)))[0])) == {"i0", "i1"}


def test_of_an_empty_list_nothing_is_chosen_and_nothing_of_ours_takes_its_place() -> None:
    asked = make_event(event_type="ranking_requested", has_no_candidates=True)
    decision, trace = one(asked, make_knowledge(*make_catalogue(2)))
    assert (decision.action_id, ids(decision), trace.candidates) == ("nothing", [], ())


def test_where_a_decision_is_not_wanted_everything_else_goes_on() -> None:
    news = news_of(view(placements=["home"]))
    wanted, unwanted = (decide(None, news, CATALOGUE, "seed", one) for one in (True, False))
    assert unwanted.decisions == ()
    assert wanted.state is not None
    assert unwanted.state == msgspec.structs.replace(wanted.state, sequence=0, placed={})


def test_knowledge_moves_on_with_the_order_of_the_news() -> None:
    knowledge = make_knowledge(*make_catalogue(3))
    knowledge.learn(make_learnt("i1", views=4.0))
    knowledge.learn(EpochEnd("0", EPOCH, effective_from_ms(EPOCH), 1))
    for order_ms, epoch in ((effective_from_ms(EPOCH) - 1, 0), (effective_from_ms(EPOCH), EPOCH)):
        decision, _ = one(asking(event_time_ms=order_ms - 9), knowledge, order_ms=order_ms)
        assert decision.versions.knowledge == epoch


def test_an_audit_sees_the_versions_it_names() -> None:
    knowledge = teach(
        make_knowledge(), make_learnt("i1", EPOCH - 1, interest_short=1.0), epoch=EPOCH - 1
    )
    teach(knowledge, make_learnt("i2", interest_short=1.0))
    news = news_of(asking())
    ((newest, _),) = decide(None, news, knowledge, "seed").decisions
    assert newest.versions.knowledge == EPOCH
    for epoch, item_ids in ((EPOCH - 1, {"i1"}), (EPOCH, {"i1", "i2"})):
        named = msgspec.structs.replace(newest.versions, knowledge=epoch)
        ((decision, _),) = decide(None, news, knowledge, "seed", named=named).decisions
        assert set(ids(decision)) == item_ids
        assert decision.versions.knowledge == epoch
    knowledge.add_policy("late", 0, 9, compile_policy(Policy()))
    knowledge.add_model("late", 0, 9, ColumnScorer("late", "item_interest"))
    knowledge.add_item(msgspec.structs.replace(make_catalogue(1)[0], effective_from_ms=1), 9)
    assert decide(None, news, knowledge, "seed").decisions == ()
    assert decide(None, news, knowledge, "seed", named=newest.versions).decisions[0][0] == newest


def test_where_all_is_suppressed_the_decision_is_nothing() -> None:
    decision, trace = one(view("i0"), make_knowledge(*make_catalogue(1)))
    assert decision.action_id == "nothing"
    assert [c.rule for c in trace.candidates] == ["current_item"]


# --- what it says of itself -------------------------------------------------------------------


def test_a_decision_names_its_cause() -> None:
    asking = make_event(placements=["home"], channel="web", sent_at_ms=NOON + 3)
    decision, trace = one(asking, person="p1")
    for record in (decision, trace):
        assert record.person == "p1"
        assert (record.session_id, record.event_id, record.event_time_ms) == ("s1", "e1", NOON)
        assert record.decision_id == identify_decision("p1", "s1", "e1", "home")
    assert (decision.kind, decision.channel, decision.sent_at_ms) == ("decided", "web", NOON + 3)
    assert (decision.action_id, decision.treatment_id) == ("recommend_items", "slate")
    assert decision.priority == decision.response_propensity == 0.02
    assert decision.explanation == decision.items[0].reason


def test_the_decision_id_is_stable_and_of_its_cause_alone() -> None:
    asking = make_event(placements=["home"])
    state = known_person(sequence=5, purchase_count=3)
    first, again = one(asking)[0], one(asking, make_knowledge(), state)[0]
    assert first.decision_id == again.decision_id
    others = [
        one(make_event(placements=["home"], event_id="e2"))[0],
        one(make_event(placements=["home"], session_id="s2"))[0],
        one(asking, person="p9")[0],
        one(make_event(event_type="cart_viewed"))[0],
    ]
    assert len({first.decision_id, *(other.decision_id for other in others)}) == 5


def test_versions_name_what_the_decision_saw() -> None:
    knowledge = with_policy(DEFAULT_POLICY, Item("i1", NOON - 5), Item("i2", NOON + 5))
    teach(knowledge, make_learnt("i1"))
    decision, trace = one(make_event(placements=["home"]), knowledge)
    versions = decision.versions
    assert (versions.policy, versions.model) == ("p-7", "cold_start")
    assert (versions.catalogue, versions.knowledge) == (NOON - 5, EPOCH)
    assert versions.code == CODE_VERSION
    assert trace.versions == versions
    assert trace.feature_set == FEATURE_SPACE.digest


def test_validity_starts_at_the_event() -> None:
    policy = Policy((Placement("home", valid_ms=90_000),))
    decision, _ = one(make_event(placements=["home"]), with_policy(policy))
    assert decision.valid_until_ms == NOON + 90_000


def test_the_trace_holds_the_features_of_every_candidate_and_the_draw() -> None:
    _, trace = one(view())
    rows = np.frombuffer(trace.features, "<f4").reshape(-1, FEATURE_SPACE.count)
    assert len(rows) == len(trace.candidates)
    assert rows[:, FEATURE_SPACE.places["source_rank"]].tolist() == list(range(len(rows)))
    assert trace.draw == draw("seed", "a1", "e1", "next_item")


def test_the_seed_changes_the_draw_alone() -> None:
    news = news_of(view())
    first = decide(None, news, CATALOGUE, "seed").decisions
    other = decide(None, news, CATALOGUE, "other").decisions
    assert first[0][0] == other[0][0]
    assert first[0][1].draw != other[0][1].draw


# --- sequence and expiry ----------------------------------------------------------------------


def test_the_sequence_is_of_the_event_time_and_grows() -> None:
    state = None
    sequences = []
    times = (NOON, NOON, NOON - 60_000, NOON + 1)
    for n, time_ms in enumerate(times):
        asking = view(event_id=f"e{n}", event_time_ms=time_ms, placements=["home"])
        result = decide(state, news_of(asking, order_ms=NOON), CATALOGUE, "seed")
        state = result.state
        sequences += [decision.sequence for decision, _ in result.decisions]
        assert state is not None
        assert state.sequence == sequences[-1]
    base = NOON * 1000
    assert sequences == [
        base,
        base + 1,
        base + 2,
        base + 3,
        base + 4,
        base + 5,
        base + 1000,
        base + 1001,
    ]


def test_the_sequence_grows_even_after_the_state_was_forgotten() -> None:
    state = PersonState(NOON, NOON, sequence=NOON * 1000 + 7, timer_ms=NOON + PERSON_EXPIRY_MS)
    later = view(event_time_ms=NOON + PERSON_EXPIRY_MS)
    result = decide(state, news_of(later), CATALOGUE, "seed")
    assert result.counts == ("persons_forgotten",)
    assert result.state is not None
    assert (result.state.first_ms, result.state.event_count) == (later.event_time_ms, 1)
    assert result.decisions[0][0].sequence == later.event_time_ms * 1000 > NOON * 1000 + 7


def test_a_person_is_remembered_until_the_timer() -> None:
    first = decide(None, news_of(view()), CATALOGUE, "seed")
    assert first.timer_ms == NOON + PERSON_EXPIRY_MS
    almost = view(event_id="e2", event_time_ms=NOON + PERSON_EXPIRY_MS - 1)
    second = decide(first.state, news_of(almost), CATALOGUE, "seed")
    assert second.counts == ()
    assert second.state is not None
    assert second.state.event_count == 2
    assert second.timer_ms == almost.event_time_ms + PERSON_EXPIRY_MS


def test_a_late_fact_does_not_shorten_the_memory() -> None:
    first = decide(None, news_of(view()), CATALOGUE, "seed")
    assert first.state is not None
    late = make_event(
        event_id="e2", event_type="purchase_completed", event_time_ms=NOON - 5 * HOUR_MS
    )
    result = decide(first.state, news_of(late, order_ms=NOON, is_late=True), CATALOGUE, "seed")
    assert result.timer_ms == NOON + PERSON_EXPIRY_MS


def test_a_silent_person_is_forgotten_when_the_timer_is_due() -> None:
    state = decide(None, news_of(view()), CATALOGUE, "seed").state
    assert state is not None
    due_ms = state.timer_ms
    assert expire_person(state, due_ms - 1) == Result(state, (), due_ms, ())
    gone: PersonResult = Result(None, (), None, ("persons_forgotten",))
    assert expire_person(state, due_ms) == gone


# --- a whole session --------------------------------------------------------------------------


def test_a_step_is_a_function_of_its_inputs() -> None:
    events = [
        view(f"i{n}", event_id=f"e{n}", event_time_ms=NOON + n * 1000, placements=["home"])
        for n in range(6)
    ]
    _, news, _ = track_all(events, CATALOGUE)
    state: bytes | None = None
    for told in news:
        results = [
            decide(PERSON_STATE.decode(state) if state else None, told, CATALOGUE, "seed")
            for _ in range(2)
        ]
        assert results[0] == results[1]
        assert results[0].state is not None
        state = PERSON_STATE.encode(results[0].state)


def test_an_identified_person_is_offered_what_the_handed_over_session_looked_at() -> None:
    events = [
        view("i9"),
        make_event(event_id="e2", event_type="identified", person_id="p1", event_time_ms=NOON + 1),
        make_event(event_id="e3", placements=["home"], event_time_ms=NOON + 2),
    ]
    fold = Fold(CATALOGUE, FoldRules(EVENT.decode, "seed"))
    steps = list(fold.run(make_record(one, at) for at, one in enumerate(events)))
    found = [made for step in steps for made in step.decisions if made[0].event_id == "e3"]
    assert fold.members["p1"].recent_items == {"i9": NOON}
    assert [c.source for c in found[0][1].candidates if c.item_id == "i9"] == ["recently_viewed"]


def test_a_trace_without_its_matrix_is_of_the_same_decision_and_computes_what_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The share decides what is kept, and nothing of the decision."""
    knowledge = make_knowledge(*make_catalogue(5))
    knowledge.add_model("control-version", 0, 0, LastFirst())
    news = news_of(asking())
    computed: list[str] = []
    for name, column in features.COLUMNS.items():

        def counted(view: View, name: str = name, column: Compute = column) -> Column:
            computed.append(name)
            return column(view)

        monkeypatch.setitem(features.COLUMNS, name, counted)
    ((whole, traced),) = decide(None, news, knowledge, "seed").decisions
    assert computed == [*FEATURE_SPACE.names]
    computed.clear()
    none = Tracing(0.0)
    ((same, short),) = decide(None, news, knowledge, "seed", tracing=none).decisions
    assert computed == ["source_rank"]
    assert same == whole
    assert short == msgspec.structs.replace(traced, features=b"")
    assert len(short.matrix_digest) == 16


def test_what_is_read_tells_one_digest_from_another() -> None:
    read = np.arange(6, dtype=np.float32).reshape(3, 2)
    first = digest_of(("a", "b"), read)
    assert first == digest_of(("a", "b"), read.copy())
    assert first != digest_of(("a", "c"), read)
    assert first != digest_of(("a", "b"), read + 1)


def test_the_share_of_traces_with_a_matrix_is_as_it_is_set_and_grows_by_more_of_them() -> None:
    ids = [identify_decision("p", "s", f"e{n}", "home") for n in range(4_000)]
    kept = {share: {one for one in ids if Tracing(share).keeps_matrix(one)} for share in SHARES}
    assert not kept[0.0]
    assert kept[1.0] == {*ids}
    for share, more in pairwise(SHARES):
        assert kept[share] <= kept[more]
        assert len(kept[share]) == pytest.approx(share * len(ids), abs=120)
