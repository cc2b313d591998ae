"""The rooms: every fact with its state, how events change it, how two people's become one, what a purpose leaves of it.

An event goes through the rooms in their order: the visit's counts come first, and what looks at the page or the items of before
comes before what changes them.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import fields, replace

from schemas.events import EVENT_TYPES, Event
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from udfs.facts import (
    activity,
    affinity,
    caller,
    cart,
    clock,
    consent,
    contacts,
    declared,
    erasure,
    exposures,
    grants,
    identity,
    intent,
    item,
    joins,
    last_slates,
    leads,
    learnt,
    likeness,
    pages,
    place,
    prices,
    purchases,
    reach,
    search,
    slate,
    statements,
    topics,
    touched,
    touches,
    usage,
    visit,
)
from udfs.facts.fact import Apart, Fact, Kept, Room
from udfs.facts.identity import parts_in
from udfs.facts.splitting import since
from udfs.items.withhold_sensitive import without_sensitive
from udfs.knowledge.knowledge import Knowledge
from udfs.session.drop_sensitive import forget_attributes

ROOMS: Final[tuple[Room, ...]] = (
    visit.ROOM, topics.ROOM, touches.ROOM, pages.ROOM, search.ROOM, intent.ROOM, cart.ROOM, statements.ROOM,
    usage.ROOM, consent.ROOM, erasure.ROOM, identity.ROOM, joins.ROOM, activity.ROOM, purchases.ROOM, affinity.ROOM, exposures.ROOM, grants.ROOM, contacts.ROOM,
    clock.ROOM, place.ROOM, touched.ROOM, prices.ROOM, reach.ROOM, leads.ROOM, item.ROOM, learnt.ROOM, slate.ROOM, last_slates.ROOM, caller.ROOM, declared.ROOM, likeness.ROOM,
)  # fmt: skip
FACTS: Final[tuple[Fact, ...]] = tuple(fact for room in ROOMS for fact in room.facts)


Fold = Callable[..., None]
ANY: Final = ""


def _by_type(folds: Iterable[tuple[Fold | None, frozenset[str] | None]]) -> dict[str, list[Fold]]:
    """What looks at an event of each type, in its order; None = at every type. Under ANY what looks at one of any other name."""
    there = [(fold, types) for fold, types in folds if fold is not None]
    return {
        name: [fold for fold, types in there if types is None or name in types]
        for name in (*EVENT_TYPES, ANY)
    }


_VISIT: Final = _by_type((room.on_event, room.events) for room in ROOMS)
_PERSON: Final = _by_type((room.on_person_event, room.person_events) for room in ROOMS)
_HANDOVER: Final = tuple(room.on_handover for room in ROOMS if room.on_handover)
_END: Final = tuple(room.on_end for room in ROOMS if room.on_end)
_KEPT: Final = {name: kept for room in ROOMS for name, kept in room.person.items()}
_PROFILE: Final = {name for name, kept in _KEPT.items() if kept.purpose != "service"} - {
    *joins.ROOM.person
}
_DEFAULTS: Final = {one.name: one for one in fields(PersonState)}


def fold_context(
    context: SessionContext, event: Event, knowledge: Knowledge, own_name: str = ""
) -> None:
    """Adds `event` to its visit, in place. The log's order is the order; times are the event's.

    `own_name`: what its sender called it, where a policy says what it counts as.
    """
    for on_event in _VISIT.get(event.event_type) or _VISIT[ANY]:
        on_event(context, event, knowledge)
    declared.fold_visit(context, event, own_name, knowledge)


def fold_profile(state: PersonState, news: SessionNews, knowledge: Knowledge) -> None:
    """Adds `news` to the person's state, in place.

    A handover says that a visit belongs to the person from here on: what it was comes by a transfer (udfs/merge_visitors.py).
    """
    news = without_sensitive(news, knowledge)
    if news.kind == "ended":
        for on_end in _END:
            on_end(state, news)
    elif news.kind == "handover":
        context = SESSION_CONTEXT.decode(news.context)
        for on_handover in _HANDOVER:
            on_handover(state, context)
    elif news.event is not None:
        for on_person_event in _PERSON.get(news.event.event_type) or _PERSON[ANY]:
            on_person_event(state, news.event, knowledge)
        declared.fold_person(state, news, knowledge)
    forget_attributes(state, news, knowledge)


def merge_persons(one: PersonState, other: PersonState) -> PersonState:
    """The state of a person who turns out to be both, as if all had happened to one.

    Commutative and, below the bounds, associative. Counts add up, so a state that holds all parts of the other (`parts` and
    `joined`, by which it was made) already knows it and stays; of two with the same parts the newer stays.
    """
    mine, others = parts_in(one), parts_in(other)
    if mine and others:
        if mine == others:
            return max(one, other, key=_age)
        if mine <= others or others <= mine:
            return max(one, other, key=lambda state: len(parts_in(state)))
    return PersonState(**{name: kept.merge(one, other, name) for name, kept in _KEPT.items()})


def split_persons(apart: Apart) -> PersonState:
    """The state of a person without what a visitor gave them, as if it had never come: what was merged, the other way round."""
    return PersonState(**{name: (kept.split or since)(apart, name) for name, kept in _KEPT.items()})


def with_profile(state: PersonState, other: PersonState) -> PersonState:
    """The state with all that is personal of another one."""
    return replace(state, **{name: getattr(other, name) for name in _PROFILE})


def give_again(state: PersonState, given: PersonState) -> PersonState:
    """A visitor's state with what they gave away: what holds without personalisation they have kept."""
    is_blank = all(getattr(state, name) == _default(name) for name in _PROFILE - {"first_ms"})
    if not is_blank:
        given = merge_persons(replace(state, parts=b"", joined=b""), given)
    return with_profile(state, given)


def purge_person(state: PersonState, granted: frozenset[str]) -> PersonState:
    """What is left of a state where only these purposes are granted; `service` always is."""
    left = PersonState(**{name: _left(state, name, kept, granted) for name, kept in _KEPT.items()})
    if (state.gave or state.before) and "personalisation" not in granted:
        left.gave, left.before = joins.bare(state, _bare)
    return left


def _bare(state: PersonState) -> PersonState:
    return purge_person(state, frozenset())


def _left(state: PersonState, name: str, kept: Kept, granted: frozenset[str]) -> Any:
    if kept.purpose == "service" or kept.purpose in granted:
        return getattr(state, name)
    return kept.purged(state) if kept.purged else _default(name)


def _age(state: PersonState) -> tuple[int, int, bytes]:
    return state.last_ms, state.event_count, PERSON_STATE.encode(state)


def _default(name: str) -> Any:
    field = _DEFAULTS[name]
    return field.default_factory() if callable(field.default_factory) else field.default
