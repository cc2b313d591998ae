"""What goes over HTTP: the bodies of requests and answers, as msgspec structs. Times in epoch milliseconds.

The OpenAPI document tells them as they stand here, so every bound is told there (`openapi.py`).
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.actions import ActionKind
from schemas.decisions import DecisionItem
from schemas.events import (
    Candidate,
    Consent,
    Context,
    Id,
    Properties,
    Text,
)
from schemas.limits import CANDIDATES_PER_EVENT_MAX, ITEMS_PER_EVENT_MAX, PLACEMENTS_PER_EVENT_MAX
from schemas.outcomes import OutcomeKind

BODY_BYTES_MAX: Final = 1024 * 1024
EVENTS_PER_REQUEST_MAX: Final = 500
LIMIT_MAX: Final = 100
ITEMS_PER_PAGE_MAX: Final = 500
PRODUCTS: Final = 8
BUDGET_MS_MAX: Final = 10_000
IDS_LENGTH_MAX: Final = 8_000
DECISION_ID_PATTERN: Final = "^[A-Za-z0-9_-]+$"

Source = Literal["fresh", "recent", "trending", "default"]
"""The rung of the ladder that an answer is from, best first."""
Reaction = Literal["exposed", "clicked", "dismissed"]
Scalar = str | int | float | bool
BudgetMs = Annotated[int, Meta(ge=0, le=BUDGET_MS_MAX)]


# --- requests ---------------------------------------------------------------------------------------


class RecommendationsRequest(Struct, frozen=True):
    """Which products to show in this session. Events may be sent again and again: they count once."""

    session_id: Id
    current_page: Text | None = None
    anonymous_id: Id | None = None
    person_id: Id | None = None
    events_in_session: Annotated[tuple[Any, ...], Meta(max_length=EVENTS_PER_REQUEST_MAX)] = ()
    """Each an Event; one that is none is rejected, and the others count."""
    placement: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] | None = None
    channel: Text | None = None
    context: Context | None = None
    budget_ms: BudgetMs | None = None


class DecisionsRequest(Struct, frozen=True):
    """What to show in these placements, to a session or a person; or: in which order these candidates.

    `events` are logged first, and the last of them is what is decided on. Of an empty list of candidates nothing is
    chosen; without one, of our own.
    """

    placements: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=PLACEMENTS_PER_EVENT_MAX)]
    session_id: Id | None = None
    person: Id | None = None
    anonymous_id: Id | None = None
    page: Text | None = None
    channel: Text | None = None
    category: Text | None = None
    context: Context | None = None
    consent: Consent | None = None
    properties: Properties = {}
    candidates: (
        Annotated[tuple[Candidate, ...], Meta(max_length=CANDIDATES_PER_EVENT_MAX)] | None
    ) = None
    events: Annotated[tuple[Any, ...], Meta(max_length=EVENTS_PER_REQUEST_MAX)] = ()
    budget_ms: BudgetMs | None = None


class ReactionIn(Struct, frozen=True):
    """What became of a decision in front of the person; without `item_ids`, an exposure is of all of its items."""

    session_id: Id
    anonymous_id: Id | None = None
    item_ids: Annotated[tuple[Id, ...], Meta(max_length=ITEMS_PER_EVENT_MAX)] | None = None
    placement: Id | None = None
    action_id: Id | None = None


class SessionIn(Struct, frozen=True):
    """A session's token so far: whoever shows it keeps the anonymous id."""

    token: Annotated[str, Meta(max_length=2_048)] | None = None


# --- answers ----------------------------------------------------------------------------------------


class AnswerVersions(Struct, frozen=True):
    """What a decision saw; of what the engine did not decide, what the API knows."""

    policy: str
    model: str
    catalogue: int
    knowledge: int
    code: str


class Answer(Struct, frozen=True):
    """What to show in one placement, which rung of the ladder it is from, and why that one."""

    placement: str
    action_id: str
    treatment_id: str
    channel: str | None
    kind: ActionKind
    items: tuple[DecisionItem, ...]
    content: dict[str, str]
    explanation: str
    decision_id: str
    source: Source
    why: str
    versions: AnswerVersions
    valid_until_ms: int
    response_propensity: float | None
    action_probability: float
    arm: dict[str, str]
    is_holdout: bool


