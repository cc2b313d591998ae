"""Events as channels send them -> Event: names, times and ids. Pure: `now_ms` is given.

An id that the sender left out is a hash of what the event says, so sending it again changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from channels.api.bodies import Rejected
from channels.api.from_pages import check_of_page
from channels.api.repair import check_whole
from channels.api.sender_clock import Clock, shift_of
from schemas.codec import check_event_size
from schemas.doors import check_at_door
from schemas.enrich.enrich_event import FROM_NOWHERE, Came, enriched
from schemas.enrich.places import Places
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event, unknown_in_words
from schemas.formats.field_names import EVENT_NAMES, Notices, Renamed
from schemas.formats.json_lines import built_event, event_fields

OF_SESSIONS: Final = frozenset({"event", "product_id", "timestamp"})
"""What `/api/recommendations` has called these fields since its beginning: read as the others, without a word."""


class Sender(NamedTuple):
    """Whose events these are, where they do not say so themselves."""

    session_id: str | None
    anonymous_id: str | None
    person_id: str | None = None
    channel: str | None = None
    context: Any = None
    is_page: bool = False
    """Anybody may have written it: it came with a key that is public, or with none."""
    came: Came = FROM_NOWHERE


class Known(NamedTuple):
    """What the door knows beside the request: where addresses are (None: nowhere), and which names events may have beside ours (None: any)."""

    places: Places | None = None
    names: frozenset[str] | None = None


NOTHING_KNOWN: Final = Known()


class Rules(NamedTuple):
    """What an event is held to."""

    now_ms: int
    is_page: bool
    is_strict: bool
    came: Came
    names: frozenset[str] | None


class Bad(NamedTuple):
    """An event that cannot be used: its place in the request, its bytes, why."""

    at: int
    raw: bytes
    error: InvalidEvent

    @property
    def rejected(self) -> Rejected:
        """As the caller is told."""
        return Rejected(self.at, str(self.error))


class ReadEvents(NamedTuple):
    """What a request holds, in its order, and what there is to say of its fields."""

    events: list[Event]
    bad: list[Bad]
    notices: Notices


def nobody(_: str) -> None:
    """Of no session it is known whose it is."""
    return


def read_events(
    given: Sequence[object],
    sender: Sender,
    now_ms: int,
    whose: Callable[[str], str | None] = nobody,
    *,
    is_strict: bool = False,
    known: Known = NOTHING_KNOWN,
) -> ReadEvents:
    """Events with the names of Event or their aliases; what they leave out is filled in, by `whose` the anonymous id.

    `is_strict`: an event of which something would be ignored is bad.
    """
    read = ReadEvents([], [], Notices())
    rules = Rules(now_ms, sender.is_page, is_strict, sender.came, known.names)
    for index, one in enumerate(given):

        def fill(said: Renamed, at: int = index) -> dict[str, Any]:
            return _filled(said.fields, at, sender, now_ms, whose)

        _read_one(read, index, one, _said(one, known.places), fill, rules)
    return read


def read_session(
    given: Sequence[object],
    sender: Sender,
    now_ms: int,
    current_page: str | None = None,
    *,
    is_strict: bool = False,
    known: Known = NOTHING_KNOWN,
) -> ReadEvents:
    """The events of `POST /api/recommendations`. The newest is on the `current_page` if it names no other.

    Where no time can be right (all are in the future, or longer ago than a session lasts), the sender's clock is
    wrong, and all are moved so that the newest is now; one that is odd among the others is moved alone.
    """
    read = ReadEvents([], [], Notices(OF_SESSIONS))
    rules = Rules(now_ms, sender.is_page, is_strict, sender.came, known.names)
    said = [_said(one, known.places) for one in given]
    clock = Clock(
        now_ms, shift_of([time for one in said if type(time := _time_of(one)) is int], now_ms)
    )
    seen: dict[str, int] = {}
    for index, one in enumerate(said):
        page = current_page if index == len(given) - 1 else None

        def fill(said: Renamed, page: str | None = page) -> dict[str, Any]:
            return _session_filled(said.fields, sender, clock, seen, page)

        _read_one(read, index, given[index], one, fill, rules)
    return read


def _said(given: object, places: Places | None) -> Renamed | InvalidEvent:
    """What an event says under the names that are read, or why it says nothing."""
    try:
        check_whole(given)
        return event_fields(given, places)
    except InvalidEvent as error:
        return error


def _time_of(said: Renamed | InvalidEvent) -> object:
    return None if isinstance(said, InvalidEvent) else said.fields.get("event_time_ms")


def hashed(*parts: str) -> str:
    """32 hexadecimal digits that stand for these parts."""
    message = b"".join(
        len(data).to_bytes(4, "big") + data
        for data in (part.encode(errors="surrogatepass") for part in parts)
    )
    return blake2b(message, digest_size=16).hexdigest()


def _read_one(
    read: ReadEvents,
    index: int,
    given: object,
    said: Renamed | InvalidEvent,
    fill: Callable[[Renamed], dict[str, Any]],
    rules: Rules,
) -> None:
    try:
        if isinstance(said, InvalidEvent):
            raise said
        read.notices.add(said.notes, index)
        event, notes = built_event(fill(said), said.notes, is_strict=rules.is_strict)
        read.notices.add(notes[len(said.notes) :], index)
        event = enriched(event, rules.came)
        _check_name(event, rules.names)
        check(event, rules.now_ms)
        if rules.is_page:
            check_of_page(event, read.events)
    except InvalidEvent as error:
        read.bad.append(Bad(index, _raw(given), error))
    else:
        read.events.append(event)


def _check_name(event: Event, names: frozenset[str] | None) -> None:
    name = event.event_type
    if names is not None and name not in EVENT_TYPES and name not in names:
        raise InvalidEvent("unknown_event_type", unknown_in_words(name))


def check(event: Event, now_ms: int) -> None:
    """Refuses at once what the engine would refuse later, for reasons that the sender can mend."""
    check_at_door(event, now_ms)
    check_event_size(event)


def _filled(
    said: Mapping[str, Any],
    index: int,
    sender: Sender,
    now_ms: int,
    whose: Callable[[str], str | None],
) -> dict[str, Any]:
    session_id = said.get("session_id", sender.session_id)
    filled = {
        "event_time_ms": now_ms,
        "session_id": session_id,
        "anonymous_id": sender.anonymous_id or _visitor(said, str(session_id), whose),
        "sent_at_ms": now_ms,
        **({"person_id": sender.person_id} if sender.person_id else {}),
        **said,
        "is_unproven": sender.is_page,
        "imported_at_ms": None,
    }
    if "event_id" not in said:
        # without a time of its own it happened just now, and two of them are two
        when = () if "event_time_ms" in said else (str(now_ms), str(index))
        filled["event_id"] = hashed("event", str(session_id), _content(said), *when)
    return {name: value for name, value in filled.items() if value is not None}


def _visitor(said: Mapping[Any, Any], session_id: str, whose: Callable[[str], str | None]) -> str:
    """Whose the session is; of one that signs out, nobody known: what was known may be the person's own id."""
    known = None if said.get("event_type") == "signed_out" else whose(session_id)
    return known or session_id


