"""What the learn job keeps of a person until it is known what came of their decisions, and what they do on its way there.

Stored as arrays, like schemas/state/session.py.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from schemas.codec import StateCodec
from schemas.decisions import ARMS_MAX
from schemas.limits import EXPOSURES_PER_EVENT_MAX
from schemas.numbers import Chance, Finite, Line, Name, Whole
from schemas.outcome_limits import (
    DEEDS_EARLY_MAX,
    OUTCOME_MEASURES_MAX,
    REFUNDS_MAX,
    SEGMENTS_MAX,
    SHOWN_MAX,
    SOLD_MAX,
)
from schemas.outcomes import OutcomeKind

ItemIds = Annotated[tuple[Name, ...], Meta(max_length=EXPOSURES_PER_EVENT_MAX)]
Segments = Annotated[tuple[Name, ...], Meta(max_length=SEGMENTS_MAX)]
Arms = Annotated[dict[Name, Name], Meta(max_length=ARMS_MAX)]


KINDS_TOLD: Final = 4
"""Of a decision: that it was seen, clicked, dismissed, ignored."""
TOLD_MAX: Final = 8 * SHOWN_MAX * (REFUNDS_MAX + 1)
"""Of a purchase with its refunds, by decision; those that were taken back included."""


class Deed(Struct, array_like=True, frozen=True):
    """One thing that a person did which may be an outcome, as its event tells it; `kind` is never `ignored`.

    `decision_id`, `action_id` and `placement` are those that a response names; `decided_ms` is when its session asked for that, in whole seconds, 0 where another one did.
    `number` tells visits of a session apart.
    """

    kind: OutcomeKind
    session_id: Name
    event_id: Name
    name: Line
    time_ms: Whole
    channel: Line | None = None
    decision_id: Name = ""
    action_id: Name = ""
    placement: Name = ""
    item_ids: ItemIds = ()
    value: Finite = 0.0
    currency: Line | None = None
    segments: Segments = ()
    measures: Annotated[dict[Name, Finite], Meta(max_length=OUTCOME_MEASURES_MAX)] = {}
    number: Whole = 0
    decided_ms: Whole = 0


class Facts(Struct, array_like=True, frozen=True):
    """What an outcome says of its decision; the id NO_DECISION: what it would have said of one at that time."""

    decision_id: Name
    decided_ms: Whole
    exposed_ms: Whole
    placement: Name
    action_id: Name
    arm: Arms
    is_holdout: bool
    policy: Name


class Said(Struct, array_like=True, frozen=True):
    """An outcome as it was told last: what takes it back says the same."""

    deed: Deed
    facts: Facts
    kind: OutcomeKind
    attribution: Name = ""
    share: Chance = 1.0


class Told(Struct, array_like=True, frozen=True):
    """The newest revision of one outcome; `said` None: it was taken back."""

    revision: Whole
    said: Said | None


class Shown(Struct, array_like=True):
    """A decision that was seen, clicked or dismissed: the first of each by time.

    `told` by kind. `window_ms` is the reward window of the policy of then; `is_over`: it has passed.
    """

    facts: Facts
    session_id: Name
    window_ms: Whole
    exposed: Deed | None = None
    clicked: Deed | None = None
    dismissed: Deed | None = None
    is_over: bool = False
    told: Annotated[dict[Line, Told], Meta(max_length=KINDS_TOLD)] = field(default_factory=dict)


class Touch(Struct, array_like=True, frozen=True):
    """A decision that may have led to something, and when it was touched."""

    time_ms: Whole
    facts: Facts


class Sold(Struct, array_like=True):
    """A cart or conversion with what may have led to it, by the rule of the policy of then, and what was given back of it.

    `told` by cause and decision.
    """

    deed: Deed
    kind: OutcomeKind
    touch: Name
    attribution: Name
    half_life_ms: Whole
    none: Facts
    touches: Annotated[list[Touch], Meta(max_length=SHOWN_MAX)] = field(default_factory=list)
    refunds: Annotated[list[Deed], Meta(max_length=REFUNDS_MAX)] = field(default_factory=list)
    told: Annotated[dict[Line, Told], Meta(max_length=TOLD_MAX)] = field(default_factory=dict)


class OutcomeMemory(Struct, array_like=True):
    """What is remembered of one person; bounds are in schemas/limits.py, it expires by event time.

    `early`: refunds whose purchase is not known yet.
    """

    last_ms: Whole
    timer_ms: Whole = 0
    shown: Annotated[list[Shown], Meta(max_length=SHOWN_MAX)] = field(default_factory=list)
    sold: Annotated[list[Sold], Meta(max_length=SOLD_MAX)] = field(default_factory=list)
    early: Annotated[list[Deed], Meta(max_length=DEEDS_EARLY_MAX)] = field(default_factory=list)


class SessionShown(Struct, array_like=True):
    """What an open session has seen and clicked, to go with it to who signs in: the newest deeds."""

    deeds: Annotated[list[Deed], Meta(max_length=SHOWN_MAX)] = field(default_factory=list)


OUTCOME_MEMORY: Final = StateCodec(OutcomeMemory, version=1)
SESSION_SHOWN: Final = StateCodec(SessionShown, version=1)
