"""Session: what the session operator keeps per session_id, and the news it sends to the person.

All of it is stored as arrays (fields by position): append fields at the end with a default, or raise the version and upgrade (schemas/codec.py).
"""

from functools import cached_property
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from schemas.codec import StateCodec
from schemas.events import Event
from schemas.numbers import Finite, Whole
from schemas.state.consent import NO_CONSENT, Consent
from schemas.state.declared import Declared

HASH_BYTES: Final = 8
Hash = Annotated[bytes, Meta(max_length=HASH_BYTES)]
"""Of an id that is remembered."""


class Named(Struct, array_like=True):
    """How often one value was named, and when."""

    count: Whole
    first_ms: Whole
    last_ms: Whole


class Tally(Struct, array_like=True):
    """How often one event type came in a session, and when; `items` counts item mentions.

    `quantity` and `amount` are sums, `named` counts the events' "attribute=value" (checkout steps, lists), bounded; times in epoch ms of the events.
    """

    count: Whole
    first_ms: Whole
    last_ms: Whole
    items: Whole = 0
    quantity: Whole = 0
    amount: Finite = 0.0
    named: dict[str, Named] = field(default_factory=dict)


class ItemTouch(Struct, array_like=True):
    """What happened to one item in a session; `order` grows with each touch of any item.

    `dwell_ms` is the time on its page; `attention_ms` what passed after its touches until the next event (of each gap at most ATTENTION_MAX_MS);
    `taken` counts the clicks on it in a ranking or decision; `last_event` is the number of the event that touched it last, `last_sign` what that
    event said (its value); `level` is that of its price in its category (udfs/knowledge/category_facts.py), 0 = unknown.
    """

    category: str | None
    brand: str | None
    price: Finite | None
    first_ms: Whole
    last_ms: Whole
    order: Whole
    views: Whole = 0
    clicks: Whole = 0
    carts: Whole = 0
    purchases: Whole = 0
    dwell_ms: Whole = 0
    last_kind: str = ""
    touches: Whole = 0
    first_order: Whole = 0
    taken: Whole = 0
    last_event: Whole = 0
    last_sign: str = ""
    attention_ms: Whole = 0
    level: Whole = 0


class CartLine(Struct, array_like=True):
    """One line of the cart; the price is the last one seen, null = unknown; `put_ms` is when it was last added to."""

    quantity: Whole
    price: Finite | None
    put_ms: Whole = 0


class Bucket(Struct, array_like=True):
    """Counts of ten seconds of event time; `index` is the time divided by the bucket's length."""

    index: Whole
    events: Whole = 0
    views: Whole = 0
    searches: Whole = 0
    carts: Whole = 0
    clicks: Whole = 0


class Window(Struct, array_like=True, frozen=True):
    """Counts of a sliding window with a live head: it ends at the newest event."""

    events: Whole = 0
    views: Whole = 0
    searches: Whole = 0
    carts: Whole = 0
    clicks: Whole = 0


class Fact(Struct, array_like=True, frozen=True):
    """A purchase (`is_bought`) or refund by a hash of its type and event id."""

    id_hash: Hash
    is_bought: bool
    amount: Finite
    is_unproven: bool


