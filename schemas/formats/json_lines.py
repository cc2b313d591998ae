"""JSON: one object with the names of Event (or Item), or with their aliases; absent and null mean the same."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from schemas.enrich.enrich_event import look_up, of_page
from schemas.enrich.places import Places
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Candidate, Context, Event, event_from_fields, is_name
from schemas.formats.field_names import (
    EVENT_NAMES,
    ITEM_NAMES,
    NEED_ITEMS,
    NO_ITEM,
    Names,
    Note,
    Renamed,
    first_ignored,
    own_name,
    renamed,
    told,
)
from schemas.formats.json_values import fault_of
from schemas.items import Item, item_from_fields
from schemas.limits import CANDIDATES_PER_EVENT_MAX, EVENT_BYTES_MAX, ITEM_BYTES_MAX
from schemas.thread_safe_types import prepared
from schemas.times import since_of_field, time_of_field


class ReadEvent(NamedTuple):
    """An event, and what there is to say of its fields' names."""

    event: Event
    notes: Sequence[Note] = ()


class ReadItem(NamedTuple):
    """An item, likewise."""

    item: Item
    notes: Sequence[Note] = ()


class ExactCandidate(Candidate, frozen=True, forbid_unknown_fields=True):
    """A candidate with no names but its own."""


class ExactContext(Context, frozen=True, forbid_unknown_fields=True):
    """A context likewise."""


class ExactEvent(Event, frozen=True, forbid_unknown_fields=True):
    """An event of which there is nothing to say: most are, and are read in a third of the time."""

    candidates: Annotated[
        tuple[ExactCandidate, ...], Meta(max_length=CANDIDATES_PER_EVENT_MAX)
    ] = ()
    context: ExactContext | None = None


ONE_ITEM: Final = frozenset({"product_id", "item_id"})
"""Aliases of `item_ids` that name one."""
RANKING: Final = "ranking_requested"
EXACT: Final = msgspec.json.Decoder(prepared(ExactEvent))
VALUES: Final = attrgetter(*(one.name for one in msgspec.structs.fields(Event)))


def event_from_json(data: bytes) -> Event:
    """The event in `data`; raises InvalidEvent."""
    return read_event(data).event


def event_of(given: object) -> Event:
    """The event in an object; raises InvalidEvent."""
    said = event_fields(given)
    return built_event(said.fields, said.notes).event


def item_from_json(data: bytes) -> Item:
    """The item in `data`; raises InvalidEvent."""
    return read_item(data).item


def read_event(data: bytes, *, is_strict: bool = False, places: Places | None = None) -> ReadEvent:
    """The event in `data`, and notes of what was not read as it is written; `places` as in `event_fields`.

    Raises InvalidEvent; `is_strict`: also where something would be ignored.
    """
    exact = _exact(data) if len(data) <= EVENT_BYTES_MAX else None
    if exact is not None:
        return _named(exact, (), is_strict=is_strict)
    said = event_fields(decoded(data, EVENT_BYTES_MAX), places)
    return built_event(said.fields, said.notes, is_strict=is_strict)


def _exact(data: bytes) -> Event | None:
    """The event, where all of it is as it should be; None where there is something to read closely, or to refuse."""
    try:
        exact = EXACT.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None
    if not is_name(exact.event_type) or _lacks_item(exact):
        return None
    if exact.event_type == RANKING and not exact.candidates:
        return None  # whether a list was handed in is for the fields to say
    event = Event(*VALUES(exact))
    if event.candidates or event.context is not None:
        own = exact.context
        context = None if own is None else Context(*msgspec.structs.astuple(own))
        given = tuple(Candidate(*msgspec.structs.astuple(one)) for one in exact.candidates)
        return msgspec.structs.replace(event, context=context, candidates=given)
    return event


def _lacks_item(event: Event) -> bool:
    return event.event_type in NEED_ITEMS and not event.item_ids


def read_item(data: bytes, *, is_strict: bool = False) -> ReadItem:
    """The item in `data`, likewise."""
    fields, notes = _said(decoded(data, ITEM_BYTES_MAX), ITEM_NAMES)
    for name in ("effective_from_ms", "created_ms"):
        if name in fields:
            fields[name] = since_of_field(name, fields[name])
    try:
        item = item_from_fields(fields)
    except InvalidEvent as error:
        raise _with_hint(error, notes) from error
    if is_strict:
        check_names(notes)
    return ReadItem(item, notes)


