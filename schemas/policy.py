"""Policy: what may be decided where, as data; the payload of a Control of kind `policy`.

Conditions are CEL expressions over the attributes of `udfs/facts/attributes.py` (docs/policy.md). Times are epoch
milliseconds, lengths of time milliseconds (`_ms`); days and hours of the clock are those of `time_zone`.
"""

from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from schemas.actions import Action, Condition, LengthMs, MomentMs, Rule, Share, Value, Weight
from schemas.contact import Contact
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.events import EventName, Id, Text
from schemas.experiments import Experiment
from schemas.limits import (
    ACTIONS_PER_POLICY_MAX,
    DAY_MS,
    DECLARED_MAX,
    EVENT_TIME_MAX_MS,
    HOUR_MS,
    IGNORED_MAX,
    MINUTE_MS,
    NAMED_EVENTS_MAX,
    PAGE_CATEGORIES_MAX,
    PLACEMENTS_PER_POLICY_MAX,
    RESERVED_MAX_MS,
    RETRIEVED_MAX,
    RULES_PER_POLICY_MAX,
    SENSITIVE_MAX,
    SLATE_MAX,
    STEADINESS_MAX,
)
from schemas.outcome_limits import CONVERSIONS_MAX
from schemas.own_events import IGNORED, DeclaredFact, NamedEvent
from schemas.thread_safe_types import prepared

Impersonal = Literal["popularity", "popular_in_category", "given"]
"""Orders that look at nothing a person did (udfs/items/orders.py): `popular_in_category` puts what is in the category of the event's item, or that
it names, first."""
IMPERSONAL: Final[frozenset[str]] = frozenset(get_args(Impersonal))
Attribution = Literal["first_touch", "last_touch", "linear", "time_decay", "position"]
RankBy = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""`model`, an order of udfs/items/orders.py, or the name of a model (`kairos model publish VERSION --as NAME`)."""
MODEL: Final = "model"
RANKER: Final = "ranker"
"""The name on `control` of the model that ranks wherever no other is named."""
RESPONSES: Final = "responses"
"""The name of the model that weighs actions; all others rank items."""
RECOMMEND_ITEMS: Final = "recommend_items"
NOTHING: Final = "nothing"


class Placement(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a decision is shown, which events ask for it, and how many items it holds.

    An event asks by its type or by naming the placement in `placements`; `when` narrows that down. Example: with
    `event_types: [cart_viewed]` each look at the cart is decided on; a placement without types is decided on for
    those events and requests only that name it.

    `actions` are those that compete here, beside the actions that name the placement themselves.
    """

    name: Id
    event_types: tuple[EventName, ...] = ()
    """Types of ours (docs/what-we-accept.md), and names that `events` or `facts` below name."""
    size: Annotated[int, Meta(ge=1, le=SLATE_MAX)] = 8
    valid_ms: LengthMs = HOUR_MS
    candidates: Annotated[int, Meta(ge=1, le=RETRIEVED_MAX)] = RETRIEVED_MAX
    """How many candidates of our own are looked for; what a caller hands in is taken whole."""
    diversity: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """0 = the best scores; towards 1 items like those already chosen wait more (maximal marginal relevance)."""
    novelty: Share = 0.0
    """0 = the best scores; towards 1 what few people look at and this person has not seen goes before (self-information of what people do among the candidates, Vargas
    and Castells 2011, over one more than the times it was shown to them, or touched by them)."""
    coverage: Share = 0.0
    """0 = the best scores; towards 1 what has seldom been shown to anybody goes before, so that more of the catalogue is shown over all. Where `novelty` and `coverage` together
    are more than 1 they share the whole."""
    steadiness: Annotated[float, Meta(ge=0, le=STEADINESS_MAX)] = 0.0
    """0 = the best order each time; else the list that was decided here last in this visit keeps its order, but for what is better by more than so many standard deviations of the
    candidates' scores (as with effect sizes, 0.2 is little, 0.8 much): `kairos evaluate` tells what that costs. What may not be offered any more leaves at once. Not for people without
    a profile, nor in the holdout."""
    suppress: bool = True
    """Whether the suppression below applies; a rerank of the caller's own list keeps every item."""
    channel: Text | None = None
    """The channel it is part of; None = that of the event."""
    page: Text | None = None
    """The page it is on, for people who read the policy: nothing is decided by it."""
    when: Condition | None = None
    """Decided only where this holds, as seen after the event."""
    actions: tuple[Id, ...] = (RECOMMEND_ITEMS,)
    rank_by: RankBy = MODEL
    """What orders items: `model`, the one in force (without one `cold_start`, or `last_touched` of a caller's own list); the name of another model, as a challenger's in an arm
    (until one is published under it the model in force); or always one of the orders `cold_start`, `last_touched`, `popularity`, `popular_in_category`, `given`."""
    fallback: Id | None = None
    """The action of people in the holdout, and of an answer of the API that no decision stands behind; None = items: by what
    all people do, those that trend."""
    shuffle: Share = 0.0
    """The share of the decisions, the holdout's too, whose items are shown in random order (of a caller's list all of it): `kairos train` learns from them how likely
    each place is looked at, and has what was taken at places that are seldom looked at count for more. Example: 0.01 shuffles every hundredth slate."""


