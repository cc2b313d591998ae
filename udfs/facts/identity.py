"""Identity: since when a person is known, whether by name, under which unit, and what their state is made of."""

from typing import Final

from schemas.events import Event
from schemas.limits import PARTS_MAX
from schemas.state.person import PersonState
from schemas.state.session import HASH_BYTES
from udfs.actions.draw_unit import merge_units
from udfs.facts.fact import Kept, Room, person
from udfs.facts.merging import either, larger, smaller
from udfs.facts.reading import days_since
from udfs.facts.types import BOOL, DOUBLE
from udfs.session.deduplicate import hash_of


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Notes that somebody says who it is."""
    if event.event_type == "identified":
        state.is_identified = True


def part_of(person: str) -> bytes:
    """What stands in `PersonState.parts` for the state of this id."""
    return hash_of(person)


def parts_in(state: PersonState) -> frozenset[bytes]:
    """The ids, by hashes, whose states were merged into this one."""
    return frozenset(
        state.parts[at : at + HASH_BYTES] for at in range(0, len(state.parts), HASH_BYTES)
    )


def merge_parts(one: PersonState, other: PersonState, name: str) -> object:
    """All ids of both, in the order of their hashes; of more than PARTS_MAX the last."""
    return b"".join(sorted(parts_in(one) | parts_in(other))[-PARTS_MAX:])


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
        "sequence": Kept(larger, "service"), "is_identified": Kept(either),
        "unit": Kept(merge_unit, "service"), "parts": Kept(merge_parts, "service"),
    },
)  # fmt: skip
