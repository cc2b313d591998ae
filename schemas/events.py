"""Event: what a person did on a shop, an app or a publication; one Avro record of topic `events`."""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct, ValidationError, convert

from schemas.errors import InvalidEvent
from schemas.limits import (
    AMOUNT_MAX,
    CANDIDATES_PER_EVENT_MAX,
    EVENT_NAME_LENGTH_MAX,
    EVENT_TIME_MAX_MS,
    EVENT_TIME_MIN_MS,
    FEATURES_PER_CANDIDATE_MAX,
    ID_LENGTH_MAX,
    ITEMS_PER_EVENT_MAX,
    PLACEMENTS_PER_EVENT_MAX,
    PROPERTIES_PER_EVENT_MAX,
    QUANTITY_MAX,
    STRING_LENGTH_MAX,
)
from schemas.meant_types import meant_type
from schemas.numbers import Finite, Whole
from schemas.thread_safe_types import prepared

EventType = Literal[
    "page_viewed",
    "product_viewed",
    "element_clicked",
    "page_scrolled",
    "video_played",
    "search_performed",
    "filter_applied",
    "product_added_to_cart",
    "product_removed_from_cart",
    "cart_viewed",
    "checkout_started",
    "purchase_completed",
    "purchase_refunded",
    "content_read",
    "item_skipped",
    "review_read",
    "item_rated",
    "feedback_given",
    "help_viewed",
    "support_message",
    "calculator_used",
    "feature_opened",
    "feature_activated",
    "ranking_requested",
    "ranking_clicked",
    "decision_exposed",
    "decision_clicked",
    "decision_dismissed",
    "not_interested",
    "identified",
    "signed_out",
    "profile_updated",
    "consent_changed",
    "preference_stated",
    "erasure_requested",
    "session_ended",
    "clock_ticked",
]
EVENT_TYPES: Final = frozenset(get_args(EventType))
SENT_TYPES: Final = EVENT_TYPES - {"clock_ticked"}
"""Those that anybody may send."""

NEVER_TOO_LATE: Final = frozenset(
    {"purchase_completed", "purchase_refunded", "consent_changed", "erasure_requested"}
)
"""These are taken however late they come: money, consent and erasure are facts, not signals."""
ERASURE_REQUESTED: Final = "erasure_requested"
KEEPS: Final = "keeps"
VISITOR: Final = "visitor"
"""Property, and its value, of an erasure that leaves the anonymous id alone: others use the device."""
FEEDBACK: Final = "feedback_given"
IDENTIFIED: Final = "identified"
CONFIDENCE: Final = "confidence"
"""Property of an `identified` that is not certain: how sure it is, from 0 to 1. What it links, the policy says (`identity`)."""
SIGNED_OUT: Final = "signed_out"
UNMERGE: Final = "unmerge"
TRUE: Final = "true"
"""Property, and its value, of a `signed_out` by which whoever used the device is not the person: what was joined at signing in is split again."""

PROFILE_UPDATED: Final = "profile_updated"
PROFILE_SESSION: Final = "profile/"
"""How the session id of a `profile_updated` begins that tells of a person outside any visit: what a CRM or a warehouse knows."""

