"""What an event with a browser's key counts for: every type has its line."""

from schemas.events import EVENT_TYPES
from schemas.proof import UNPROVEN, is_for_all, weight_of
from tests.builders import make_event

NOT_FOR_ALL = {
    "purchase_completed",
    "purchase_refunded",
    "profile_updated",
    "decision_exposed",
    "decision_clicked",
    "decision_dismissed",
}


def test_every_event_type_says_what_it_counts_for_without_proof() -> None:
    assert set(UNPROVEN) == EVENT_TYPES


def test_money_profiles_and_responses_teach_nobody_else_without_proof() -> None:
    events = [make_event(event_type=kind, person_id="p", is_unproven=True) for kind in EVENT_TYPES]
    assert {one.event_type for one in events if not is_for_all(one)} == NOT_FOR_ALL


def test_with_proof_every_type_counts_in_full() -> None:
    events = [make_event(event_type=kind, person_id="p") for kind in EVENT_TYPES]
    assert {weight_of(one) for one in events} == {"full"}
    assert all(is_for_all(one) for one in events)
