"""Segment and RudderStack: one call (track, page, screen, identify, group, alias) as their sources, and Kafka destinations, write it.

https://segment.com/docs/connections/spec/
"""

from collections.abc import Callable
from typing import Any, Final

from schemas.enrich.origins import place_of
from schemas.errors import InvalidEvent
from schemas.events import CONSENT_CHANGED, Event, Purpose
from schemas.formats.foreign_json import (
    ROOM,
    Given,
    carried,
    consent_said,
    id_of,
    made_id,
    own_type,
    part,
    plain,
    read_object,
    text,
    time,
    timed_event,
    unknown,
    url_of,
)
from schemas.formats.segment_context import campaign_of, channel_of, context_of
from schemas.formats.segment_goods import AT, READ, goods_of
from schemas.formats.segment_names import BY_PLAIN, CATEGORIES, KNOWN

Fields = dict[str, Any]
NOTHING_READ: Final[frozenset[str]] = frozenset()
"""Of a call under the sender's own name all properties are carried: what they are, the policy says."""


def event_from_segment_json(data: bytes) -> Event:
    """The event in `data`, one call as a JSON object; raises InvalidEvent."""
    return read_object(data, event_from_segment)


def event_from_segment(call: Given) -> Event:
    """The event that a call is.

    Its time is `timestamp`, which Segment has corrected by the sender's clock; where only the sender's own times are there, they are
    corrected the same way: `receivedAt` - (`sentAt` - `originalTimestamp`). Traits are not taken over. Raises InvalidEvent.
    """
    time_ms = _time_ms(call)
    return timed_event(time_ms, lambda: _fields(call, time_ms))


def _fields(call: Given, time_ms: int) -> Fields:
    context, properties = part(call, "context"), part(call, "properties")
    page = part(context, "page", "context.")
    kind = _kind(call)
    anonymous_id = _visitor(call)
    if kind == "alias":
        anonymous_id = _former(call)
    said = KINDS[kind](call, properties)
    if said["event_type"] == "identified" and id_of(call, "userId") is None:
        raise InvalidEvent("invalid_value", "userId: missing, so nobody is identified")
    more = said.pop("properties", {})
    for name, value in campaign_of(context).items():
        if len(more) < ROOM:
            more.setdefault(name, value)
    return {
        "event_id": id_of(call, "messageId") or made_id(call),
        "event_time_ms": time_ms,
        "session_id": _session_id(call, context, anonymous_id),
        "anonymous_id": anonymous_id,
        "person_id": id_of(call, "userId"),
        "channel": channel_of(call, kind, bool(page)),
        "page": _page(page, properties),
        "placements": _placements(properties),
        "consent": _consent(context, said["event_type"]),
        "context": context_of(context, page, properties, time_ms),
        "properties": more,
    } | said


def _time_ms(call: Given) -> int:
    if call.get("timestamp") is not None:
        return time(call, "timestamp")
    if call.get("originalTimestamp") is not None:
        time_ms = time(call, "originalTimestamp")
        if call.get("sentAt") is None or call.get("receivedAt") is None:
            return time_ms
        return time(call, "receivedAt") - (time(call, "sentAt") - time_ms)
    for name in ("sentAt", "receivedAt"):
        if call.get(name) is not None:
            return time(call, name)
    raise InvalidEvent(
        "invalid_value", "timestamp: missing, and so are originalTimestamp, sentAt and receivedAt"
    )


def _kind(call: Given) -> str:
    kind = text(call, "type") or ("track" if call.get("event") is not None else None)
    if kind is None:
        raise InvalidEvent("invalid_value", f"type: missing; one of {', '.join(KINDS)} is wanted")
    if kind not in KINDS:
        raise unknown(kind, frozenset(KINDS))
    return kind


def _visitor(call: Given) -> str:
    """Whose call it is: the device's, or of a server, which knows no device, the person's."""
    found = id_of(call, "anonymousId") or id_of(call, "userId")
    if found is None:
        raise InvalidEvent("invalid_value", "anonymousId: missing, and so is userId")
    return found


def _session_id(call: Given, context: Given, visitor: str) -> str:
    """Numbers are RudderStack's: the second in which it began, which two visitors may share. Without one, the visitor's:
    the engine itself ends a session after 30 minutes of silence. A `session_id` among the properties is a video's.
    """
    for given, at in ((context, "context."), (call, "")):
        for name in ("sessionId", "session_id"):
            if (found := id_of(given, name, at)) is not None:
                return f"{visitor}.{found}" if found.isdigit() else found
    return visitor


def _page(page: Given, properties: Given) -> str | None:
    """The path, without its query."""
    path = url_of(page, "path", "context.page.") or url_of(properties, "path", AT)
    return place_of(path or url_of(page, "url", "context.page."))[1]


def _placements(properties: Given) -> list[object]:
    """A field of ours; what is no list under this name is something else."""
    found = properties.get("placements")
    return found if isinstance(found, list) else []


def _consent(context: Given, event_type: str) -> object:
    at = "context.consent."
    told = part(part(context, "consent", "context."), "categoryPreferences", at)
    at += "categoryPreferences."
    known: dict[Purpose, bool] = {}
    for name, is_granted in told.items():
        purpose = CATEGORIES.get(plain(name))
        if purpose is None:
            continue
        if not isinstance(is_granted, bool):
            raise InvalidEvent("invalid_value", f"{at}{name[:50]}: true or false is wanted")
        known[purpose] = is_granted and known.get(purpose, True)
    if event_type == CONSENT_CHANGED and not known:
        raise InvalidEvent(
            "invalid_value",
            f"{at[:-1]}: none of {', '.join(sorted(told))[:200] or 'its names'} is a purpose",
        )
    return consent_said(known)


# --- calls --------------------------------------------------------------------------------------


def _track(call: Given, properties: Given) -> Fields:
    name = text(call, "event")
    if name is None:
        raise InvalidEvent("invalid_value", "event: missing, the name of a track call")
    event_type = BY_PLAIN.get(plain(name))
    if event_type is not None:
        return {"event_type": event_type} | goods_of(plain(name), event_type, properties)
    own = own_type(name, KNOWN)
    said = {"properties": carried(properties, NOTHING_READ, {})}
    return {"event_type": own} | goods_of(plain(name), own, properties) | said


def _seen(call: Given, properties: Given) -> Fields:
    name = text(call, "name") or text(properties, "name", AT)
    found = {} if name is None else {"page_name": name}
    fields: Fields = {
        "event_type": "page_viewed",
        "category": text(call, "category") or text(properties, "category", AT),
        "properties": carried(properties, READ, found),
    }
    if call.get("type") == "screen" and name is not None:
        fields["page"] = name
    return fields


def _identify(_call: Given, _properties: Given) -> Fields:
    return {"event_type": "identified"}


def _group(call: Given, _: Given) -> Fields:
    group_id = id_of(call, "groupId")
    if group_id is None:
        raise InvalidEvent("invalid_value", "groupId: missing")
    return {"event_type": "profile_updated", "attribute": "group", "value": group_id}


def _former(call: Given) -> str:
    """The anonymous id that an alias names."""
    former, now = id_of(call, "previousId"), id_of(call, "anonymousId")
    if former is None:
        return _visitor(call)
    if now is not None and former != now:
        raise InvalidEvent(
            "invalid_value",
            "previousId: another than the anonymousId; what two people did is not put together",
        )
    return former


KINDS: Final[dict[str, Callable[[Given, Given], Fields]]] = {
    "track": _track,
    "page": _seen,
    "screen": _seen,
    "identify": _identify,
    "group": _group,
    "alias": _identify,
}