class Suppression(Struct, frozen=True, forbid_unknown_fields=True):
    """What is never offered: out of stock, taken to the last piece, bought or dismissed within these times, being looked at, sensitive and not asked for.

    `dismissed` holds for items, for categories with all below them, and for actions: `not_interested` (and `decision_dismissed`, but for
    actions) with `item_ids`, else with `category`, else with the property `action_id`, from the very next decision on.

    Example: with `sensitive: [health]` what is of the category `health` is offered only in a visit that has looked at something of it, or
    searched for it, whatever the person did before.
    """

    out_of_stock: bool = True
    reserved_ms: Annotated[int, Meta(ge=0, le=RESERVED_MAX_MS)] = 15 * MINUTE_MS
    """Of the last 16 pieces, one in somebody's cart is kept from others for so long; 0 = not at all. What was bought since the catalogue told the
    stock is gone at once. As far as events with proof tell it (docs/decisions.md); with `out_of_stock: false` neither."""
    bought_ms: Annotated[int, Meta(ge=0, le=400 * DAY_MS)] = 30 * DAY_MS
    dismissed_ms: Annotated[int, Meta(ge=0, le=400 * DAY_MS)] = 90 * DAY_MS
    current_item: bool = True
    undelivered: bool = False
    """Items whose `regions` do not hold the country, or the region, of the event; what is not known speaks against none."""
    unavailable: bool = False
    """Items whose `available_dates` do not hold every night that the visit is about."""
    sensitive: Annotated[tuple[Id, ...], Meta(max_length=SENSITIVE_MAX)] = ()
    """Categories (health, belief …) whose items are offered only within the visit that asked for them, by the engine and by every rung of the API, and kept in no profile;
    a `rerank` with `suppress: false` keeps the caller's own."""


class Segment(Struct, frozen=True, forbid_unknown_fields=True):
    """A named condition; conditions use it as `segment.NAME`."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    when: Condition


class ContextWeight(Struct, frozen=True, forbid_unknown_fields=True):
    """Weighs actions where a condition holds; several multiply. No `actions`: all but nothing."""

    name: Id
    when: Condition
    weight: Weight
    actions: tuple[Id, ...] = ()


class Exploration(Struct, frozen=True, forbid_unknown_fields=True):
    """How a choice leaves the best priority now and then, so that others are learnt about.

    Example: two actions compete. With `epsilon_greedy` and a share of 0.1 the better one is chosen 95 times of 100, the other
    5 times; without exploration nobody would ever see the other, and it would never be learnt whether it is better by now.

    `epsilon_greedy`: with chance `share` any of the survivors, each as likely. `softmax`: survivors in
    proportion to exp(priority / (`share` x the best priority)). `none`: always the best.
    """

    kind: Literal["none", "epsilon_greedy", "softmax"] = "none"
    share: Share = 0.05


class Holdout(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of people who get the non-personal default, for ever the same ones under one `salt`.

    Example: with 0.05 some 50 of 1,000 people get the placement's `fallback`, so the others can be compared with them.
    Another `salt` makes it 50 others. Who takes people out of it before it `ends` has to say why (`kairos policy publish --reason`), and the audit log keeps that.
    """

    share: Share = 0.05
    salt: Text = "holdout"
    rank_by: Impersonal = "popularity"
    """What orders the items that they get, where the placement itself names no order of this kind; a caller's own list stays as it is given."""
    starts_ms: MomentMs = 0
    """Before, and from `ends` on, nobody is held out."""
    ends_ms: MomentMs = EVENT_TIME_MAX_MS

    def runs(self, at_ms: int) -> bool:
        """Whether anybody is held out at this time."""
        return self.starts_ms <= at_ms < self.ends_ms


