"""What every room keeps to: whose fields are whose, how two states become one, what a purpose leaves, what is bounded."""

import random
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from schemas.actions import Action
from schemas.codec import EVENT
from schemas.contact import Contact, ContactLimit
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.items import Item
from schemas.limits import (
    CLAIMANTS_MAX,
    DAY_MS,
    MERGES_KEPT_MS,
    MINUTE_MS,
    PARTS_MAX,
    SECOND_MS,
)
from schemas.policy import Policy
from schemas.state.person import PERSON_STATE, Before, Gave, PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import NOON, make_event, make_knowledge
from tests.logs import shopping_log
from udfs.facts.bounds import BOUNDS
from udfs.facts.consent import place
from udfs.facts.contacts import remember_contact
from udfs.facts.grants import remember_grant
from udfs.facts.identity import part_of
from udfs.facts.joins import encoded, note_before, note_gift
from udfs.facts.last_slates import remember_last_slate
from udfs.facts.purchases import fact_of, note_fact, remember_fact
from udfs.facts.rooms import FACTS, ROOMS, fold_context, fold_profile, merge_persons, purge_person
from udfs.moment import NOBODY, Moment
from udfs.policy.contact_rules import contact_rules
from udfs.session.deduplicate import hash_of, remember

CONTACTS: Final = contact_rules(
    Policy(contact=Contact(per_week=99, limits=(ContactLimit("all", 99, within_ms=30 * DAY_MS),)))
)
KNOWLEDGE: Final = make_knowledge(
    *(
        Item(f"i{n}", 0, f"Item {n}", f"Shop/{n % 5}", f"Brand {n % 3}", 10.0 + n, tags=(f"t{n % 7}",))
        for n in range(40)
    )
)  # fmt: skip
TYPES: Final = (
    "product_viewed", "product_viewed", "product_viewed", "product_added_to_cart", "element_clicked",
    "decision_exposed", "decision_clicked", "decision_dismissed", "not_interested", "feature_opened",
    "feature_activated", "profile_updated", "preference_stated", "identified", "purchase_completed",
    "purchase_refunded", "product_removed_from_cart", "page_viewed", "consent_changed",
)  # fmt: skip
UNORDERED: Final = tuple(one for one in TYPES if "purchase" not in one and "removed" not in one)
"""What happens to a person in any order comes to the same."""


def events_of(
    visitor: str, seed: int, count: int, types: tuple[str, ...] = TYPES, names: int = 3
) -> list[Event]:
    """What one visitor did, in the order of time."""
    chance = random.Random(f"{visitor}/{seed}")
    now_ms = NOON + chance.randrange(DAY_MS)
    found = []
    for n in range(count):
        now_ms += chance.randint(1, 20 * MINUTE_MS)
        name = f"name{chance.randrange(names)}"
        found.append(
            make_event(
                event_id=f"{visitor}-{seed}-{n}", event_type=chance.choice(types), event_time_ms=now_ms,
                anonymous_id=visitor, person_id="p" if n % 2 else None, session_id=f"s-{visitor}-{seed}",
                item_ids=[f"i{chance.randrange(40)}"], attribute=name, value=chance.choice(("x", "y", "")),
                decision_id=f"{visitor}-d{chance.randrange(9)}", value_amount=float(chance.randrange(90)),
                consent=chance.choice((None, [], ["personalisation"], ["email", "analytics"])),
                context={"gpc": chance.choice((None, True, False)), "utc_offset_min": chance.choice((None, 60, -300))},
                properties={"objection": chance.choice(("profiling", "none"))},
            )
        )  # fmt: skip
    return found


