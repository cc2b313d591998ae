"""Items that lie near what was touched: those that sessions taught, newcomers, and those with an embedding of their owner's."""

from collections.abc import Iterable

import numpy as np
import pytest

from models.vectors import ItemVectors, VectorTable
from schemas.items import Item
from schemas.state.person import PersonState
from schemas.state.session import ItemTouch, SessionContext
from tests.builders import NOON, make_catalogue, make_event, make_knowledge
from udfs.facts.features import FEATURE_SPACE, compute_features
from udfs.facts.view import View
from udfs.items import find_alike as finding
from udfs.items.find_alike import find_alike
from udfs.items.retrieve_candidates import retrieve_candidates
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.session.follow_session import follow_session

ROWS = {"i1": (1.0, 0.0), "i2": (0.8, 0.6), "i3": (0.0, 1.0), "i4": (-1.0, 0.0)}
GIVEN = np.eye(2, dtype=np.float16).tobytes()
"""An embedding of two numbers is where the item lies."""
TABLE = VectorTable(
    dimensions=2, item_ids=tuple(ROWS), rows=np.array([*ROWS.values()], np.float16).tobytes(),
    given=GIVEN, given_dimensions=2,
)  # fmt: skip
NEW = Item("new", NOON - 1, "New", "Shop/C1", embedding=(0.6, 0.8))
LATER = Item("later", NOON + 1, "Later", "Shop/C1", embedding=(1.0, 0.0))


def moment(knowledge: Knowledge, touched: Iterable[str] = (), recent: Iterable[str] = ()) -> Moment:
    context = SessionContext(1, NOON, NOON)
    for order, item_id in enumerate(touched):
        context.items[item_id] = ItemTouch(None, None, None, NOON, NOON, order)
    state = PersonState(NOON, NOON, recent_items=dict.fromkeys(recent, NOON))
    return Moment(state, context, make_event(), knowledge, knowledge.at(NOON))


def vectors() -> ItemVectors:
    return ItemVectors(TABLE, "v1")


def known(*more: Item) -> Knowledge:
    return make_knowledge(*make_catalogue(6), *more)


def test_the_nearest_come_first_and_what_lies_behind_is_none() -> None:
    assert find_alike(moment(known(), ["i1"]), vectors()) == ["i2"]
    assert find_alike(moment(known(), ["i3", "i2"]), vectors()) == ["i1"]  # of both, i2 the more
    assert find_alike(moment(known()), vectors()) == []
    assert find_alike(moment(known(), ["unheard-of"]), vectors()) == []


def test_where_the_visit_is_new_the_person_says_what_is_sought() -> None:
    assert find_alike(moment(known(), recent=["i1"]), vectors()) == ["i2"]


def test_newcomers_are_found_on_their_first_day_and_not_before() -> None:
    found = find_alike(moment(known(NEW, LATER), ["i1"]), vectors())
    assert found == ["i2", "new"]  # cosines of .8 and .6


def test_what_a_newcomer_is_like_is_found_where_it_was_touched() -> None:
    assert find_alike(moment(known(NEW), ["new"]), vectors())[:2] == ["i2", "i3"]


def test_newcomers_are_bounded_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "NEWCOMERS_MAX", 1)
    older = Item("older", NOON - 9, "Old", "Shop/C1", embedding=(1.0, 0.0))
    assert find_alike(moment(known(older, NEW), ["i1"]), vectors()) == ["i2", "new"]


def test_without_a_model_embeddings_of_the_owner_say_what_is_alike() -> None:
    red, pink = (Item(name, 0, embedding=(1.0, 0.1 * n, 0.0)) for n, name in enumerate(("red", "pink")))  # fmt: skip
    blue, other = Item("blue", 0, embedding=(-1.0, 0.0, 1.0)), Item("other", 0, embedding=(1.0, 0.0))  # fmt: skip
    knowledge = known(red, pink, blue, other, LATER)
    assert find_alike(moment(knowledge, ["red"]), None) == ["pink"]
    assert find_alike(moment(knowledge, ["i1"]), None) == []
    seen = moment(knowledge, ["red"])
    leads = follow_session(seen.context, seen.state, knowledge.statistics, 0, NOON)
    view = View(seen, retrieve_candidates(seen, leads, 30), leads)
    column = dict(zip(view.ids, compute_features(view, ("embedding_last",))[:, 0], strict=True))
    assert column["red"] == pytest.approx(1.0)
    assert column["pink"] == pytest.approx(1.0 / np.sqrt(1.01), rel=1e-6)
    assert column["blue"] == pytest.approx(-1.0 / np.sqrt(2.0), rel=1e-6)
    assert np.isnan([column["other"], column["i1"]]).all()


def test_the_source_names_itself_and_columns_say_how_near() -> None:
    knowledge = known(NEW)
    seen = moment(knowledge, ["i1"], recent=["i3"])
    leads = follow_session(seen.context, seen.state, knowledge.statistics, 0, NOON)
    candidates = retrieve_candidates(seen, leads, 30, vectors=vectors())
    assert {one.item_id for one in candidates if one.source == "alike"} == {"i2", "new"}
    names = ("vector_last", "vector_few", "vector_rank", "person_vector", "vector_taught")
    rows = compute_features(View(seen, candidates, leads, vectors()), names)
    found = dict(zip([one.item_id for one in candidates], rows.tolist(), strict=True))
    assert found["i1"] == pytest.approx([1.0, 1.0, 0.0, 0.0, 1.0], abs=1e-3)
    assert found["i2"] == pytest.approx([0.8, 0.8, 1.0, 0.6, 1.0], abs=1e-3)
    assert found["new"] == pytest.approx([0.6, 0.6, 2.0, 0.8, 0.0], abs=1e-3)
    assert np.isnan(found["i0"][:4]).all()  # nothing says where it lies
    assert found["i0"][4] == 0.0


def test_of_several_that_were_touched_the_last_counts_most() -> None:
    knowledge = known()
    seen = moment(knowledge, ["i1", "i3"])
    leads = follow_session(seen.context, seen.state, knowledge.statistics, 0, NOON)
    candidates = retrieve_candidates(seen, leads, 30, vectors=vectors())
    rows = compute_features(View(seen, candidates, leads, vectors()), ("vector_last", "vector_few"))
    found = dict(zip([one.item_id for one in candidates], rows.tolist(), strict=True))
    middle = np.array([0.5, 1.0]) / np.sqrt(1.25)
    assert found["i1"] == pytest.approx([0.0, middle[0]], abs=1e-3)
    assert found["i2"] == pytest.approx([0.6, 0.8 * middle[0] + 0.6 * middle[1]], abs=1e-3)


def test_without_vectors_nothing_is_computed() -> None:
    knowledge = known()
    seen = moment(knowledge, ["i1"])
    leads = follow_session(seen.context, seen.state, knowledge.statistics, 0, NOON)
    names = [one for one in FEATURE_SPACE.names if "vector" in one or one == "embedding_last"]
    assert len(names) == 6
    assert np.isnan(compute_features(View(seen, retrieve_candidates(seen, leads, 9), leads), names)).all()  # fmt: skip
