"""Lessons: what the learn job keeps per person, and what a session's news sends there before it counts for anybody.

Stored as arrays, like schemas/state/session.py.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from schemas.codec import StateCodec
from schemas.limits import SESSION_FACTS_MAX
from schemas.numbers import Finite, Whole
from schemas.outcome_limits import SHOWN_MAX
from schemas.state.consent import NO_CONSENT, Consent
from schemas.state.outcomes import Deed
from schemas.state.person import Unit
from schemas.state.session import HASH_BYTES

IdHash = Annotated[bytes, Meta(max_length=HASH_BYTES)]
"""Eight bytes that stand for an id; empty = none."""


class ItemFact(Struct, array_like=True, frozen=True):
    """One fact for one item or category.

    `count` raises a count of ItemKnowledge by `weight`; `link` raises the link to `other`. The order of
    facts within an epoch is (order_ms, session_id, position, number). Without a link, `other` is the item that a fact of a category is of.
    """

    kind: Literal["item", "category"]
    item_id: str
    order_ms: Whole
    session_id: str
    position: Whole
    number: Whole
    time_ms: Whole
    count: str = ""
    weight: Finite = 1.0
    link: str = ""
    other: str = ""
    category: str | None = None
    price: Finite | None = None


class ActionFact(Struct, array_like=True, frozen=True):
    """One exposure, click or dismissal of an action, under one of its keys; their order does not matter.

    `spends`: it is of a decision that was made, so an exposure takes from the action's budget.
    """

    key: str
    order_ms: Whole
    time_ms: Whole
    count: str
    spends: bool = True


class SessionFact(Struct, array_like=True, frozen=True):
    """A session has ended and is remembered."""

    session_hash: str
    order_ms: Whole
    ended_ms: Whole
    item_ids: tuple[str, ...]


class Lesson(Struct, array_like=True, frozen=True):
    """What one piece of news teaches, on its way past its person's memory.

    `bought`: the purchase that it is. `touches`: items that an event without proof counts for. `decision`: the one that a
    response names and its session does not know. `asked`: decisions that the person is known to have asked for from now on;
    `moved`: purchases and refunds of a session that is the person's from now on. `consent`: what its visit said by then,
    of a visitor who turns out to be the person where it `is_handover`. `erased_ms`: when the person was erased, where the news is that; `is_listed`: the list of the erased
    names them, so nothing need be remembered. `deeds`: what may be outcomes (udfs/outcomes/); of a handover those of its session so far, which the visitor loses by the
    lesson that says `left`. `anonymous_id`, `is_identified`: whose chance arms are drawn from, by this news. Lessons of a person are taken in the order of (order_ms,
    session_id, position).
    """

    person: str
    order_ms: Whole
    session_id: str
    position: Whole
    actions: tuple[ActionFact, ...] = ()
    items: tuple[ItemFact, ...] = ()
    bought: IdHash = b""
    touches: tuple[str, ...] = ()
    decision: IdHash = b""
    asked: tuple[IdHash, ...] = ()
    moved: Annotated[tuple[IdHash, ...], Meta(max_length=SESSION_FACTS_MAX)] = ()
    ended: SessionFact | None = None
    consent: Consent = NO_CONSENT
    is_handover: bool = False
    erased_ms: Whole = 0
    is_listed: bool = False
    deeds: Annotated[tuple[Deed, ...], Meta(max_length=SHOWN_MAX)] = ()
    anonymous_id: str = ""
    is_identified: bool = False
    left: bool = False


class LearnerMemory(Struct, array_like=True):
    """What the learn job remembers of one person; bounds are in schemas/limits.py, it expires by event time.

    `fact_ids`: purchases and refunds that were counted; `asked`: decisions that were asked for; `touches`: how often events
    without proof counted for an item (by a hash) on `touch_day`; `consent`: what the person said. Nothing of before `erased_ms` is learnt. `unit`: as udfs/actions/draw_unit.py has it.
    """

    last_ms: Whole
    timer_ms: Whole = 0
    fact_ids: bytes = b""
    asked: bytes = b""
    touch_day: Whole = 0
    touches: dict[str, Whole] = field(default_factory=dict)
    consent: Consent = NO_CONSENT
    erased_ms: Whole = 0
    unit: Unit | None = None


ITEM_FACT: Final = StateCodec(ItemFact, version=1)
ACTION_FACT: Final = StateCodec(ActionFact, version=1)
SESSION_FACT: Final = StateCodec(SessionFact, version=1)
LESSON: Final = StateCodec(Lesson, version=1)
LEARNER_MEMORY: Final = StateCodec(LearnerMemory, version=1)
