"""Person: the profile kept per person; arrays by position, like schemas/state/session.py."""

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from schemas.codec import StateCodec
from schemas.events import Id
from schemas.limits import EXPOSURES_PER_EVENT_MAX
from schemas.numbers import Finite, Name, Whole
from schemas.state.consent import NO_CONSENT, Consent, Placed
from schemas.state.contacts import Clocked, Contacted
from schemas.state.declared import Declared
from schemas.state.session import CartLine, Fact, Hash


class Affinity(Struct, array_like=True):
    """A leaning, as two exponentially decaying sums as of `at_ms` (udfs/facts/affinity.py)."""

    long: Finite
    short: Finite
    at_ms: Whole


class Purchase(Struct, array_like=True):
    """One item bought."""

    item_id: str
    time_ms: Whole
    price: Finite | None


class PeriodBucket(Struct, array_like=True):
    """Counts of one period of event time; `index` is the time divided by the period's length."""

    index: Whole
    events: Whole = 0
    views: Whole = 0
    carts: Whole = 0
    purchases: Whole = 0


class Exposure(Struct, array_like=True):
    """How often an item was shown to the person and taken."""

    shown: Whole
    clicked: Whole
    last_ms: Whole


class ActionHistory(Struct, array_like=True):
    """What a person got of one action that has limits.

    `granted_ms` are the newest grants (GRANTS_MAX), oldest first; the last one stands until `stands_until_ms`.
    `converted_ms`: when something was bought soon after a click on it, the last time.
    """

    granted_ms: list[Whole] = field(default_factory=list)
    stands_until_ms: Whole = 0
    clicked_ms: Whole | None = None
    dismissed_ms: Whole | None = None
    converted_ms: Whole | None = None


class LastSlate(Struct, array_like=True, frozen=True):
    """The list that was decided for a placement last: in which visit (a hash of its session), when, and its items, the first EXPOSURES_PER_EVENT_MAX."""

    visit: Hash
    at_ms: Whole
    item_ids: Annotated[tuple[Id, ...], Meta(max_length=EXPOSURES_PER_EVENT_MAX)]


class Unit(Struct, array_like=True, frozen=True):
    """Whose chance a person's arms and holdout are drawn from: an id that they had once, of a person who `is_identified`.

    `first_ms` is the event time at which it was taken.
    """

    id: Name
    is_identified: bool
    first_ms: Whole


class Gave(Struct, array_like=True, frozen=True):
    """What a visitor gave to who signed in: by which transfer, to whom (a hash), when, and the encoded state; empty: not kept any more.

    `claimed_ms` is when that person had claimed before, 0 = never. `is_bare`: nothing personal is in the state; `is_purged`: any more.
    """

    transfer_id: Hash
    member: Hash
    at_ms: Whole
    state: bytes
    claimed_ms: Whole = 0
    is_bare: bool = False
    is_purged: bool = False


class Before(Struct, array_like=True, frozen=True):
    """A person before a transfer was merged, encoded; empty: they were not known.

    `is_bare`: nothing personal is in the state; `is_capped`: of the transfer only what holds without personalisation was merged.
    """

    transfer_id: Hash
    at_ms: Whole
    state: bytes
    is_bare: bool = False
    is_capped: bool = False


class PersonState(Struct, array_like=True):
    """The profile. Bounds are in schemas/limits.py; it expires by event time.

    `sequence` is the one of the person's newest decision; `offered` says which action the newest decisions were
    that can be reacted to, by decision id. `price_bands` leans to price levels within categories (udfs/knowledge/category_facts.py),
    `bought_bands` counts what was bought of each. `statements` are what `profile_updated` told, the newest last. `unproven_purchases` is 1 where
    `purchase_count` holds one that was not proven since: however many are claimed, they make one. `fact_ids` are the purchases and refunds
    that were counted (udfs/facts/purchases.py). `unit` is None in states of before there were any. `cart` is what
    lies in the person's cart over all visits, the newest line last: first filled at `cart_since_ms`, changed at `cart_ms`. `statements_ms` and
    `preferences_ms` say when each name was told last, also of what was taken back. `parts` are the ids, by hashes, whose states this one
    was made of: its own, and in old states those of others; `joined` are the transfers that were merged into it, with their times, as in `fact_ids`.
    `claimed` says of a visitor who signed in on the device last, by hash, and when; `facts` are a visitor's newest purchases and refunds.
    `gave` is what a visitor gave, `before` what a person was before it came, the newest last: by these they are split again (udfs/facts/joins.py).
    `placed` is what stands of decisions by placement. `contacts` are decisions by the
    beginning of their ids (udfs/facts/contacts.py), `refused_categories` and `refused_actions` what the person does not want, and since when. `clock` is None until an event says an offset. What is of
    before `erased_ms` counts for nothing. `declared` is what came of facts that a policy declares. `slates` are lists by placement, of
    placements that are steady, the newest last. Which room of `udfs/facts` keeps a field, and for what purpose, stands there.
    """

    first_ms: Whole
    last_ms: Whole
    sequence: Whole = 0
    event_count: Whole = 0
    session_count: Whole = 0
    categories: dict[str, Affinity] = field(default_factory=dict)
    brands: dict[str, Affinity] = field(default_factory=dict)
    price_levels: dict[str, Affinity] = field(default_factory=dict)
    recent_items: dict[str, Whole] = field(default_factory=dict)
    purchases: list[Purchase] = field(default_factory=list)
    purchase_count: Whole = 0
    purchase_value: Finite = 0.0
    last_purchase_ms: Whole | None = None
    exposures: dict[str, Exposure] = field(default_factory=dict)
    dismissed: dict[str, Whole] = field(default_factory=dict)
    fine: list[PeriodBucket] = field(default_factory=list)
    hourly: list[PeriodBucket] = field(default_factory=list)
    daily: list[PeriodBucket] = field(default_factory=list)
    timer_ms: Whole = 0
    taken_items: dict[str, Whole] = field(default_factory=dict)
    actions: dict[str, ActionHistory] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    is_identified: bool = False
    statements: dict[str, str] = field(default_factory=dict)
    preferences: dict[str, str] = field(default_factory=dict)
    features_opened: dict[str, Whole] = field(default_factory=dict)
    features_activated: dict[str, Whole] = field(default_factory=dict)
    price_bands: dict[str, Affinity] = field(default_factory=dict)
    bought_bands: dict[str, Whole] = field(default_factory=dict)
    unproven_purchases: Whole = 0
    fact_ids: bytes = b""
    unit: Unit | None = None
    cart: dict[str, CartLine] = field(default_factory=dict)
    cart_since_ms: Whole = 0
    cart_ms: Whole = 0
    statements_ms: dict[str, Whole] = field(default_factory=dict)
    preferences_ms: dict[str, Whole] = field(default_factory=dict)
    parts: bytes = b""
    consent: Consent = NO_CONSENT
    placed: dict[str, Placed] = field(default_factory=dict)
    contacts: dict[str, Contacted] = field(default_factory=dict)
    refused_categories: dict[str, Whole] = field(default_factory=dict)
    refused_actions: dict[str, Whole] = field(default_factory=dict)
    erased_ms: Whole = 0
    clock: Clocked | None = None
    joined: bytes = b""
    claimed: dict[str, Whole] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    gave: list[Gave] = field(default_factory=list)
    before: list[Before] = field(default_factory=list)
    declared: dict[str, Declared] = field(default_factory=dict)
    slates: dict[str, LastSlate] = field(default_factory=dict)


PERSON_STATE: Final = StateCodec(PersonState, version=1)
