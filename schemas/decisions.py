"""Decision: the next best action for one person and placement; DecisionTrace: how it came about."""

from typing import Literal

from msgspec import Struct

DecisionKind = Literal["decided", "void", "purged"]


class Versions(Struct, frozen=True):
    """What the decision saw: names of policy and model, times of catalogue and knowledge."""

    policy: str
    model: str
    catalogue: int
    """Newest `effective_from_ms` among the catalogue's records in force; 0 = empty catalogue."""
    knowledge: int
    """Knowledge epoch; 0 = none."""
    code: str


class DecisionItem(Struct, frozen=True):
    """One place of the slate, best first; `reason` is one sentence for the person."""

    item_id: str
    score: float
    reason: str


class Decision(Struct, frozen=True):
    """What a channel shows. It holds no wall-clock time of its own: a replay writes these bytes.

    `sequence` grows per person; `response_propensity` is the chance that the person responds (None: nothing was
    offered), `propensity_source` says where that is from (`model`, `counts`, `prior`); `action_probability` is the
    chance that this action was chosen, after every constraint. `content` are the treatment's texts for the person.
    """

    decision_id: str
    kind: DecisionKind
    person: str
    session_id: str
    event_id: str
    event_time_ms: int
    placement: str
    channel: str | None
    action_id: str
    treatment_id: str
    items: tuple[DecisionItem, ...]
    priority: float
    response_propensity: float | None
    action_probability: float
    arm: dict[str, str]
    is_holdout: bool
    is_merging: bool
    explanation: str
    versions: Versions
    sequence: int
    sent_at_ms: int | None
    valid_until_ms: int
    content: dict[str, str] = {}
    propensity_source: str = ""


class TracedCandidate(Struct, frozen=True):
    """One candidate's way: where it came from, what became of it, by which rule, on what values."""

    item_id: str
    source: str
    verdict: Literal["chosen", "not_chosen", "suppressed"]
    rule: str
    values: dict[str, str]
    score: float


class TracedAction(Struct, frozen=True):
    """One action's way: excluded at a stage by a rule on what it saw, or competing with a priority.

    Priority = propensity x context weight x value x lever; `probability` is the chance that it had to be chosen.
    """

    action_id: str
    treatment_id: str
    verdict: Literal["chosen", "not_chosen", "excluded"]
    stage: str
    rule: str
    values: dict[str, str]
    propensity: float
    propensity_source: str
    context_weight: float
    value: float
    lever: float
    priority: float
    probability: float


class DecisionTrace(Struct, frozen=True):
    """Everything needed to explain a decision.

    `features` are little-endian float32, one row of `feature_names` per candidate in the order of
    `candidates`, NaN = missing; kept as bytes because a trace is written for every decision. `candidates` are the
    items that were looked at for a slate, `actions` what competed, in the order of their ids.
    """

    decision_id: str
    person: str
    session_id: str
    event_id: str
    event_time_ms: int
    placement: str
    sequence: int
    versions: Versions
    feature_set: str
    features: bytes
    candidates: tuple[TracedCandidate, ...]
    draw: float
    actions: tuple[TracedAction, ...] = ()