def built_event(
    fields: Mapping[str, Any], notes: Sequence[Note], *, is_strict: bool = False
) -> ReadEvent:
    """The event that `fields` describe, under the names that are read; raises InvalidEvent."""
    try:
        event = event_from_fields(fields)
    except InvalidEvent as error:
        raise _with_hint(error, notes) from error
    if _lacks_item(event):
        notes = [*notes, NO_ITEM]
    return _named(event, notes, is_strict=is_strict)


def _named(event: Event, notes: Sequence[Note], *, is_strict: bool) -> ReadEvent:
    """The event, with a path for its page, and the notes: one more where its name is none of ours."""
    if event.event_type not in EVENT_TYPES:
        notes = [*notes, own_name(event.event_type)]
    if is_strict:
        check_names(notes)
    return ReadEvent(of_page(event), notes)


def check_names(notes: Sequence[Note]) -> None:
    """Raises InvalidEvent where something of what was said is ignored."""
    ignored = first_ignored(notes)
    if ignored is not None:
        raise InvalidEvent("invalid_value", ignored.reason)


def event_fields(given: object, places: Places | None = None) -> Renamed:
    """What an object says of an event, under the names that are read, with its time as a number.

    Null is as if absent; numbers and booleans become text in `value` and among the properties. The user agent and the address of the context
    are looked up, this one among the `places` that are known, and are not kept. Raises InvalidEvent.
    """
    said = _said(given, EVENT_NAMES)
    fields = said.fields
    if "properties" in fields:
        text_properties(fields)
    if fields.get("event_type") == RANKING and fields.get("candidates") == []:
        fields.setdefault("has_no_candidates", True)
    if "value" in fields:
        fields["value"] = text_of(fields["value"])
    if "event_time_ms" in fields:
        fields["event_time_ms"] = time_of_field("event_time_ms", fields["event_time_ms"])
    look_up(fields, fields.get("event_time_ms"), places)
    if "item_ids" in fields:
        is_one = any(one.kind == "alias" and one.field in ONE_ITEM for one in said.notes)
        fields["item_ids"] = _ids(fields["item_ids"], is_one=is_one)
    return said


def text_properties(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields themselves, whose properties are texts now: those that are null are as if absent."""
    properties = fields.get("properties")
    if isinstance(properties, dict):
        fields["properties"] = {
            name: text_of(value) for name, value in properties.items() if value is not None
        }
    return fields


def text_of(value: object) -> object:
    """`10` of 10.0, `true` of True, texts as they are; what is none of these is left to be refused."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value) if isinstance(value, int) else value


def _ids(value: object, *, is_one: bool) -> object:
    """A list of ids, also of what an alias names alone; a whole number may be an item's id.

    A text in the place of a list is left to be refused: it could hold several.
    """
    if not isinstance(value, list | tuple):
        if not is_one:
            return value
        value = (value,)
    return [str(one) if type(one) is int else one for one in value]


def decoded(data: bytes, bytes_max: int) -> object:
    """What the JSON in `data` says; raises InvalidEvent."""
    if len(data) > bytes_max:
        raise InvalidEvent("too_large", f"{len(data)} bytes, at most {bytes_max}")
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", fault_of(data, error)) from error


def json_object(data: bytes, bytes_max: int = EVENT_BYTES_MAX) -> dict[str, Any]:
    """The JSON object in `data`; raises InvalidEvent."""
    return _object(decoded(data, bytes_max))


def _object(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidEvent("malformed", f"a JSON object is wanted, not {type(given).__name__}")
    return given


def _said(given: object, names: Names) -> Renamed:
    """The fields that say something, in a new dictionary: null is as if absent. Raises InvalidEvent where it is no object."""
    fields = _object(given)
    if None in fields.values():
        fields = {name: value for name, value in fields.items() if value is not None}
    return renamed(fields, names)


def _with_hint(error: InvalidEvent, notes: Sequence[Note]) -> InvalidEvent:
    """The error, and a name that nobody reads: it may be why something is missing."""
    hints = (told(one) for one in notes if one.kind == "unknown")
    hint = next((one.reason for one in hints if one.meant is not None), None)
    if hint is None:
        return error
    return InvalidEvent(error.reason, f"{error.message}; {hint}", error.event_time_ms)
