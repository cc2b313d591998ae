"""The names of a request's own fields, as those of its events stand in `schemas/formats/field_names.py`."""

import time
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from channels.api.bodies import (
    DecisionsRequest,
    ReactionIn,
    RecommendationsRequest,
    SessionIn,
    Warned,
)
from channels.api.problems import ApiError
from schemas.enrich.enrich_event import look_up
from schemas.enrich.places import Places
from schemas.formats.field_names import (
    EVENT_NAMES,
    Names,
    Notices,
    first_ignored,
    names_of,
    renamed,
)
from schemas.formats.json_lines import text_properties

PARTS: Final = EVENT_NAMES.parts
MEANT: Final = {
    "user_id": "person_id", "customer_id": "person_id", "visitor_id": "anonymous_id", "session": "session_id",
    "url": "page", "count": "limit", "size": "limit", "items": "candidates", "timeout_ms": "budget_ms",
    "budget": "budget_ms",
}  # fmt: skip
NAMES: Final[Mapping[type, Names]] = {
    RecommendationsRequest: Names(
        names_of(RecommendationsRequest),
        {"events": "events_in_session", "page": "current_page", "person": "person_id"},
        MEANT,
        {"context": PARTS["context"]},
    ),
    DecisionsRequest: Names(
        names_of(DecisionsRequest),
        {"events_in_session": "events", "current_page": "page", "person_id": "person"},
        MEANT | {"placement": "placements", "user_id": "person", "customer_id": "person"},
        PARTS,
    ),
    ReactionIn: Names(
        names_of(ReactionIn), {}, MEANT | {"items": "item_ids", "item_id": "item_ids"}
    ),
    SessionIn: Names(names_of(SessionIn)),
}
"""What one of the endpoints calls a field the others take, too."""
BATCH: Final = Names(
    frozenset({"events", "auth"}),
    {"events_in_session": "events"},
    {name: "events[]." + name for name in EVENT_NAMES.known},
)
"""A list of events with what goes with it: whose they are stands in each of them."""
ITEMS_QUERY: Final = Names(
    frozenset({"category", "q", "id", "ids", "offset", "limit", "strict"}),
    {},
    {
        "query": "q", "search": "q", "text": "q", "item_ids": "id", "item_id": "id", "product_id": "id",
        "size": "limit", "count": "limit", "per_page": "limit", "page": "offset", "skip": "offset",
    },
)  # fmt: skip
"""What `GET /v1/items` is asked by."""

NONE: Final = Notices()

T = TypeVar("T")


def read_request(
    kind: type[T],
    value: object,
    notices: Notices,
    places: Places | None = None,
    *,
    is_strict: bool,
) -> T:
    """The request that a body's value is, `places` as of its events; raises ApiError 400 that names the field at fault."""
    if isinstance(value, dict):
        value = text_properties(read_names(value, NAMES[kind], notices, is_strict=is_strict))
        look_up(value, time.time_ns() // 1_000_000, places)
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        hint = next((f"; {one.reason}" for one in notices if one.meant and not one.is_read), "")
        raise ApiError(400, f"the body cannot be used: {error}{hint}") from error


def read_names(
    fields: dict[str, object], names: Names, notices: Notices, *, is_strict: bool
) -> dict[str, object]:
    """The fields that say something, under the names that are read; raises ApiError 400 where it is `is_strict` and one is ignored."""
    said = {name: value for name, value in fields.items() if value is not None}
    found, notes = renamed(said, names)
    notices.add(notes, 0)
    ignored = first_ignored(notes) if is_strict else None
    if ignored is not None:
        raise ApiError(400, f"the body cannot be used: {ignored.reason}")
    return found


def warnings_of(own: Notices, of_events: Notices = NONE) -> tuple[Warned, ...] | UnsetType:
    """What the caller is told: of the request's own fields first, which have no place among its events."""
    found = (
        *(Warned(one.field, one.reason, one.meant, None, one.times) for one in own),
        *(Warned(one.field, one.reason, one.meant, one.at, one.times) for one in of_events),
    )
    return found or UNSET
