"""Actions: what may be done, whom it may be done to, and how often; parts of a policy (`schemas/policy.py`).

Times are epoch milliseconds, lengths of time milliseconds (`_ms`).
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.events import Id, Purpose, Text
from schemas.limits import (
    CONDITION_LENGTH_MAX,
    CONTENT_FIELDS_MAX,
    DAY_MS,
    EVENT_TIME_MAX_MS,
    GRANTS_MAX,
)

Condition = Annotated[str, Meta(min_length=1, max_length=CONDITION_LENGTH_MAX)]
"""A CEL expression that gives true or false."""
LengthMs = Annotated[int, Meta(ge=1, le=400 * DAY_MS)]
RestMs = Annotated[int, Meta(ge=0, le=400 * DAY_MS)]
"""How long something is left alone; 0 = not at all."""
MomentMs = Annotated[int, Meta(ge=0, le=EVENT_TIME_MAX_MS)]
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1_000)]
Value = Annotated[float, Meta(ge=0, le=1e9)]
Sentence = dict[Text, Text]
"""A text by language (`en`, `de`); `{attribute}` in it stands for what the attribute is."""


class Requirement(Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that an action must meet; `name` is what verdicts call it."""

    name: Id
    when: Condition


ActionKind = Literal["slate", "content", "offer", "assistance", "message", "nothing"]
CHANNELS: Final[dict[str, Purpose]] = {
    "email": "email", "push": "push", "sms": "sms", "in_app": "in_app",
    "ads": "advertising", "advertising": "advertising",
}  # fmt: skip
"""The purpose that a message through a channel needs; a page of one's own needs none."""
Stage = Literal["eligibility", "applicability", "suitability"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """A requirement of many actions: of those named, of those of these kinds, or (neither given) of all but nothing.

    What is not known excludes. Example: `context.country in ["DE"]` excludes a person whose country the event does not
    name. A rule with `is_compliance` is marked in verdicts, and no lever or experiment may switch it off.
    """

    name: Id
    when: Condition
    stage: Stage = "eligibility"
    actions: tuple[Id, ...] = ()
    kinds: tuple[ActionKind, ...] = ()
    is_compliance: bool = False


class Boost(Struct, frozen=True, forbid_unknown_fields=True):
    """Raises (or lowers) the items that a condition over `item.*` holds for.

    Items are ordered by relevance (rank by score, from 1 down to 0) times the weights of all boosts that hold. Example:
    four items have 1, 0.75, 0.5 and 0.25; a boost of 3 on the third makes 1.5 of it, so it comes first. The
    `reason` of the strongest one that raises an item is told to the person.
    """

    name: Id
    when: Condition
    weight: Weight = 1.0
    reason: Sentence = {}


class ItemRules(Struct, frozen=True, forbid_unknown_fields=True):
    """How a slate's items are chosen: those that `require` holds for, boosted, the pinned ones first."""

    require: Condition | None = None
    boosts: tuple[Boost, ...] = ()
    pin: Condition | None = None
    """Items of the catalogue that must be in the slate, whatever their score. Example: a list of 8 and two pins that score badly:
    six places hold the best items, the last two the pins. A pin that scores well keeps its place."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How often one person may get an action, counted in grants.

    A grant is a promise, not a page: it stands for as long as the decision that made it is valid, and until then the same
    action may be decided again without counting. Example: with `times: 1`, `within: 30 d` and decisions that are valid for
    20 minutes, a person sees the voucher on four pages from 9:00 to 9:15, which is one grant; at 10:00 there is none, nor
    for 30 days.

    `times` within `within_ms`
    (0 = no limit); not again within `cool_down_ms` after a grant; never again after a dismissal where
    `never_after_dismissal`, nor after a click where `never_after_click`.
    """

    times: Annotated[int, Meta(ge=0, le=GRANTS_MAX)] = 0
    within_ms: LengthMs = 400 * DAY_MS
    cool_down_ms: RestMs = 0
    never_after_dismissal: bool = True
    never_after_click: bool = False
    after_dismissal_ms: RestMs = 0
    """Not again for so long after a dismissal; say `never_after_dismissal: false` beside it."""
    after_conversion_ms: RestMs = 0
    """Not again for so long after something was bought within 7 days of a click on it."""
    ignored_times: Annotated[int, Meta(ge=0, le=GRANTS_MAX)] = 0
    """Not while so many of its exposures within `ignored_within` were neither clicked nor dismissed (0 = no limit)."""
    ignored_within_ms: LengthMs = 30 * DAY_MS


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """What an offer may cost: exposures times `cost`, in total and per day (of the policy's time zone).

    None = no bound. `is_paced` spreads a day's budget evenly over the day.

    `people_per_s` is the largest crowd, in people a second, that may come unseen before. It takes up to 14 s until an
    exposure is known, and who comes meanwhile could overspend. Example: what is left pays for 100 people. With 1, at most 14 come
    in that time: all are offered it. With 50 it may be 700: one of seven is. So a large number is careful at the end
    of a budget, a small one spends it to the end but may overshoot (`udfs/actions/pace_budgets.py`).

    By a channel that tells nothing back (`contact.unreported`) nobody knows what is spent. Say in `audience` how many people may ask there, and
    the action is drawn by lot: each person is among as many as the budget pays for, for ever, or is not. Example: 3 pieces for an
    audience of 1,000, once each (`limits: {times: 1}`): 3 people in the mean, and in 98 of 100 such lots at most 7.
    """

    total: Value | None = None
    per_day: Value | None = None
    cost: Value = 1.0
    is_paced: bool = True
    people_per_s: Annotated[float, Meta(gt=0, le=100_000)] = 1.0
    audience: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    """People who may ask by channels that tell nothing back; it needs `limits.times`. None = all of them may get it."""


class Treatment(Struct, frozen=True, forbid_unknown_fields=True):
    """How an action looks in a channel: `content` holds texts by language under names of the channel's own.

    Under `link`, `url`, `href`, `image`, `src`, and names that end in `_` and one of them, stands a link: `https`, `http`,
    `mailto`, `tel`, or one of the page's own site, whatever the placeholders in it stand for (`schemas/links.py`).
    """

    id: Id
    channel: Text | None = None
    when: Condition | None = None
    content: Annotated[dict[Text, Sentence], Meta(max_length=CONTENT_FIELDS_MAX)] = {}


class Action(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be done. Priority = response propensity x context weight x value x lever; the highest wins.

    Example: 2 of 100 people take an offer (`prior: 0.02`) that is worth 60: 0.02 x 1 x 60 x 1 = 1.2. A chat that 10 of 100
    take and that is worth 5 has 0.5, so the offer is chosen.

    `prior` is the response propensity until enough people have seen it. The first treatment that fits channel
    and condition is taken. `reason` says why, to the person. `item` names the attribute that holds the item
    it is about (its stock is then looked at). `purposes` are what the person must have consented
    to, as the event that asks says it.
    """

    id: Id
    kind: ActionKind
    placements: tuple[Id, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    eligibility: tuple[Requirement, ...] = ()
    applicability: tuple[Requirement, ...] = ()
    suitability: tuple[Requirement, ...] = ()
    value: Value = 1.0
    lever: Weight = 1.0
    prior: Annotated[float, Meta(gt=0, lt=1)] = 0.02
    limits: Limits = Limits(never_after_dismissal=False)
    budget: Budget | None = None
    purposes: tuple[Purpose, ...] = ()
    starts_ms: MomentMs = 0
    ends_ms: MomentMs = EVENT_TIME_MAX_MS
    valid_ms: LengthMs | None = None
    """How long a decision for it holds; None = as the placement says."""
    items: ItemRules = ItemRules()
    item: Id | None = None
    reason: Sentence = {}
    group: Id | None = None
    """What contact limits call it together with others."""


def needs_of(action: Action, channel: str | None) -> tuple[str, ...]:
    """What an action must be granted: its own purposes, and that of the channel it goes out by; doing nothing needs none."""
    if action.kind == "nothing":
        return ()
    own = CHANNELS.get(channel or "")
    return action.purposes if own is None or own in action.purposes else (*action.purposes, own)