def grown(visitor: str, *events: Event, state: PersonState | None = None) -> PersonState:
    """The state of a person to whom this happened."""
    first_ms = events[0].event_time_ms if events else NOON
    state = state or PersonState(first_ms, first_ms, parts=part_of(visitor))
    for position, event in enumerate(events):
        news = SessionNews(
            "event", visitor, event.event_time_ms, event.session_id, position, event, b""
        )
        fold_profile(state, news, KNOWLEDGE)
        fact = fact_of(event)
        if fact is not None:
            state.fact_ids, _ = remember_fact(state.fact_ids, fact, event.event_time_ms)
        state.first_ms = min(state.first_ms, event.event_time_ms)
        state.last_ms = max(state.last_ms, event.event_time_ms)
        action_id = f"offer-{event.attribute}"
        valid_until_ms = event.event_time_ms + MINUTE_MS
        remember_grant(state, action_id, f"d-{event.event_id}", event.event_time_ms, valid_until_ms)
        action = Action(action_id, "offer", group="offers")
        decided_ms, decision_id = event.event_time_ms, event.decision_id or ""
        remember_contact(state, CONTACTS, action, decision_id, decided_ms, valid_until_ms, "web")
        place(state, f"slot-{event.attribute}", valid_until_ms, event.consent or ())
        remember_last_slate(
            state, f"list-{event.attribute}", event.session_id, decided_ms, event.item_ids
        )
        note_fact(state, news)
        state.claimed[f"p{position % 7}"] = event.event_time_ms
        if len(state.claimed) > CLAIMANTS_MAX:
            del state.claimed[next(iter(state.claimed))]
        state.joined, _ = remember(
            state.joined, hash_of(event.event_id), state.last_ms, MERGES_KEPT_MS, PARTS_MAX
        )
    return state


