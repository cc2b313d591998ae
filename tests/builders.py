"""Test data: events with sensible fields, and named instants."""

from typing import Any, Final

from schemas.codec import EVENT
from schemas.events import Event, event_from_fields
from schemas.items import Item, Uncatalogued
from schemas.knowledge import (
    EpochEnd,
    ItemKnowledge,
    ItemRecord,
    KnowledgeRecord,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_AHEAD_MS, EPOCH_MS, MINUTE_MS
from schemas.policy import DEFAULT_POLICY
from schemas.records import LogRecord
from schemas.state.session import SessionNews, SessionState
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.results import SessionResult
from udfs.track_session import track_session

NOON: Final = 1_700_000_000_000
ONE_MINUTE_LATER: Final = NOON + MINUTE_MS
LATENESS_MS: Final = 10 * MINUTE_MS
EPOCH: Final = epoch_of(NOON - EPOCH_AHEAD_MS) - 1
"""The newest epoch that can be in force at NOON."""


def make_event(**overrides: Any) -> Event:
    """A valid page view at NOON, but for `overrides`."""
    fields: dict[str, Any] = {
        "event_id": "e1",
        "event_type": "page_viewed",
        "event_time_ms": NOON,
        "session_id": "s1",
        "anonymous_id": "a1",
    }
    return event_from_fields(fields | overrides)


def make_record(event: Event, offset: int = 0, partition: int = 0) -> LogRecord:
    """The event as a record of the log."""
    value = EVENT.encode(event)
    return LogRecord("events", partition, offset, event.event_time_ms, event.session_id, value)


def make_knowledge(*items: Item, uncatalogued: Uncatalogued = "when_empty") -> Knowledge:
    """The default policy and some items, in force since ever."""
    knowledge = Knowledge(uncatalogued=uncatalogued)
    knowledge.add_policy("default-1", 0, 0, compile_policy(DEFAULT_POLICY))
    for position, item in enumerate(items):
        knowledge.add_item(item, position)
    return knowledge


def make_learnt(item_id: str, epoch: int = EPOCH, **overrides: Any) -> ItemKnowledge:
    """An epoch's record of an item that was touched in it, but for `overrides`."""
    fields: dict[str, Any] = {
        "kind": "item", "item_id": item_id, "epoch": epoch,
        "effective_from_ms": effective_from_ms(epoch), "at_ms": epoch_end_ms(epoch),
        "first_ms": epoch_end_ms(epoch) - EPOCH_MS, "last_ms": epoch_end_ms(epoch) - EPOCH_MS,
    }  # fmt: skip
    return ItemKnowledge(**fields | overrides)


def make_past_session(
    *item_ids: str, name: str = "", epoch: int = EPOCH, ended_ms: int = NOON - MINUTE_MS
) -> PastSession:
    """A session that touched these items, in this order."""
    name = name or "-".join(item_ids)
    return PastSession(name, epoch, effective_from_ms(epoch), ended_ms, item_ids)


def make_epoch(*records: KnowledgeRecord, epoch: int = EPOCH) -> list[KnowledgeRecord]:
    """The records of an epoch and its end marker."""
    return [*records, EpochEnd("0", epoch, effective_from_ms(epoch), len(records))]


def make_item_epoch(*records: ItemRecord, epoch: int = EPOCH) -> list[ItemRecord]:
    """The same without actions."""
    return [*records, EpochEnd("0", epoch, effective_from_ms(epoch), len(records))]


def teach(knowledge: Knowledge, *records: KnowledgeRecord, epoch: int = EPOCH) -> Knowledge:
    """Adds an epoch of these records and brings it into force."""
    for record in make_epoch(*records, epoch=epoch):
        knowledge.learn(record)
    knowledge.advance(effective_from_ms(epoch))
    return knowledge


def teach_interest(knowledge: Knowledge, **interest: float) -> Knowledge:
    """Adds an epoch in which these items were wanted so much."""
    return teach(
        knowledge,
        *(make_learnt(name, interest=one, interest_short=one) for name, one in interest.items()),
    )


def make_catalogue(count: int = 40) -> list[Item]:
    """Items i0, i1 … of four categories and three brands."""
    return [
        Item(
            f"i{n}", 0, f"Item {n}", f"Shop/C{n % 4}", f"B{n % 3}", 5.0 + n, "EUR", created_ms=NOON
        )
        for n in range(count)
    ]


def track(
    state: SessionState | None, event: Event, knowledge: Knowledge | None = None, offset: int = 0
) -> SessionResult:
    """One session step with the usual settings."""
    record = make_record(event, offset)
    return track_session(state, record, EVENT.decode, knowledge or Knowledge(), LATENESS_MS)


def track_all(
    events: list[Event], knowledge: Knowledge | None = None
) -> tuple[SessionState | None, list[SessionNews], list[str]]:
    """All events of one session in order: the last state, all news, all counts."""
    state: SessionState | None = None
    news: list[SessionNews] = []
    counts: list[str] = []
    for offset, event in enumerate(events):
        result = track(state, event, knowledge, offset)
        state = result.state
        news += result.news
        counts += result.counts
    return state, news, counts
