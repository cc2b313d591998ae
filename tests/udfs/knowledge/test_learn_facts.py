"""What events teach: which counts they raise, what they link, what of a session is remembered."""

from collections import Counter
from typing import Any

import pytest

from schemas.events import EVENT_TYPES
from schemas.items import Item
from schemas.knowledge import ACTION_KNOWLEDGE, ActionKnowledge, ItemKnowledge
from schemas.limits import EXPOSURES_PER_EVENT_MAX, ID_LENGTH_MAX, SESSION_MEMORY_ITEMS
from schemas.state.lessons import ACTION_FACT, ITEM_FACT, SESSION_FACT, ActionFact, ItemFact
from schemas.state.session import SESSION_CONTEXT, SessionNews
from tests.builders import NOON, make_event, make_knowledge, track_all
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import (
    COUNTS,
    INTEREST,
    RESPONSES,
    action_facts,
    examination,
    item_facts,
    session_fact,
)
from udfs.knowledge.learn_items import COUNTED, LINKED, learn_action
from udfs.language.sense_intent import sense_intent


def told(*steps: dict[str, Any], knowledge: Any = None) -> list[SessionNews]:
    """The news of one session's events, a second apart."""
    events = [
        make_event(**{"event_id": f"e{n}", "event_time_ms": NOON + 1_000 * n} | step)
        for n, step in enumerate(steps)
    ]
    return track_all(events, knowledge)[1]


def viewed(*item_ids: str, **fields: Any) -> dict[str, Any]:
    return {"event_type": "product_viewed", "item_ids": item_ids} | fields


def facts_of(*steps: dict[str, Any], knowledge: Any = None) -> list[ItemFact]:
    """What the last event teaches."""
    return list(item_facts(told(*steps, knowledge=knowledge)[-1], knowledge or Knowledge()))


def counts(facts: list[ItemFact]) -> Counter[tuple[str, str, str]]:
    return Counter((one.kind, one.item_id, one.count) for one in facts if one.count)


def links(facts: list[ItemFact]) -> dict[tuple[str, str, str], float]:
    return {(one.item_id, one.link, one.other): one.weight for one in facts if one.link}


@pytest.mark.parametrize("event_type", sorted(COUNTS))
def test_event_counts_for_its_item(event_type: str) -> None:
    found = counts(facts_of({"event_type": event_type, "item_ids": ["a"]}))
    assert found["item", "a", COUNTS[event_type]] == 1
    is_taken = event_type in ("ranking_clicked", "decision_clicked")
    assert found["item", "a", "taken"] == is_taken


def test_what_is_counted_is_known_of_an_item() -> None:
    assert set(COUNTS) <= EVENT_TYPES
    assert set(COUNTS.values()) == set(INTEREST) <= set(COUNTED)
    assert set(COUNTED) | set(LINKED) <= set(ItemKnowledge.__struct_fields__)


@pytest.mark.parametrize(
    "step",
    [
        {"event_type": "page_viewed"},
        {"event_type": "product_viewed", "item_ids": []},
        {"event_type": "not_interested", "item_ids": ["a"]},
        {"event_type": "product_removed_from_cart", "item_ids": ["a"]},
    ],
)
def test_event_that_wants_nothing_teaches_nothing(step: dict[str, Any]) -> None:
    assert facts_of(step) == []


def test_category_and_price_come_from_the_catalogue_else_from_the_event() -> None:
    knowledge = make_knowledge(Item("a", 0, category="Shop/C1", price=7.0), uncatalogued="always")
    (item, category) = facts_of(viewed("a"), knowledge=knowledge)
    assert (item.category, item.price) == ("Shop/C1", 7.0)
    assert (category.kind, category.item_id, category.count) == ("category", "Shop/C1", "views")
    (item, category) = facts_of(viewed("b", category="C", price=3.0), knowledge=knowledge)
    assert (item.category, item.price, category.item_id) == ("C", 3.0, "C")
    assert [one.kind for one in facts_of(viewed("b"))] == ["item"]


def test_touch_is_linked_with_the_three_before_it() -> None:
    found = links(facts_of(*(viewed(one) for one in "abcde")))
    assert found == {
        ("d", "next_items", "e"): 1.0,
        ("d", "seen_with", "e"): 1.0, ("e", "seen_with", "d"): 1.0,
        ("c", "seen_with", "e"): 0.5, ("e", "seen_with", "c"): 0.5,
        ("b", "seen_with", "e"): 1 / 3, ("e", "seen_with", "b"): 1 / 3,
    }  # fmt: skip


