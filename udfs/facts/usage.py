"""Usage: which features of a product were opened and activated, in this visit and over all of them."""

from typing import Final

from schemas.events import Event
from schemas.limits import FEATURES_MAX, TOPIC_LENGTH_MAX
from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from udfs.facts.fact import Kept, Room, person, session
from udfs.facts.keeping import count
from udfs.facts.merging import counts_of
from udfs.facts.reading import most_counted, newest
from udfs.facts.splitting import counts_apart
from udfs.facts.types import COUNTS, INT, STRING, STRINGS

EVENTS: Final = frozenset({"feature_opened", "feature_activated"})


def on_event(context: SessionContext | PersonState, event: Event, knowledge: object) -> None:
    """Counts the feature that the event names, as `attribute` or else as `value`: of a visit or of a person."""
    name = event.attribute or event.value
    if not name or len(name) > TOPIC_LENGTH_MAX:
        return
    if event.event_type == "feature_opened":
        count(context.features_opened, name, FEATURES_MAX)
    elif event.event_type == "feature_activated":
        count(context.features_activated, name, FEATURES_MAX)


def unactivated(of: SessionContext | PersonState) -> str | None:
    """The feature opened most that was not activated, of several the newest."""
    opened, activated = of.features_opened, of.features_activated
    return most_counted({name: n for name, n in opened.items() if name not in activated})


def unactivated_opens(of: SessionContext | PersonState) -> int:
    """How often that one was opened."""
    return of.features_opened.get(unactivated(of) or "", 0)


FACTS: Final = (
    session("features_opened", COUNTS, "times opened, by feature", lambda m: m.context.features_opened),
    session("features_activated", STRINGS, "features activated", lambda m: newest(m.context.features_activated)),
    session("unactivated_feature", STRING, "the feature opened most that was not activated", lambda m: unactivated(m.context)),
    session("unactivated_opens", INT, "how often that one was opened", lambda m: unactivated_opens(m.context)),
    person("features_opened", COUNTS, "times opened over all visits, by feature", lambda m: m.state.features_opened),
    person("features_activated", STRINGS, "features activated in any visit", lambda m: newest(m.state.features_activated)),
    person("unactivated_feature", STRING, "the feature opened most over all visits that was never activated", lambda m: unactivated(m.state)),
    person("unactivated_opens", INT, "how often that one was opened", lambda m: unactivated_opens(m.state)),
)  # fmt: skip

ROOM: Final = Room(
    "usage", FACTS, on_event=on_event, events=EVENTS, on_person_event=on_event, person_events=EVENTS,
    visit=("features_opened", "features_activated"),
    person={
        "features_opened": Kept(counts_of(FEATURES_MAX), split=counts_apart(FEATURES_MAX)),
        "features_activated": Kept(counts_of(FEATURES_MAX), split=counts_apart(FEATURES_MAX)),
    },
)  # fmt: skip
