"""What a policy declares sensitive of people never gets in: it is taken out of an event before anything is folded, decided or learnt."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from schemas.dead_letters import Masking
from schemas.events import Candidate, Event
from schemas.mask_attributes import NO_NAMES, in_small_letters
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compiled_policy import CompiledPolicy

V = TypeVar("V")


def without_attributes(event: Event, knowledge: Knowledge) -> Event:
    """The event without attribute and value, properties and candidates' features of declared names; the same object where there is none."""
    if not event.attribute and not event.properties and not event.candidates:
        return event
    names = declared(knowledge, event.event_time_ms)
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
    """Takes out of a person's state what was stated before the name was declared, and what facts of before kept: none may be of such a name now."""
    if not state.statements_ms and not state.preferences_ms and not state.declared:
        return
    in_force = knowledge.policy_at(news.order_ms)
    names = _declared_by(in_force)
    if in_force is None or not names:
        return
    keys = in_force.own.keys
    state.declared = {key: kept for key, kept in state.declared.items() if key in keys}
    state.statements = _without(state.statements, names)
    state.statements_ms = _without(state.statements_ms, names)
    state.preferences = _without(state.preferences, names)
    state.preferences_ms = _without(state.preferences_ms, names)


def names_declared(names_given: tuple[str, ...], path: Sequence[str]) -> str:
    """Which of the declared names an attribute, or a key behind it, is; empty = none. What an item has is not a person's."""
    names = in_small_letters(names_given)
    own, *keys = path
    if own.startswith("item."):
        return ""
    last = own.rpartition(".")[2]
    return next((one for one in (last, *keys) if one.lower() in names), "")


def declared(knowledge: Knowledge, time_ms: int) -> frozenset[str]:
    """The names that the policy in force declares, in small letters."""
    return _declared_by(knowledge.policy_at(time_ms))


def masking_at(knowledge: Knowledge, time_ms: int) -> Masking:
    """What is masked in the dead letter of a record of this time."""
    return Masking(declared(knowledge, time_ms), knowledge.keeps_raw)


def _declared_by(in_force: CompiledPolicy | None) -> frozenset[str]:
    return NO_NAMES if in_force is None else in_small_letters(in_force.policy.sensitive_attributes)


def _without(facts: dict[str, V], names: frozenset[str]) -> dict[str, V]:
    return {name: value for name, value in facts.items() if name.lower() not in names}


def _bare(one: Candidate, names: frozenset[str]) -> Candidate:
    return replace(one, features=_without(one.features, names))
