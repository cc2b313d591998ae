"""What the API remembers of the sessions that pass through it, so that it can ask well and answer alone.

Bounded and lost with the process: whatever it knows only makes answers better.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from channels.api.decision_stream import Read
from channels.api.kept_decisions import keep
from schemas.events import (
    ADVERTISING,
    CONSENT_CHANGED,
    ERASURE_REQUESTED,
    OBJECTION,
    PERSONALISATION,
    PROFILING,
    PURPOSES,
    Event,
)
from schemas.items import is_within

SESSIONS_MAX: Final = 20_000
EVENT_IDS_MAX: Final = 100_000
PERSONS_MAX: Final = 50_000
"""Sessions of which it is known for whom was decided in them."""
AVOIDED_MAX: Final = 64
OPENS_A_PAGE: Final = frozenset(
    {
        "page_viewed",
        "product_viewed",
        "content_read",
        "search_performed",
        "cart_viewed",
        "help_viewed",
    }
)
LOOKS: Final = frozenset({"product_viewed", "content_read"})
SINCE_MAX: Final = 64
REFUSES: Final = frozenset({"not_interested", "decision_dismissed"})
AVOIDS: Final = REFUSES | {"purchase_completed"}
EVERYTHING: Final = frozenset({*PURPOSES, PROFILING})
PERSONAL: Final = frozenset({PERSONALISATION, PROFILING})
"""Without these nothing that was decided before may be shown; without another purpose some of it may."""


class Visitor:
    """One session. `avoided` are items that the person does not want, or has bought, `refused` categories that they do not want.

    `turned` is the last event that makes earlier decisions wrong (an item not wanted any more, another consent),
    `since` are it and those that came after it.

    `granted` is what the session said of consent, and nobody's objection to profiling; None = nothing: the engine knows what holds then.
    `withdrawn_ms` is the time of the last event that took some of it back; 0 = none did.
    """

    __slots__ = (
        "anonymous_id",
        "avoided",
        "category",
        "gpc",
        "item_id",
        "language",
        "last_event_id",
        "objects",
        "page",
        "purposes",
        "refused",
        "since",
        "turned",
        "withdrawn_ms",
    )

    def __init__(self, anonymous_id: str) -> None:
        self.anonymous_id = anonymous_id
        self.page: str | None = None
        self.category = ""
        self.item_id = ""
        self.language = ""
        self.last_event_id = ""
        self.avoided: dict[str, None] = {}
        self.refused: OrderedDict[str, None] = OrderedDict()
        self.purposes: frozenset[str] | None = None
        self.gpc = self.objects = False
        self.withdrawn_ms = 0
        self.turned = ""
        self.since: OrderedDict[str, None] = OrderedDict()

    @property
    def granted(self) -> frozenset[str]:
        """What the session has not refused: of what it said nothing of, the engine knows what holds."""
        granted = EVERYTHING if self.purposes is None else self.purposes | {PROFILING}
        if self.gpc:
            granted -= {ADVERTISING}
        return granted - PERSONAL if self.objects else granted

    @property
    def may_be_personal(self) -> bool:
        """Whether earlier decisions may be shown at all."""
        return self.granted >= PERSONAL

    @property
    def about(self) -> str:
        """The category that the visit is about; empty of who objects to profiling, who gets what everybody gets."""
        return "" if self.objects else self.category

    def is_current(self, event_id: str) -> bool:
        """Whether what was decided on this event may still be shown."""
        return not self.turned or event_id in self.since


class Visitors:
    """Sessions by id, the ids of events that Kafka has from here, and for whom was decided; the oldest of each go."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Visitor] = OrderedDict()
        self._logged: OrderedDict[str, None] = OrderedDict()
        self._persons: OrderedDict[str, str] = OrderedDict()

    def find(self, session_id: str) -> Visitor | None:
        """What is known of the session."""
        return self._sessions.get(session_id)

    def anonymous_id_of(self, session_id: str) -> str | None:
        """Whose the session is."""
        visitor = self._sessions.get(session_id)
        return visitor.anonymous_id if visitor else None

    def person_of(self, session_id: str) -> str | None:
        """For whom the session's newest decision was made, if it came lately."""
        return self._persons.get(session_id)

    def look_at(self, read: Read) -> None:
        """Takes a decision; called in the stream's thread."""
        decision = read.decision
        if read.is_new and decision.kind == "decided":
            keep(self._persons, decision.session_id, decision.person, PERSONS_MAX)

    def see(self, event: Event, category: str) -> None:
        """Takes an event that is on its way; `category` is that of its item, where it names none."""
        is_erasure = event.event_type == ERASURE_REQUESTED
        if is_erasure:
            self._sessions.pop(event.session_id, None)
            self._persons.pop(event.session_id, None)
        visitor = self._visitor_of(event)
        _follow(visitor, event, category)
        _turn(visitor, event, is_erasure=is_erasure)

    def _visitor_of(self, event: Event) -> Visitor:
        """The session's, as the newest of all."""
        visitor = self._sessions.get(event.session_id)
        if visitor is None:
            visitor = self._sessions[event.session_id] = Visitor(event.anonymous_id)
        self._sessions.move_to_end(event.session_id)
        if len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return visitor

    def is_logged(self, event: Event) -> bool:
        """Whether Kafka has this event from here: to send it again would change nothing."""
        return f"{event.session_id}\0{event.event_id}" in self._logged

    def remember_logged(self, event: Event) -> None:
        """Kafka has it."""
        keep(self._logged, f"{event.session_id}\0{event.event_id}", None, EVENT_IDS_MAX)