class SessionContext(Struct, array_like=True):
    """One session so far. Bounds and what happens at them are in schemas/limits.py.

    `slate` is the newest list that was asked to be ranked (its first EXPOSURES_PER_EVENT_MAX items), but for the one that is asked for now; `slate_taken` the place in it that was taken last (-1:
    none). `newest_ms` is the time of the newest event, `kind` its type and `before_kind` that of the one before it, `pause_ms` the time between the two. The open page is the last of `pages`:
    opened at `page_since_ms`, `page_opens` times in a row. `topics` counts the items that a topic (a tag) came with, 1 where it was only named; `named_topics` the reviews and queries that named
    it; `skipped_topics` the skipped items. The newest come last in these, in `skipped`, `help_*` and `features_*`. `text_intent` is that of the newest query or message, of `text_ms`. `back_ms`,
    `repeat_ms` and `rage_ms` are the newest times of going back, of repeating the last search and of rage clicks; `exit_ms` is when the person was last about to leave. `facts` are its purchases
    and refunds, `declared` what came of facts that a policy declares, by what tells their meaning, `stay` the first and the last night that it is about (0 = none).
    """

    number: Whole
    started_ms: Whole
    last_ms: Whole
    event_count: Whole = 0
    channel: str | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    buckets: list[Bucket] = field(default_factory=list)
    items: dict[str, ItemTouch] = field(default_factory=dict)
    item_count: Whole = 0
    touch_count: Whole = 0
    categories: dict[str, Whole] = field(default_factory=dict)
    queries: dict[str, Whole] = field(default_factory=dict)
    filters: dict[str, Whole] = field(default_factory=dict)
    price_min: Finite | None = None
    price_max: Finite | None = None
    cart: dict[str, CartLine] = field(default_factory=dict)
    cart_created: Whole = 0
    cart_emptied: Whole = 0
    cart_open: bool = False
    funnel: Whole = 0
    pages: list[str] = field(default_factory=list)
    back_navigations: Whole = 0
    rage_clicks: Whole = 0
    clicked: str | None = None
    clicked_ms: list[Whole] = field(default_factory=list)
    help_ms: Whole = 0
    help_since_ms: Whole | None = None
    dwell_item: str | None = None
    dwell_since_ms: Whole = 0
    cart_created_first_ms: Whole | None = None
    cart_created_last_ms: Whole | None = None
    slate: list[str] = field(default_factory=list)
    slate_count: Whole = 0
    slate_touch_count: Whole = 0
    slate_ms: Whole = 0
    slate_taken: Whole = -1
    kind: str = ""
    before_kind: str = ""
    newest_ms: Whole = 0
    pause_ms: Whole = 0
    page_since_ms: Whole = 0
    page_opens: Whole = 0
    topics: dict[str, Whole] = field(default_factory=dict)
    named_topics: dict[str, Whole] = field(default_factory=dict)
    skipped: dict[str, Whole] = field(default_factory=dict)
    skipped_topics: dict[str, Whole] = field(default_factory=dict)
    last_query: str = ""
    text_intent: str = ""
    text_ms: Whole = 0
    filter_values: dict[str, str] = field(default_factory=dict)
    last_filter: str = ""
    help_pages: dict[str, Whole] = field(default_factory=dict)
    help_topics: dict[str, Whole] = field(default_factory=dict)
    features_opened: dict[str, Whole] = field(default_factory=dict)
    features_activated: dict[str, Whole] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)
    preferences: dict[str, str] = field(default_factory=dict)
    back_ms: list[Whole] = field(default_factory=list)
    repeat_ms: list[Whole] = field(default_factory=list)
    rage_ms: list[Whole] = field(default_factory=list)
    exit_ms: Whole = 0
    unproven_purchases: Whole = 0
    facts: list[Fact] = field(default_factory=list)
    consent: Consent = NO_CONSENT
    declared: dict[str, Declared] = field(default_factory=dict)
    stay: tuple[Whole, Whole] = (0, 0)