def _session_filled(
    said: Mapping[str, Any],
    sender: Sender,
    clock: Clock,
    seen: dict[str, int],
    page: str | None,
) -> dict[str, Any]:
    known = {name: value for name, value in said.items() if name in EVENT_NAMES.known}
    content = _content(known)
    occurrence = seen.get(content, 0)
    seen[content] = occurrence + 1
    # two events with the same time and content are one; without a time they are counted
    which = () if "event_time_ms" in said else (str(occurrence),)
    session_id = str(sender.session_id)
    if known.get("session_id", session_id) != session_id:
        raise InvalidEvent("invalid_value", "it is of another session")
    filled = {
        "event_id": hashed("session_event", session_id, content, *which),
        "session_id": session_id,
        "anonymous_id": sender.anonymous_id or session_id,
        "person_id": sender.person_id,
        "channel": sender.channel,
        "context": sender.context,
        "page": page,
        "sent_at_ms": clock.now_ms,
        **known,
        "event_time_ms": clock.time_of(known.get("event_time_ms")),
        "is_unproven": sender.is_page,
        "imported_at_ms": None,
    }
    return {name: value for name, value in filled.items() if value is not None}


def _content(fields: object) -> str:
    """What an event says, in one order, however its fields were ordered."""
    try:
        return msgspec.json.encode(fields, order="sorted").decode()
    except (UnicodeEncodeError, TypeError, RecursionError) as error:
        raise InvalidEvent("invalid_value", f"a text is no Unicode: {error}") from error


def _raw(given: object) -> bytes:
    try:
        return msgspec.json.encode(given)
    except (UnicodeEncodeError, TypeError, RecursionError):
        return repr(given).encode(errors="replace")
