"""Exposures: what was shown to a person and how they took it, and what they do not want to see."""

from typing import Final

import numpy as np

from schemas.events import Event
from schemas.items import Item, is_within
from schemas.limits import DISMISSALS_MAX, EXPOSURES_MAX, ID_LENGTH_MAX, REFUSED_MAX
from schemas.policy import NOTHING
from schemas.state.person import Exposure, PersonState
from udfs.facts.fact import Apart, Column, Kept, Room, feature, item, person
from udfs.facts.keeping import keep, note_newest
from udfs.facts.merging import newest_last, newest_of
from udfs.facts.reading import newest
from udfs.facts.splitting import names_apart, newest_apart
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
        if not event.item_ids:
            _refuse(state, event)


def _refuse(state: PersonState, event: Event) -> None:
    """Notes what an event that names no item says: a category, else an action that is not wanted.

    A decision that is dismissed names its action as every response does; what that means, the action's limits say.
    """
    action_id = event.properties.get("action_id")
    if event.category:
        category = event.category[:ID_LENGTH_MAX]
        note_newest(state.refused_categories, category, event.event_time_ms, REFUSED_MAX)
    elif action_id and action_id != NOTHING and event.event_type == "not_interested":
        action_id = action_id[:ID_LENGTH_MAX]
        note_newest(state.refused_actions, action_id, event.event_time_ms, REFUSED_MAX)


def refused_since(state: PersonState, action_id: str, now_ms: int, within_ms: int) -> int | None:
    """When the person said that they do not want the action, if that was within this time."""
    refused_ms = state.refused_actions.get(action_id)
    return refused_ms if refused_ms is not None and now_ms - refused_ms < within_ms else None


def dismissed_since(
    item: Item, state: PersonState, now_ms: int, within_ms: int
) -> tuple[str, dict[str, str]] | None:
    """The rule, and what it saw, where the person does not want the item or its category, or one above that."""
    dismissed_ms = state.dismissed.get(item.item_id)
    if dismissed_ms is not None and now_ms - dismissed_ms < within_ms:
        return "dismissed", {"dismissed_ms": str(dismissed_ms)}
    if not state.refused_categories or not item.category:
        return None
    for category, refused_ms in state.refused_categories.items():
        if is_within(item.category, (category,)) and now_ms - refused_ms < within_ms:
            return "refused_category", {"category": category, "refused_ms": str(refused_ms)}
    return None


def merge_exposures(one: PersonState, other: PersonState, name: str) -> object:
    """The counts of both; those shown last."""
    found = dict(one.exposures)
    for item_id, seen in other.exposures.items():
        found[item_id] = _sum(found[item_id], seen) if item_id in found else seen
    return newest_last(found, {key: seen.last_ms for key, seen in found.items()}, EXPOSURES_MAX)


def split_exposures(apart: Apart, name: str) -> object:
    """Of each item what was shown before and what was since."""
    now, joined, own = apart.now.exposures, apart.joined.exposures, apart.own.exposures
    if now == joined:
        return own
    found = names_apart(now, joined, own, _less)
    return newest_last(found, {key: seen.last_ms for key, seen in found.items()}, EXPOSURES_MAX)


def _less(now: Exposure, was: Exposure | None, mine: Exposure | None) -> Exposure | None:
    was, mine = was or Exposure(0, 0, 0), mine or Exposure(0, 0, 0)
    shown = max(0, now.shown - was.shown + mine.shown)
    clicked = max(0, now.clicked - was.clicked + mine.clicked)
    last_ms = mine.last_ms if now.last_ms == was.last_ms else now.last_ms
    return Exposure(shown, clicked, last_ms) if shown or clicked else None


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
    person={
        "exposures": Kept(merge_exposures, split=split_exposures), "dismissed": Kept(newest_of(DISMISSALS_MAX), split=newest_apart(DISMISSALS_MAX)),
        "refused_categories": Kept(newest_of(REFUSED_MAX), split=newest_apart(REFUSED_MAX)),
        "refused_actions": Kept(newest_of(REFUSED_MAX), "service", split=newest_apart(REFUSED_MAX)),
    },
)  # fmt: skip
