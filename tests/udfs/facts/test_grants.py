"""Limits: what a person got, how often, and what came of it."""

from typing import Any

import pytest

from schemas.actions import Limits
from schemas.limits import ACTIONS_REMEMBERED_MAX, DAY_MS, GRANTS_MAX, MINUTE_MS, OFFERED_MAX
from schemas.state.person import PERSON_STATE, PersonState
from tests.builders import NOON, make_event
from udfs.facts.grants import beyond_limits, on_person_event, remember_grant, stands

VALID_MS = 20 * MINUTE_MS
ONCE = Limits(times=1)


def granted(state: PersonState, *moments: int, action_id: str = "offer") -> None:
    for at in moments:
        remember_grant(state, action_id, f"{action_id}-{at}", NOON + at, NOON + at + VALID_MS)


def person(*moments: int) -> PersonState:
    state = PersonState(NOON, NOON)
    granted(state, *moments)
    return state


def rule(state: PersonState, limits: Limits, at: int) -> str:
    found = beyond_limits(state.actions.get("offer"), limits, NOON + at)
    return found[0] if found else ""


def react(state: PersonState, kind: str, at: int, of: int = 0) -> None:
    event = make_event(event_type=kind, event_time_ms=NOON + at, decision_id=f"offer-{of}")
    on_person_event(state, event, None)


@pytest.mark.parametrize(
    ("moments", "limits", "at", "expected"),
    [
        ((), ONCE, 0, ""),
        ((0,), ONCE, 0, ""),
        ((0,), ONCE, VALID_MS - 1, ""),
        ((0,), ONCE, VALID_MS, "limit"),
        ((0,), ONCE, 399 * DAY_MS, "limit"),
        ((0,), Limits(times=1, within_ms=DAY_MS), DAY_MS - 1, "limit"),
        ((0,), Limits(times=1, within_ms=DAY_MS), DAY_MS, ""),
        ((0, DAY_MS), Limits(times=2), 2 * DAY_MS, "limit"),
        ((0,), Limits(times=2), DAY_MS, ""),
        ((0,), Limits(cool_down_ms=DAY_MS), DAY_MS - 1, "cool_down"),
        ((0,), Limits(cool_down_ms=DAY_MS), DAY_MS, ""),
        ((0,), Limits(), DAY_MS, ""),
    ],
)
def test_a_grant_counts_once_and_stands_while_it_is_valid(
    moments: tuple[int, ...], limits: Limits, at: int, expected: str
) -> None:
    assert rule(person(*moments), limits, at) == expected


def test_a_standing_offer_is_decided_again_with_the_same_end() -> None:
    state = person(0)
    end_ms = remember_grant(state, "offer", "again", NOON + 5, NOON + 5 + VALID_MS)
    assert end_ms == NOON + VALID_MS
    assert state.actions["offer"].granted_ms == [NOON]


@pytest.mark.parametrize(
    ("kind", "limits", "expected"),
    [
        ("decision_dismissed", Limits(never_after_dismissal=True), "dismissed"),
        ("decision_dismissed", Limits(never_after_dismissal=False), ""),
        ("decision_clicked", Limits(never_after_click=True), "clicked"),
        ("decision_clicked", Limits(), ""),
        ("decision_exposed", Limits(), ""),
    ],
)
def test_never_again_after_a_reaction(kind: str, limits: Limits, expected: str) -> None:
    state = person(0)
    react(state, kind, 10)
    assert rule(state, limits, 20) == expected
    assert rule(state, limits, 100 * DAY_MS) == expected


def test_a_dismissal_ends_the_grant_at_once() -> None:
    state = person(0)
    react(state, "decision_dismissed", 10)
    assert not stands(state.actions["offer"], NOON + 20)
    assert rule(state, Limits(times=1, never_after_dismissal=False), 20) == "limit"


def test_a_reaction_to_a_decision_that_is_not_known_changes_nothing() -> None:
    state = person(0)
    before = PERSON_STATE.encode(state)
    react(state, "decision_dismissed", 10, of=99)
    assert PERSON_STATE.encode(state) == before


def test_what_is_remembered_is_bounded_and_dismissals_go_last() -> None:
    state = person(0)
    react(state, "decision_dismissed", 1)
    for number in range(ACTIONS_REMEMBERED_MAX + 5):
        granted(state, number, action_id=f"a{number}")
    for number in range(GRANTS_MAX + 5):
        granted(state, number * DAY_MS, action_id="often")
    assert len(state.actions) == ACTIONS_REMEMBERED_MAX
    assert state.actions["offer"].dismissed_ms == NOON + 1
    assert len(state.actions["often"].granted_ms) == GRANTS_MAX
    assert len(state.offered) == OFFERED_MAX


def test_it_survives_a_restart() -> None:
    state = person(0)
    react(state, "decision_clicked", 3)
    again: Any = PERSON_STATE.decode(PERSON_STATE.encode(state))
    assert again == state
