"""Exposures: what was shown to a person and how they took it, and what they do not want to see."""

from typing import Final

import numpy as np

from schemas.events import Event
from schemas.limits import DISMISSALS_MAX, EXPOSURES_MAX
from schemas.state.person import Exposure, PersonState
from udfs.facts.fact import Column, Kept, Room, feature, item, person
from udfs.facts.keeping import keep, note_newest
from udfs.facts.merging import newest_last, newest_of
from udfs.facts.reading import newest
from udfs.facts.types import BOOL, STRINGS
from udfs.facts.view import View

EXPOSES: Final = frozenset({"decision_exposed", "decision_clicked"})
DISMISSES: Final = frozenset({"decision_dismissed", "not_interested"})


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Counts what was shown or clicked, notes what was dismissed."""
    if event.event_type in EXPOSES:
        for item_id in event.item_ids:
            seen = state.exposures.pop(item_id, None) or Exposure(0, 0, 0)
            seen.shown += event.event_type == "decision_exposed"
            seen.clicked += event.event_type == "decision_clicked"
            seen.last_ms = max(seen.last_ms, event.event_time_ms)
            keep(state.exposures, item_id, seen, EXPOSURES_MAX)
    elif event.event_type in DISMISSES:
        for item_id in event.item_ids:
            note_newest(state.dismissed, item_id, event.event_time_ms, DISMISSALS_MAX)


def merge_exposures(one: PersonState, other: PersonState, name: str) -> object:
    """The counts of both; those shown last."""
    found = dict(one.exposures)
    for item_id, seen in other.exposures.items():
        found[item_id] = _sum(found[item_id], seen) if item_id in found else seen
    return newest_last(found, {key: seen.last_ms for key, seen in found.items()}, EXPOSURES_MAX)


def _sum(one: Exposure, other: Exposure) -> Exposure:
    return Exposure(
        one.shown + other.shown, one.clicked + other.clicked, max(one.last_ms, other.last_ms)
    )


def _exposed(v: View, name: str) -> Column:
    """Times shown or clicked, to this person."""
    if not v.state.exposures:
        return 0.0
    found = [v.state.exposures.get(item_id) for item_id in v.ids]
    return np.array([0.0 if one is None else getattr(one, name) for one in found])


FACTS: Final = (
    feature("person_shown", "person_item", "times it was shown", lambda v: _exposed(v, "shown")),
    feature("person_clicked", "person_item", "times it was shown and clicked", lambda v: _exposed(v, "clicked")),
    person("dismissed_items", STRINGS, "ids of the items that the person does not want to see", lambda m: newest(m.state.dismissed)),
    item("is_dismissed", BOOL, "whether the person does not want to see it", lambda m, one: one.item_id in m.state.dismissed, "person_item"),
)  # fmt: skip

ROOM: Final = Room(
    "exposures", FACTS, on_person_event=on_person_event, person_events=EXPOSES | DISMISSES,
    person={"exposures": Kept(merge_exposures), "dismissed": Kept(newest_of(DISMISSALS_MAX))},
)  # fmt: skip
