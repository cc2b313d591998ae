"""Decision: the next best action for one person and placement; DecisionTrace: how it came about."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.limits import (
    ACTIONS_PER_POLICY_MAX,
    CANDIDATES_PER_EVENT_MAX,
    CONTENT_FIELDS_MAX,
    RECORD_TEXT_MAX,
    RETRIEVED_MAX,
)
from schemas.numbers import Chance, Count, Epoch, Finite, Line, Moment, Name, Said, Until, Whole
from schemas.rests_on import RestsOn

DecisionKind = Literal["decided", "void", "purged"]
EVERYWHERE: Final = "*"
"""The placement of a `purged` record of a person of whom no decision stood."""
WITHDRAWN_PURPOSES: Final = "withdrawn"
"""Under this name the content of a `purged` record says which purposes were withdrawn."""
CANDIDATES_MAX: Final = 10 * (CANDIDATES_PER_EVENT_MAX + RETRIEVED_MAX)
"""More than any decision has: what was pinned, and both."""
ACTIONS_MAX: Final = 2 * ACTIONS_PER_POLICY_MAX
ARMS_MAX: Final = 64
Values = Annotated[dict[Line, Said], Meta(max_length=10_000)]


class Versions(Struct, frozen=True):
    """What the decision saw: names of policy and model, times of catalogue and knowledge."""

    policy: Name
    model: Name
    catalogue: Moment
    """Newest `effective_from_ms` among the catalogue's records in force; 0 = empty catalogue."""
    knowledge: Epoch
    """Knowledge epoch; 0 = none."""
    code: Name


class DecisionItem(Struct, frozen=True):
    """One place of the slate, best first; `reason` is one sentence for the person."""

    item_id: Name
    score: Finite
    reason: Said


class Decision(Struct, frozen=True):
    """What a channel shows. It holds no wall-clock time of its own: a replay writes these bytes.

    `sequence` grows per person; `response_propensity` is the chance that the person responds (None: nothing was
    offered), `propensity_source` says where that is from (`model`, `counts`, `prior`); `action_probability` is the
    chance that this action was chosen, after every constraint. `content` are the treatment's texts for the person,
    `rests_on` what they and the items' reasons tell of items.
    `purged`: what was decided for the placement is taken back, since the person does not agree to it any more; it has no trace.
    Its content names the purposes that were withdrawn; where nothing stood, its placement is EVERYWHERE.
    `void`: likewise, of a visitor because somebody has signed in, or of a person because a visitor was split from them (docs/decisions.md).
    `is_merging`: somebody has just signed in, and what their visitor did is not in it yet.
    """

    decision_id: Name
    kind: DecisionKind
    person: Name
    session_id: Name
    event_id: Name
    event_time_ms: Moment
    placement: Name
    channel: Line | None
    action_id: Name
    treatment_id: Name
    items: Annotated[tuple[DecisionItem, ...], Meta(max_length=CANDIDATES_MAX)]
    priority: Finite
    response_propensity: Chance | None
    action_probability: Chance
    arm: Annotated[dict[Name, Name], Meta(max_length=ARMS_MAX)]
    is_holdout: bool
    is_merging: bool
    explanation: Said
    versions: Versions
    sequence: Count
    sent_at_ms: Whole | None
    valid_until_ms: Until
    content: Annotated[dict[Line, Said], Meta(max_length=CONTENT_FIELDS_MAX)] = {}
    propensity_source: Name = ""
    rests_on: Annotated[tuple[RestsOn, ...], Meta(max_length=CANDIDATES_MAX)] = ()


class TracedCandidate(Struct, frozen=True):
    """One candidate's way: where it came from, what became of it, by which rule, on what values."""

    item_id: Name
    source: Line
    verdict: Literal["chosen", "not_chosen", "suppressed"]
    rule: Said
    values: Values
    score: Finite


class TracedAction(Struct, frozen=True):
    """One action's way: excluded at a stage by a rule on what it saw, or competing with a priority.

    Priority = propensity x context weight x value x lever; `probability` is the chance that it had to be chosen.
    """

    action_id: Name
    treatment_id: Name
    verdict: Literal["chosen", "not_chosen", "excluded"]
    stage: Name
    rule: Said
    values: Values
    propensity: Chance
    propensity_source: Name
    context_weight: Finite
    value: Finite
    lever: Finite
    priority: Finite
    probability: Chance


class LeftOut(Struct, frozen=True):
    """What a trace would have held and had no room for (`RECORD_BYTES_MAX`, or what the topic takes).

    `features`: bytes, always all of them; of candidates and actions those that were not chosen go first,
    the last of them before the others.
    """

    features: Count = 0
    candidates: Count = 0
    actions: Count = 0


class DecisionTrace(Struct, frozen=True):
    """Everything needed to explain a decision.

    `features` are little-endian float32, one row of the `feature_set` per candidate in the order of `candidates`, NaN =
    missing; kept as bytes, and of a share of the decisions (`KAIROS_TRACE_SHARE`). `matrix_digest` is of those that the
    scorer read; b"" in traces of before, and where nothing was ranked. `candidates` are the
    items that were looked at for a slate, `actions` what competed, in the order of their ids. `left_out`: what is
    not here, because the record would have been too large; None = nothing.
    """

    decision_id: Name
    person: Name
    session_id: Name
    event_id: Name
    event_time_ms: Moment
    placement: Name
    sequence: Count
    versions: Versions
    feature_set: Name
    features: Annotated[bytes, Meta(max_length=10 * RECORD_TEXT_MAX)]
    candidates: Annotated[tuple[TracedCandidate, ...], Meta(max_length=CANDIDATES_MAX)]
    draw: Chance
    actions: Annotated[tuple[TracedAction, ...], Meta(max_length=ACTIONS_MAX)] = ()
    left_out: LeftOut | None = None
    matrix_digest: Annotated[bytes, Meta(max_length=64)] = b""
