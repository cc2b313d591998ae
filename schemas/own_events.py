"""Events of any name: what a policy says that they mean, and which facts it makes of them."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.actions import Condition, LengthMs
from schemas.enrich.enrich_event import INTERNAL
from schemas.enrich.user_agents import BOT
from schemas.events import TRUE, EventName, EventType, Text

Role = Literal[
    "page", "view", "read", "click", "play", "search", "filter", "cart", "uncart", "look_at_cart",
    "checkout", "convert", "refund", "skip", "review", "rate", "feel", "help", "ask", "calculate", "open",
    "activate", "take", "refuse", "profile", "prefer", "consent", "identify", "sign_out", "end",
]  # fmt: skip
ROLES: Final[dict[Role, EventType]] = {
    "page": "page_viewed",
    "view": "product_viewed",
    "read": "content_read",
    "click": "element_clicked",
    "play": "video_played",
    "search": "search_performed",
    "filter": "filter_applied",
    "cart": "product_added_to_cart",
    "uncart": "product_removed_from_cart",
    "look_at_cart": "cart_viewed",
    "checkout": "checkout_started",
    "convert": "purchase_completed",
    "refund": "purchase_refunded",
    "skip": "item_skipped",
    "review": "review_read",
    "rate": "item_rated",
    "feel": "feedback_given",
    "help": "help_viewed",
    "ask": "support_message",
    "calculate": "calculator_used",
    "open": "feature_opened",
    "activate": "feature_activated",
    "take": "ranking_clicked",
    "refuse": "not_interested",
    "profile": "profile_updated",
    "prefer": "preference_stated",
    "consent": "consent_changed",
    "identify": "identified",
    "sign_out": "signed_out",
    "end": "session_ended",
}
"""What an event of a role counts as. Erasure, the clock, and what a page tells of decisions are no roles: these are said as they are."""
KEEPS_MEANING: Final[frozenset[EventType]] = frozenset(
    {
        "clock_ticked", "erasure_requested", "consent_changed", "identified", "signed_out", "session_ended",
        "purchase_completed", "purchase_refunded", "ranking_requested", "decision_exposed", "decision_clicked",
        "decision_dismissed",
    }
)  # fmt: skip
"""Types of ours that no policy can have mean something else."""
PROVEN_ONLY: Final[frozenset[Role]] = frozenset({"identify"})
"""Roles of events with proof alone: of others the door asks for it by the type that it sees."""

FilledField = Literal[
    "item_ids", "category", "query", "attribute", "value", "quantity", "price", "currency", "value_amount", "page",
    "request_id", "person_id",
]  # fmt: skip
"""Fields of an event that one of its properties may stand for."""
IGNORED: Final[tuple[Condition, ...]] = (
    f'event.device == "{BOT}"',
    f'event.properties.{INTERNAL} == "{TRUE}"',
)
"""What a policy ignores where it does not say: bots, and the operator's own people and machines."""
NEVER_IGNORED: Final[frozenset[EventType]] = frozenset(
    {"consent_changed", "erasure_requested", "signed_out"}
)
"""What takes something back is heard of everybody."""
COLUMNS_DECLARED: Final = 8
"""Columns of a model that a policy's facts may stand in."""


class NamedEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """What events of a name mean: a role, where `when` holds; of several entries of a name the first that holds.

    Any name may be sent. One that is none of ours and not here counts as activity and no more, is counted (`events_without_role`), and is told with the
    nearest of ours; so does one that is here without a role, in silence. An event of a role is one of ours in everything: rooms, proof, order,
    statistics. Placements and facts may go on to name it by its own name, and conditions see that as `context.event_name`.

    Example: `{name: tile_tapped, role: view, when: 'event.properties.kind == "shoe"', fields: {item_ids: sku}}`.
    """

    name: EventName
    role: Role | None = None
    when: Condition | None = None
    """Over `event.name`, `.channel`, `.page`, `.category`, `.query`, `.attribute`, `.value`, `.quantity`, `.price`, `.value_amount`, `.items`,
    `.properties`, and where it came from: `.device`, `.os`, `.browser`, `.country`, `.city`, `.referrer`, `.campaign`, `.medium` and `.source`."""
    fields: dict[FilledField, Text] = {}
    """Which property is which of our fields, where the event does not fill that itself. A property that is no such value makes a dead letter."""


class DeclaredFact(Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that is made of events: conditions and texts read it as `fact.NAME`, models as the column that it is given.

    `count` counts the events (those that say the `property`, where one is named), `sum` adds it up, `last` is its newest value by the event's time.
    Nothing yet is 0 of the first two, and missing of `last`. A fact that is changed begins anew.

    Example: `{name: levels_done, event: level_completed, how: count, within: 7 d}`.
    """

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    event: EventName
    """By the name that it was sent with, or by the type that it counts as."""
    how: Literal["count", "sum", "last"] = "count"
    property: Text | None = None
    """A property, or one of the event's own fields `value_amount`, `quantity`, `price`, `value`, `query`, `category`, `page`, `device`, `os`,
    `browser`, `country`, `city`, `referrer`, `campaign`, `medium`, `source`. What is no number is passed over where one is wanted."""
    kind: Literal["number", "text"] = "number"
    """Of `last` alone."""
    of: Literal["session", "person"] = "person"
    """Of the visit, or of the person over all visits: that is kept and used for `personalisation` only."""
    when: Condition | None = None
    """As of an event above."""
    within_ms: LengthMs | None = None
    """Of the newest so long alone, in twenty-fourths of it; none = of all of it."""
    column: Annotated[int, Meta(ge=1, le=COLUMNS_DECLARED)] | None = None
    """Models read it as `person_declared_1` to `person_declared_8`. A column keeps its meaning: to give it another fact, train anew."""
