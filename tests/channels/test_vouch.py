"""What a page says became of a decision counts for a decision that is its session's, once; the rest stays unproven."""

from typing import Any

import pytest

from channels.api.vouch import to_be_logged, vouched
from schemas.decisions import Decision, DecisionItem
from schemas.events import Event
from schemas.proof import is_for_all
from tests.builders import NOON, make_event, track_all
from tests.channels.decisions import make_decision
from udfs.knowledge.learn_facts import action_facts

MADE = make_decision(
    1, decision_id="d1", session_id="s1", action_id="banner", placement="hero",
    items=(DecisionItem("i1", 1.0, ""), DecisionItem("i2", 0.5, "")),
    event_time_ms=NOON, valid_until_ms=NOON + 60_000,
)  # fmt: skip


def find(decision_id: str) -> Decision | None:
    return MADE if decision_id == "d1" else None


def response(event_type: str = "decision_exposed", **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "event_id": "e1", "event_type": event_type, "decision_id": "d1", "item_ids": ["i1"],
        "event_time_ms": NOON + 1_000, "is_unproven": True,
        "properties": {"action_id": "banner", "placement": "hero"},
    }  # fmt: skip
    return make_event(**fields | changes)


@pytest.mark.parametrize("what", ["exposed", "clicked", "dismissed"])
def test_a_response_to_the_sessions_own_decision_counts(what: str) -> None:
    found = vouched(response(f"decision_{what}"), find)
    assert is_for_all(found)
    assert found.event_id == ("d1/exposed" if what == "exposed" else f"d1/{what}/i1")


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_id": "another"},
        {"decision_id": None},
        {"session_id": "another"},
        {"properties": {"action_id": "another", "placement": "hero"}},
        {"properties": {"action_id": "banner", "placement": "another"}},
        {"properties": {}},
        {"item_ids": ["i1", "never shown"]},
        {"item_ids": ["i1", "i1"]},
        {"event_time_ms": NOON - 1},
        {"event_time_ms": NOON + 60_000},
        {"event_type": "purchase_completed"},
    ],
)
def test_a_response_to_none_of_them_stays_unproven(changes: dict[str, Any]) -> None:
    assert not is_for_all(vouched(response(**changes), find))


def test_a_decision_that_is_void_is_none() -> None:
    void = make_decision(1, decision_id="d1", session_id="s1", kind="void")
    assert not is_for_all(vouched(response(), lambda _: void))


def test_two_hundred_exposures_of_one_decision_are_one() -> None:
    said = [vouched(response(event_id=f"e{n}"), find) for n in range(200)]
    _, news, counts = track_all(said)
    assert sum(one.count == "exposures" for each in news for one in action_facts(each)) == 2
    assert counts.count("duplicates") == 199


def test_what_a_server_sends_is_left_as_it_is() -> None:
    told = response(is_unproven=False, decision_id="another")
    assert vouched(told, find) is told


def test_what_a_page_sends_goes_at_a_pages_pace_also_where_it_is_vouched_for() -> None:
    proven, page = to_be_logged([response()], find)
    assert (is_for_all(proven[0]), page) == (True, True)
    assert to_be_logged([make_event()], find).is_page is False