class SessionState(Struct, array_like=True, dict=True):
    """Everything kept per session_id.

    `newest_ms` is the running maximum of event time, `position` numbers the news, `seen` holds the event ids of seven days (udfs/session/deduplicate.py), `context` is the
    open session, encoded (SESSION_CONTEXT), or empty after it ended. `touches` counts unproven events by a hash of the item on `touch_day` (days since 1970;
    udfs/session/weigh_proof.py), `busy_until_us` is the bucket of udfs/session/limit_rate.py. `kept_until_ms` is when a silent key is forgotten, in the log's time; 0 = not yet
    silent. Nothing of before `erased_ms` is taken. `has_claimed`: what lay elsewhere of who is signed in was asked for. `imported_ms`: the newest time of import; 0 = none.
    """

    newest_ms: Whole
    position: Whole
    person: str
    anonymous_id: str
    session_count: Whole
    seen: bytes = b""
    context: bytes = b""
    timer_ms: Whole = 0
    is_identified: bool = False
    closed_ms: Whole = 0
    touch_day: Whole = 0
    touches: dict[str, Whole] = field(default_factory=dict)
    busy_until_us: Whole = 0
    kept_until_ms: Whole = 0
    erased_ms: Whole = 0
    has_claimed: bool = False
    imported_ms: Whole = 0

    def take_visit(self) -> SessionContext:
        """The open session, to be changed and kept again. It is decoded where this object has not kept it itself:
        a busy session's stays as it is beside its bytes.
        """
        kept: tuple[bytes, SessionContext] | None = self.__dict__.pop("visit", None)
        if kept is not None and kept[0] is self.context:
            return kept[1]
        return SESSION_CONTEXT.decode(self.context)

    def keep_visit(self, visit: SessionContext) -> None:
        """Keeps the open session as it is now."""
        self.context = SESSION_CONTEXT.encode(visit)
        self.__dict__["visit"] = self.context, visit


class SessionSummary(Struct, array_like=True, frozen=True):
    """A session that ended: `ended_ms` is its last event, `closed_ms` when the silence was long enough."""

    session_id: str
    number: Whole
    anonymous_id: str
    started_ms: Whole
    ended_ms: Whole
    closed_ms: Whole
    event_count: Whole
    item_count: Whole
    tallies: dict[str, Tally]
    cart_created: Whole
    cart_emptied: Whole
    is_cart_abandoned: bool
    cart_value: Finite
    funnel: Whole
    back_navigations: Whole
    repeated_searches: Whole
    rage_clicks: Whole
    help_ms: Whole
    cart_created_first_ms: Whole | None = None
    cart_created_last_ms: Whole | None = None
    item_ids: tuple[str, ...] = ()


NewsKind = Literal["event", "handover", "ended"]


class SessionNews(Struct, array_like=True, frozen=True, dict=True):
    """What a session tells its person. It begins like every input (schemas/state/inputs.py).
    `order_ms` is the session's running maximum of event time: a replay takes a person's news in the order of (order_ms, session_id, position).
    `handover`: the session has just been identified and all of it so far now belongs to `person`. `ended`: `summary` is set, `event` is not.
    `partition` and `offset`: where the event lies in the log; -1 where that is not known. `uncounted`: items for which the event counts in no
    statistics. `is_over_rate`: nothing is decided on it. `consent`: what the visit said by then; `says_anew`: whether the event said something
    of it that the visit had not said before. `is_member`: `person` has signed in. `awaits`: the transfers that come before it; `is_merging`: they are
    not waited for any longer. `own_name`: what the sender called the event, where a policy says what it counts as.
    """

    kind: NewsKind
    person: str
    order_ms: Whole
    session_id: str
    position: Whole
    event: Event | None
    context: bytes
    summary: SessionSummary | None = None
    is_late: bool = False
    partition: Whole = -1
    offset: Whole = -1
    uncounted: tuple[str, ...] = ()
    is_over_rate: bool = False
    consent: Consent = NO_CONSENT
    says_anew: bool = True
    is_member: bool = False
    awaits: tuple[Hash, ...] = ()
    is_merging: bool = False
    own_name: str = ""

    @cached_property
    def visit(self) -> SessionContext:
        """The session as it was then, decoded once for all that look at it: none of them changes it."""
        return SESSION_CONTEXT.decode(self.context)


SESSION_CONTEXT: Final = StateCodec(SessionContext, version=1)
SESSION_STATE: Final = StateCodec(SessionState, version=1)
SESSION_NEWS: Final = StateCodec(SessionNews, version=1)