def test_item_is_not_linked_with_itself() -> None:
    assert links(facts_of(viewed("a"), viewed("a"))) == {}
    found = links(facts_of(viewed("a"), viewed("b"), viewed("a")))
    assert ("b", "next_items", "a") in found


def test_basket_is_bought_together() -> None:
    found = links(facts_of({"event_type": "purchase_completed", "item_ids": ["a", "b", "c"]}))
    pairs = [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]
    assert found == {(one, "bought_with", other): 1.0 for one, other in pairs}


def test_list_that_is_asked_for_is_exposed_and_examined_less_further_down() -> None:
    asked = {
        "event_type": "ranking_requested",
        "candidates": [{"item_id": "a"}, {"item_id": "b"}, {"item_id": "c", "position": 12}],
    }
    facts = facts_of(asked)
    assert counts(facts) == {
        ("item", one, name): 1 for one in "abc" for name in ("exposures", "examined")
    }
    weights = {one.item_id: one.weight for one in facts if one.count == "examined"}
    assert weights == {"a": 1.0, "b": 0.8, "c": 0.25}
    assert {one.weight for one in facts if one.count == "exposures"} == {1.0}


def test_examination_falls_with_the_place() -> None:
    shares = [examination(place) for place in range(200)]
    assert shares == sorted(set(shares), reverse=True)
    assert shares[0] == 1.0
    assert shares[-1] > 0.0


def test_long_list_counts_as_far_as_people_look() -> None:
    asked = {
        "event_type": "ranking_requested",
        "candidates": [{"item_id": f"i{n}"} for n in range(EXPOSURES_PER_EVENT_MAX + 10)],
    }
    shown = {"event_type": "decision_exposed", "item_ids": [f"i{n}" for n in range(60)]}
    for step in (asked, shown):
        assert len({one.item_id for one in facts_of(step)}) == EXPOSURES_PER_EVENT_MAX


def test_shown_decision_is_exposed_in_its_category_too() -> None:
    knowledge = make_knowledge(Item("a", 0, category="C"), uncatalogued="always")
    shown = {"event_type": "decision_exposed", "item_ids": ["a", "b"]}
    found = counts(facts_of(viewed("a"), shown, knowledge=knowledge))
    assert found["category", "C", "exposures"] == 1
    assert found["item", "b", "examined"] == 1


def test_facts_know_their_place_in_the_order_of_everything() -> None:
    news = told(viewed("a"), viewed("b"))[-1]
    facts = list(item_facts(news, Knowledge()))
    assert [one.number for one in facts] == list(range(len(facts)))
    assert {(one.order_ms, one.session_id, one.position) for one in facts} == {
        (news.order_ms, "s1", news.position)
    }
    assert {one.time_ms for one in facts} == {NOON + 1_000}


def test_late_event_of_a_session_that_is_over_counts_without_links() -> None:
    bought = {
        "event_type": "purchase_completed", "item_ids": ["a"], "event_time_ms": NOON - 3_600_000,
    }  # fmt: skip
    ended = {"event_type": "session_ended"}
    facts = facts_of(viewed("b"), ended, bought)
    assert counts(facts) == {("item", "a", "purchases"): 1}
    assert links(facts) == {}


def test_ended_session_is_remembered_by_its_newest_items() -> None:
    names = [f"i{n}" for n in range(SESSION_MEMORY_ITEMS + 5)]
    news = told(*map(viewed, names), viewed("i3"), {"event_type": "session_ended"})
    fact = session_fact(news[-1], Knowledge())
    assert fact is not None
    assert fact.item_ids == (*names[6:], "i3")
    assert fact.ended_ms == NOON + 1_000 * (len(names) + 1)
    assert [session_fact(one, Knowledge()) for one in news[:-1]] == [None] * (len(news) - 1)
    assert list(item_facts(news[-1], Knowledge())) == []


def test_session_is_named_without_naming_anybody() -> None:
    steps = (
        viewed("a"),
        {"event_type": "session_ended"},
        viewed("a"),
        {"event_type": "session_ended"},
    )
    found = [fact for one in told(*steps) if (fact := session_fact(one, Knowledge()))]
    assert len({one.session_hash for one in found}) == 2
    assert all("s1" not in one.session_hash for one in found)


