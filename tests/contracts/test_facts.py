"""What every fact keeps to: one number whoever asks, columns alone as among others, nothing of whom it is not of."""

from math import nan
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.items import Item
from schemas.limits import DAY_MS
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SESSION_CONTEXT
from tests.builders import NOON, make_knowledge, make_learnt, teach
from tests.logs import shopping_log
from udfs.facts import rooms
from udfs.facts.fact import Fact
from udfs.facts.features import COLUMNS, FEATURE_SPACE, FEATURES, compute_features
from udfs.facts.rooms import FACTS, ROOMS
from udfs.facts.view import View
from udfs.items.retrieve_candidates import retrieve_candidates
from udfs.moment import Moment
from udfs.session.follow_session import follow_session

ITEMS: Final = tuple(
    Item(
        f"i{n}", 0, f"Item {n}", f"Shop/{n % 5}", f"Brand {n % 3}", 10.0 + n if n % 4 else None, stock=n % 3 or None,
        tags=(f"t{n % 7}", "red"), attributes={"size": str(n % 6)}, created_ms=NOON - n * DAY_MS if n % 2 else None,
    )
    for n in range(30)
)  # fmt: skip


def records() -> list[LogRecord]:
    return [
        LogRecord("events", 0, offset, line.timestamp_ms, line.key, line.value)
        for offset, line in enumerate(shopping_log(900, seed=3, items=30))
    ]


def views() -> list[View]:
    """Candidates at many moments of a log."""
    knowledge = make_knowledge(*ITEMS)
    teach(knowledge, *(make_learnt(f"i{n}", interest=float(n), views=n + 1.0) for n in range(20)))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed", decides=lambda _: False))
    found: list[View] = []
    for one in fold.run(records()):
        news = one.news
        if news is None or news.event is None or not news.context or len(found) >= 120:
            continue
        state, context = fold.persons[news.person], SESSION_CONTEXT.decode(news.context)
        event = news.event
        moment = Moment(state, context, event, knowledge, knowledge.at(event.event_time_ms))
        leads = follow_session(
            context, state, knowledge.statistics, moment.known.epoch, moment.now_ms
        )
        found.append(View(moment, retrieve_candidates(moment, leads, 24), leads))
    return found


VIEWS: Final = views()


@pytest.mark.parametrize(
    "fact", [one for one in FEATURES if one.read_item], ids=lambda one: one.feature
)
def test_a_column_says_of_each_candidate_what_rules_read(fact: Fact) -> None:
    """What is made for all at once is what `read_item` gives for each."""
    seen = 0
    for view in VIEWS:
        column = np.broadcast_to(COLUMNS[fact.feature](view), view.count)
        assert fact.read_item
        said = [fact.read_item(view.moment, one) for one in view.candidates]
        expected = [nan if one is None else fact.scale(one) for one in said]
        np.testing.assert_allclose(column, expected, rtol=1e-6)
        seen += len(set(expected))
    assert seen > 1, "nothing was to be seen"


@pytest.mark.parametrize("fact", [one for one in FEATURES if one.read], ids=lambda one: one.feature)
def test_a_column_of_all_candidates_is_what_rules_read(fact: Fact) -> None:
    for view in VIEWS:
        assert fact.read
        said = fact.read(view.moment)
        expected = nan if said is None else fact.scale(said)
        np.testing.assert_allclose(COLUMNS[fact.feature](view), expected, rtol=1e-9)


def test_columns_alone_are_as_among_others() -> None:
    for view in VIEWS[::7]:
        whole = compute_features(view)
        for at in range(0, FEATURE_SPACE.count, 5):
            name = FEATURE_SPACE.names[at]
            alone = compute_features(View(view.moment, view.candidates, view.leads), (name,))
            np.testing.assert_array_equal(alone[:, 0], whole[:, at], err_msg=name)


def test_nothing_but_what_is_asked_for_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(view: View) -> float:
        raise AssertionError

    for name in COLUMNS.keys() - {"item_interest"}:
        monkeypatch.setitem(COLUMNS, name, never)
    assert compute_features(VIEWS[5], ("item_interest",)).shape == (VIEWS[5].count, 1)


def test_what_is_of_the_service_does_not_know_the_person() -> None:
    service = [one.feature for one in FEATURES if one.purpose == "service"]
    personal = [one.feature for one in FEATURES if one.purpose == "personalisation"]
    is_personal = False
    for view in VIEWS:
        stranger = view.moment._replace(state=PersonState(view.now_ms, view.now_ms))
        unknown = View(stranger, view.candidates, view.leads)
        np.testing.assert_array_equal(
            compute_features(view, service), compute_features(unknown, service)
        )
        known = np.nan_to_num(compute_features(view, personal))
        is_personal |= bool((known != np.nan_to_num(compute_features(unknown, personal))).any())
    assert is_personal


def test_each_name_is_declared_once_and_says_what_it_means() -> None:
    attributes = [one.attribute for one in FACTS if one.attribute]
    features = [one.feature for one in FACTS if one.feature]
    assert len(set(attributes)) == len(attributes)
    assert len(set(features)) == len(features)
    for one in FACTS:
        assert one.meaning
        assert bool(one.attribute) == bool(one.read or one.read_item) == bool(one.type)
        assert bool(one.feature) == bool(one.column)
        assert one.attribute or one.feature


def test_rooms_are_modules_of_their_names() -> None:
    folder = Path(rooms.__file__).parent
    assert {room.name for room in ROOMS} == {
        path.stem for path in folder.glob("*.py") if "ROOM: Final = Room(" in path.read_text()
    }
