"""Whether events can carry personalisation: how complete they are, who is known in them, and for what they are enough. Pure."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

import msgspec

from schemas.counted import counted
from schemas.events import Event
from schemas.formats.field_names import NEED_ITEMS
from schemas.limits import HOUR_MS, LATENESS_MS
from scripts.quality.said_fields import identity_of, is_said
from udfs.session.deduplicate import hash_of

NAMES_MAX: Final = 2_000_000
"""Sessions, visitors and items that are told apart; what comes beyond is counted with the others."""
VIEWS: Final = frozenset({"product_viewed", "content_read", "ranking_clicked", "element_clicked"})
BOUGHT: Final = "purchase_completed"
CARTED: Final = "product_added_to_cart"
FIELDS: Final[tuple[tuple[str, str, Callable[[Event], bool]], ...]] = (
    ("item_ids", "of events about an item", lambda one: one.event_type in NEED_ITEMS),
    ("category", "of events about an item", lambda one: one.event_type in NEED_ITEMS),
    ("price", "of events about an item", lambda one: one.event_type in NEED_ITEMS),
    ("query", "of searches", lambda one: one.event_type == "search_performed"),
    ("value_amount", "of purchases", lambda one: one.event_type == BOUGHT),
    ("currency", "of purchases", lambda one: one.event_type == BOUGHT),
    ("decision_id", "of exposures, clicks on and dismissals of decisions", lambda one: one.event_type.startswith("decision_")),
    ("page", "of all", lambda _: True),
    ("channel", "of all", lambda _: True),
    ("person_id", "of all", lambda _: True),
    ("consent", "of all", lambda _: True),
)  # fmt: skip
"""Fields that matter, and which events should say them."""


class Field(NamedTuple):
    """How many of the events that should say a field do."""

    field: str
    of: str
    events: int
    share: float


class UseCase(NamedTuple):
    """Something that the data may be enough for, and why (not)."""

    use_case: str
    is_enough: bool
    why: str


class Visit(msgspec.Struct):
    """What is kept of a session."""

    events: int = 0
    views: int = 0
    is_signed_in: bool = False


class DataAudit:
    """Takes events as they come, and tells what they are enough for."""

    def __init__(self) -> None:
        self.events = self.invalid = self.duplicates = self.late = self.skewed = self.timed = 0
        self.first_ms = self.last_ms = 0
        self.types: Counter[str] = Counter()
        self.purposes: Counter[str] = Counter()
        self._asked = [0] * len(FIELDS)
        self._said = [0] * len(FIELDS)
        self._hours: set[int] = set()
        self._seen: set[bytes] = set()
        self._visits: dict[str, Visit] = {}
        self._visitors: dict[str, set[bytes]] = {}
        self._people: dict[str, set[bytes]] = {}
        self._items: Counter[str] = Counter()
        self._newest: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """One event."""
        name = identity_of(event)
        if name in self._seen:
            self.duplicates += 1
            return
        if len(self._seen) < NAMES_MAX:
            self._seen.add(name)
        self._count(event)
        self._place(event)
        self._know(event)

    def fields(self) -> list[Field]:
        """Of each field that some event should say, how many do."""
        return [
            Field(name, of, asked, said / asked)
            for (name, of, _), asked, said in zip(FIELDS, self._asked, self._said, strict=True)
            if asked
        ]

    @property
    def gap_hours(self) -> int:
        """The longest time without any event, in whole hours between the first and the last."""
        hours = sorted(self._hours)
        return max((late - early - 1 for early, late in pairwise(hours)), default=0)  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Counts and shares of visits and people."""
        visits, visitors = len(self._visits) or 1, len(self._visitors) or 1
        return {
            "sessions": len(self._visits),
            "events_per_session": median(one.events for one in self._visits.values()) if self._visits else 0,
            "visitors": len(self._visitors),
            "come_back": self._returning / visitors,
            "people": len(self._people),
            "devices_per_person": sum(map(len, self._people.values())) / (len(self._people) or 1),
            "sessions_signed_in": sum(one.is_signed_in for one in self._visits.values()) / visits,
            "items": len(self._items),
            "items_seen_often": self._often,
            "sessions_of_two_items": self._paired,
        }  # fmt: skip

    def use_cases(self) -> list[UseCase]:
        """What the data are enough for. The bounds are what our own evaluations have needed to beat simple orders, not laws."""
        views = sum(self.types[one] for one in VIEWS)
        bought, carts, searches = self.types[BOUGHT], self.types[CARTED], self.types["search_performed"]  # fmt: skip
        returning = self._returning / (len(self._visitors) or 1)
        paid = dict(zip((one[0] for one in FIELDS), self._said, strict=True))["value_amount"]
        answers = self.types["decision_clicked"] + self.types["decision_dismissed"]
        return [
            UseCase("items that trend, by category", views >= 500, f"{views:,} views of items, 500 wanted"),
            UseCase("the next item, within a visit", self._paired >= 200 and self._often >= 50, f"{counted(self._paired, 'visit')} with two items or more, 200 wanted; {counted(self._often, 'item')} seen five times, 50 wanted"),
            UseCase("a trained ranker", self._paired >= 2_000, f"{counted(self._paired, 'visit')} with two items or more, 2,000 wanted"),
            UseCase("what somebody leans to, over visits", returning >= 0.1, f"{returning:.0%} of visitors come back, 10% wanted"),
            UseCase("one person on several devices", any(len(one) > 1 for one in self._people.values()), f"{counted(len(self._people), 'person', 'people')} signed in, {sum(len(one) > 1 for one in self._people.values()):,} of them on more than one device"),
            UseCase("abandoned carts", carts >= 100 and bought >= 20, f"{carts:,} put into a cart, 100 wanted; {bought:,} purchases, 20 wanted"),
            UseCase("what is searched for", searches >= 100, f"{searches:,} searches, 100 wanted"),
            UseCase("revenue of what was offered", bought >= 100 and paid >= 0.9 * bought, f"{bought:,} purchases, 100 wanted, {paid:,} of them with an amount, 90% wanted"),
            UseCase("learning which action is answered", answers >= 200, f"{answers:,} clicks on and dismissals of decisions, 200 wanted"),
            UseCase("profiles of those who agree", self.purposes["personalisation"] > 0, f"`personalisation` is granted by {counted(self.purposes['personalisation'], 'event')}"),
        ]  # fmt: skip

    @property
    def _returning(self) -> int:
        return sum(len(one) > 1 for one in self._visitors.values())

    @property
    def _often(self) -> int:
        return sum(count >= 5 for count in self._items.values())

    @property
    def _paired(self) -> int:
        return sum(one.views >= 2 for one in self._visits.values())

    def _count(self, event: Event) -> None:
        self.events += 1
        self.types[event.event_type] += 1
        self.purposes.update(event.consent or ())
        for at, (name, _, is_asked) in enumerate(FIELDS):
            if is_asked(event):
                self._asked[at] += 1
                self._said[at] += is_said(event, name)

    def _place(self, event: Event) -> None:
        """In time: its hour, whether it is late in its session, and how far its sender's clock is off."""
        at_ms = event.event_time_ms
        self.first_ms = min(self.first_ms or at_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)
        self._hours.add(at_ms // HOUR_MS)
        newest = self._newest.get(event.session_id, 0)
        self.late += at_ms < newest - LATENESS_MS
        if newest or len(self._newest) < NAMES_MAX:
            self._newest[event.session_id] = max(newest, at_ms)
        if event.sent_at_ms is not None:
            self.timed += 1
            self.skewed += abs(event.sent_at_ms - at_ms) > HOUR_MS

    def _know(self, event: Event) -> None:
        """Whose it is, and what of."""
        visit = self._visits.get(event.session_id)
        if visit is None:
            if len(self._visits) >= NAMES_MAX:
                return
            visit = self._visits[event.session_id] = Visit()
        visit.events += 1
        visit.views += event.event_type in VIEWS and bool(event.item_ids)
        visit.is_signed_in = visit.is_signed_in or event.person_id is not None
        self._visitors.setdefault(event.anonymous_id, set()).add(hash_of(event.session_id))
        if event.person_id is not None:
            self._people.setdefault(event.person_id, set()).add(hash_of(event.anonymous_id))
        for item_id in event.item_ids if event.event_type in VIEWS else ():
            if item_id in self._items or len(self._items) < NAMES_MAX:
                self._items[item_id] += 1
