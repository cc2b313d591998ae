"""Vectors that a fold learns on its way: of what was over by then alone, of people from whom others may learn."""

from collections.abc import Sequence
from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning import vectors_on_the_way
from jobs.learning.vectors_on_the_way import VectorsOnTheWay
from models.vectors import ItemVectors, VectorTable
from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import MINUTE_MS, SECOND_MS
from tests.builders import NOON, make_event, make_knowledge, make_record
from tests.models.styles import PER_STYLE, catalogue, sessions, style_of
from udfs.knowledge.knowledge import Knowledge

FIRST = 60


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_on_the_way, "FIRST", FIRST)


def visits(count: int, seed: int = 1, **fields: Any) -> list[Event]:
    """The sessions of a small world, one after another; each ends half an hour after its last event."""
    found = []
    for number, item_ids in enumerate(sessions(count, seed)):
        begun_ms = NOON + number * MINUTE_MS
        found += [
            make_event(
                **{
                    "event_id": f"{number}-{at}", "event_type": "product_viewed", "session_id": f"s{number}",
                    "anonymous_id": f"a{number}", "item_ids": (item_id,), "event_time_ms": begun_ms + at * SECOND_MS,
                } | fields
            )
            for at, item_id in enumerate(item_ids)
        ]  # fmt: skip
    return found


def learnt(events: Sequence[Event]) -> tuple[Knowledge, VectorTable | None]:
    knowledge = make_knowledge(*catalogue().values())
    rules = FoldRules(EVENT.decode, "seed", lateness_ms=0, decides=lambda _: False)
    fold, found = Fold(knowledge, rules, Learner()), VectorsOnTheWay(knowledge)
    for one in fold.run(make_record(event, offset) for offset, event in enumerate(events)):
        found.take(one, fold)
    return knowledge, found.finish(events[-1].event_time_ms)


def test_they_are_learnt_anew_as_sessions_come() -> None:
    knowledge, table = learnt(visits(150))
    assert table is not None
    assert table.sessions >= 110  # the last half hour's are not over
    before = knowledge.at(NOON + FIRST // 2 * MINUTE_MS).vectors
    middle = knowledge.at(NOON + 115 * MINUTE_MS).vectors
    last = knowledge.at(NOON + 300 * MINUTE_MS).vectors
    assert before is None
    assert middle is not None
    assert last is not None
    assert FIRST <= middle.table.sessions < last.table.sessions == table.sessions
    near = last.nearest("oak-1", None)[:8]
    assert sum(style_of(one) == "oak" for one in near) >= 7


def test_what_comes_later_changes_nothing_of_before() -> None:
    events = visits(140)
    other = visits(140, seed=2)
    cut = next(at for at, one in enumerate(events) if one.event_time_ms >= NOON + 110 * MINUTE_MS)
    later = [one for one in other if one.event_time_ms >= NOON + 110 * MINUTE_MS]
    seen = [learnt(log)[0].at(NOON + 109 * MINUTE_MS).vectors for log in (events, events[:cut] + later)]  # fmt: skip
    tables = [one.table for one in seen if one is not None]
    assert len(tables) == 2
    assert tables[0] == tables[1]


def test_people_who_do_not_agree_to_analytics_teach_nothing() -> None:
    _, table = learnt(visits(120, consent=("personalisation",)))
    assert table is not None
    assert table.sessions == 0
    assert not table.item_ids  # what is said of the catalogue's items alone
    assert ItemVectors(table).of(f"oak-{PER_STYLE}", catalogue()[f"oak-{PER_STYLE}"]) is not None