class Outcomes(Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as an outcome of a decision, and how several decisions share one (docs/outcomes.md).

    A click or dismissal counts within `window` after the decision was seen; who does neither has ignored it. A cart or conversion counts
    within `window` after a `touch`. Example: with `attribution: time_decay` and `half_life: 10 min`, of two clicks, one and eleven minutes
    before the purchase, the newer has two thirds of it.
    """

    window_ms: LengthMs = 30 * MINUTE_MS
    touch: Literal["clicked", "exposed"] = "clicked"
    """What may have led to a conversion: a click on the decision, or that it was seen (or clicked)."""
    attribution: Attribution = "last_touch"
    """`first_touch`, `last_touch`: all of it; `linear`: as much each; `time_decay`: half as much for each `half_life` before it; `position`: .4 for the first, .4 for the last, the
    rest among those between."""
    half_life_ms: LengthMs = 10 * MINUTE_MS
    conversions: Annotated[tuple[EventName, ...], Meta(max_length=CONVERSIONS_MAX)] = ()
    """Names of events, ours or the policy's own, that are conversions, beside `purchase_completed`."""


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    """What an `identified` links that is not certain: one with the property `confidence` below 1 (docs/consent.md).

    Below `link_above` it links nothing. From there on it links what `allows` says. `limits`: the person's own limits count what the visitor was
    offered, what the visitor does not want is not wanted, and the stricter consent holds; the visit stays the visitor's, and nothing else is
    shared. `all`: as a certain one. Example: with `link_above: 0.9` a link of 0.93 keeps a person from being told the same on two devices.
    """

    link_above: Share = 1.0
    allows: Literal["limits", "all"] = "limits"


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be decided where. Order means nothing but among treatments."""

    placements: Annotated[tuple[Placement, ...], Meta(max_length=PLACEMENTS_PER_POLICY_MAX)] = ()
    suppression: Suppression = Suppression()
    actions: Annotated[tuple[Action, ...], Meta(max_length=ACTIONS_PER_POLICY_MAX)] = ()
    """`recommend_items` and `nothing` exist without being listed; a listed one replaces them."""
    segments: Annotated[tuple[Segment, ...], Meta(max_length=RULES_PER_POLICY_MAX)] = ()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=RULES_PER_POLICY_MAX)] = ()
    context_weights: Annotated[
        tuple[ContextWeight, ...], Meta(max_length=RULES_PER_POLICY_MAX)
    ] = ()
    exploration: Exploration = Exploration()
    holdout: Holdout = Holdout()
    experiments: Annotated[tuple[Experiment, ...], Meta(max_length=8)] = ()
    contact: Contact = Contact()
    time_zone: Text = "UTC"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    """What values, costs and budgets are in, for people who read the policy: nothing is converted by it."""
    language: Text = "en"
    """The language of texts where the event names none of those that a text has."""
    nothing_priority: Value = 0.0
    """What an action must be worth more than."""
    sensitive_attributes: Annotated[tuple[Id, ...], Meta(max_length=SENSITIVE_MAX)] = ()
    """Names (religion, health_status …) of what people state and of properties of events: never kept, never a feature, and no condition or text may read them."""
    identity: Identity = Identity()
    outcomes: Outcomes = Outcomes()
    events: Annotated[tuple[NamedEvent, ...], Meta(max_length=NAMED_EVENTS_MAX)] = ()
    """What events of any name mean."""
    facts: Annotated[tuple[DeclaredFact, ...], Meta(max_length=DECLARED_MAX)] = ()
    """What is made of events, for conditions, texts and models."""
    ignored: Annotated[tuple[Condition, ...], Meta(max_length=IGNORED_MAX)] = IGNORED
    """Events that count for nothing where one of these holds, over an event as of `events`: nothing is kept of them, learnt from them or decided on
    them, and they are counted (`events_ignored`). Of bots and internal traffic, where it is not said otherwise (`[]` = of none); consent, erasure and signing out are always heard."""
    page_categories: Annotated[tuple[Text, ...], Meta(max_length=PAGE_CATEGORIES_MAX)] = ()
    """What pages say of categories: `/c/{category}`, `/shop/{category...}/list` (of several parts), `*` for any part. An event that names neither category nor
    item is of the category of its page, by the first that fits; also for conditions over an event."""
    strict_events: bool = False
    """Whether an event of a name that is neither ours nor the policy's is a dead letter (`unknown_event_type`)."""

    @property
    def own_names(self) -> frozenset[str]:
        """Every name of an event that `events` and `facts` say something of."""
        return frozenset((*(one.name for one in self.events), *(one.event for one in self.facts)))


DEFAULT_POLICY: Final = Policy(
    placements=(
        Placement("next_item", event_types=("product_viewed",)),
        Placement("cart", event_types=("product_added_to_cart", "cart_viewed")),
        Placement("home"),
        Placement("rerank", event_types=("ranking_requested",), size=SLATE_MAX, suppress=False),
    ),
    holdout=Holdout(share=0.0),
)

DEFAULT_CONTROL: Final = Control(
    kind="policy",
    name="default",
    version="default-1",
    effective_from_ms=0,
    payload=msgspec.json.encode(DEFAULT_POLICY),
)
"""What `kairos` publishes where `control` holds no policy yet; in force since ever."""


prepared(Policy)


def policy_from_payload(payload: bytes) -> Policy:
    """The policy in a control record's payload (JSON); ConfigError names the field at fault.

    Whether its conditions and references hold is for `udfs/policy/compile_policy.py` to say.
    """
    try:
        return msgspec.json.decode(payload, type=Policy)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"policy: {error}") from error
