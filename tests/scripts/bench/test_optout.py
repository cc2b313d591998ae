"""`bench optout`: what counts as clean, what breaks the promise, and that a decision is in flight each time."""

import pytest

from schemas.decisions import Decision
from scripts.bench.optout import (
    P99_MS_MAX,
    WATCHED_S,
    Found,
    Withdrawals,
    withdrawing,
)
from tests.channels.decisions import make_decision

ASKED_MS = 1_000_000


def decision(
    at_ms: int, kind: str = "decided", person: str = "anna", sequence: int = 0
) -> Decision:
    return make_decision(
        sequence or at_ms, person=person, session_id=f"s-{person}", event_time_ms=at_ms, kind=kind
    )


def decided_before(person: str) -> Decision:
    return decision(ASKED_MS - 50, person=person)


@pytest.fixture
def withdrawals() -> Withdrawals:
    """Anna, who had a decision, has withdrawn."""
    found = Withdrawals()
    found.see(decision(ASKED_MS - 50), ASKED_MS - 40)
    assert found.next_person(decided_before) == ("anna", "s-anna")
    found.ask("anna", ASKED_MS)
    return found


def look(withdrawals: Withdrawals, stands: Decision | None, after_ms: int) -> None:
    withdrawals.look(lambda _: stands, lambda: ASKED_MS + after_ms)


def test_nobody_withdraws_twice_nor_without_a_decision(withdrawals: Withdrawals) -> None:
    withdrawals.see(decision(ASKED_MS - 20), ASKED_MS)
    assert withdrawals.next_person(decided_before) is None
    withdrawals.see(decision(ASKED_MS, person="ben"), ASKED_MS)
    assert withdrawals.next_person(lambda _: None) is None, "the store has not got it yet"
    withdrawals.see(decision(ASKED_MS, person="ben"), ASKED_MS)
    assert withdrawals.next_person(decided_before) == ("ben", "s-ben")


def test_it_takes_until_nothing_of_before_stands(withdrawals: Withdrawals) -> None:
    look(withdrawals, decision(ASKED_MS - 50), 5)
    look(withdrawals, decision(ASKED_MS - 1), 10)
    assert not withdrawals.is_done
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 12)
    look(withdrawals, None, 20)
    look(withdrawals, decision(ASKED_MS + 30), 40)
    found = withdrawals.found(ASKED_MS)
    assert (found.in_kafka, found.in_store) == ([12], [20])
    assert found.is_kept
    assert withdrawals.found(ASKED_MS + 1).in_store == [], "of the warm-up"


def test_a_decision_of_after_it_is_clean(withdrawals: Withdrawals) -> None:
    look(withdrawals, decision(ASKED_MS + 5), 20)
    assert withdrawals.found(0).in_store == [20]


def test_what_was_on_its_way_when_another_one_ended_is_waited_for(withdrawals: Withdrawals) -> None:
    look(withdrawals, None, 20)  # what stood has ended by itself
    look(withdrawals, decision(ASKED_MS - 1), 30)
    assert not withdrawals.is_done
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 35)
    look(withdrawals, decision(ASKED_MS - 1), 36)
    assert (withdrawals.found(0).unfinished, withdrawals.found(0).came_back) == (1, 0)
    look(withdrawals, None, 40)
    found = withdrawals.found(0)
    assert (found.in_store, found.unfinished, found.came_back) == ([40], 0, 0)


def test_what_stays_comes_back_or_is_decided_late_breaks_it(withdrawals: Withdrawals) -> None:
    assert withdrawals.found(0).unfinished == 1
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 12)
    look(withdrawals, None, 20)
    look(withdrawals, decision(ASKED_MS - 50, sequence=ASKED_MS + 1), 30)
    assert withdrawals.found(0).came_back == 1
    withdrawals.see(decision(ASKED_MS - 1), ASKED_MS + 13)
    assert withdrawals.found(0).decided_late == 1
    assert not withdrawals.found(0).is_kept


def test_it_is_watched_for_a_while_only(withdrawals: Withdrawals) -> None:
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 12)
    look(withdrawals, None, 20)
    back = decision(ASKED_MS - 50, sequence=ASKED_MS + 1)
    look(withdrawals, back, 30 + int(WATCHED_S * 1_000))
    assert withdrawals.found(0).came_back == 0


@pytest.mark.parametrize(
    ("found", "is_kept"),
    [
        (Found([1], [P99_MS_MAX], 0, 0, 0), True),
        (Found([1], [P99_MS_MAX + 1], 0, 0, 0), False),
        (Found([1], [1], 1, 0, 0), False),
        (Found([1], [1], 0, 1, 0), False),
        (Found([1], [1], 0, 0, 1), False),
        (Found([], [], 0, 0, 0), False),
    ],
)
def test_the_promise(found: Found, is_kept: bool) -> None:
    assert found.is_kept is is_kept


def test_a_decision_is_in_flight_when_the_person_withdraws() -> None:
    asking, withdrawal = withdrawing("anna", "s1", ASKED_MS)
    assert (asking.event_type, withdrawal.event_type) == ("product_viewed", "consent_changed")
    assert asking.event_time_ms < withdrawal.event_time_ms == ASKED_MS
    assert (withdrawal.consent, withdrawal.session_id, withdrawal.anonymous_id) == (
        (),
        "s1",
        "anna",
    )


def test_who_is_clean_already_is_looked_at_where_it_watches(withdrawals: Withdrawals) -> None:
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 12)
    look(withdrawals, None, 20)
    back = decision(ASKED_MS - 50, sequence=ASKED_MS + 1)
    for after_ms, watches, is_seen in ((300, False, False), (310, True, True)):
        withdrawals.look(lambda _: back, lambda at=ASKED_MS + after_ms: at, watches=watches)  # type: ignore[misc]
        assert withdrawals.found(0).came_back == is_seen


def test_who_was_not_clean_a_moment_ago_is_looked_at_each_time(withdrawals: Withdrawals) -> None:
    withdrawals.see(decision(ASKED_MS, "purged"), ASKED_MS + 12)
    look(withdrawals, None, 20)
    back = decision(ASKED_MS - 50, sequence=ASKED_MS + 1)
    withdrawals.look(lambda _: back, lambda: ASKED_MS + 100, watches=False)
    assert withdrawals.found(0).came_back == 1
