"""Contacts of two who turn out to be one: the same in any order, and what was shown goes last."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import CONTACTS_MAX
from schemas.state.contacts import Contacted
from schemas.state.person import PersonState
from tests.builders import NOON
from udfs.facts.contacts import merge_contacts

TIMES: Final = st.none() | st.integers(NOON, NOON + 9)
CONTACTS: Final = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(
        Contacted, st.sampled_from(["offer", "chat"]), st.integers(NOON, NOON + 2), st.integers(NOON, NOON + 9),
        st.sampled_from(["web", "email"]), st.just("g"), st.booleans(), TIMES, TIMES,
    ),
)  # fmt: skip
Contacts = dict[str, Contacted]


def merged(*several: Contacts) -> Contacts:
    """All of them, merged one after the other."""
    found: Contacts = {}
    for one in several:
        states = (PersonState(0, 0, contacts=found), PersonState(0, 0, contacts=one))
        found = merge_contacts(*states, "contacts")  # type: ignore[assignment]
    return found


@given(CONTACTS, CONTACTS, CONTACTS)
def test_one_contact_in_two_states_is_one(one: Contacts, other: Contacts, third: Contacts) -> None:
    assert list(merged(one, other).items()) == list(merged(other, one).items())
    assert merged(merged(one, other), third) == merged(one, merged(other, third))
    assert merged(one, one) == merged(one)


def test_it_was_shown_when_it_was_first_and_answered_when_it_was_last() -> None:
    early = Contacted("offer", NOON, NOON + 5, shown_ms=NOON + 1, answered_ms=NOON + 2)
    late = Contacted("offer", NOON, NOON + 5, shown_ms=NOON + 3, answered_ms=NOON + 4)
    unseen = Contacted("offer", NOON, NOON + 5)
    both = Contacted("offer", NOON, NOON + 5, shown_ms=NOON + 1, answered_ms=NOON + 4)
    assert merged({"a": early}, {"a": late}, {"a": unseen}) == {"a": both}


def test_of_too_many_those_that_were_shown_stay() -> None:
    shown = {f"s{n}": Contacted("offer", NOON, NOON, shown_ms=NOON) for n in range(100)}
    unseen = {f"u{n}": Contacted("offer", NOON + 1, NOON + 9) for n in range(100)}
    found = merged(shown, unseen)
    assert len(found) == CONTACTS_MAX
    assert shown.keys() <= found.keys()
