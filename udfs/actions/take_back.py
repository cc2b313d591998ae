"""Decisions that are taken back because what they rest on is not granted any more: `purged` records, which empty the store."""

from collections.abc import Iterable, Iterator

from schemas import CODE_VERSION
from schemas.decisions import EVERYWHERE, WITHDRAWN_PURPOSES, Decision, Versions
from schemas.policy import NOTHING
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.draw import identify_decision
from udfs.facts.consent import Agreed, Granted, forget_placed

WITHDRAWN: Versions = Versions("none", "none", 0, 0, CODE_VERSION)
"""No policy and no model decided it."""


def take_back(
    state: PersonState, before: Granted, agreed: Agreed, news: SessionNews
) -> Iterator[Decision]:
    """One record for each placement whose decision stands and may not; newer than that and older than what follows.

    `before` was granted until this news. Where something of it is withdrawn, the records name it, and where no decision stood one for
    EVERYWHERE does: so each withdrawal leaves a record. `state.sequence` stays, so what is decided is the same whatever was taken back before it.
    """
    event, lost = news.event, before - agreed.granted
    if event is None or not (state.placed or lost):
        return
    placements = forget_placed(state, agreed.granted, event.event_time_ms)
    yield from purged(state, placements or ([EVERYWHERE] if lost else []), news, lost)


def purged(
    state: PersonState, placements: Iterable[str], news: SessionNews, lost: Granted = frozenset()
) -> Iterator[Decision]:
    """The records that empty these placements; they name what was withdrawn, where something was."""
    event = news.event
    if event is None:
        return
    sequence = max(state.sequence + 1, news.order_ms * 1000)
    for placement in placements:
        yield Decision(
            decision_id=identify_decision(
                news.person, event.session_id, event.event_id, f"purged/{placement}"
            ),
            kind="purged",
            person=news.person,
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
            content={WITHDRAWN_PURPOSES: ", ".join(sorted(lost))} if lost else {},
        )
