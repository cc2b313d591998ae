"""The last slates: whose they are, for how long, and what is left of them at their bounds."""

from typing import Final

import msgspec
import pytest

from schemas.limits import EXPOSURES_PER_EVENT_MAX, SLATES_REMEMBERED_MAX
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionContext, SessionNews
from tests.builders import NOON, make_event, make_knowledge
from udfs.facts.last_slates import last_slate, remember_last_slate
from udfs.facts.rooms import fold_profile, merge_persons, purge_person
from udfs.moment import Moment

KNOWLEDGE: Final = make_knowledge()


def moment(state: PersonState, session_id: str = "s1", started_ms: int = NOON) -> Moment:
    event = make_event(session_id=session_id, event_time_ms=NOON + 9_000)
    context = SessionContext(1, started_ms, NOON)
    return Moment(state, context, event, KNOWLEDGE, KNOWLEDGE.at(NOON))


def with_slate(*item_ids: str, session_id: str = "s1", at_ms: int = NOON) -> PersonState:
    state = PersonState(NOON, NOON)
    remember_last_slate(state, "home", session_id, at_ms, item_ids)
    return state


@pytest.mark.parametrize(
    ("placement", "session_id", "started_ms", "found"),
    [
        ("home", "s1", NOON, ("b", "a")),
        ("cart", "s1", NOON, ()),
        ("home", "s2", NOON, ()),
        ("home", "s1", NOON + 1, ()),
    ],
)
def test_a_list_is_of_its_placement_and_visit(
    placement: str, session_id: str, started_ms: int, found: tuple[str, ...]
) -> None:
    assert last_slate(moment(with_slate("b", "a"), session_id, started_ms), placement) == found


def test_the_newest_list_takes_the_place_of_the_one_before_and_the_oldest_placement_goes() -> None:
    state = with_slate("old")
    names = [f"p{n}" for n in range(SLATES_REMEMBERED_MAX)]
    for number, name in enumerate(("home", *names[1:], "home")):
        remember_last_slate(state, name, "s1", NOON + number, [str(n) for n in range(60)])
    assert last_slate(moment(state), "home") == tuple(map(str, range(EXPOSURES_PER_EVENT_MAX)))
    assert list(state.slates) == [*names[1:], "home"]
    remember_last_slate(state, "one more", "s1", NOON, ["a"])
    assert list(state.slates) == [*names[2:], "home", "one more"]


def test_a_visit_takes_its_lists_with_it_when_it_ends() -> None:
    state = with_slate("a")
    remember_last_slate(state, "cart", "s2", NOON, ["b"])
    fold_profile(state, SessionNews("ended", "a1", NOON, "s1", 1, None, b""), KNOWLEDGE)
    assert list(state.slates) == ["cart"]
    assert state.session_count == 1


def test_of_two_who_are_one_the_newer_list_stays() -> None:
    one, other = with_slate("a", at_ms=NOON), with_slate("b", at_ms=NOON + 1)
    for state, name in ((one, "x"), (other, "y")):
        state.parts = name.encode() * 8
    merged = merge_persons(one, other)
    assert merged.slates == merge_persons(other, one).slates == other.slates


def test_without_personalisation_no_list_is_left() -> None:
    assert purge_person(with_slate("a"), frozenset()).slates == {}
    assert purge_person(with_slate("a"), frozenset({"personalisation"})).slates


def test_states_of_before_have_none() -> None:
    of_before = msgspec.to_builtins(with_slate("a"), builtin_types=(bytes,))[:-1]
    data = PERSON_STATE.encode(PersonState(NOON, NOON))[:1] + msgspec.msgpack.encode(of_before)
    assert PERSON_STATE.decode(data) == PersonState(NOON, NOON)
