"""What `bench rank` measures: decisions of the size asked for, in a world that knows every item."""

import pytest

from schemas.limits import RETRIEVED_MAX
from scripts.bench.made_knowledge import Load, make_knowledge
from scripts.bench.requests import TOUCHES, Requests
from udfs.knowledge.knowledge import Knowledge

LOAD = Load(warm_up=0, requests=1, items=1_000, sessions=300)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return make_knowledge(LOAD)[0]


def test_the_world_is_as_large_as_asked(knowledge: Knowledge) -> None:
    statistics = knowledge.statistics
    assert statistics.sessions.count == LOAD.sessions
    items = [statistics.item(f"item-{number}", statistics.epoch) for number in range(LOAD.items)]
    assert all(one is not None and one.next_items and one.seen_with for one in items)
    now_ms = 1_700_000_000_000
    assert sum(1 for _ in knowledge.catalogue.newest("", now_ms)) == LOAD.items


def test_requests_are_decided_with_as_many_candidates_as_asked(knowledge: Knowledge) -> None:
    requests = Requests(knowledge, LOAD.items)
    for size in (25, 300):
        trace, took_ms, _ = requests.decide(size)
        assert len({one.item_id for one in trace.candidates}) == size
        assert took_ms > 0
    trace = requests.decide(None)[0]
    assert len(trace.candidates) == RETRIEVED_MAX
    assert {"nearest_sessions", "recently_viewed"} <= {one.source for one in trace.candidates}


def test_a_shopper_has_touched_items_and_the_same_world_asks_the_same(knowledge: Knowledge) -> None:
    first, second = (Requests(knowledge, LOAD.items).decide(50)[0] for _ in range(2))
    assert first == second
    trace = Requests(knowledge, LOAD.items).decide(None)[0]
    assert sum(one.source == "recently_viewed" for one in trace.candidates) == TOUCHES