def someone(number: int, count: int = 6, names: int = 3) -> PersonState:
    name = f"v{number}"
    events = events_of(name, number, count, names=names)
    state = grown(name, *events)
    then, at_ms = encoded(grown(name, *events[: count // 2])), events[0].event_time_ms
    state.gave = note_gift([], Gave(hash_of(f"{name}-gave"), hash_of("p"), at_ms, then))
    state.before = note_before([], Before(hash_of(f"{name}-before"), at_ms, then))
    return state


def same(one: Any, other: Any) -> bool:
    """Whether two are the same but for the rounding of sums and the order of names."""
    if isinstance(one, msgspec.Struct):
        return same(msgspec.structs.asdict(one), msgspec.structs.asdict(other))
    if isinstance(one, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def differing(one: PersonState, other: PersonState) -> set[str]:
    return {
        name
        for name in PersonState.__struct_fields__
        if not same(getattr(one, name), getattr(other, name))
    }


# --- whose is what ------------------------------------------------------------------------------


def test_every_field_of_state_has_one_room() -> None:
    persons = [name for room in ROOMS for name in room.person]
    visits = [name for room in ROOMS for name in room.visit]
    assert sorted(persons) == sorted(one.name for one in fields(PersonState))
    assert sorted(visits) == sorted(one.name for one in fields(SessionContext))


def moments() -> Iterator[tuple[SessionContext, PersonState, Event]]:
    """States and contexts in the midst of a log, and the event that comes next."""
    contexts: dict[str, SessionContext] = {}
    persons: dict[str, PersonState] = {}
    for line in shopping_log(1_500, seed=7):
        try:
            event = EVENT.decode(line.value)
        except InvalidEvent:
            continue
        now_ms = event.event_time_ms
        context = contexts.setdefault(event.session_id, SessionContext(1, now_ms, now_ms))
        state = persons.setdefault(event.anonymous_id, PersonState(now_ms, now_ms))
        yield context, state, event
        fold_context(context, event, KNOWLEDGE)
        news = SessionNews("event", event.anonymous_id, now_ms, event.session_id, 0, event, b"")
        fold_profile(state, news, KNOWLEDGE)


def changed(before: dict[str, Any], after: msgspec.Struct) -> set[str]:
    now = msgspec.to_builtins(after, builtin_types=(bytes,))
    names = after.__struct_fields__
    return {name for name, was, value in zip(names, before, now, strict=True) if was != value}


def test_a_room_changes_nothing_but_its_own() -> None:
    for context, state, event in moments():
        context = SESSION_CONTEXT.decode(SESSION_CONTEXT.encode(context))
        state = PERSON_STATE.decode(PERSON_STATE.encode(state))
        for room in ROOMS:
            if room.on_event:
                before = msgspec.to_builtins(context, builtin_types=(bytes,))
                room.on_event(context, event, KNOWLEDGE)
                assert changed(before, context) <= set(room.visit), (room.name, event)
            if room.on_person_event:
                before = msgspec.to_builtins(state, builtin_types=(bytes,))
                room.on_person_event(state, event, KNOWLEDGE)
                assert changed(before, state) <= set(room.person), (room.name, event)
            if room.on_handover:
                before = msgspec.to_builtins(state, builtin_types=(bytes,))
                room.on_handover(state, context)
                assert changed(before, state) <= set(room.person), (room.name, event)


# --- merge --------------------------------------------------------------------------------------

PEOPLE: Final = st.integers(0, 400)


@settings(max_examples=60)
@given(PEOPLE, PEOPLE)
def test_merging_is_commutative(one: int, other: int) -> None:
    a, b = someone(one), someone(other)
    assert PERSON_STATE.encode(merge_persons(a, b)) == PERSON_STATE.encode(merge_persons(b, a))


@settings(max_examples=60)
@given(st.lists(PEOPLE, min_size=3, max_size=3, unique=True))
def test_merging_is_associative(numbers: list[int]) -> None:
    a, b, c = map(someone, numbers)
    left = merge_persons(merge_persons(a, b), c)
    assert differing(left, merge_persons(a, merge_persons(b, c))) == set()


@settings(max_examples=60)
@given(PEOPLE, PEOPLE)
def test_what_is_merged_already_changes_nothing(one: int, other: int) -> None:
    a, b = someone(one), someone(other)
    both = merge_persons(a, b)
    assert merge_persons(a, a) == a
    assert merge_persons(both, both) == both
    assert merge_persons(both, b) == both == merge_persons(a, both)


def test_of_one_part_the_newer_state_stays() -> None:
    events = events_of("v1", 1, 9)
    older, newer = grown("v1", *events[:5]), grown("v1", *events)
    assert merge_persons(older, newer) == newer == merge_persons(newer, older)


@settings(max_examples=60)
@given(PEOPLE, PEOPLE)
def test_two_devices_are_as_one_where_order_cannot_matter(one: int, other: int) -> None:
    first = events_of("phone", one, 5, UNORDERED)
    second = events_of("laptop", other, 5, UNORDERED)
    together = grown("phone", *sorted(first + second, key=lambda event: event.event_time_ms))
    merged = merge_persons(grown("phone", *first), grown("laptop", *second))
    # of what two people said the stricter holds, of what one said the newer;
    # the lines of a cart that both filled are taken for the same; grants and what stands are each device's own, as is who used it
    assert differing(merged, together) - {"cart", "cart_since_ms"} <= {
        "claimed",
        "joined",
        "parts",
        "offered",
        "actions",
        "consent",
        "placed",
    }
    assert merged.cart.keys() == together.cart.keys()
    assert merged.actions.keys() == together.actions.keys()


def test_what_was_taken_back_stays_so() -> None:
    told = make_event(
        event_type="profile_updated", attribute="tier", value="gold", event_time_ms=NOON
    )
    back = make_event(
        event_type="profile_updated", attribute="tier", value="", event_time_ms=NOON + 1
    )
    older, newer = grown("a", told), grown("b", back)
    assert merge_persons(older, newer).statements == {}
    assert merge_persons(grown("b", told), grown("a", back)).statements == {}


def test_a_claim_of_each_makes_one() -> None:
    bought = {"event_type": "purchase_completed", "is_unproven": True}
    one, other = (grown(name, make_event(event_id=name, **bought)) for name in "ab")
    assert (one.purchase_count, one.unproven_purchases) == (1, 1)
    assert merge_persons(one, other).purchase_count == 1
    proven = grown("c", make_event(event_id="c", event_type="purchase_completed"))
    assert merge_persons(one, proven).purchase_count == 2


# --- bounds -------------------------------------------------------------------------------------


def test_everything_that_grows_has_a_bound() -> None:
    sized = {
        name
        for name in PersonState.__struct_fields__
        if isinstance(getattr(PersonState(0, 0), name), dict | list | bytes)
    }
    assert sized == BOUNDS.keys()


def test_bounds_hold_however_many_are_merged() -> None:
    state = someone(0, 400, names=300)
    for number in range(1, 80):
        state = merge_persons(state, someone(number, 60, names=300))
        for name, most in BOUNDS.items():
            assert len(getattr(state, name)) <= most, name
    again = PERSON_STATE.decode(PERSON_STATE.encode(state))
    assert again == state


# --- purpose ------------------------------------------------------------------------------------


def readings(state: PersonState) -> dict[str, object]:
    """All facts of a person, some days later."""
    event = make_event(event_time_ms=state.last_ms + 60 * SECOND_MS)
    moment = Moment(state, NOBODY, event, KNOWLEDGE, KNOWLEDGE.at(event.event_time_ms))
    return {
        one.attribute: one.read(moment)
        for one in FACTS
        if one.read and one.purpose == "personalisation"
    }


@pytest.mark.parametrize("number", range(5))
def test_without_its_purpose_nothing_of_it_is_left(number: int) -> None:
    state = someone(number, 40)
    purged = purge_person(state, frozenset())
    nobody = PersonState(state.last_ms, state.last_ms)
    assert readings(purged) == readings(nobody) != readings(state)
    kept = {name for room in ROOMS for name, one in room.person.items() if one.purpose == "service"}
    assert differing(purged, nobody) <= kept | {"gave", "before"}
    assert differing(purged, state).isdisjoint(kept)
    snapshots: list[Gave | Before] = [*purged.gave, *purged.before]
    for one in snapshots:
        then = PERSON_STATE.decode(one.state)
        assert one.is_bare
        assert differing(then, PersonState(then.last_ms, then.last_ms)) <= kept


def test_what_is_granted_stays() -> None:
    state = someone(3, 40)
    assert purge_person(state, frozenset({"personalisation"})) == state
    assert purge_person(purge_person(state, frozenset()), frozenset()) == purge_person(state, frozenset())  # fmt: skip


def test_limits_and_units_outlive_the_purge() -> None:
    """Consent that is withdrawn neither gives an offer anew nor lets a purchase count twice."""
    state = someone(5, 40)
    purged = purge_person(state, frozenset())
    assert (purged.actions, purged.offered) == (state.actions, state.offered)
    assert (purged.contacts, purged.refused_actions) == (state.contacts, state.refused_actions)
    assert (purged.fact_ids, purged.unit) == (state.fact_ids, state.unit)


# --- old bytes ----------------------------------------------------------------------------------

EXAMPLES: Final = Path(__file__).parents[1] / "examples" / "state"
COMMITTED: Final = sorted(EXAMPLES.glob("person_state.*.msgpack"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_states_of_before_merge_and_purge(path: Any) -> None:
    state = PERSON_STATE.decode(path.read_bytes())
    merged = merge_persons(state, someone(1))
    assert merged.event_count == state.event_count + someone(1).event_count
    assert PERSON_STATE.decode(PERSON_STATE.encode(merged)) == merged
    assert purge_person(state, frozenset()).categories == {}


RICH: Final = {
    "item_ids": ["i1"], "attribute": "exit", "value": "exit_intent", "query": "red t1", "page": "/help", "category": "Shop/1",
    "properties": {"text": "help t1", "topic": "t1", "items_value": "1"}, "value_amount": 9.0, "decision_id": "d-told",
    "quantity": 2, "price": 3.0, "person_id": "p",
}  # fmt: skip
"""What makes any room that looks at it do something."""


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_events_that_a_room_does_not_look_at_change_nothing_of_it(event_type: str) -> None:
    """The types that a room names are all that it needs: the others pass it by."""
    context, state = SessionContext(1, NOON, NOON, slate=["i1"]), someone(1)
    state.offered["d-told"] = next(iter(state.actions))
    event = make_event(event_type=event_type, event_time_ms=NOON + DAY_MS, **RICH)
    for room in ROOMS:
        if room.on_event and room.events is not None and event_type not in room.events:
            before = SESSION_CONTEXT.encode(context)
            room.on_event(context, event, KNOWLEDGE)
            assert SESSION_CONTEXT.encode(context) == before, room.name
        types = room.person_events
        if room.on_person_event and types is not None and event_type not in types:
            before = PERSON_STATE.encode(state)
            room.on_person_event(state, event, KNOWLEDGE)
            assert PERSON_STATE.encode(state) == before, room.name
