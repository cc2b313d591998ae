"""Somebody wants to be forgotten: what the session step empties, and whom it tells.

A browser's key alone reaches its own visit and visitor; a person only where the door has proven that it is theirs
(`Event.person_id`) and the session has said so before. A server's event names whom it means.
"""

from schemas.events import ERASURE_REQUESTED, KEEPS, VISITOR, Event
from schemas.limits import SESSION_GAP_MS
from schemas.records import LogRecord
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews, SessionState
from udfs.knowledge.erasures import Erasures
from udfs.results import Output, Result, SessionResult
from udfs.session.deduplicate import hash_of, remember
from udfs.session.follow_identity import claim_own, forget_gifts


def is_erased(state: SessionState | None, event: Event, erasures: Erasures) -> bool:
    """Whether the event is of before an erasure of its session, or of whose it is: it is dropped."""
    if state is None:
        return erasures.drops(event, None)
    is_before = event.event_time_ms <= state.erased_ms
    if is_before and event.event_type != ERASURE_REQUESTED:
        return True
    return erasures.drops(event, state.person if state.is_identified else None)


def erase_session(
    before: SessionResult, state: SessionState, record: LogRecord, event: Event, erasures: Erasures
) -> SessionResult:
    """The session without what it knew of whom `event` erases; each of these is told. Their open visit teaches nothing.

    Nothing is left of the session where they are on the list of the erased: what comes again of it is dropped by that.
    """
    who, time_ms = erased_by(state, event), event.event_time_ms
    owner = state.person, state.is_identified
    state.newest_ms, state.kept_until_ms = max(state.newest_ms, time_ms), 0
    state.seen, _ = remember(state.seen, hash_of(event.event_id), state.newest_ms)
    empty = SESSION_CONTEXT.encode(SessionContext(state.session_count, time_ms, time_ms))
    news: list[Output] = []
    for person, is_member in who:
        awaits: tuple[bytes, ...] = ()
        if (
            is_member
        ):  # with what may still lie of them where people were before they had a place of their own
            claim = claim_own(state, event, person)
            news.append(claim)
            awaits = (claim.transfer_id,)
            if (event.anonymous_id, False) not in who:
                news.append(forget_gifts(state, event, person))
        state.position += 1
        told = SessionNews(
            "event", person, state.newest_ms, event.session_id, state.position, event, empty,
            partition=record.partition, offset=record.offset, is_member=is_member, awaits=awaits,
        )  # fmt: skip
        news.append(told)
    outputs, counts = (*before.outputs, *news), (*before.counts, "events", "erasures")
    if not event.is_unproven and owner not in who:
        return Result(state, outputs, state.timer_ms, counts)
    if erasures.is_erased("person", state.person, time_ms):
        return Result(None, outputs, None, counts)
    _empty(state, event, is_known=owner not in who)
    return Result(state, outputs, state.timer_ms, counts)


def erased_by(state: SessionState, event: Event) -> list[tuple[str, bool]]:
    """Whom an erasure means, each with whether they have signed in: people, and the visitor."""
    signed_in = state.person if state.is_identified else None
    if event.is_unproven:
        person = signed_in if event.person_id == signed_in else None
    else:
        person = event.person_id or signed_in
    visitor = None if event.properties.get(KEEPS) == VISITOR else event.anonymous_id
    meant = ((person, True), (visitor, False))
    return [(name, is_member) for name, is_member in meant if name is not None]


def _empty(state: SessionState, event: Event, *, is_known: bool) -> None:
    """Leaves what keeps order, and who the visitor is from now on."""
    state.context, state.touches, state.closed_ms = b"", {}, 0
    state.erased_ms = max(state.erased_ms, event.event_time_ms)
    state.anonymous_id = event.anonymous_id
    state.is_identified = state.is_identified and is_known
    state.has_claimed = state.has_claimed and state.is_identified
    if not state.is_identified:
        state.person = event.anonymous_id
    state.timer_ms = state.newest_ms + SESSION_GAP_MS