Purpose = Literal["personalisation", "analytics", "advertising", "email", "push", "sms", "in_app"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
"""What somebody may agree to, each by itself."""
PERSONALISATION: Final = "personalisation"
ANALYTICS: Final = "analytics"
ADVERTISING: Final = "advertising"
ALL_PURPOSES: Final = "all"
NO_PURPOSES: Final = "none"
"""How a setting or an option says that everything is granted, or nothing."""
CONSENT_CHANGED: Final = "consent_changed"
TEXT_VERSION: Final = "text_version"
SOURCE: Final = "source"
OBJECTION: Final = "objection"
"""Properties of `consent_changed`: the text that was agreed to, who told it, and `profiling` of who objects to that (anything
else takes the objection back).
"""
PROFILING: Final = "profiling"
CONSENT_SOURCE: Final = "consent_source"
ASSUMED: Final = "assumed"
"""Property, and its value, of an event whose consent nobody said: whoever imported it did (`--consent`)."""

Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]
Text = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]
EventName = Annotated[str, Meta(min_length=1, max_length=EVENT_NAME_LENGTH_MAX)]
"""The type of an event: one of ours, or any other, of which a policy says what it means (schemas/own_events.py)."""
TimeMs = Annotated[int, Meta(ge=EVENT_TIME_MIN_MS, lt=EVENT_TIME_MAX_MS)]
Consent = Annotated[tuple[Purpose, ...], Meta(max_length=7)]
Properties = Annotated[dict[Text, Text], Meta(max_length=PROPERTIES_PER_EVENT_MAX)]
Amount = Annotated[float, Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
Price = Annotated[float, Meta(ge=0, le=AMOUNT_MAX)]


class Candidate(Struct, frozen=True):
    """An item that the caller hands in to be reranked; `position` is where it stands now, from 0."""

    item_id: Id
    price: Price | None = None
    position: Annotated[int, Meta(ge=0, le=CANDIDATES_PER_EVENT_MAX * 10)] | None = None
    features: Annotated[dict[Text, Finite], Meta(max_length=FEATURES_PER_CANDIDATE_MAX)] = {}


class Context(Struct, frozen=True):
    """Where the event came from; all of it optional, none of it identifies a person.

    `gpc`: whether the browser asks by Global Privacy Control not to be sold or shared; it takes `advertising` back.
    """

    device: Text | None = None
    os: Text | None = None
    browser: Text | None = None
    country: Text | None = None
    city: Text | None = None
    referrer: Text | None = None
    campaign: Text | None = None
    utc_offset_min: Annotated[int, Meta(ge=-1440, le=1440)] | None = None
    gpc: bool | None = None


class Event(Struct, frozen=True):
    """One event. Times in epoch milliseconds, amounts in `currency`.

    `sent_at_ms` is the sender's wall clock: copied to decisions to measure latency, never used
    to decide. `is_unproven`: it was sent with a browser's public key, so anybody may have written it: the door sets
    it, whatever the sender says, and what it means by type is in schemas/proof.py. Servers and imports leave it false.
    `has_no_candidates`: a list was handed in to be ranked and it is empty, so nothing of ours takes its place; without a
    list, ours does. Avro has the same for both, and so has JSON that writes all fields of an event. `imported_at_ms` is
    the clock of the import that wrote it: how far apart imported events came, which their times do not say
    (udfs/session/visit_of_history.py).
    """

    event_id: Id
    event_type: EventName
    event_time_ms: TimeMs
    session_id: Id
    anonymous_id: Id
    person_id: Id | None = None
    channel: Text | None = None
    page: Text | None = None
    placements: Annotated[tuple[Id, ...], Meta(max_length=PLACEMENTS_PER_EVENT_MAX)] = ()
    item_ids: Annotated[tuple[Id, ...], Meta(max_length=ITEMS_PER_EVENT_MAX)] = ()
    category: Text | None = None
    query: Text | None = None
    attribute: Text | None = None
    value: Text | None = None
    quantity: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)] | None = None
    price: Price | None = None
    currency: Text | None = None
    value_amount: Amount | None = None
    candidates: Annotated[tuple[Candidate, ...], Meta(max_length=CANDIDATES_PER_EVENT_MAX)] = ()
    decision_id: Id | None = None
    request_id: Id | None = None
    consent: Consent | None = None
    context: Context | None = None
    properties: Properties = {}
    sent_at_ms: Whole | None = None
    is_unproven: bool = False
    has_no_candidates: bool = False
    imported_at_ms: TimeMs | None = None


prepared(Event)


def event_from_fields(fields: object) -> Event:
    """The valid event that `fields` (a mapping with the names of Event) describes.

    Its type may have any name (udfs/session/give_meaning.py). Raises InvalidEvent: `invalid_value`.
    """
    try:
        event = convert(fields, Event)
    except (ValidationError, RecursionError, OverflowError) as error:
        raise InvalidEvent("invalid_value", str(error), _time_of(fields)) from error
    if not is_name(event.event_type):
        raise InvalidEvent(
            "invalid_value", "event_type: it has letters that nobody can read", event.event_time_ms
        )
    return event


def is_name(event_type: str) -> bool:
    """Whether a text of the right length may be the name of an event: what nobody can read would do harm in logs and terminals."""
    return event_type in EVENT_TYPES or event_type.isprintable()


def is_outside_visit(event: Event) -> bool:
    """Whether it tells of the person that it names, and nobody was there: no visit, no activity, nothing is asked for.

    Only where it is proven: anybody else's is an event as any other.
    """
    return (
        event.event_type == PROFILE_UPDATED
        and event.session_id.startswith(PROFILE_SESSION)
        and event.person_id is not None
        and not event.is_unproven
    )


def purposes_from(text: str) -> frozenset[str]:
    """What a setting like `personalisation,analytics` says, `all` for every purpose, `none` or nothing; raises ValueError."""
    names = [one for part in text.split(",") if (one := part.strip())]
    if names in ([ALL_PURPOSES], [NO_PURPOSES]):
        return frozenset(PURPOSES if names == [ALL_PURPOSES] else ())
    for one in names:
        if one not in PURPOSES:
            raise ValueError(
                f"purposes with commas between, {ALL_PURPOSES} or {NO_PURPOSES}: {one!r} is none of {', '.join(PURPOSES)}"
            )
    return frozenset(names)


def granted_in_words(granted: frozenset[str]) -> str:
    """What is granted where nothing is said of consent, as outputs tell it."""
    names = ", ".join(one for one in PURPOSES if one in granted)
    return f"where nothing is said of consent, {names or 'nothing'} is granted"


def unlearnt_in_words(granted: frozenset[str]) -> str:
    """Why nothing may be learnt from people, and what says otherwise."""
    return f"none of these people agreed to `analytics` ({granted_in_words(granted)}): --consent {PERSONALISATION},{ANALYTICS} grants it to who said nothing"


def unknown_in_words(event_type: str) -> str:
    """A name that is none of ours, and the nearest that is."""
    meant = meant_type(event_type, SENT_TYPES)
    return repr(event_type) + (f": `{meant}` is meant?" if meant else "")


def _time_of(fields: object) -> int | None:
    time_ms = fields.get("event_time_ms") if isinstance(fields, dict) else None
    if type(time_ms) is int and EVENT_TIME_MIN_MS <= time_ms < EVENT_TIME_MAX_MS:
        return time_ms
    return None
