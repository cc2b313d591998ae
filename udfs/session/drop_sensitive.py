"""What a policy declares sensitive of people never gets in: it is taken out of an event before anything is folded, decided or learnt."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeVar

from msgspec.structs import replace

from schemas.events import Candidate, Event
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.knowledge.knowledge import Knowledge

NONE: Final[frozenset[str]] = frozenset()
V = TypeVar("V")


def without_attributes(event: Event, knowledge: Knowledge) -> Event:
    """The event without attribute and value, properties and candidates' features of declared names; the same object where there is none."""
    if not event.attribute and not event.properties and not event.candidates:
        return event
    names = _declared(knowledge, event.event_time_ms)
    if not names:
        return event
    if event.attribute is not None and event.attribute.lower() in names:
        event = replace(event, attribute=None, value=None)
    if any(name.lower() in names for name in event.properties):
        event = replace(event, properties=_without(event.properties, names))
    if any(name.lower() in names for one in event.candidates for name in one.features):
        event = replace(event, candidates=tuple(_bare(one, names) for one in event.candidates))
    return event


def forget_attributes(state: PersonState, news: SessionNews, knowledge: Knowledge) -> None:
    """Takes out of a person's state what was stated before the name was declared."""
    if not state.statements_ms and not state.preferences_ms:
        return
    names = _declared(knowledge, news.order_ms)
    if not names:
        return
    state.statements = _without(state.statements, names)
    state.statements_ms = _without(state.statements_ms, names)
    state.preferences = _without(state.preferences, names)
    state.preferences_ms = _without(state.preferences_ms, names)


def names_declared(declared: tuple[str, ...], path: Sequence[str]) -> str:
    """Which of the declared names an attribute, or a key behind it, is; empty = none. What an item has is not a person's."""
    names = _lower(declared)
    own, *keys = path
    if own.startswith("item."):
        return ""
    last = own.rpartition(".")[2]
    return next((one for one in (last, *keys) if one.lower() in names), "")


def _declared(knowledge: Knowledge, time_ms: int) -> frozenset[str]:
    in_force = knowledge.policy_at(time_ms)
    return _lower(in_force.policy.sensitive_attributes) if in_force is not None else NONE


@lru_cache(maxsize=64)
def _lower(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(str.lower, names))


def _without(facts: dict[str, V], names: frozenset[str]) -> dict[str, V]:
    return {name: value for name, value in facts.items() if name.lower() not in names}


def _bare(one: Candidate, names: frozenset[str]) -> Candidate:
    return replace(one, features=_without(one.features, names))
