"""Events as channels send them -> Event: names, times and ids. Pure: `now_ms` is given.

An id that the sender left out is a hash of what the event says, so sending it again changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from channels.api.from_pages import check_of_page
from channels.api.repair import check_whole
from channels.api.wire import Rejected, SessionEvent
from schemas.codec import check_event_size
from schemas.doors import check_at_door
from schemas.errors import InvalidEvent
from schemas.events import Event, event_from_fields
from schemas.formats.json_lines import said as fields_said
from schemas.formats.json_lines import text_of
from schemas.limits import (
    EVENT_TIME_MIN_MS,
    MINUTE_MS,
    SESSION_GAP_MS,
)
from schemas.times import iso_ms

SECONDS_BELOW: Final = 1e11
"""A timestamp below is in seconds (until the year 5138), one above in milliseconds (since 1973)."""
AHEAD_MAX_MS: Final = MINUTE_MS
"""A clock further ahead of ours is wrong."""
AS_THEY_ARE: Final = (
    "page", "category", "query", "attribute", "price", "currency", "value_amount", "decision_id",
    "consent",
)  # fmt: skip


class Sender(NamedTuple):
    """Whose events these are, where they do not say so themselves."""

    session_id: str | None
    anonymous_id: str | None
    person_id: str | None = None
    channel: str | None = None
    context: Any = None
    is_page: bool = False
    """Anybody may have written it: it came with a key that is public, or with none."""


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
    """What a request holds, in its order."""

    events: list[Event]
    bad: list[Bad]


def nobody(_: str) -> None:
    """Of no session it is known whose it is."""
    return


def read_events(
    given: Sequence[object],
    sender: Sender,
    now_ms: int,
    whose: Callable[[str], str | None] = nobody,
) -> ReadEvents:
    """Events with the names of Event; what they leave out is filled in, by `whose` the anonymous id."""
    read = ReadEvents([], [])
    for index, fields in enumerate(given):
        _read_one(
            read,
            index,
            fields,
            lambda one, at: _filled(one, at, sender, now_ms, whose),
            (now_ms, sender.is_page),
        )
    return read


def read_session(
    given: Sequence[object], sender: Sender, now_ms: int, current_page: str | None = None
) -> ReadEvents:
    """The events of `POST /api/recommendations`. The newest is on the `current_page` if it names no other.

    Where no time can be right (all are in the future, or longer ago than a session lasts), the sender's clock is
    wrong, and all are moved so that the newest is now; one that is odd among the others is moved alone.
    """
    read = ReadEvents([], [])
    said = [_session_event(one) for one in given]
    times = [_time_of(one) for one in said]
    known = [time for time in times if isinstance(time, int)]
    shift_ms = _shift(known, now_ms)
    seen: dict[str, int] = {}
    for index, (one, time) in enumerate(zip(said, times, strict=True)):
        page = current_page if index == len(given) - 1 else None

        def build(
            _: object, at: int, one: Any = one, time: Any = time, page: Any = page
        ) -> dict[str, Any]:
            if isinstance(time, InvalidEvent):
                raise time
            return _translated(one, sender, (time, shift_ms, now_ms), seen, page)

        _read_one(read, index, given[index], build, (now_ms, sender.is_page))
    return read


def _shift(times: Sequence[int], now_ms: int) -> int:
    """By how much a sender's clock is behind ours: 0 where any of its times can be right.

    Else the newest of those that are near the middle one is now: one odd time moves no others.
    """
    if not times or any(now_ms - SESSION_GAP_MS <= one <= now_ms + AHEAD_MAX_MS for one in times):
        return 0
    middle = sorted(times)[len(times) // 2]
    return now_ms - max(one for one in times if abs(one - middle) <= SESSION_GAP_MS)


def hashed(*parts: str) -> str:
    """32 hexadecimal digits that stand for these parts."""
    message = b"".join(
        len(data).to_bytes(4, "big") + data
        for data in (part.encode(errors="surrogatepass") for part in parts)
    )
    return blake2b(message, digest_size=16).hexdigest()


def epoch_ms(timestamp: float | str) -> int:
    """Epoch milliseconds of epoch seconds, epoch milliseconds or ISO 8601 (UTC without a zone).

    Raises InvalidEvent.
    """
    if isinstance(timestamp, str):
        try:
            number = float(timestamp)
        except ValueError:
            return _iso_ms(timestamp)
        timestamp = number
    if not 0 <= timestamp < SECONDS_BELOW * 1_000:  # NaN is refused, too
        raise InvalidEvent("invalid_value", f"timestamp {timestamp!r} is no time")
    return round(timestamp * 1_000 if timestamp < SECONDS_BELOW else timestamp)


def _iso_ms(text: str) -> int:
    try:
        return iso_ms(text)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(
            "invalid_value",
            f"timestamp {text[:50]!r} is no time: epoch seconds, milliseconds or ISO 8601 are wanted",
        ) from error


def _session_event(given: object) -> SessionEvent | InvalidEvent:
    try:
        check_whole(given)
        return msgspec.convert(_said_properties(given), SessionEvent)
    except InvalidEvent as error:
        return error
    except (msgspec.ValidationError, RecursionError) as error:
        return InvalidEvent("invalid_value", str(error))


def _said_properties(given: object) -> object:
    """Properties that are null are as if absent, at this door as at all others."""
    properties = given.get("properties") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(properties, Mapping):
        return given
    kept = {name: value for name, value in properties.items() if value is not None}
    return {**given, "properties": kept}


def _time_of(one: SessionEvent | InvalidEvent) -> int | InvalidEvent | None:
    if isinstance(one, InvalidEvent):
        return one
    if one.timestamp is None:
        return None
    try:
        return epoch_ms(one.timestamp)
    except InvalidEvent as error:
        return error


def _read_one(
    read: ReadEvents, index: int, given: Any, build: Any, rules: tuple[int, bool]
) -> None:
    now_ms, is_page = rules
    try:
        event = event_from_fields(build(given, index))
        check(event, now_ms)
        if is_page:
            check_of_page(event, read.events)
    except InvalidEvent as error:
        read.bad.append(Bad(index, _raw(given), error))
    else:
        read.events.append(event)


def check(event: Event, now_ms: int) -> None:
    """Refuses at once what the engine would refuse later, for reasons that the sender can mend."""
    check_at_door(event, now_ms)
    check_event_size(event)


def _filled(
    fields: object,
    index: int,
    sender: Sender,
    now_ms: int,
    whose: Callable[[str], str | None],
) -> dict[str, Any]:
    check_whole(fields)
    said = fields_said(fields)
    session_id = said.get("session_id", sender.session_id)
    filled = {
        "event_time_ms": now_ms,
        "session_id": session_id,
        "anonymous_id": sender.anonymous_id or _visitor(said, str(session_id), whose),
        "sent_at_ms": now_ms,
        **({"person_id": sender.person_id} if sender.person_id else {}),
        **said,
        "is_unproven": sender.is_page,
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


def _translated(
    one: SessionEvent,
    sender: Sender,
    times: tuple[int | None, int, int],
    seen: dict[str, int],
    page: str | None,
) -> dict[str, Any]:
    time_ms, shift_ms, now_ms = times
    content = _content(msgspec.to_builtins(one))
    occurrence = seen.get(content, 0)
    seen[content] = occurrence + 1
    # two events with the same time and content are one; without a time they are counted
    which = () if time_ms is not None else (str(occurrence),)
    item_ids = one.item_ids or (() if one.product_id is None else (str(one.product_id),))
    session_id = str(sender.session_id)
    fields: dict[str, Any] = {
        "event_id": one.event_id or hashed("session_event", session_id, content, *which),
        "event_type": one.event,
        "event_time_ms": _moved(time_ms, shift_ms, now_ms),
        "session_id": session_id,
        "anonymous_id": sender.anonymous_id or session_id,
        "person_id": sender.person_id,
        "channel": sender.channel,
        "context": sender.context,
        "item_ids": item_ids,
        "value": None if one.value is None else text_of(one.value),
        "quantity": one.quantity,
        "properties": {name: text_of(value) for name, value in one.properties.items()},
        "sent_at_ms": now_ms,
        "is_unproven": sender.is_page,
    }
    fields |= {name: getattr(one, name) for name in AS_THEY_ARE}
    fields["page"] = one.page or page
    return {name: value for name, value in fields.items() if value is not None}


def _moved(time_ms: int | None, shift_ms: int, now_ms: int) -> int:
    """When it happened by our clock; what would lie ahead of it, alone among the others, is now."""
    if time_ms is None or time_ms + shift_ms > now_ms + AHEAD_MAX_MS:
        return now_ms
    return max(EVENT_TIME_MIN_MS, time_ms + shift_ms)


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
