"""One hit of Google Analytics 4, whichever way it was written: a row of the BigQuery export or a body of the Measurement Protocol."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from schemas.errors import InvalidEvent
from schemas.events import Purpose
from schemas.formats.foreign_json import Given, id_of, made_id, part, parts, text, whole
from schemas.formats.json_values import members_of, values_of
from schemas.limits import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS

MICROS: Final = 1_000
VALUES: Final = ("string_value", "int_value", "double_value", "float_value")
NOT_SET: Final = "(not set)"
"""What Google writes where there is nothing."""
GRANTED: Final = {"yes": True, "no": False, "granted": True, "denied": False}
UNTOLD: Final = frozenset({"unset", "unspecified", "consent_status_unspecified"})
"""In lower case: the export writes `Yes`, the protocol `GRANTED`."""
PRIVACY: Final[dict[str, Purpose]] = {
    "analytics_storage": "analytics",
    "ads_storage": "advertising",
}
"""Of `privacy_info` of an exported row, which names no personalisation."""
CONSENT: Final[dict[str, Purpose]] = {
    "ad_user_data": "advertising",
    "ad_personalization": "advertising",
}
"""Of `consent` of the protocol, likewise."""
EVENTS_MAX: Final = 25
"""Of one body, by the protocol; one with more is refused as it is."""
BUNDLE: Final = (
    "event_bundle_sequence_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
)


class Hit(NamedTuple):
    """What was sent: `params` and `items` stand at the paths `at` and `items_at`; `around` is the row or the body."""

    event_id: str
    name: str
    time_ms: int
    visitor: str
    session: str | None
    user_id: str | None
    params: Given
    at: str
    items: list[Given]
    items_at: str
    told: dict[Purpose, bool]
    around: Given


def hit_of(given: Given) -> Hit:
    """The hit that a row, or a body with one event, is; raises InvalidEvent."""
    return _of_body(given) if "events" in given else _of_row(given)


def set_text(given: Given, name: str, at: str = "") -> str | None:
    """The text under `name`, where it is set."""
    found = text(given, name, at)
    return None if found == NOT_SET else found


def ga4_records(value: bytes) -> Iterable[bytes]:
    """A body of the protocol with several events as bodies with one each; anything else as it is."""
    members = members_of(value) if b'"events"' in value else {}
    events = list(values_of(members.get(b"events", b"")))
    if not 1 < len(events) <= EVENTS_MAX:
        return (value,)
    head = b"".join(b'"%b":%b,' % one for one in members.items() if one[0] != b"events")
    return [b'{%b"events":[%b]}' % (head, event) for event in events]


def _of_row(row: Given) -> Hit:
    time_ms = _time_ms(row, "event_timestamp")
    params = _params(row)
    items = parts(row, "items")
    name, visitor = _needed(row, "event_name"), _needed(row, "user_pseudo_id")
    event_id = made_id(
        visitor,
        time_ms,
        name,
        row.get("event_timestamp"),
        [row.get(one) for one in BUNDLE],
        params,
        items,
    )
    return Hit(
        event_id, name, time_ms, visitor, text(params, "ga_session_id", "event_params."), id_of(row, "user_id"),
        params, "event_params.", items, "items", _told(row, "privacy_info", PRIVACY), row,
    )  # fmt: skip


def _of_body(body: Given) -> Hit:
    events = parts(body, "events")
    if len(events) != 1:
        raise InvalidEvent(
            "invalid_value",
            f"events: {len(events)} in one record; a topic has one event a record (a file may have more)",
        )
    event = events[0]
    has_own = event.get("timestamp_micros") is not None
    time_ms = _time_ms(event if has_own else body, "timestamp_micros")
    params = part(event, "params", "events[0].")
    at = "events[0].params."
    visitor = id_of(body, "client_id") or id_of(body, "app_instance_id")
    if visitor is None:
        raise InvalidEvent("invalid_value", "client_id: missing, and so is app_instance_id")
    told = _told(body, "consent", CONSENT)
    if body.get("non_personalized_ads") is True:
        told["advertising"] = False
    return Hit(
        made_id(visitor, time_ms, event), _needed(event, "name", "events[0]."), time_ms, visitor,
        text(params, "session_id", at), id_of(body, "user_id"), params, at, parts(params, "items", at),
        f"{at}items", told, body,
    )  # fmt: skip


def _needed(given: Given, name: str, at: str = "") -> str:
    found = id_of(given, name, at)
    if found is None:
        raise InvalidEvent("invalid_value", f"{at}{name}: missing")
    return found


def _time_ms(given: Given, name: str) -> int:
    """The time under `name`, in microseconds, as milliseconds."""
    micros = whole(given, name)
    if micros is None:
        raise InvalidEvent("invalid_value", f"{name}: missing, so it has no time")
    if not EVENT_TIME_MIN_MS <= micros // MICROS < EVENT_TIME_MAX_MS:
        raise InvalidEvent(
            "invalid_value",
            f"{name}: {micros} is no time: epoch microseconds are wanted, such as 1769860800000000",
        )
    return micros // MICROS


def _params(row: Given) -> dict[str, Any]:
    """The parameters by their keys; those that are not set are left out."""
    found: dict[str, Any] = {}
    for number, one in enumerate(parts(row, "event_params")):
        key, value = one.get("key"), one.get("value")
        if type(key) is not str or type(value) is not dict:  # told with its path, which costs
            at = f"event_params[{number}]."
            key, value = text(one, "key", at) or "", part(one, "value", at)
        for kind in VALUES:
            if (said := value.get(kind)) is not None:
                if said != NOT_SET:
                    found[key] = said
                break
    return found


def _told(given: Given, name: str, purposes: dict[str, Purpose]) -> dict[Purpose, bool]:
    """What is said of purposes; of two names for one both must be granted."""
    said = part(given, name)
    found: dict[Purpose, bool] = {}
    for field, purpose in purposes.items():
        word = (text(said, field, f"{name}.") or "unset").lower()
        if word in UNTOLD:
            continue
        if word not in GRANTED:
            raise InvalidEvent(
                "invalid_value", f"{name}.{field}: {word[:50]!r} is none of {', '.join(GRANTED)}"
            )
        found[purpose] = GRANTED[word] and found.get(purpose, True)
    return found
