"""Session: what the session operator keeps per session_id, and the news it sends to the person.

All of it is stored as arrays (fields by position): append fields at the end with a default, or
raise the version and add an upgrade (see schemas/codec.py).
"""

from typing import Final, Literal

from msgspec import Struct, field

from schemas.codec import StateCodec
from schemas.events import Event


class Named(Struct, array_like=True):
    """How often one value was named, and when."""

    count: int
    first_ms: int
    last_ms: int


class Tally(Struct, array_like=True):
    """How often one event type came in a session, and when; `items` counts item mentions.

    `quantity` and `amount` are sums, `named` counts the events' "attribute=value" (checkout steps,
    lists), bounded; times in epoch ms of the events.
    """

    count: int
    first_ms: int
    last_ms: int
    items: int = 0
    quantity: int = 0
    amount: float = 0.0
    named: dict[str, Named] = field(default_factory=dict)


class ItemTouch(Struct, array_like=True):
    """What happened to one item in a session; `order` grows with each touch of any item.

    `dwell_ms` is the time on its page; `attention_ms` what passed after its touches until the next event
    (of each gap at most ATTENTION_MAX_MS); `taken` counts the clicks on it in a ranking or decision;
    `last_event` is the number of the event that touched it last, `last_sign` what that event said (its value);
    `level` is that of its price in its category (udfs/category_facts.py), 0 = unknown.
    """

    category: str | None
    brand: str | None
    price: float | None
    first_ms: int
    last_ms: int
    order: int
    views: int = 0
    clicks: int = 0
    carts: int = 0
    purchases: int = 0
    dwell_ms: int = 0
    last_kind: str = ""
    touches: int = 0
    first_order: int = 0
    taken: int = 0
    last_event: int = 0
    last_sign: str = ""
    attention_ms: int = 0
    level: int = 0


class CartLine(Struct, array_like=True):
    """One line of the cart; the price is the last one seen, null = unknown."""

    quantity: int
    price: float | None


class Bucket(Struct, array_like=True):
    """Counts of ten seconds of event time; `index` is the time divided by the bucket's length."""

    index: int
    events: int = 0
    views: int = 0
    searches: int = 0
    carts: int = 0
    clicks: int = 0


class Window(Struct, array_like=True, frozen=True):
    """Counts of a sliding window with a live head: it ends at the newest event."""

    events: int = 0
    views: int = 0
    searches: int = 0
    carts: int = 0
    clicks: int = 0


class SessionContext(Struct, array_like=True):
    """One session so far. Bounds and what happens at them are in schemas/limits.py.

    `slate` is the newest list that was asked to be ranked (its first EXPOSURES_PER_EVENT_MAX items), but for
    the one that is being asked for now; `slate_taken` the place in it that was taken last (-1: none).
    `newest_ms` is the time of the newest event, `kind` its type and `before_kind` that of the one before it,
    `pause_ms` the time between the two. The open page is the last of `pages`: opened at `page_since_ms`,
    `page_opens` times in a row. `topics` counts the items that a topic (a tag) came with, 1 where it was only
    named; `named_topics` the reviews and queries that named it; `skipped_topics` the skipped items. The newest
    come last in these, in `skipped`, `help_*` and `features_*`. `text_intent` is that of the newest query or message,
    of `text_ms`. `back_ms`, `repeat_ms` and `rage_ms` are the newest times of going back, of repeating the last
    search and of rage clicks; `exit_ms` is when the person was last about to leave.
    """

    number: int
    started_ms: int
    last_ms: int
    event_count: int = 0
    channel: str | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    buckets: list[Bucket] = field(default_factory=list)
    items: dict[str, ItemTouch] = field(default_factory=dict)
    item_count: int = 0
    touch_count: int = 0
    categories: dict[str, int] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)
    filters: dict[str, int] = field(default_factory=dict)
    price_min: float | None = None
    price_max: float | None = None
    cart: dict[str, CartLine] = field(default_factory=dict)
    cart_created: int = 0
    cart_emptied: int = 0
    cart_open: bool = False
    funnel: int = 0
    pages: list[str] = field(default_factory=list)
    back_navigations: int = 0
    rage_clicks: int = 0
    clicked: str | None = None
    clicked_ms: list[int] = field(default_factory=list)
    help_ms: int = 0
    help_since_ms: int | None = None
    dwell_item: str | None = None
    dwell_since_ms: int = 0
    cart_created_first_ms: int | None = None
    cart_created_last_ms: int | None = None
    slate: list[str] = field(default_factory=list)
    slate_count: int = 0
    slate_touch_count: int = 0
    slate_ms: int = 0
    slate_taken: int = -1
    kind: str = ""
    before_kind: str = ""
    newest_ms: int = 0
    pause_ms: int = 0
    page_since_ms: int = 0
    page_opens: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    named_topics: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    skipped_topics: dict[str, int] = field(default_factory=dict)
    last_query: str = ""
    text_intent: str = ""
    text_ms: int = 0
    filter_values: dict[str, str] = field(default_factory=dict)
    last_filter: str = ""
    help_pages: dict[str, int] = field(default_factory=dict)
    help_topics: dict[str, int] = field(default_factory=dict)
    features_opened: dict[str, int] = field(default_factory=dict)
    features_activated: dict[str, int] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)
    preferences: dict[str, str] = field(default_factory=dict)
    back_ms: list[int] = field(default_factory=list)
    repeat_ms: list[int] = field(default_factory=list)
    rage_ms: list[int] = field(default_factory=list)
    exit_ms: int = 0


class SessionState(Struct, array_like=True):
    """Everything kept per session_id.

    `newest_ms` is the running maximum of event time, `position` numbers the news, `seen` holds the
    event ids of seven days (udfs/deduplicate.py), `context` is the open session, encoded
    (SESSION_CONTEXT), or empty after it ended.
    """

    newest_ms: int
    position: int
    person: str
    anonymous_id: str
    session_count: int
    seen: bytes = b""
    context: bytes = b""
    timer_ms: int = 0
    is_identified: bool = False
    closed_ms: int = 0


class SessionSummary(Struct, array_like=True, frozen=True):
    """A session that ended: `ended_ms` is its last event, `closed_ms` when the silence was long enough."""

    session_id: str
    number: int
    anonymous_id: str
    started_ms: int
    ended_ms: int
    closed_ms: int
    event_count: int
    item_count: int
    tallies: dict[str, Tally]
    cart_created: int
    cart_emptied: int
    is_cart_abandoned: bool
    cart_value: float
    funnel: int
    back_navigations: int
    repeated_searches: int
    rage_clicks: int
    help_ms: int
    cart_created_first_ms: int | None = None
    cart_created_last_ms: int | None = None
    item_ids: tuple[str, ...] = ()


NewsKind = Literal["event", "handover", "ended"]


class SessionNews(Struct, array_like=True, frozen=True):
    """What a session tells its person; the person operator's only input.

    `order_ms` is the session's running maximum of event time: a replay takes a person's news in the
    order of (order_ms, session_id, position). `handover`: the session has just been identified and
    all of it so far now belongs to `person`. `ended`: `summary` is set, `event` is not.
    """

    kind: NewsKind
    person: str
    order_ms: int
    session_id: str
    position: int
    event: Event | None
    context: bytes
    summary: SessionSummary | None = None
    is_late: bool = False


SESSION_CONTEXT: Final = StateCodec(SessionContext, version=1)
SESSION_STATE: Final = StateCodec(SessionState, version=1)
SESSION_NEWS: Final = StateCodec(SessionNews, version=1)
