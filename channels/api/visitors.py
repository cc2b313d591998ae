"""What the API remembers of the sessions that pass through it, so that it can ask well and answer alone.

Bounded and lost with the process: whatever it knows only makes answers better.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from channels.api.decision_stream import Read
from channels.api.kept_decisions import keep
from schemas.events import ERASURE_REQUESTED, Event
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


class Visitor:
    """One session. `avoided` are items that the person does not want, or has bought, `refused` categories that they do not want.

    `turned` is the last event that makes earlier decisions wrong (an item not wanted any more, another consent),
    `since` are it and those that came after it.
    """

    __slots__ = (
        "anonymous_id",
        "avoided",
        "category",
        "item_id",
        "language",
        "last_event_id",
        "may_be_personal",
        "page",
        "refused",
        "since",
        "turned",
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
        self.may_be_personal = True
        self.turned = ""
        self.since: OrderedDict[str, None] = OrderedDict()

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
    is_free = visitor.may_be_personal
    if event.consent is not None:
        is_free = "personalisation" in event.consent
    if event.event_type in AVOIDS or is_erasure or is_free != visitor.may_be_personal:
        visitor.turned = event.event_id
        visitor.since.clear()
    visitor.may_be_personal = is_free
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


def _refuse(visitor: Visitor, category: str) -> None:
    """A category that is not wanted, and so is not what the visit is about."""
    keep(visitor.refused, category, None, AVOIDED_MAX)
    if is_within(visitor.category, (category,)):
        visitor.category = ""
