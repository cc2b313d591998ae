"""Identity: since when a person is known, whether by name, under which unit, and what their state is made of."""

from typing import Final

from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import CLAIMANTS_MAX, MERGES_KEPT_MS, PARTS_MAX, SECOND_MS
from schemas.state.person import PersonState
from schemas.state.session import HASH_BYTES
from udfs.actions.draw_unit import merge_units
from udfs.facts.fact import Apart, Kept, Room, person
from udfs.facts.merging import either, larger, newest_of, smaller
from udfs.facts.reading import days_since
from udfs.facts.splitting import stays
from udfs.facts.types import BOOL, DOUBLE
from udfs.session.deduplicate import (
    ENTRY_BYTES,
    hash_of,
    hashes_in,
    is_seen,
    merge_seen,
    remember,
    seconds_in,
)


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Notes that somebody says who it is; who is not certain names nobody (udfs/session/weigh_link.py)."""
    if event.event_type == "identified" and event.person_id is not None:
        state.is_identified = True


def part_of(person: str) -> bytes:
    """What stands in `PersonState.parts` for what happened under this id."""
    return hash_of(person)


def parts_in(state: PersonState) -> frozenset[bytes]:
    """The ids and transfers, by hashes, whose states were merged into this one."""
    own = (state.parts[at : at + HASH_BYTES] for at in range(0, len(state.parts), HASH_BYTES))
    return frozenset((*own, *hashes_in(state.joined)))


def merge_parts(one: PersonState, other: PersonState, name: str) -> object:
    """All ids of both, in the order of their hashes; of more than PARTS_MAX the last."""
    found = {
        parts[at : at + HASH_BYTES]
        for parts in (one.parts, other.parts)
        for at in range(0, len(parts), HASH_BYTES)
    }
    return b"".join(sorted(found)[-PARTS_MAX:])


def with_joined(state: PersonState, transfer_id: bytes, now_ms: int) -> PersonState:
    """The state as the one part that a transfer brings, whatever it was made of."""
    joined, _ = remember(b"", transfer_id, now_ms, MERGES_KEPT_MS, PARTS_MAX)
    return replace(state, parts=b"", joined=joined)


def is_joined(state: PersonState, transfer_id: bytes) -> bool:
    """Whether this transfer was merged."""
    return is_seen(state.joined, transfer_id)


def joined_lately(state: PersonState, now_ms: int) -> int:
    """How many transfers were merged within MERGES_KEPT_MS."""
    first_s = (now_ms - MERGES_KEPT_MS) // SECOND_MS
    return sum(at >= first_s for at in seconds_in(state.joined))


def merge_joined(one: PersonState, other: PersonState, name: str) -> object:
    """The transfers of both, of MERGES_KEPT_MS up to the newest; at most PARTS_MAX."""
    joined = merge_seen(one.joined, other.joined, PARTS_MAX)
    times = list(seconds_in(joined))
    first_s = max(times, default=0) - MERGES_KEPT_MS // SECOND_MS
    return joined[sum(at < first_s for at in times) * ENTRY_BYTES :]


def without_joined(state: PersonState, transfer_id: bytes) -> bytes:
    """What `joined` is without this transfer."""
    joined = state.joined
    entries = [joined[at : at + ENTRY_BYTES] for at in range(0, len(joined), ENTRY_BYTES)]
    return b"".join(one for one in entries if one[:HASH_BYTES] != transfer_id)


def split_unit(apart: Apart, name: str) -> object:
    """The person's own."""
    return apart.own.unit


def merge_unit(one: PersonState, other: PersonState, name: str) -> object:
    """The unit that stays."""
    if one.unit is None or other.unit is None:
        return one.unit or other.unit
    return merge_units(one.unit, other.unit)


FACTS: Final = (
    person("is_identified", BOOL, "whether we know who it is", lambda m: m.state.is_identified),
    person("days_known", DOUBLE, "days since the first event", lambda m: days_since(m, m.state.first_ms)),
)  # fmt: skip

ROOM: Final = Room(
    "identity", FACTS, on_person_event=on_person_event, person_events=frozenset({"identified"}),
    person={
        "first_ms": Kept(smaller, purged=lambda state: state.last_ms),
        "last_ms": Kept(larger, "service"), "timer_ms": Kept(larger, "service"),
        "sequence": Kept(larger, "service", split=stays), "is_identified": Kept(either),
        "unit": Kept(merge_unit, "service", split=split_unit), "parts": Kept(merge_parts, "service", split=stays),
        "joined": Kept(merge_joined, "service", split=stays),
        "claimed": Kept(newest_of(CLAIMANTS_MAX + 1), "service", split=stays),
    },
)  # fmt: skip