class Rejected(Struct, frozen=True):
    """An event that cannot be used: its place in the request, from 0, and why."""

    index: int
    reason: str


class Warned(Struct, frozen=True):
    """A field that was not read, or under another name: the one that was `meant`, as far as that can be told.

    Answers have them only where there are any. `index`: the first event that has it (null: the request itself); `count`: how many have it.
    """

    field: str
    reason: str
    meant: str | None = None
    index: int | None = None
    count: int = 1


class DecisionsAnswer(Struct, frozen=True):
    """One answer for each placement, in the order in which they were asked for.

    `is_logged`: whether Kafka had the request's events by then; where not, send them to `/v1/events` until it has.
    """

    decisions: tuple[Answer, ...]
    rejected: tuple[Rejected, ...] = ()
    is_logged: bool = True
    warnings: tuple[Warned, ...] | UnsetType = UNSET


class Recommendations(Struct, frozen=True):
    """Products for a session, best first. `is_logged`: whether Kafka had the request's events by then."""

    product_ids: tuple[str, ...]
    items: tuple[DecisionItem, ...]
    decision_id: str
    source: Source
    why: str
    explanation: str
    placement: str
    action_id: str
    versions: AnswerVersions
    valid_until_ms: int
    rejected: tuple[Rejected, ...] = ()
    is_logged: bool = True
    warnings: tuple[Warned, ...] | UnsetType = UNSET


class Accepted(Struct, frozen=True):
    """How many events Kafka has, and which it was not given."""

    accepted: int
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[Warned, ...] | UnsetType = UNSET


class SessionOut(Struct, frozen=True):
    """A new session; `token` goes into the header X-Kairos-Session."""

    session_id: str
    anonymous_id: str
    token: str
    warnings: tuple[Warned, ...] | UnsetType = UNSET


class ItemOut(Struct, frozen=True):
    """An item as the catalogue has it now."""

    item_id: str
    name: str | None
    category: str | None
    brand: str | None
    price: float | None
    currency: str | None
    stock: int | None
    tags: tuple[str, ...]
    attributes: dict[str, str]
    text: str | None
    image: str | None


class ItemsOut(Struct, frozen=True):
    """Items of the catalogue; `total` counts all that were found."""

    items: tuple[ItemOut, ...]
    total: int
    warnings: tuple[Warned, ...] | UnsetType = UNSET


class CategoryOut(Struct, frozen=True):
    """A category (a path) and how many items are in it."""

    category: str
    items: int


class CategoriesOut(Struct, frozen=True):
    """All categories, by name."""

    categories: tuple[CategoryOut, ...]


class OutcomeOut(Struct, frozen=True):
    """One thing that came of a decision. `share` of the event's `value` is this decision's, where several led to it; `decided_ms` and `exposed_ms` are 0 where that is not known.

    `kind`: exposed, clicked, dismissed, ignored, carted, converted, refunded, felt. `name`: its event's type, or as the policy names a conversion.
    """

    kind: OutcomeKind
    decision_id: str
    placement: str
    action_id: str
    name: str
    outcome_ms: int
    decided_ms: int
    exposed_ms: int
    item_ids: tuple[str, ...]
    share: float
    value: float
    currency: str | None


class OutcomesOut(Struct, frozen=True):
    """What came of a person's decisions, the newest first."""

    outcomes: tuple[OutcomeOut, ...]


class Problem(Struct, frozen=True, omit_defaults=True):
    """An error, as RFC 9457 has it. Of a 429: how many events were `accepted` (the others are to be sent again)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    accepted: int | None = None
    retry_after_s: int | None = None


class Liveness(Struct, frozen=True):
    """That the process answers at all."""

    is_alive: bool


class Readiness(Struct, frozen=True):
    """Whether the API can decide freshly, and what is in the way."""

    is_ready: bool
    kafka: str
    store: str
    engine: str
    knowledge: str