def test_session_that_touched_nothing_is_not_remembered() -> None:
    news = told({"event_type": "page_viewed"}, {"event_type": "session_ended"})
    assert session_fact(news[-1], Knowledge()) is None


def test_facts_survive_their_state() -> None:
    news = told(viewed("a", category="C", price=1.5), viewed("b"), {"event_type": "session_ended"})
    for fact in (one for each in news for one in item_facts(each, Knowledge())):
        assert ITEM_FACT.decode(ITEM_FACT.encode(fact)) == fact
    ended = session_fact(news[-1], Knowledge())
    assert ended is not None
    assert SESSION_FACT.decode(SESSION_FACT.encode(ended)) == ended


def test_a_category_too_long_for_a_record_has_none_of_its_own() -> None:
    facts = facts_of(viewed("i", category="c" * (ID_LENGTH_MAX + 1)))
    assert {fact.kind for fact in facts} == {"item"}
    assert {fact.kind for fact in facts_of(viewed("i", category="c" * ID_LENGTH_MAX))} == {
        "item",
        "category",
    }


# --- actions ------------------------------------------------------------------------------------


def responded(event_type: str = "decision_exposed", **properties: str) -> dict[str, Any]:
    """A response to an action, as clients send it."""
    named = {"action_id": "quiz", "placement": "hero"} | properties
    return {"event_type": event_type, "decision_id": "d1", "properties": named}


def action_facts_of(*steps: dict[str, Any]) -> list[ActionFact]:
    """What the last event teaches about actions."""
    return list(action_facts(told(*steps)[-1]))


@pytest.mark.parametrize(("event_type", "count"), [*RESPONSES.items()])
def test_response_counts_for_its_action_and_for_where_and_when_it_was_shown(
    event_type: str, count: str
) -> None:
    news = told(viewed("a"), responded(event_type))[-1]
    found = [(one.key, one.count, one.time_ms, one.order_ms) for one in action_facts(news)]
    order_ms, time_ms = news.order_ms, NOON + 1_000
    intent = sense_intent(SESSION_CONTEXT.decode(news.context), time_ms).intent
    here = f"quiz\thero\t{intent}"
    assert found == [("quiz", count, time_ms, order_ms), (here, count, time_ms, order_ms)]


def test_what_is_counted_is_known_of_an_action() -> None:
    assert set(RESPONSES) <= EVENT_TYPES
    assert set(RESPONSES.values()) <= set(ActionKnowledge.__struct_fields__)


def test_action_without_a_placement_counts_everywhere_only() -> None:
    assert [one.key for one in action_facts_of(responded(placement=""))] == ["quiz"]


@pytest.mark.parametrize("name", ["", "x" * (ID_LENGTH_MAX + 1), "x" * 2_048, "a\tb", "\t"])
def test_name_that_cannot_be_a_key_teaches_nothing(name: str) -> None:
    assert action_facts_of(responded(action_id=name)) == []
    assert [one.key for one in action_facts_of(responded(placement=name))] == ["quiz"]


def test_longest_names_fit_a_record() -> None:
    longest = "ü" * ID_LENGTH_MAX
    facts = action_facts_of(responded(action_id=longest, placement=longest))
    record = learn_action(None, facts[1:], 1)
    assert ACTION_KNOWLEDGE.decode(ACTION_KNOWLEDGE.encode(record)) == record


@pytest.mark.parametrize(
    "step",
    [
        {"event_type": "decision_exposed", "item_ids": ["a"]},
        {"event_type": "page_viewed", "properties": {"action_id": "quiz"}},
        {"event_type": "session_ended", "properties": {"action_id": "quiz"}},
    ],
)
def test_event_that_responds_to_no_action_teaches_nothing_about_any(step: dict[str, Any]) -> None:
    assert action_facts_of(step) == []


def test_exposure_sent_again_under_its_event_id_counts_once() -> None:
    exposure = responded() | {"event_id": "d1/exposed"}
    news = told(viewed("a"), exposure, exposure, viewed("b"), exposure)
    assert sum(bool(list(action_facts(one))) for one in news) == 1


def test_facts_of_actions_survive_their_state() -> None:
    for fact in action_facts_of(responded()):
        assert ACTION_FACT.decode(ACTION_FACT.encode(fact)) == fact
