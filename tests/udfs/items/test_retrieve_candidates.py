"""Candidates: bounded, each once, each from the first source that found it."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.items import Item
from schemas.limits import CANDIDATES_PER_EVENT_MAX, RETRIEVED_MAX
from schemas.state.person import PersonState
from schemas.state.session import CartLine, ItemTouch, SessionContext
from tests.builders import (
    EPOCH,
    NOON,
    make_catalogue,
    make_event,
    make_knowledge,
    make_learnt,
    make_past_session,
    teach,
    teach_interest,
)
from udfs.items.retrieve_candidates import (
    SHARES,
    Retrieved,
    category_of_interest,
    retrieve_candidates,
)
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.session.follow_session import follow_session

SOURCES = {source for source, _ in SHARES} | {"caller"}


def touched(*item_ids: str, category: str | None = None) -> SessionContext:
    context = SessionContext(1, NOON, NOON)
    for order, item_id in enumerate(item_ids):
        context.items[item_id] = ItemTouch(category, None, None, NOON, NOON, order)
    return context


def retrieve(
    knowledge: Knowledge,
    context: SessionContext | None = None,
    recent: Iterable[str] = (),
    event: Event | None = None,
    count: int = RETRIEVED_MAX,
) -> list[Retrieved]:
    state = PersonState(NOON, NOON, recent_items=dict.fromkeys(recent, NOON))
    context, event = context or touched(), event or make_event()
    known = knowledge.at(event.event_time_ms)
    leads = follow_session(context, state, knowledge.statistics, known.epoch, event.event_time_ms)
    return retrieve_candidates(Moment(state, context, event, knowledge, known), leads, count)


def ids(found: list[Retrieved], source: str | None = None) -> list[str]:
    return [one.item_id for one in found if source in (None, one.source)]


def asking_for(*candidates: dict[str, Any]) -> Event:
    return make_event(event_type="ranking_requested", candidates=candidates)


def test_an_empty_list_is_another_thing_than_none() -> None:
    empty = make_event(event_type="ranking_requested", has_no_candidates=True)
    assert retrieve(RICH, touched("shoe"), event=empty) == []
    assert retrieve(RICH, touched("shoe"), event=make_event(event_type="ranking_requested"))


# --- what the engine finds itself -------------------------------------------------------------

SHOE = Item("shoe", 0, "Red Shoe", "Shoes", "Acme", 50.0)
RICH = teach(
    make_knowledge(
        SHOE, Item("boot", 0, "Red Boot", "Shoes", "Acme", 60.0), *make_catalogue(30),
        uncatalogued="always",
    ),
    make_learnt("shoe", next_items={"next": 1.0}, seen_with={"beside": 1.0}, bought_with={"lace": 1.0}),
    make_learnt("cart", bought_with={"box": 1.0}),
    make_learnt("hot", interest_short=9.0, category="Shoes"),
    make_learnt("hit", interest_short=8.0),
    make_past_session("shoe", "near"),
)  # fmt: skip


def test_each_source_names_what_it_found() -> None:
    context = touched("shoe", category="Shoes")
    context.cart["cart"] = CartLine(1, None)
    found = retrieve(RICH, context, ("before",))
    for source, item_ids in {
        "recently_viewed": ["shoe"], "nearest_sessions": ["near"], "viewed_next": ["next"],
        "viewed_together": ["beside"], "viewed_before": ["before"], "trending_category": ["hot"],
        "similar": ["boot"], "trending": ["hit"],
    }.items():  # fmt: skip
        assert ids(found, source) == item_ids, source
    assert set(ids(found, "bought_together")) == {"box", "lace"}
    assert {one.source for one in found} <= SOURCES
    assert {one.item_id: one.learnt for one in found}["hot"] == RICH.statistics.item("hot", EPOCH)


@given(
    st.lists(st.integers(0, 60), max_size=12, unique=True),
    st.lists(st.integers(0, 90), max_size=12, unique=True),
    st.lists(st.tuples(st.integers(0, 120), st.integers(1, 9)), max_size=30),
    st.integers(0, 60),
    st.integers(1, RETRIEVED_MAX),
)
@settings(max_examples=50)
def test_each_item_comes_once_and_no_place_is_left_where_an_item_is_known(
    context: list[int],
    recent: list[int],
    wanted: list[tuple[int, int]],
    listed: int,
    count: int,
) -> None:
    knowledge = make_knowledge(*make_catalogue(listed), uncatalogued="always")
    interest = {f"i{n}": float(one) for n, one in wanted}
    teach_interest(knowledge, **interest)
    session = touched(*(f"i{n}" for n in context), category="Shop/C1")
    found = retrieve(knowledge, session, [f"i{n}" for n in recent], count=count)
    known = {f"i{n}" for n in (*context, *recent, *range(listed))} | interest.keys()
    assert len(set(ids(found))) == len(found) <= count
    # those viewed before have places of their own only, and no other source leads to all of them
    sure = known - {f"i{n}" for n in (*recent, *context)} | {f"i{n}" for n in context[-1:]}
    assert len(found) >= min(count, len(sure))
    assert {one.source for one in found} <= SOURCES


def test_what_was_touched_in_this_session_is_newest_first() -> None:
    found = retrieve(make_knowledge(*make_catalogue()), touched("i1", "i2"), ("i3", "i1", "i4"))
    assert ids(found, "recently_viewed") == ["i2", "i1"]
    assert ids(found, "viewed_before") == ["i4", "i3"]


def test_a_source_that_finds_much_leaves_places_to_the_others() -> None:
    knowledge = teach_interest(make_knowledge(*make_catalogue(100), Item("hit")), hit=3.0)
    found = retrieve(knowledge, touched(*(f"i{n}" for n in range(60))))
    assert ids(found)[0] == "i59"
    assert 0 < len(ids(found, "recently_viewed")) < 60
    assert "hit" in ids(found)
    assert len(found) == RETRIEVED_MAX


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_there_are_no_more_than_were_asked_for(count: int) -> None:
    context = touched("shoe", category="Shoes")
    found = retrieve(RICH, context, count=count)
    assert len(found) == min(count, len(retrieve(RICH, context)))


def test_new_items_get_places_that_an_event_draws() -> None:
    newcomers = [Item(f"n{n}", NOON - n) for n in range(10)]
    knowledge = make_knowledge(*make_catalogue(200), *newcomers)
    teach_interest(knowledge, **{f"i{n}": 1.0 for n in range(200)})
    drawn = [
        ids(retrieve(knowledge, event=make_event(event_id=f"e{n}")), "new") for n in range(150)
    ]
    offered = {one for found in drawn for one in found}
    assert all(drawn)
    assert {item.item_id for item in newcomers} <= offered
    assert drawn[0] == ids(retrieve(knowledge, event=make_event(event_id="e0")), "new")


def test_likeness_is_to_the_item_touched_last() -> None:
    near, far = Item("near", 0, "Red Shoe", "Shoes"), Item("far", 0, "Blue", "Shoes")
    found = retrieve(make_knowledge(SHOE, near, far), touched("shoe", category="Shoes"))
    assert ids(found, "similar") == ["near"]


def test_a_small_catalogue_is_given_whole() -> None:
    found = retrieve(make_knowledge(*make_catalogue(5)), touched("i1"))
    assert set(ids(found)) == {"i0", "i1", "i2", "i3", "i4"}


# --- strangers, and items that nobody told us of ------------------------------------------------


def test_where_nothing_is_known_there_is_nothing() -> None:
    assert retrieve(make_knowledge()) == []


def test_a_stranger_gets_what_others_want_and_then_the_catalogue() -> None:
    knowledge = make_knowledge(*make_catalogue(3), uncatalogued="always")
    assert set(ids(retrieve(knowledge))) == {"i0", "i1", "i2"}
    assert {one.source for one in retrieve(knowledge)} <= {"new", "catalogue"}
    teach_interest(knowledge, hit=5.0, hat=7.0)
    found = retrieve(knowledge)
    assert ids(found, "trending") == ["hat", "hit"]
    assert len(found) == 5


def test_without_a_catalogue_items_are_known_from_the_events_that_name_them() -> None:
    knowledge = teach(make_knowledge(), make_learnt("a", interest_short=1.0, next_items={"b": 1.0}))
    found = retrieve(knowledge, touched("a"))
    assert [(one.item_id, one.item) for one in found] == [("a", None), ("b", None)]


def test_an_item_never_seen_is_offered_if_it_was_viewed() -> None:
    found = retrieve(make_knowledge(), touched("unknown"))
    assert found == [Retrieved("unknown", "recently_viewed", None, None)]


def test_what_has_gone_is_named_gone() -> None:
    gone = (Item("i1", 0), Item("i1", NOON, is_gone=True))
    found = retrieve(make_knowledge(*gone), touched("i1"))
    assert found == [Retrieved("i1", "recently_viewed", None, None, is_gone=True)]


def test_the_catalogue_of_the_events_time_is_offered() -> None:
    knowledge = make_knowledge(Item("now", NOON), Item("later", NOON + 1))
    assert ids(retrieve(knowledge)) == ["now"]


# --- what the caller hands in -------------------------------------------------------------------


def test_the_callers_list_is_kept_in_its_order_and_nothing_is_added() -> None:
    asked = asking_for({"item_id": "i3", "position": 0}, {"item_id": "x"}, {"item_id": "i1"})
    found = retrieve(make_knowledge(*make_catalogue()), touched("i9"), event=asked)
    assert ids(found, "caller") == ids(found) == ["i3", "x", "i1"]
    assert [one.item is None for one in found] == [False, True, False]
    assert [one.given for one in found] == list(asked.candidates)


def test_an_item_given_twice_stands_where_it_was_given_first() -> None:
    asked = asking_for(
        {"item_id": "a", "position": 0}, {"item_id": "b", "position": 1},
        {"item_id": "a", "position": 2},
    )  # fmt: skip
    found = retrieve(make_knowledge(), event=asked)
    assert [(one.item_id, one.given.position) for one in found if one.given] == [("a", 0), ("b", 1)]


def test_as_many_as_an_event_may_give_are_all_kept() -> None:
    names = [f"c{n}" for n in range(CANDIDATES_PER_EVENT_MAX)]
    asked = asking_for(*({"item_id": name} for name in names))
    assert ids(retrieve(RICH, touched("shoe"), event=asked, count=10)) == names


def test_more_than_an_event_may_give_are_refused_with_the_event() -> None:
    with pytest.raises(InvalidEvent, match="invalid_value"):
        asking_for(*({"item_id": f"c{n}"} for n in range(CANDIDATES_PER_EVENT_MAX + 1)))


def test_the_category_of_interest_is_the_one_touched_last_as_far_as_known() -> None:
    context = touched("i1", category="A")
    context.items["i2"] = ItemTouch("B", None, None, NOON, NOON, 2)
    context.items["i3"] = ItemTouch(None, None, None, NOON, NOON, 3)
    assert category_of_interest(context) == "B"
    assert category_of_interest(touched("i1")) is None


def test_where_nothing_was_touched_the_category_is_the_events_own() -> None:
    """Newcomers are drawn of it, and not of the many that are newer."""
    knowledge = make_knowledge(
        *(Item(f"a{n}", n, category="A") for n in range(40)), Item("b", 0, category="B")
    )
    for event in (make_event(category="B"), make_event(item_ids=["b"])):
        assert ids(retrieve(knowledge, event=event, count=5), "new") == ["b"]
    touched_more = retrieve(
        knowledge, touched("a1", category="A"), event=make_event(category="B"), count=5
    )
    assert "b" not in ids(touched_more)
