"""Outcome: what came of a decision, or of no decision; one Avro record of topic `outcomes`.

Sums over these records are what was earned: credit = sign x share x value. A record that is taken back is followed by one with
sign -1 and else the same figures, so whoever adds up every `outcome_id` once, in any order, has the newest truth.
"""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from schemas.decisions import ARMS_MAX
from schemas.limits import ITEMS_PER_EVENT_MAX
from schemas.numbers import Chance, Count, Finite, Line, Moment, Name
from schemas.outcome_limits import OUTCOME_MEASURES_MAX, SEGMENTS_MAX

OutcomeKind = Literal[
    "exposed", "ignored", "clicked", "dismissed", "carted", "converted", "refunded",
    "felt", "visited",
]  # fmt: skip
OUTCOME_KINDS: Final[frozenset[str]] = frozenset(get_args(OutcomeKind))
NO_DECISION: Final = ""
"""The decision id of what came of none: a purchase that no exposed decision led to, a visit, an opinion on the whole."""
CONVERSION: Final = "purchase_completed"
"""The conversion that there always is; a policy may name others (`outcomes.conversions`)."""


class Outcome(Struct, frozen=True):
    """One thing that a person did, credited to one decision.

    `outcome_id` is a hash of decision, kind, cause and revision: a repeat of a record has it again and counts nothing. Of one
    decision, kind and cause the even revisions add (`sign` 1) and the odd ones take back what the one before said (-1).

    `exposed`: it was seen. `ignored`: neither clicked nor dismissed within the reward window. `carted`, `converted`, `refunded`: within
    the window after it was seen or clicked, `share` of the event's whole `value` by the rule of the policy of then (`attribution`); the shares of one event add up to
    1, with the decision NO_DECISION where nothing led to it. `felt`: an opinion from -1 to 1. `visited`: a visit ended; `measures` say how it went (udfs/outcomes/deeds.py).

    Placement and action are those that the first response names; arms and holdout are drawn as the policy of the decision's time draws them, of NO_DECISION as that of the
    event's. `event_id` names the cause (what was ignored and a visit have none), `name` its event by the type that it counts as, or as its sender called it where the policy names that a conversion.
    """

    outcome_id: Name
    kind: OutcomeKind
    sign: Literal[-1, 1]
    revision: Count
    decision_id: Name
    person: Name
    session_id: Name
    event_id: Name
    name: Line
    outcome_ms: Moment
    decided_ms: Moment
    """0 = no decision."""
    exposed_ms: Moment
    """0 = it is not known to have been seen."""
    placement: Name
    channel: Line | None
    action_id: Name
    item_ids: Annotated[tuple[Name, ...], Meta(max_length=ITEMS_PER_EVENT_MAX)]
    """The items that the person acted on; of `exposed` those that were shown."""
    arm: Annotated[dict[Name, Name], Meta(max_length=ARMS_MAX)]
    is_holdout: bool
    policy: Name
    attribution: Name
    share: Chance
    value: Finite
    """The event's amount, of `carted` price x quantity, of `felt` the opinion; 0 where there is none."""
    currency: Line | None
    segments: Annotated[tuple[Name, ...], Meta(max_length=SEGMENTS_MAX)] = ()
    """What the event itself tells of who did it, `country:DE`, `device:phone`, `known:member`; not the policy's own segments, which a profile decides."""
    measures: Annotated[dict[Name, Finite], Meta(max_length=OUTCOME_MEASURES_MAX)] = {}

    @property
    def credit(self) -> float:
        """What it adds to a sum of values."""
        return self.sign * self.share * self.value

    @property
    def count(self) -> float:
        """What it adds to a count of outcomes."""
        return self.sign * self.share
