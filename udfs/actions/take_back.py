"""Decisions that are taken back, by records that empty the store: `purged` ones rest on what is not granted any more, `void` ones are
those of a visitor who has signed in, or of a person who turns out not to have been the visitor.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from schemas import CODE_VERSION
from schemas.decisions import (
    EVERYWHERE,
    WITHDRAWN_PURPOSES,
    Decision,
    DecisionKind,
    Versions,
)
from schemas.events import ANALYTICS, PERSONALISATION, PROFILING, Event
from schemas.policy import NOTHING
from schemas.state.consent import Consent, Placed
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.draw import identify_decision
from udfs.facts.consent import (
    EVERYTHING,
    Granted,
    agreed,
    forget_placed,
)

WITHDRAWN: Versions = Versions("none", "none", 0, 0, CODE_VERSION)
"""No policy and no model decided it."""
KEPT_BY: Final[Granted] = frozenset({PERSONALISATION, ANALYTICS, PROFILING})
"""By these something of a person is kept or learnt; the other purposes let somebody be written to."""
NOTHING_LOST: Final[Granted] = frozenset()


def take_back(
    state: PersonState, before: Consent | None, assumed: Granted, news: SessionNews
) -> Iterator[Decision]:
    """One `purged` record for each placement whose decision stands and may not; newer than that and older than what follows.

    `before` is what had been said of consent until this news (None: the person was not known). The records name what was granted by it and is not any
    more; where no decision stood one for EVERYWHERE does, so each withdrawal leaves a record. Of what was only assumed that is one of
    KEPT_BY. `state.sequence` stays, so what is decided is the same whatever was taken back before it.
    """
    event = news.event
    if event is None or (before is state.consent and not state.placed):
        return
    granted = agreed(state.consent, assumed).granted
    lost = agreed(before, assumed).granted - granted if before is not None else NOTHING_LOST
    placements = forget_placed(state, granted, event.event_time_ms)
    if not placements and before is not None and lost & _withdrawable(before):
        placements = [EVERYWHERE]
    yield from purged(state, placements, news, lost)


def _withdrawable(before: Consent) -> Granted:
    """What it is a withdrawal to take back: whoever answers for the first time withdraws no more than data was kept by."""
    is_said = before.purposes is not None and not before.is_assumed
    return EVERYTHING | KEPT_BY if is_said else KEPT_BY


def purged(
    state: PersonState, placements: Iterable[str], news: SessionNews, lost: Granted = NOTHING_LOST
) -> Iterator[Decision]:
    """The records that empty these placements; they name what was withdrawn, where something was."""
    event = news.event
    if event is None:
        return
    sequence = max(state.sequence + 1, news.order_ms * 1000)
    content = {WITHDRAWN_PURPOSES: ", ".join(sorted(lost))} if lost else {}
    for placement in placements:
        made = _taken_back("purged", news.person, placement, event, sequence)
        yield replace(made, content=content)


def take_all_back(state: PersonState, claim: Claim) -> Iterator[Decision]:
    """One `void` record for each placement of the visitor whose decision stands."""
    event = claim.event
    sequence = max(state.sequence + 1, claim.order_ms * 1000)
    for placement, one in state.placed.items():
        if one.valid_until_ms > event.event_time_ms:
            yield _taken_back("void", claim.person, placement, event, sequence)


def take_back_split(
    placed: dict[str, Placed], own: dict[str, Placed], transfer: Transfer, sequence: int
) -> Iterator[Decision]:
    """One `void` record for each placement whose decision stands and was made since the person was joined with what is undone now."""
    event = transfer.event
    if event is None:
        return
    for placement, one in placed.items():
        if one.valid_until_ms > event.event_time_ms and own.get(placement) != one:
            yield _taken_back("void", transfer.person, placement, event, sequence)


def _taken_back(
    kind: DecisionKind, person: str, placement: str, event: Event, sequence: int
) -> Decision:
    return Decision(
        decision_id=identify_decision(
            person, event.session_id, event.event_id, f"{kind}/{placement}"
        ),
        kind=kind,
        person=person,
        session_id=event.session_id,
        event_id=event.event_id,
        event_time_ms=event.event_time_ms,
        placement=placement,
        channel=None,
        action_id=NOTHING,
        treatment_id="none",
        items=(),
        priority=0.0,
        response_propensity=None,
        action_probability=1.0,
        arm={},
        is_holdout=False,
        is_merging=False,
        explanation="",
        versions=WITHDRAWN,
        sequence=sequence,
        sent_at_ms=event.sent_at_ms,
        valid_until_ms=event.event_time_ms,
    )
