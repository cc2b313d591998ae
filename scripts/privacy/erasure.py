"""What an erasure writes: who is on the list, and the events that empty state."""

from collections.abc import Iterator

from schemas.control import Control
from schemas.erasures import ErasureKey, erasure_record
from schemas.events import ERASURE_REQUESTED, KEEPS, VISITOR, Event
from schemas.limits import DAY_MS, DEDUP_MS
from scripts.privacy.trails import Session, Trail

OPEN_MS = DEDUP_MS + DAY_MS
"""A session that was silent for longer is no more in state."""


def list_of(trail: Trail, key: ErasureKey, until_ms: int) -> Iterator[Control]:
    """The person, their devices, and their sessions on devices of others as well."""
    for name in sorted(trail.names):
        yield erasure_record(key, "person", name, until_ms)
    for one in trail.sessions.values():
        if one.anonymous_id in trail.shared:
            yield erasure_record(key, "session", one.session_id, until_ms)


def events_of(trail: Trail, key: ErasureKey, until_ms: int) -> Iterator[Event]:
    """One for each session that state may hold, one for each device, and one for the person in a session of its own."""
    name = f"erasure-{key.hash_of('person', trail.person).hex()[:12]}-{until_ms}"
    newest: dict[str, Session] = {}
    for one in sorted(trail.sessions.values(), key=lambda one: one.last_ms):
        newest[one.anonymous_id] = one
    wanted = {one.session_id: one for one in newest.values()}
    wanted |= {
        one.session_id: one for one in trail.sessions.values() if one.last_ms >= until_ms - OPEN_MS
    }
    for number, one in enumerate(wanted.values()):
        properties = {} if one.anonymous_id in trail.own else {KEEPS: VISITOR}
        yield Event(
            f"{name}-{number}", ERASURE_REQUESTED, until_ms, one.session_id, one.anonymous_id,
            person_id=trail.person, properties=properties,
        )  # fmt: skip
    devices = (one for one in trail.own if one not in newest)
    for number, device in enumerate((name, *sorted(devices))):
        yield Event(
            f"{name}-own-{number}", ERASURE_REQUESTED, until_ms, name, device, person_id=trail.person,
        )  # fmt: skip
