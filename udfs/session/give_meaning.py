"""What an event of any name counts as, by the policy in force at its time: before anything is folded, decided or learnt."""

from typing import Any, Final, NamedTuple

from msgspec import ValidationError, convert
from msgspec.structs import fields as fields_of
from msgspec.structs import replace

from schemas.doors import check_meant
from schemas.errors import InvalidEvent, PassedOver
from schemas.events import EVENT_TYPES, Event, unknown_in_words
from schemas.numbers import number_in
from schemas.own_events import PROVEN_ONLY, ROLES, Role
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compiled_events import holds_of
from udfs.policy.page_categories import with_category
from udfs.session.drop_sensitive import without_attributes

IGNORED_COUNT: Final = "events_ignored"
NUMBERS: Final = frozenset({"quantity", "price", "value_amount"})
Fields = tuple[tuple[str, str], ...]
KINDS: Final = {one.name: one.type for one in fields_of(Event)}


class Meant(NamedTuple):
    """The event as one of ours, where it has a role, and then what its sender called it; what to count."""

    event: Event
    own_name: str = ""
    counts: tuple[str, ...] = ()


def give_meaning(event: Event, knowledge: Knowledge) -> Meant:
    """The event by its name, and of its page's category; the same object where that is what it counts as.

    Raises InvalidEvent: `unknown_event_type` where the policy is strict and knows no such name, `invalid_value` where a property cannot stand for the
    field that it is to fill; PassedOver where the policy ignores the event.
    """
    in_force = knowledge.policy_at(event.event_time_ms)
    is_ours = event.event_type in EVENT_TYPES
    own = in_force.own if in_force is not None else None
    if own is not None and own.pages:
        event = with_category(event, own.pages)
    if own is not None and own.ignored and own.ignores(event):
        raise PassedOver(IGNORED_COUNT)
    if own is None or not own.is_any:
        return Meant(event) if is_ours else Meant(event, counts=("events_without_role",))
    for one in own.events.get(event.event_type, ()):
        if holds_of(one.when, event):
            return Meant(event) if one.role is None else _as(one.role, one.fields, event, knowledge)
    if is_ours or event.event_type in own.names:
        return Meant(event)
    if own.is_strict:
        raise InvalidEvent(
            "unknown_event_type", unknown_in_words(event.event_type), event.event_time_ms
        )
    return Meant(event, counts=("events_without_role",))


def _as(role: Role, fields: Fields, event: Event, knowledge: Knowledge) -> Meant:
    if event.is_unproven and role in PROVEN_ONLY:
        return Meant(event, counts=("roles_unproven",))
    filled = {
        name: _filled(name, event.properties[of], event)
        for name, of in fields
        if of in event.properties and getattr(event, name) in (None, ())
    }
    found = replace(event, event_type=ROLES[role], **filled)
    check_meant(found)
    # a property may say which attribute it is about, so it is looked at once more
    return Meant(without_attributes(found, knowledge), event.event_type)


def _filled(name: str, said: str, event: Event) -> Any:
    """What a property says as a field of ours."""
    value: object = (said,) if name == "item_ids" else said
    if name in NUMBERS:
        value = number_in(said)
        if name == "quantity" and value is not None and float(value).is_integer():
            value = int(value)
    try:
        return convert(value, KINDS[name] if value is not None else float)
    except ValidationError as error:
        why = f"{name}: {said[:100]!r}, a property of {event.event_type!r}, is none: {error}"
        raise InvalidEvent("invalid_value", why, event.event_time_ms) from error
