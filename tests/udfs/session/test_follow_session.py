"""Where a session leads: links and past sessions, as known in one epoch."""

import pytest

from schemas.limits import MINUTE_MS
from schemas.state.person import PersonState
from schemas.state.session import CartLine, ItemTouch, SessionContext
from tests.builders import EPOCH, NOON, make_knowledge, make_learnt, make_past_session, teach
from udfs.knowledge.knowledge import Knowledge
from udfs.session.follow_session import (
    QUERY_MAX,
    QUERY_MIN,
    Leads,
    follow_session,
    top,
    touched_items,
)


def touched(*item_ids: str) -> SessionContext:
    context = SessionContext(1, NOON, NOON)
    for order, item_id in enumerate(item_ids):
        context.items[item_id] = ItemTouch(None, None, None, NOON, NOON, order)
    return context


def person(*recent: str) -> PersonState:
    return PersonState(NOON, NOON, recent_items=dict.fromkeys(recent, NOON - MINUTE_MS))


def follow(
    knowledge: Knowledge,
    context: SessionContext,
    state: PersonState | None = None,
    epoch: int = EPOCH,
) -> Leads:
    return follow_session(context, state or person(), knowledge.statistics, epoch, NOON)


LINKED = teach(
    make_knowledge(),
    make_learnt("a", next_items={"b": 3.0, "c": 1.0}, seen_with={"b": 1.0}, bought_with={"z": 2.0}),
    make_learnt("b", next_items={"c": 1.0}, seen_with={"a": 2.0, "d": 2.0}),
    make_learnt("k", bought_with={"y": 1.0, "z": 1.0}),
    make_past_session("a", "b", "d"),
)


def test_what_was_touched_is_newest_first_and_bounded() -> None:
    names = [f"n{n}" for n in range(QUERY_MAX + 5)]
    assert touched_items(touched(*names), person("x")) == names[::-1][:QUERY_MAX]


def test_a_new_session_goes_on_from_the_ones_before() -> None:
    assert touched_items(touched("a"), person("x", "y", "a", "z")) == ["a", "z", "y"]
    assert touched_items(touched(), person("x")) == ["x"]
    assert len(touched_items(touched(), person(*"abcdefg"))) == QUERY_MIN


def test_links_of_the_last_item_and_of_the_last_few() -> None:
    leads = follow(LINKED, touched("b", "a"))
    assert leads.next_last == {"b": 0.75, "c": 0.25}
    assert leads.next_few == {"b": 0.75, "c": 0.25 + 0.5}  # the item before counts half
    assert leads.seen_last == {"b": 1.0}
    assert leads.seen_few == {"b": 1.0, "a": 0.25, "d": 0.25}


def test_the_last_item_is_the_last_even_if_nothing_is_known_of_it() -> None:
    leads = follow(LINKED, touched("a", "unknown"))
    assert (leads.next_last, leads.seen_last) == ({}, {})
    assert leads.next_few == {"b": 0.75, "c": 0.25}


def test_what_is_bought_with_the_cart_and_the_last_item() -> None:
    context = touched("a")
    context.cart["k"] = CartLine(1, None)
    assert follow(LINKED, context).bought == {"y": 0.5, "z": 0.5 + 0.5}


def test_nothing_touched_or_nothing_known_leads_nowhere() -> None:
    for leads in (follow(LINKED, touched()), follow(make_knowledge(), touched("a"))):
        assert leads[2:] == (None, {}, {}, {}, {}, {})
        assert leads.nearest(5) == []
        assert [scores.tolist() for scores in leads.near_scores(["a", "b"])] == [[0.0, 0.0]] * 3


def test_scores_of_items_that_no_near_session_touched_are_zero() -> None:
    leads = follow(LINKED, touched("a"))
    near = leads.near_scores(["d", "unknown", "b"])
    assert near.touched.tolist() == [0.5, 0.0, pytest.approx(2 / 3)]
    assert near.followed.tolist() == [0.0, 0.0, 1.0]


def test_the_nearest_are_best_first_and_bounded() -> None:
    leads = follow(LINKED, touched("a"))
    assert leads.nearest(5) == ["a", "b", "d"]
    assert leads.nearest(2) == ["a", "b"]


def test_equal_scores_are_in_the_order_of_their_names() -> None:
    knowledge = make_knowledge()
    for name in "dbca":  # numbered in this order
        knowledge.statistics.sessions._number(name)
    teach(knowledge, *(make_past_session("q", name) for name in "abcd"))
    assert follow(knowledge, touched("q")).nearest(4) == ["q", "a", "b", "c"]
    assert follow(knowledge, touched("q")).nearest(9) == ["q", "a", "b", "c", "d"]
    assert top({"c": 1.0, "b": 1.0, "a": 0.5, "d": 2.0}, 3) == ["d", "b", "c"]


def test_a_view_of_an_older_epoch_does_not_know_what_came_after() -> None:
    knowledge = teach(make_knowledge(), make_learnt("a", next_items={"b": 1.0}))
    then = follow(knowledge, touched("a"))
    later = make_learnt("a", EPOCH + 1, next_items={"c": 1.0})
    teach(knowledge, later, make_past_session("a", "c", epoch=EPOCH + 1), epoch=EPOCH + 1)
    assert follow(knowledge, touched("a"))[2:] == then[2:]
    now = follow(knowledge, touched("a"), epoch=EPOCH + 1)
    assert now.next_last == {"c": 1.0}
    assert now.nearest(2) == ["a", "c"]
