"""Visits of a made-up shop as records of the log: as many as are wanted, a second apart, with what is asked for broken."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import SECOND_MS
from schemas.mask_attributes import NO_NAMES
from schemas.records import LogRecord
from scripts.quality.sample import Read, Sample
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge
from udfs.session.give_meaning import give_meaning
from udfs.session.read_event import valid_event

Change = Callable[[Event], Event]
STEPS: Final = ("page_viewed", "product_viewed", "product_added_to_cart", "purchase_completed")


def visits(count: int, first_ms: int = NOON, name: str = "s", change: Change = lambda one: one) -> Iterator[Event]:  # fmt: skip
    """Of four events each."""
    for visit in range(count):
        for step, event_type in enumerate(STEPS):
            fields: dict[str, Any] = {"price": 9.5, "item_ids": [f"i{visit}"]} if step else {}
            if event_type == "purchase_completed":
                fields |= {"value_amount": 9.5, "currency": "EUR"}
            made = make_event(
                event_id=f"e{step}", session_id=f"{name}{visit}", anonymous_id=f"a{visit}", event_type=event_type, channel="web",
                event_time_ms=first_ms + (visit * len(STEPS) + step) * SECOND_MS, context={"device": "mobile", "country": "DE"},
                **fields,
            )  # fmt: skip
            yield change(made)


def changed(of: str, **fields: Any) -> Change:
    """What replaces these fields in events of one type."""
    return lambda one: replace(one, **fields) if one.event_type == of else one


def read(record: LogRecord) -> Read:
    """As a log without a policy is read."""
    event = valid_event(record, EVENT.decode)
    return Read(event, "events_without_role" in give_meaning(event, Knowledge()).counts)


def sample(events: Iterable[Event | LogRecord], hidden: frozenset[str] = NO_NAMES) -> Sample:
    """Of events, or of records where these are not what they should be."""
    made = Sample(hidden)
    for at, one in enumerate(events):
        made.take(make_record(one, at) if isinstance(one, Event) else one, read)
    return made
