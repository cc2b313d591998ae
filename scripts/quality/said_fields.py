"""What an event says: its fields as they are counted, and what makes it the same event when it comes again. Pure."""

from collections.abc import Iterator
from typing import Final

from schemas.events import Event
from udfs.session.deduplicate import hash_of

CONTEXT: Final = ("device", "os", "browser", "country", "city", "referrer", "campaign", "utc_offset_min", "region", "latitude", "longitude", "currency")  # fmt: skip
FIELDS: Final = (
    "person_id", "channel", "page", "placements", "item_ids", "category", "query", "attribute", "value", "quantity", "price",
    "currency", "value_amount", "candidates", "decision_id", "request_id", "consent", "properties", "sent_at_ms",
    *(f"context.{one}" for one in CONTEXT),
)  # fmt: skip
"""Those that an event may leave out."""
EMPTY: Final[tuple[object, ...]] = ("", (), {})


def value_of(event: Event, field: str) -> object:
    """What the event says in one of FIELDS; None where it says nothing."""
    name = field.removeprefix("context.")
    return getattr(event if name == field else event.context, name, None)


def is_said(event: Event, field: str) -> bool:
    """Whether it says anything there. Consent to nothing is said; an empty text is not."""
    value = value_of(event, field)
    return value is not None and (field == "consent" or value not in EMPTY)


def fields_said(event: Event) -> Iterator[str]:
    """All of them that it says."""
    return (one for one in FIELDS if is_said(event, one))


def identity_of(event: Event) -> bytes:
    """Stands for its session and its id, by which the engine knows what it has taken before."""
    return hash_of(f"{event.session_id}/{event.event_id}")