def _follow(visitor: Visitor, event: Event, category: str) -> None:
    """Who the visitor is, and what the visit is about now."""
    visitor.anonymous_id = event.anonymous_id
    visitor.last_event_id = event.event_id
    if event.page is not None and event.event_type in OPENS_A_PAGE:
        visitor.page = event.page
    if event.event_type in REFUSES and event.category and not event.item_ids:
        _refuse(visitor, event.category)
    else:
        visitor.category = event.category or category or visitor.category
    if event.event_type in LOOKS and event.item_ids:
        visitor.item_id = event.item_ids[0]
    elif event.event_type in OPENS_A_PAGE:
        visitor.item_id = ""
    visitor.language = event.properties.get("language", visitor.language).partition("-")[0].lower()


def _turn(visitor: Visitor, event: Event, *, is_erasure: bool) -> None:
    """Whether what was decided before may still be shown, and which items may not."""
    is_turned = _take_consent(visitor, event)
    if event.event_type in AVOIDS or is_erasure or is_turned:
        visitor.turned = event.event_id
        visitor.since.clear()
    visitor.since[event.event_id] = None
    if len(visitor.since) > SINCE_MAX:
        visitor.since.popitem(last=False)
    if event.event_type in AVOIDS:
        _avoid(visitor, event.item_ids)


def _avoid(visitor: Visitor, item_ids: Iterable[str]) -> None:
    """Items that are not wanted, or bought; the oldest go."""
    for item_id in item_ids:
        visitor.avoided[item_id] = None
    while len(visitor.avoided) > AVOIDED_MAX:
        del visitor.avoided[next(iter(visitor.avoided))]


def _take_consent(visitor: Visitor, event: Event) -> bool:
    """Notes what the event says of consent; whether decisions of before are wrong by it.

    They are where something is taken back that had been granted, and where personal decisions are refused, or granted again.
    """
    gpc = event.context.gpc if event.context is not None else None
    if event.consent is None and gpc is None and event.event_type != CONSENT_CHANGED:
        return False  # as most events
    before, had_said = visitor.granted, visitor.purposes is not None
    if event.consent is not None:
        visitor.purposes = frozenset(event.consent)
    if gpc is not None:
        visitor.gpc = gpc
    if event.event_type == CONSENT_CHANGED and OBJECTION in event.properties:
        visitor.objects = event.properties[OBJECTION] == PROFILING
    lost = before - visitor.granted
    if not had_said and event.event_type != CONSENT_CHANGED:
        lost &= PERSONAL  # a page sends along what holds: nothing of it was taken back
    if lost:
        visitor.withdrawn_ms = max(visitor.withdrawn_ms, event.event_time_ms)
    return bool(lost or (visitor.granted - before) & PERSONAL)


def _refuse(visitor: Visitor, category: str) -> None:
    """A category that is not wanted, and so is not what the visit is about."""
    keep(visitor.refused, category, None, AVOIDED_MAX)
    if is_within(visitor.category, (category,)):
        visitor.category = ""
